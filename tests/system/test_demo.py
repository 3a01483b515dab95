"""``dcs demo`` as a user starts it: with a past, for exercises."""

import asyncio
import json
from pathlib import Path

import pytest

from dcs.bus.history import HistoryAnswer, HistoryRequest, history_subject
from dcs.bus.messages import Command, Reply, command_subject
from dcs.bus.nats import connect_nats
from tests.support.processes import wait_until
from tests.support.running_plant import RunningPlant, running_plant

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]


def ask(plant: RunningPlant, subject: str, payload: bytes) -> bytes:
    url = json.loads((plant.run_dir / "endpoints.json").read_text(encoding="utf-8"))["bus_url"]

    async def asked() -> bytes:
        bus = await connect_nats(url, "test", 5.0)
        try:
            return await bus.request(subject, payload, 5.0)
        finally:
            await bus.close()

    return asyncio.run(asked())


def test_a_demo_has_a_past_and_its_nodes_may_be_killed_on_command(tmp_path: Path) -> None:
    with running_plant(tmp_path, "demo.past=10 min", demo=True) as plant:
        said = (tmp_path / "launcher.log").read_text(encoding="utf-8")
        assert "Computing the last 10 min (only the first time)" in said
        assert plant.text("LIC-101.MODE") == "Auto"
        assert abs(plant.value("LIC-101.PV") - 12.3) < 0.05
        events = plant.dcs("events")
        assert "goes on from a computed past" in events

        request = HistoryRequest(("LIC-101.PV",), 0, 2**62)
        payload = ask(plant, history_subject("quadruple_tank"), request.to_bytes())
        series = HistoryAnswer.from_bytes(payload).series["LIC-101.PV"]
        assert len(series.time_ns) >= 60
        assert abs(series.values - 12.3).max() < 0.05

        before = plant.active()
        kill = Command("test", "kill", before["name"])
        reply = Reply.from_bytes(ask(plant, command_subject("quadruple_tank", "launcher"), kill.to_bytes()))
        assert reply.ok
        wait_until(plant.ready, 30, "the pair is whole again")
        assert plant.active()["name"] != before["name"]
        assert "is killed on command" in plant.dcs("events")


def test_an_ordinary_run_kills_nothing_on_command_and_computes_no_past(tmp_path: Path) -> None:
    with running_plant(tmp_path) as plant:
        kill = Command("test", "kill", plant.active()["name"])
        reply = Reply.from_bytes(ask(plant, command_subject("quadruple_tank", "launcher"), kill.to_bytes()))
        assert not reply.ok
        assert "--exercises" in reply.text
        assert "Computing" not in (tmp_path / "launcher.log").read_text(encoding="utf-8")
