"""What one scan costs in the engine alone, beside a plain function call of Python as a yardstick of this machine."""

import statistics
import time

from dcs.bench.figure import Figure
from dcs.config.find import find_config
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine
from dcs.node.assembly import load_configuration

_SCANS = 2000
_RUNS = 5


def scan_cost() -> list[Figure]:
    """Median time of a scan of the quadruple tank, and its ratio to an empty Python call."""
    config = load_configuration(find_config("quadruple_tank"))
    plan = compile_strategy(config.controllers[0].strategy)
    engine = Engine(plan)
    engine.scan(0, 0)

    def empty() -> None:
        pass

    scan_us, call_us = [], []
    for _ in range(_RUNS):
        started_s = time.perf_counter()
        for number in range(_SCANS):
            engine.scan(0, number * 1_000_000_000)
        scan_us.append((time.perf_counter() - started_s) / _SCANS * 1e6)
        started_s = time.perf_counter()
        for _number in range(_SCANS):
            empty()
        call_us.append((time.perf_counter() - started_s) / _SCANS * 1e6)
        engine.take_events()
    blocks = len(config.controllers[0].strategy.blocks)
    median_us = statistics.median(scan_us)
    return [
        Figure("scan_cost", f"one scan of {blocks} blocks", median_us, "µs"),
        Figure("scan_cost", "ratio to an empty Python call", median_us / statistics.median(call_us), "×"),
    ]
