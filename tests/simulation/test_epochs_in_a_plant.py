"""Epochs at the device in the box: takeovers, refusals, rebuilt caches; judged by what the device has recorded."""

import pytest

from dcs.core.clock import NS_PER_S
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from field_io.devices.simulated import SimulatedModbusDevice
from tests.support.boxes import in_box

CHANGE = ("field.devices.DRV-1.write_when=change", "field.devices.DRV-1.repeat=1 s")
OUTPUTS = {"P-101", "P-102", "V-101", "V-102"}


def drives(box: Box, name: str = "DRV-1") -> SimulatedModbusDevice:
    device = next(device for device in box.field.simulation.devices if device.spec.name == name)
    assert isinstance(device, SimulatedModbusDevice)
    assert device.gate is not None
    device.record_writes()
    return device


@pytest.mark.parametrize("overrides", [(), CHANGE], ids=["every scan", "on change"])
def test_a_new_holder_writes_every_output_at_once_with_a_higher_epoch(overrides: tuple[str, ...]) -> None:
    """Promise: whatever the device holds, and however far the next scan is."""

    async def story(box: Box, recorder: Recorder) -> None:
        device = drives(box)
        await box.run_for(30)
        assert device.writes is not None
        before = device.writes[-1]
        old = box.active("C1")
        device.writes.clear()
        await box.kill(old)
        killed_ns = box.field.face.clock.time_ns()
        await box.run_for(10)
        first = [write for write in device.writes if write.peer != old]
        assert {write.point for write in first[:4]} == OUTPUTS
        assert len({(write.device_ns, write.epoch) for write in first[:4]}) == 1, "one request"
        assert first[0].epoch > before.epoch
        assert first[0].time_ns - killed_ns < 1.2 * NS_PER_S
        epochs = [write.epoch for write in device.writes]
        assert epochs == sorted(epochs)
        assert all(write.accepted for write in device.writes)

    in_box(story, overrides=overrides)


def test_a_device_that_knows_a_higher_epoch_makes_the_holder_raise_its_own() -> None:
    """Promise: two scans after the device refused, its outputs are driven again; the pair keeps its holder."""

    async def story(box: Box, recorder: Recorder) -> None:
        device = drives(box)
        await box.run_for(20)
        assert device.gate is not None
        assert device.writes is not None
        holder = box.active("C1")
        device.gate.keep_epoch(1000)
        device.writes.clear()
        await box.run_for(5)
        refused = [write for write in device.writes if not write.accepted]
        taken = [write for write in device.writes if write.accepted]
        assert {write.peer for write in refused} == {write.peer for write in taken} == {holder}
        assert len({write.device_ns for write in refused}) == 1, "once was enough"
        assert {write.epoch for write in taken} == {1001}
        assert taken[0].time_ns - refused[0].time_ns <= 1.1 * NS_PER_S
        assert box.active("C1") == holder
        assert box.controller(holder).member.epoch == 1001
        assert not device.watchdog.record, "its watchdog has not run out meanwhile"

    in_box(story)


def test_a_controller_without_a_standby_raises_its_epoch_as_well() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        device = drives(box, "VP-1")
        await box.run_for(20)
        assert device.gate is not None
        device.gate.keep_epoch(1000)
        await box.run_for(5)
        assert device.gate.epoch == 1001
        name = box.active("C1")
        await box.kill(name)
        await box.start(name)
        await box.run_for(20)
        assert device.gate.epoch == 1002, "what it was raised to is kept over a restart"
        assert device.gate.refused == 1

    in_box(story, plant="device_bench", overrides=("field.devices.VP-1.epoch.address=100",))


def test_without_any_holder_the_outputs_take_their_fail_action_after_two_seconds() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        device = drives(box)
        await box.run_for(20)
        for name in ("C1A", "C1B"):
            await box.kill(name)
        held = device.values(tuple(sorted(OUTPUTS)))
        await box.run_for(10)
        assert device.writes is not None
        last_ns = device.writes[-1].time_ns
        assert [(each.active, each.time_ns - last_ns) for each in device.watchdog.record] == [(True, 2 * NS_PER_S)]
        assert device.values(tuple(sorted(OUTPUTS))) == held, "they hold, for no fail value is configured"

    in_box(story)
