"""What is measured for the next scan is known to the standby before it is due, whether the active lives or not."""

from collections.abc import Awaitable, Callable

from dcs.core.clock import NS_PER_S
from dcs.core.simulated_time import SimulatedLoop, run_simulated
from dcs.node.box import Box
from dcs.node.controller import Controller
from field_io.drivers.driver import FieldDriver
from tests.simulation.twin.plant import twin_config

PAIR = "C1"
DUE_S = 40.0
"""A scan of 1 s is due then; its measurements are polled 150 ms before and told 120 ms before."""


def _in_box(story: Callable[[Box, Controller], Awaitable[None]], period_ms: int = 1000) -> None:
    async def told(loop: SimulatedLoop) -> None:
        async with Box(twin_config("quadruple_tank", period_ms), loop, 1) as box:
            await _until(box, DUE_S - 5.0)
            controller = box.config.controller(PAIR)
            standby = box.nodes[next(one for one in controller.members if one != box.active(PAIR))]
            assert isinstance(standby, Controller)
            await story(box, standby)

    run_simulated(told)


async def _until(box: Box, second: float) -> None:
    await box.run_until_ns(round(second * NS_PER_S))


def _drivers(standby: Controller) -> list[FieldDriver]:
    return standby._p.field_side.drivers


def _behind_s(standby: Controller, box: Box) -> float:
    """How old the oldest point is that the standby has polled itself; its health reads are not meant."""
    now_ns = box.clock.time_ns()
    images = [driver.image(0) for driver in _drivers(standby)]
    return max(float((now_ns - image.times_ns).max()) for image in images) / NS_PER_S


def test_a_standby_that_is_told_leaves_the_devices_alone() -> None:
    """Promise (decision 0004): the load of a device is not doubled."""

    async def story(box: Box, standby: Controller) -> None:
        await _until(box, DUE_S + 15.0)
        assert _behind_s(standby, box) >= 20.0

    _in_box(story)


def test_the_standby_measures_when_the_active_died_before_its_polls() -> None:
    """Promise: before the lease has ended, and before the scan is due, the measurements for it are there."""

    async def story(box: Box, standby: Controller) -> None:
        await _until(box, DUE_S - 0.2)
        await box.kill(box.active(PAIR))
        await _until(box, DUE_S - 0.05)
        assert not standby.member.active
        assert _behind_s(standby, box) <= 0.05

    _in_box(story)


def test_a_standby_that_cannot_hear_the_active_measures_for_a_few_scans_only() -> None:
    """Promise: a cut pair link does not make every device answer two controllers for as long as it lasts."""

    async def story(box: Box, standby: Controller) -> None:
        box.peers.pair_links.cut(*box.config.controller(PAIR).members)
        await _until(box, DUE_S - 3.05)
        assert _behind_s(standby, box) <= 1.0, "the active could be dead"
        await _until(box, DUE_S + 15.0)
        assert not standby.member.active
        assert _behind_s(standby, box) >= 12.0

    _in_box(story)
