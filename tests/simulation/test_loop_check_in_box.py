"""A loop check of a real plant in the box: through controllers, gate and journal; an abort gives everything back."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from dcs.bus.messages import EVENT_STREAM, Event
from dcs.cli.client import PlantClient
from dcs.cli.device_loop_check import LoopCheckRequest, check_loop, finish
from dcs.core.clock import WallClock
from dcs.core.errors import ConfigError
from dcs.loop_check.record import Record
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from tests.support.boxes import in_box

REQUEST = LoopCheckRequest("quadruple_tank", "FIC-101", man=True, up_only=True, hold_s=3.0, as_json=True)


async def client_of(box: Box) -> PlantClient:
    pairs = {pair.name: list(pair.members) for pair in box.config.controllers}
    return PlantClient(await box.peers.bus("terminal"), replace(box.endpoints, pairs=pairs))


async def state_of(client: PlantClient) -> tuple[str, float]:
    readings = await client.readings()
    return readings["FIC-101.MODE"].shown(), readings["FIC-101.OUT"].value


async def writes_in_journal(client: PlantClient) -> list[tuple[str, object]]:
    entries = [Event.from_bytes(payload) for _, payload in await client.bus.read(EVENT_STREAM, ">", 500)]
    return [(event.subject, event.new) for event in entries if event.kind == "operator"]


def test_a_stroke_goes_through_the_controller_and_every_step_stands_in_the_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story(box: Box, recorder: Recorder) -> tuple[Record, list[tuple[str, object]], str]:
        await box.run_for(60)
        client = await client_of(box)
        record = await check_loop(client, box.clock, REQUEST)
        await box.run_for(20)
        return record, await writes_in_journal(client), (await state_of(client))[0]

    record, journal, mode = in_box(story)
    assert record.all_ok
    assert [row.step_pct for row in record.rows] == [0, 25, 50, 75, 100]
    flow = [row.values[2].value for row in record.rows]
    assert flow == sorted(flow)  # more output, more flow
    assert flow[4] > 30.0
    assert mode == "Cas"
    outputs = [new for subject, new in journal if subject == "FIC-101.OUT"]
    assert outputs[:5] == [0.0, 25.0, 50.0, 75.0, 100.0]
    assert outputs[5] == pytest.approx(record.output_before, abs=0.1)
    assert finish(replace(REQUEST, out=tmp_path, name="A. Ng", verdict="pass"), record, WallClock()) == 0
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("after_s", [0.7, 17.0])
def test_ctrl_c_gives_output_and_mode_back(after_s: float, capsys: pytest.CaptureFixture[str]) -> None:
    async def story(box: Box, recorder: Recorder) -> tuple[Record, tuple[str, float], float, float]:
        await box.run_for(60)
        client = await client_of(box)
        before = (await state_of(client))[1]
        check = asyncio.ensure_future(check_loop(client, box.clock, REQUEST))
        await asyncio.sleep(after_s)
        lowest = (await state_of(client))[1]
        check.cancel()
        record = await check
        await box.run_for(5)
        return record, await state_of(client), before, lowest

    record, (mode, _), before, lowest = in_box(story)
    assert (record.result, record.reason) == ("aborted", "stopped by hand")
    assert record.restored_ok
    assert mode == "Cas"
    if after_s > 10.0:
        assert abs(lowest - before) > 3.0  # it had been stroked
        assert record.output_before == pytest.approx(before, abs=2.0)


def test_a_loop_in_cas_is_refused_without_leave() -> None:
    async def story(box: Box, recorder: Recorder) -> list[tuple[str, object]]:
        await box.run_for(30)
        client = await client_of(box)
        with pytest.raises(ConfigError, match=r"FIC-101 is in Cas.*--man"):
            await check_loop(client, box.clock, replace(REQUEST, man=False))
        return await writes_in_journal(client)

    assert in_box(story) == []
