"""Runs the trials of the cases on one plant: wait until it is whole, strike, look on, heal.

Called by   ``python -m tests.chaos``, the system test.
Knows       ``Machines``, the cases, the judge.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from dcs.bench.machines.field_log import WINDOW
from dcs.bench.machines.networks import Networks
from dcs.bench.machines.plant import Machines, machines
from dcs.bench.real_run import FAST
from dcs.config.find import find_config
from dcs.core.clock import NS_PER_S
from dcs.core.errors import Missing
from dcs.node.assembly import load_configuration
from dcs.node.warm import ensure_warm
from tests.chaos.cases import NOTHING, TAKEOVER, Case
from tests.chaos.judge import PERIOD_S, Trial, judge

PLANT = "quadruple_tank"
RAMP = "control.modules.LIC-101.blocks.pid.sp_rate_up=0.02"
EPOCHS, PLAIN = f"field.devices.DRV-1.epoch.address={WINDOW}", "field.devices.DRV-1.epoch=null"
_BEFORE_S = 2.0
_RETURN_S = 20.0
_AFTER_S = 1.0
_PATIENCE_S = 3.0
_SETTLED_S = 0.5
_SETPOINTS = (11.0, 15.0)


async def run_cases(
    cases: Sequence[Case],
    trials: int,
    networks: Networks,
    *,
    epochs: bool = False,
    seed: int = 0,
    tell: Callable[[Case, Trial], None] = lambda case, trial: None,
) -> dict[str, list[Trial]]:
    """All trials of all cases, by case; a trial that could not be judged ends the run with ``Missing``."""
    config = load_configuration(find_config(PLANT), (*FAST, RAMP, EPOCHS if epochs else PLAIN))
    ensure_warm(config, lambda text: None)
    random, done = Random(seed), {case.name: list[Trial]() for case in cases}
    async with machines(config, networks) as plant:
        for case in cases:
            for number in range(trials):
                trial = await _one(plant, case, number, random, epochs)
                done[case.name].append(trial)
                tell(case, trial)
    return done


async def _one(plant: Machines, case: Case, number: int, random: Random, epochs: bool) -> Trial:
    await plant.ready()
    plant.events.clear()
    plant.stalls.clear()
    plant.onlooker.station.write("LIC-101.SP", _SETPOINTS[number % 2])
    await asyncio.sleep(_BEFORE_S)
    active, standby = await plant.ready()  # on a busy machine the standby may have been left behind meanwhile
    await asyncio.sleep(random.uniform(0.0, PERIOD_S))
    fault_s = await case.strike(plant, active, standby, random)
    try:
        if case.expects == TAKEOVER:
            await plant.until(lambda: _others(plant, active, fault_s), _PATIENCE_S)
            await asyncio.sleep(_SETTLED_S)  # until the station has seen it
        await asyncio.sleep(max(0.0, fault_s + random.uniform(*case.lasts_s) - plant.now_s()))
        end_s = plant.now_s()
        await heal(plant)
        if case.expects == NOTHING or case.name == "sigstop" or case.name.startswith("isolation"):
            await asyncio.sleep(_AFTER_S)  # does the healing hurt, does an old holder who is back still write?
            end_s = plant.now_s()
    finally:
        await heal(plant)
    writes = plant.log.since(fault_s - _BEFORE_S)
    seen = plant.onlooker.between(fault_s - 2 * PERIOD_S, end_s)
    trial = judge(case, active, fault_s, end_s, [w for w in writes if w.time_s <= end_s], seen, epochs)
    plant.onlooker.forget()
    try:
        await plant.ready(_RETURN_S)
    except Missing:
        plant.start_dead()
        await plant.ready()
    if trial.wrong or (case.limit_s and trial.gap_s > case.limit_s):
        trial = replace(trial, story=_story(plant, fault_s, end_s))
    return trial


def _story(plant: Machines, fault_s: float, end_s: float) -> list[str]:
    """All events since some seconds before the fault, timed from the fault on."""
    monotonic_s = time.time() - plant.now_s()
    told = [
        (event.time_ns / NS_PER_S - monotonic_s - fault_s, f"{event.source} {event.subject}: {event.text}")
        for event in plant.events
    ]
    told += [(at_s - fault_s, f"the relays stood still for {1000 * long_s:.0f} ms") for at_s, long_s in plant.stalls]
    return [f"{at_s:+8.3f} s  {text}" for at_s, text in sorted([*told, (end_s - fault_s, "all is healed")])]


def _others(plant: Machines, active: str, fault_s: float) -> bool:
    return any(write.node != active for write in plant.log.since(fault_s))


async def heal(plant: Machines) -> None:
    """Everything as before: cables whole, processes awake, dead ones started, disks with room."""
    await plant.repair()
    for node in plant.config.nodes:
        plant.make_room(node)
        plant.send(node, signal.SIGCONT)
    plant.start_dead()
