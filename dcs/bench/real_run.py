"""What a real run costs and how punctual its scans are, with an operator station attached."""

import sys
import time

from dcs.bench.figure import Figure
from dcs.bench.running_plant import running_plant

_SETTLE_S = 5.0
_MEASURED_S = 20.0
FAST = ("scan_classes.loops.period=100ms", "field.devices.RTU-1.poll=100ms", "field.devices.DRV-1.poll=100ms")


def scan_jitter() -> list[Figure]:
    """How late the scans of a 100 ms class start, over the last 100 s at most."""
    with running_plant(*FAST) as plant:
        time.sleep(_SETTLE_S + _MEASURED_S)
        active = next(node for node in plant.status() if node["role"] == "active")
    scan = active["scans"][0]
    return [
        Figure("scan_jitter", "100 ms class, p50", scan["jitter_p50_ms"], "ms"),
        Figure("scan_jitter", "100 ms class, p99", scan["jitter_p99_ms"], "ms", 5.0),
        Figure("scan_jitter", "100 ms class, max since start", scan["jitter_max_ms"], "ms"),
        Figure("scan_jitter", "execution p99", scan["time_p99_ms"], "ms"),
        Figure("scan_jitter", "overruns", scan["overruns"], "scans"),
    ]


def idle_cpu() -> list[Figure]:
    """CPU of an idle demo, all processes, as a share of one core. Linux only."""
    if sys.platform != "linux":
        return []
    with running_plant() as plant:
        time.sleep(_SETTLE_S)
        before, started_s = plant.cpu_s(), time.monotonic()
        time.sleep(_MEASURED_S)
        after, passed_s = plant.cpu_s(), time.monotonic() - started_s
    share = {name: 100.0 * (after[name] - before.get(name, 0.0)) / passed_s for name in after}
    figures = [Figure("idle_cpu", name, pct, "% of a core") for name, pct in share.items()]
    return [*figures, Figure("idle_cpu", "all processes", sum(share.values()), "% of a core", 30.0)]
