"""The newest lines of the journal for a terminal.

Called by   ``dcs events``.
Knows       the journal, through ``dcs.cli.client``. What is in it and is no event is told, and hides nothing else.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from dcs.bus.journal import Foreign
from dcs.cli.client import PlantClient, print_json, with_plant
from dcs.cli.table import table
from dcs.core.clock import utc_text

_FOREIGN_SHOWN = 5


def show_events(run_dir: Path | None, last: int, as_json: bool) -> int:
    """The events on the standard output; on the other one what else stands in the journal."""

    async def work(client: PlantClient) -> int:
        found, foreign = await client.journal(last)
        if as_json:
            print_json([asdict(event) for event in found])
        elif found:
            rows = [
                [utc_text(e.time_ns), e.kind, e.source, e.subject, e.user, e.text + (" (told late)" if e.late else "")]
                for e in found
            ]
            print(table(["time", "kind", "source", "subject", "user", "what"], rows))
        elif not foreign:
            print("The journal is empty.")
        for line in foreign_lines(foreign):
            typer.echo(line, err=True)
        return 0

    return with_plant(run_dir, work)


def foreign_lines(foreign: Sequence[Foreign]) -> list[str]:
    """What is said of entries that are no events; [] when there are none."""
    if not foreign:
        return []
    many = len(foreign) > 1
    lines = [
        f"{len(foreign)} {'entries' if many else 'entry'} of the journal cannot be understood and "
        f"{'are' if many else 'is'} not shown. Something else writes to this bus, or newer software:"
    ]
    lines += [f"  {one.subject}: {one.why}: {one.beginning}" for one in foreign[-_FOREIGN_SHOWN:]]
    return [*lines, "  …"] if len(foreign) > _FOREIGN_SHOWN else lines
