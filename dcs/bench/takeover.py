"""How long the outputs stand still when the active controller is killed, and how far they jump; seen at the devices."""

import asyncio
import statistics

from dcs.bench.figure import Figure
from dcs.bench.machines.field_log import Write, first_of_another, largest_step, pump_demand
from dcs.bench.machines.networks import Loopback
from dcs.bench.machines.plant import Machines, machines
from dcs.bench.real_run import FAST
from dcs.config.find import find_config
from dcs.node.assembly import load_configuration

_KILLS = 10
_RAMP = "control.modules.LIC-101.blocks.pid.sp_rate_up=0.02"
_BEFORE_S, _AFTER_S = 2.0, 1.0


def takeover() -> list[Figure]:
    """``kill -9`` of the active during a setpoint ramp, at 100 ms scans; the killed one is restarted in between."""
    config = load_configuration(find_config("quadruple_tank"), (*FAST, _RAMP))

    async def kills() -> list[tuple[float, float, float]]:
        async with machines(config, Loopback()) as plant:
            return [await _one_kill(plant, number) for number in range(_KILLS)]

    gaps_s, jumps, usual = zip(*asyncio.run(kills()), strict=True)
    return [
        Figure("takeover", "kill to first output of the standby, p50", 1000.0 * statistics.median(gaps_s), "ms"),
        Figure("takeover", f"the same, longest of {_KILLS}", 1000.0 * max(gaps_s), "ms", 250.0),
        Figure("takeover", "largest step of the output at the takeover", max(jumps), "% of span"),
        Figure("takeover", "largest step between two scans before it", max(usual), "% of span"),
    ]


async def _one_kill(plant: Machines, number: int) -> tuple[float, float, float]:
    """(s from the kill to the first output of the other one, step over the takeover in %, largest step before in %)."""
    active, _ = await plant.ready()
    plant.onlooker.station.write("LIC-101.SP", (15.0, 11.0)[number % 2])
    await asyncio.sleep(_BEFORE_S)
    killed_s = plant.kill(active)
    await asyncio.sleep(_AFTER_S)
    writes = plant.log.since(killed_s - _BEFORE_S)
    first = first_of_another(writes, active)
    plant.start(active)
    assert first is not None, "the standby must have written by now"
    before = _demands(writes, float("-inf"), first.time_s)
    after = _demands(writes, first.time_s, float("inf"))
    return first.time_s - killed_s, largest_step([*before[-1:], *after[:2]]), largest_step(before)


def _demands(writes: list[Write], start_s: float, end_s: float) -> list[float]:
    """What was written to pump 1 between two times."""
    wanted = [write for write in writes if start_s <= write.time_s < end_s]
    return [value for write in wanted if (value := pump_demand(write)) is not None]
