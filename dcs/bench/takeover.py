"""How long the outputs stand still when the active controller is killed, and how far they jump; seen at the device."""

import os
import signal
import statistics
import time
from itertools import pairwise

from dcs.bench.figure import Figure
from dcs.bench.real_run import FAST
from dcs.bench.register_watch import RegisterWatch
from dcs.bench.running_plant import RunningPlant, running_plant

_KILLS = 10
_RAMP = "control.modules.LIC-101.blocks.pid.sp_rate_up=0.02"
_READY_S = 60.0


def takeover() -> list[Figure]:
    """``kill -9`` of the active during a setpoint ramp, at 100 ms scans; the killed one is restarted in between."""
    gaps_ms, jumps_pct, usual_pct = [], [], []
    with running_plant(*FAST, _RAMP) as plant:
        for number in range(_KILLS):
            plant.dcs("set", "LIC-101.SP", "15" if number % 2 == 0 else "11")
            time.sleep(2.0)
            gap_s, jump, usual = _one_kill(plant)
            gaps_ms.append(1000.0 * gap_s)
            jumps_pct.append(jump)
            usual_pct.append(usual)
            give_up_s = time.monotonic() + _READY_S
            while not plant.is_ready() and time.monotonic() < give_up_s:
                time.sleep(0.5)
    return [
        Figure("takeover", "kill to first output of the standby, p50", statistics.median(gaps_ms), "ms"),
        Figure("takeover", f"the same, longest of {_KILLS}", max(gaps_ms), "ms"),
        Figure("takeover", "largest step of the output at the takeover", max(jumps_pct), "% of span"),
        Figure("takeover", "largest step between two scans before it", max(usual_pct), "% of span"),
    ]


def _one_kill(plant: RunningPlant) -> tuple[float, float, float]:
    """(s without a new output after the kill, step over the takeover in %, largest step of the second before in %)."""
    nodes = {node["name"]: node for node in plant.status()}
    active = next(node for node in nodes.values() if node["role"] == "active")
    watch = RegisterWatch(nodes["field"]["endpoints"]["DRV-1"])
    time.sleep(1.5)
    killed_s = time.monotonic()
    os.kill(active["pid"], signal.SIGKILL)
    time.sleep(2.0)
    changes = watch.stop()
    at = next(i for i, (time_s, _) in enumerate(changes) if time_s > killed_s + 0.02)
    steps = [abs(later[1] - earlier[1]) for earlier, later in pairwise(changes)]
    return changes[at][0] - killed_s, steps[at - 1], max(steps[: at - 1], default=0.0)
