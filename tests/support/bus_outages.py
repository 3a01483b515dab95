"""What can befall the bus of a running plant, and what must not follow from it.

Used by     system tests and the chaos suite. Real processes on the wall clock; Linux (SIGSTOP).
"""

import asyncio
import json
import os
import re
import signal
import time
from dataclasses import dataclass
from typing import Any

from dcs.bus.messages import EVENT_STREAM
from dcs.bus.nats import connect_nats
from tests.support.processes import wait_until
from tests.support.running_plant import RunningPlant


def servers(plant: RunningPlant) -> dict[str, int]:
    """Process id of each NATS server by the name of its bus node."""
    found = {}
    for name, node in plant.nodes().items():
        match = re.search(r"nats-server, pid (\d+)", node["detail"])
        if match:
            found[name] = int(match[1])
    return found


def leader(plant: RunningPlant) -> str:
    """The bus node whose server leads the stream of events; "" while there is none."""
    url = json.loads((plant.run_dir / "endpoints.json").read_text(encoding="utf-8"))["bus_url"]

    async def ask() -> str:
        bus = await connect_nats(url, "test", 5.0)
        try:
            link = bus._link
            assert link is not None
            info = await link.client.jetstream().stream_info(EVENT_STREAM)
            return str(info.cluster.leader or "") if info.cluster is not None else ""
        finally:
            await bus.close()

    return asyncio.run(ask()).removeprefix("dcs-").rpartition("-")[0]


def kill_leader(plant: RunningPlant) -> str:
    """``kill -9`` the server that leads the events; returns the name of its node, which is started again."""
    name = leader(plant)
    os.kill(servers(plant)[name], signal.SIGKILL)
    return name


def stop_all(plant: RunningPlant, seconds: float) -> None:
    """No server answers for so long: all of them stand still (``kill -STOP``)."""
    pids = servers(plant).values()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@dataclass(frozen=True, slots=True)
class Control:
    """How the pair stands: the holder, its epoch, and what its scans did so far."""

    holder: str
    epoch: int
    scans: int
    overruns: int
    time_s: float

    @classmethod
    def of(cls, plant: RunningPlant) -> "Control":
        """Now."""
        node = plant.active()
        scan = node["scans"][0]
        return cls(node["name"], node["epoch"], scan["scans"], scan["overruns"], node["time_ns"] / 1e9)


def check_control(before: Control, after: Control, period_s: float) -> None:
    """Nobody switched over, no scan was left out."""
    assert (after.holder, after.epoch) == (before.holder, before.epoch)
    expected = (after.time_s - before.time_s) / period_s
    assert after.scans - before.scans >= expected - 2 - (after.overruns - before.overruns)


def events_once(plant: RunningPlant, expected: list[float], within_s: float = 20.0) -> list[dict[str, Any]]:
    """Wait until the journal holds all these new setpoints; every event is there once, those of the pair in order."""

    def journal() -> list[dict[str, Any]]:
        text = plant.dcs("events", "--last", "1000", "--json", code=None)
        return list(json.loads(text)) if text.strip() else []

    def complete() -> bool:
        return [event["new"] for event in journal() if event["kind"] == "operator"] == expected

    wait_until(complete, within_s, f"setpoints {expected} in the journal")
    events = journal()
    ids = [event["id"] for event in events]
    assert len(ids) == len(set(ids)), "an event was stored twice"
    numbers = [int(event["id"].rpartition(":")[2]) for event in events if re.fullmatch(r"C1:\d+", event["id"])]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "an event is missing or out of order"
    return events
