"""One failure changes nothing (S2): a healthy pair, one fault, and no switchover.

Called by   ``python -m tests.simulation PLANT --single FAULT``, the tests.
Promise     the active stays the active and misses no scan at the registers, the pair is whole again afterwards.
"""

from collections.abc import Awaitable, Callable
from itertools import pairwise
from random import Random

from dcs.core.simulated_time import SimulatedLoop, run_simulated
from dcs.node.replica import DIGEST_PARTS
from tests.simulation.redundancy_mutant import Mutant
from tests.simulation.swarm.campaign import quiet_logs
from tests.simulation.swarm.draw import Drawn
from tests.simulation.swarm.judge import Broken
from tests.simulation.swarm.mutated import mutated
from tests.simulation.swarm.plant import checked_once, overrides_of, plant_config
from tests.simulation.swarm.run import Result, fill, words
from tests.simulation.swarm.shots import wait_until_whole
from tests.simulation.swarm.world import S, World

Fault = Callable[[World, str, str, float], Awaitable[None]]


async def _standby(world: World, active: str, standby: str, seconds: float) -> None:
    await world.box.kill(standby)
    await world.run_for(seconds)
    await world.box.start(standby)


async def _witness(world: World, active: str, standby: str, seconds: float) -> None:
    witness = world.voters[2]
    await world.box.kill(witness)
    await world.run_for(seconds)
    await world.box.start(witness)


async def _witness_restart(world: World, active: str, standby: str, seconds: float) -> None:
    await _witness(world, active, standby, seconds / 1000.0)


async def _pair_link(world: World, active: str, standby: str, seconds: float) -> None:
    world.box.peers.pair_links.cut(active, standby)
    await world.run_for(seconds)
    world.box.peers.pair_links.heal(active, standby)


async def _bus(world: World, active: str, standby: str, seconds: float) -> None:
    world.box.peers.hub.stop()
    await world.run_for(seconds)
    world.box.peers.hub.start()


async def _standby_cable(world: World, active: str, standby: str, seconds: float) -> None:
    cables = [cable for cable in world.box.peers.cables if cable.startswith(f"{standby}>")]
    world.box.faults().cut(cables[0])
    await world.run_for(seconds)
    await world.box.faults().heal(cables[0])


async def _standby_memory(world: World, active: str, standby: str, seconds: float) -> None:
    """A bit of a tuning parameter flips in the standby: it must be seen, and put right by a new copy."""
    engine, before = world.box.controller(standby).replica.engine, world.judge.counts["mismatches"]
    index = next(at for at, record in enumerate(engine.plan.records) if record.type.has("ti_s"))
    engine.memory[8 * engine.plan.word_of(index, "gain") + 62 // 8] ^= 1 << 62 % 8
    world.damaged.add(standby)
    world.judge.tell(standby, "a bit flips in its memory")
    for _ in range(DIGEST_PARTS + 2):  # the part of the memory that it is in is compared once in so many scans
        await world.run_for(world.scan_ns / S)
    if world.judge.counts["mismatches"] == before:
        raise Broken(f"a bit has flipped in the memory of {standby}, and nobody has noticed")
    await wait_until_whole(world, 60.0, "after a bit flipped in the standby")
    world.damaged.clear()


FAULTS: dict[str, Fault] = {
    "standby": _standby,
    "witness": _witness,
    "witness-restart": _witness_restart,
    "pair-link": _pair_link,
    "bus": _bus,
    "standby-cable": _standby_cable,
    "standby-memory": _standby_memory,
}


def run_trials(plant: str, fault: str, trials: int, first: int = 0, jobs: int = 1, per_box: int = 20) -> list[Result]:
    """``trials`` faults of one kind; ``per_box`` of them one after the other on the same pair."""
    with quiet_logs():
        return [run_some(plant, fault, first + at, min(per_box, trials - at)) for at in range(0, trials, per_box)]


def run_some(
    plant: str, fault: str, seed: int, trials: int, fast: bool = False, mutant: Mutant | None = None
) -> Result:
    """Some faults on one pair that becomes whole in between; clocks are wrong by up to 2 %."""
    drawn = Drawn(seed, fast=fast, clock_error=Random(seed).choice((0.0, 0.02)), command_s=2.0)
    config = plant_config(plant, overrides_of(plant, drawn))
    result = Result(seed, plant, drawn=drawn.text(), replay_with=f"--single {fault} --trials {trials} --first {seed}")

    async def main(loop: SimulatedLoop) -> None:
        world = World(drawn, config, loop)
        try:
            async with world.box:
                await world.records.start()
                await wait_until_whole(world, 40.0, "after the start")
                await world.run_for(10.0)
                world.start_client()
                for _ in range(trials):
                    await _trial(world, fault, drawn.rng(fault + str(loop.now_ns())))
        except Broken as exc:
            world.judge.breaks(str(exc))
        except Exception as exc:  # noqa: BLE001  a node died of its own: that is a broken promise as well
            world.judge.breaks(f"a node failed: {words(exc)}")
        finally:
            await world.stop_client()
        fill(result, world.judge)

    with checked_once(), mutated(mutant):
        run_simulated(main)
    return result


async def _trial(world: World, fault: str, rng: Random) -> None:
    await wait_until_whole(world, 60.0, f"before another {fault}")
    await world.run_for(rng.uniform(0.5, 3.0))
    active = world.active()
    assert active is not None
    name, epoch = active.face.node, world.writes.newest
    standby = next(member for member in world.pair.members if member != name)
    world.writes.times_ns.clear()
    await FAULTS[fault](world, name, standby, rng.choice((rng.uniform(0.001, 0.3), rng.uniform(0.3, 20.0))))
    await wait_until_whole(world, 60.0, f"after the fault {fault}")
    await world.run_for(2.0)
    now = world.active()
    if now is not active or world.writes.newest_by.split(".")[0] != name:
        raise Broken(f"S2: {fault} made {name} (epoch {epoch}) lose the outputs to {world.writes.newest_by}")
    longest_ns = max((b - a for a, b in pairwise(world.writes.times_ns)), default=0)
    if longest_ns > 1.5 * world.scan_ns:
        raise Broken(f"S2: {fault} made the outputs wait for {longest_ns / S:.3f} s; a scan is {world.scan_ns / S:g} s")
    world.judge.counts["trials"] += 1
