"""Try the operator station on the fake plant: ``python -m tests.support.try_hmi --page trend --screenshot x.png``."""

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path

from dcs.bus.api import Bus
from dcs.bus.memory import MemoryHub
from dcs.core.clock import WallClock
from hmi.app import run
from tests.support.fake_plant import PLANT, FakePlant

DISPLAYS = Path(__file__).resolve().parents[2] / "configs" / "quadruple_tank" / "displays"


class BackdatedClock(WallClock):
    """A wall clock whose UTC can run behind, to fill the history with an hour that has not passed."""

    def __init__(self) -> None:
        self.shift_ns = 0

    def time_ns(self) -> int:
        return super().time_ns() + self.shift_ns


def fake_factory(prepare: "Callable[[FakePlant], None] | None" = None, history_s: int = 0, period_s: float = 1.0):
    """A bus factory whose bus has a fake plant on it; ``history_s`` of it is published at once, back-dated."""
    keep: list[object] = []

    async def connect() -> Bus:
        hub, clock = MemoryHub(), BackdatedClock()
        plant = FakePlant(hub.connect("plant"), clock, period_s=period_s)
        if prepare is not None:
            prepare(plant)
        keep.append(asyncio.get_running_loop().create_task(_play(plant, clock, history_s)))
        return hub.connect("hmi")

    return connect


async def _play(plant: FakePlant, clock: BackdatedClock, history_s: int) -> None:
    serving = asyncio.get_running_loop().create_task(plant.run())
    await asyncio.sleep(0.5)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    steps = int(history_s / plant.period_s)
    for left in range(steps, 0, -1):
        clock.shift_ns = -round(left * plant.period_s * 1e9)
        plant.step()
        plant.publish()
        if left % 100 == 0:
            await asyncio.sleep(0.002)
    clock.shift_ns = 0
    await plant.run()


def story(plant: FakePlant, end: int) -> None:
    """An eventful hour that ends with an unacknowledged high level, an acknowledged and a returned alarm."""

    def at(before_end: int, act: Callable[[FakePlant], None]) -> None:
        plant.script[end - before_end] = act

    def set_point(loop: str, value: float) -> Callable[[FakePlant], None]:
        def act(p: FakePlant) -> None:
            p.loops[loop].sp = value
            p.emit("operator", f"{loop}.SP", f"set to {value:g} cm", user="operator", station="HMI-1", new=value)

        return act

    def leak(tank: int, hole_cm2: float) -> Callable[[FakePlant], None]:
        return lambda p: p.leak_cm2.__setitem__(tank, hole_cm2)

    def valve(name: str, value: float) -> Callable[[FakePlant], None]:
        return lambda p: p.valve.__setitem__(name, value)

    def acknowledge(index: int) -> Callable[[FakePlant], None]:
        def act(p: FakePlant) -> None:
            state = int(p.alarms[index]["state"])
            p.alarms[index]["state"] = {1: 2, 3: 0}.get(state, state)

        return act

    at(3300, set_point("LIC-101", 14.0))
    at(2800, set_point("LIC-102", 11.0))
    at(2300, valve("V-101", 62.0))
    at(1900, set_point("LIC-101", 12.0))
    at(1500, valve("V-101", 70.0))
    at(1200, leak(0, 0.02))
    at(800, leak(0, 0.0))
    at(500, set_point("LIC-101", 15.7))
    at(360, set_point("LIC-102", 13.5))
    at(230, valve("V-102", 46.0))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", default="")
    parser.add_argument("--faceplate", default="")
    parser.add_argument("--theme", default="light")
    parser.add_argument("--screenshot", type=Path)
    parser.add_argument("--after", type=float, default=8.0)
    parser.add_argument("--history", type=int, default=0)
    parser.add_argument("--period", type=float, default=1.0)
    parser.add_argument("--size", default="1600x900")
    given = parser.parse_args()
    width, height = (int(part) for part in given.size.split("x"))

    def prepare(plant: FakePlant) -> None:
        if given.history:
            story(plant, given.history)

    return run(
        fake_factory(prepare, given.history, given.period),
        PLANT,
        displays=DISPLAYS,
        theme=given.theme,
        page=given.page,
        faceplate=given.faceplate,
        station_name="HMI-1",
        screenshot=given.screenshot,
        after_s=given.after,
        size=(width, height),
    )


if __name__ == "__main__":
    raise SystemExit(main())
