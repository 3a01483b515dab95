"""``dcs abnormal``: what is not as in normal operation, as a table or JSON.

Called by   ``dcs.cli.main``.
Knows       the bus of a running plant; what counts as abnormal is in ``dcs.bus.abnormal``.
"""

import json
from dataclasses import asdict
from pathlib import Path

import typer

from dcs.bus.abnormal import Abnormal, abnormal
from dcs.cli.client import PlantClient, with_plant
from dcs.cli.table import table

NOTHING = "Nothing is forced, simulated, bypassed, in Man or in another mode than the normal one."


def show_abnormal(run_dir: Path | None, as_json: bool) -> int:
    """``dcs abnormal``."""

    async def work(client: PlantClient) -> int:
        found = abnormal(await client.frames())
        if as_json:
            typer.echo(json.dumps([asdict(entry) for entry in found], indent=1, ensure_ascii=False))
        else:
            print(shown(found))
        return 0

    return with_plant(run_dir, work)


def shown(found: list[Abnormal]) -> str:
    """The list for a terminal."""
    if not found:
        return NOTHING
    rows = [[entry.kind, entry.subject, entry.text, entry.tag, entry.description] for entry in found]
    return table(["what", "where", "how", "tag", "description"], rows)
