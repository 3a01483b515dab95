"""Plants in the box for tests."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from dcs.config.find import find_config
from dcs.core.simulated_time import SimulatedLoop, run_simulated
from dcs.node.assembly import load_configuration
from dcs.node.box import Box
from dcs.node.recorder import Recorder

T = TypeVar("T")


def in_box(
    story: Callable[[Box, Recorder], Awaitable[T]],
    *,
    plant: str | Path = "quadruple_tank",
    overrides: tuple[str, ...] = (),
    seed: int = 1,
) -> T:
    """Run ``story(box, recorder)`` with a whole plant in simulated time; returns what it returns."""
    config = load_configuration(find_config(plant), overrides)

    async def main(loop: SimulatedLoop) -> T:
        async with Box(config, loop, seed) as box:
            recorder = Recorder(config.name, await box.peers.bus("recorder"))
            await recorder.start()
            return await story(box, recorder)

    return run_simulated(main)
