"""The box without messages gives the bytes of the box with messages, and the same faults hit it."""

from pathlib import Path

import pytest

from dcs.core.simulated_time import SimulatedLoop, run_simulated
from dcs.core.status import is_usable
from dcs.node.assembly import load_configuration
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from field_io.drivers.links.direct import DirectLink
from field_io.drivers.links.link import ModbusLink
from field_io.drivers.links.unit_link import UnitLink
from tests.support.command_line import dcs

CONFIGS = Path(__file__).parents[2] / "configs"


def run(plant: str, direct: bool, seconds: float, cut_at_s: float = 0.0) -> tuple[list[bytes], list[tuple[float, int]]]:
    """All frames of a run, and (value, status) of one measurement every ten seconds."""
    config = load_configuration(CONFIGS / plant)
    seen: list[tuple[float, int]] = []
    frames: list[bytes] = []

    async def main(loop: SimulatedLoop) -> None:
        async with Box(config, loop, 5, direct=direct) as box:
            recorder = Recorder(config.name, await box.peers.bus("recorder"))
            await recorder.start()
            device = config.devices[0]
            member = config.controllers[0].members[0]
            driver = next(d for d in box.controller(member)._p.field_side.drivers if d.spec.name == device.name)
            link: ModbusLink = driver._link  # type: ignore[attr-defined]
            assert isinstance(link, DirectLink if direct else UnitLink)
            at_s = 0.0
            while at_s < seconds:
                if cut_at_s and at_s == cut_at_s:
                    box.faults().cut(device.name)
                if cut_at_s and at_s == cut_at_s + 30.0:
                    await box.faults().heal(device.name)
                await box.run_for(10.0)
                at_s += 10.0
                name = next(p.name for p in device.points if p.direction == "in" and p.signal is not None)
                value = driver.read(name, box.peers.clock(member).monotonic_ns())
                seen.append((value.value, value.status))
            await box.run_for(0.123)  # not at an instant at which scans are due
            frames.extend(frame.to_bytes() for frame in recorder.frames)

    run_simulated(main)
    return frames, seen


@pytest.mark.parametrize("plant", ["heated_tank", "quadruple_tank"])
def test_trends_are_those_of_the_box_with_messages_to_the_last_bit(plant: str) -> None:
    with_messages, without = run(plant, False, 120.0)[0], run(plant, True, 120.0)[0]
    assert len(with_messages) > 100
    assert with_messages == without


def test_a_device_that_is_gone_is_bad_and_comes_back() -> None:
    _, seen = run("heated_tank", True, 90.0, cut_at_s=30.0)
    usable = [is_usable(status) for _, status in seen]
    assert usable[:3] == [True] * 3
    assert usable[4:6] == [False] * 2
    assert usable[-2:] == [True] * 2


def test_the_command_has_the_option_and_refuses_what_it_does_not_know() -> None:
    done = dcs("simulate", "heated_tank", "--for", "10 s", "--io", "direct", "--json")
    assert done.code == 0, done.err
    done = dcs("simulate", "heated_tank", "--for", "10 s", "--io", "wire")
    assert done.code == 2
    assert "--io wire: write `memory`" in done.err
