"""``dcs demo --speed N``: the same plant in the box, N times as fast, with an operator station that looks into it.

Knows       what a demo on the wall clock has too: the computed past, the story, killing on command. No network but the
            bridge's; a killed node is started again after the same moment as a supervisor's.
"""

import asyncio
import contextlib
import os

from dcs.cli.options import duration_option, speed_option
from dcs.cli.simulate import Window
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import NS_PER_S, WallClock, sleep
from dcs.core.log import configure_logging
from dcs.core.simulated_time import START_OF_SIMULATION_NS, SimulatedLoop, run_simulated
from dcs.node.assembly import node_kind
from dcs.node.box import Box
from dcs.node.face import NodeFace
from dcs.node.launcher_desk import LAUNCHER, LauncherDesk
from dcs.node.past import Past
from dcs.node.past_store import lay_out

_DAY_S = 86_400.0
_RESTART_S = 2.0
_LOOK_S = 0.5
"""How often, in simulated time, it is asked whether the station is still there."""


def run_paced(config: PlantConfig, past: Past | None, speed_text: str, duration: str | None) -> int:
    """Run until the station is closed, the duration (simulated) is over, or Ctrl-C."""
    speed = speed_option(speed_text)
    seconds = duration_option("--for", duration) / NS_PER_S if duration else 365.0 * _DAY_S
    logs = configure_logging("box", WallClock())
    window = Window(config, speed_text, exercises=True)

    async def main(loop: SimulatedLoop) -> None:
        box = Box(config, loop, config.model.seed)
        if past is not None:
            lay_out(past, config, box.peers.keep, START_OF_SIMULATION_NS)
        window.look_into(box)
        async with box:
            desk = await _open_desk(box)
            watching = loop.create_task(_until_closed(box, window))
            running = loop.create_task(box.run_for(seconds))
            await asyncio.wait({watching, running}, return_when=asyncio.FIRST_COMPLETED)
            for task in (watching, running, desk):
                task.cancel()
            if running.done() and not running.cancelled():
                running.result()

    print(f"{config.title} in the box at {speed_text} times real time. Close the operator station to end.", flush=True)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            run_simulated(main, speed)
    finally:
        window.close()
        logs.close()
    return 0


async def _until_closed(box: Box, window: Window) -> None:
    while window.is_open:
        await sleep(box.clock, _LOOK_S)


async def _open_desk(box: Box) -> "asyncio.Task[None]":
    """The launcher of the box: it kills on command and starts again."""
    kinds = {name: node_kind(box.config, name) for name in box.config.nodes}
    face = NodeFace(box.config.name, LAUNCHER, await box.peers.bus(LAUNCHER), box.clock, os.getpid(), {})
    again: set[asyncio.Task[None]] = set()

    async def restart(node: str) -> None:
        await sleep(box.clock, _RESTART_S)
        await box.start(node)

    async def kill(node: str) -> None:
        await box.kill(node)
        task = box.loop.create_task(restart(node))
        again.add(task)
        task.add_done_callback(again.discard)

    await LauncherDesk(face, kinds, kill, exercises=True).open()
    return box.loop.create_task(face.outbox.run())
