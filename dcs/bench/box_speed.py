"""How fast the box runs: the whole quadruple-tank plant over real Modbus PDUs, one process, one core."""

import statistics
import time

from dcs.bench.figure import Figure
from dcs.config.find import find_config
from dcs.core.simulated_time import SimulatedLoop, run_simulated
from dcs.node.assembly import load_configuration, warm_up
from dcs.node.box import Box
from dcs.node.recorder import Recorder

_SIMULATED_S = 1200.0
_RUNS = 3


def box_speed() -> list[Figure]:
    """Multiple of real time at 1 s scans, events and samples recorded; CPU time, so that a busy machine counts less."""
    config = load_configuration(find_config("quadruple_tank"))
    warm_up(config, lambda text: None)
    cpu, wall = [], []

    async def main(loop: SimulatedLoop) -> None:
        async with Box(config, loop) as box:
            recorder = Recorder(config.name, await box.peers.bus("recorder"))
            await recorder.start()
            await box.run_for(30)
            started_cpu_s, started_s = time.process_time(), time.perf_counter()
            await box.run_for(_SIMULATED_S)
            cpu.append(time.process_time() - started_cpu_s)
            wall.append(time.perf_counter() - started_s)

    for _ in range(_RUNS):
        run_simulated(main)
    return [
        Figure("box_speed", "1 s scans, CPU time", _SIMULATED_S / statistics.median(cpu), "× real time", 500.0, True),
        Figure("box_speed", "1 s scans, wall time", _SIMULATED_S / statistics.median(wall), "× real time"),
    ]
