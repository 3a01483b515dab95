"""The alarm list for a terminal: what stands, most urgent first; what is hidden by design is counted.

Called by   ``dcs alarms``.
Knows       the alarms as the controllers report them, through ``dcs.cli.client``.
"""

from dataclasses import asdict
from pathlib import Path

from dcs.alarms.machine import ACKNOWLEDGED, NORMAL, RETURNED, SUPPRESSED, UNACKNOWLEDGED
from dcs.cli.client import PlantClient, print_json, with_plant
from dcs.cli.table import table
from dcs.core.clock import utc_text

_NO_LIMIT = ("BAD_PV", "ON", "OFF")
"""Kinds whose limit and value say nothing."""
STATES = {
    NORMAL: "normal",
    UNACKNOWLEDGED: "UNACKNOWLEDGED",
    ACKNOWLEDGED: "acknowledged",
    RETURNED: "returned, unacknowledged",
    SUPPRESSED: "suppressed",
}


def show_alarms(run_dir: Path | None, hidden: bool, as_json: bool) -> int:
    """``hidden``: those that are suppressed by design as well (as JSON they always are)."""

    async def work(client: PlantClient) -> int:
        standing = sorted(
            (row for row in await client.alarms() if row[1]),
            key=lambda row: (row[1] == SUPPRESSED, row[1] == ACKNOWLEDGED, row[0].priority, -row[2]),
        )
        if as_json:
            print_json(
                [
                    {**asdict(info), "state": STATES[state], "time": utc_text(time_ns), "value": value}
                    for info, state, time_ns, value in standing
                ]
            )
            return 0
        shown = [row for row in standing if hidden or row[1] != SUPPRESSED]
        rows = [
            [str(info.priority), info.name, STATES[state], utc_text(time_ns),
             f"{value:.4g}" if info.kind not in _NO_LIMIT else "",
             f"{info.limit:g} {info.unit}".strip() if info.kind not in _NO_LIMIT else "", info.description]
            for info, state, time_ns, value in shown
        ]  # fmt: skip
        print(
            table(["prio", "alarm", "state", "since", "value", "limit", "description"], rows) if rows else "No alarms."
        )
        if len(shown) < len(standing):
            print(f"{len(standing) - len(shown)} more suppressed by design: `dcs alarms --hidden` lists them.")
        return 0

    return with_plant(run_dir, work)
