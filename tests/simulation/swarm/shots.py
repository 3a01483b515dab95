"""One fault in the quiet, on a healthy pair, and a stopwatch: takeover within lease + one scan + messages (S3).

Called by   tests.simulation.swarm.run, before and after the swarm.
Knows       true time and the registers. Every run has one such takeover at least.
"""

from random import Random

from dcs.core.clock import NS_PER_MS
from tests.simulation.swarm.judge import Broken
from tests.simulation.swarm.world import S, World

KINDS = ("killed", "stopped", "isolated", "handover", "hung")
_POLL_NS = 50 * NS_PER_MS  # a new holder that missed a scan waits so long for fresh measurements
_MESSAGES_NS = 10 * NS_PER_MS
_HUNG_SCANS = 3


def bound_ns(world: World, kind: str) -> int:
    """How long devices may wait for an output after the fault: lease + one scan + messages and retries."""
    timing, scan_ns = world.timing, world.scan_ns
    lease_ns = round(timing.promise_ns / (1 - timing.drift)) + 3 * timing.renewal_ns
    found = lease_ns + scan_ns + _POLL_NS + _MESSAGES_NS
    if kind == "hung":  # a scan is called hung when three were missed, and a second
        return found + round((_HUNG_SCANS * scan_ns + S) / (1 - timing.drift))
    return scan_ns + _POLL_NS + _MESSAGES_NS if kind == "handover" else found


async def shoot(world: World, rng: Random, kind: str) -> None:
    """Wait until all is well, do it, judge it, put it right. Raises ``Broken``."""
    await wait_until_whole(world, 60.0, "before a takeover in the quiet")
    await world.run_for(rng.uniform(1.0, 3.0) + rng.random())
    active = world.active()
    if active is None or world.not_whole():
        raise Broken(f"a healthy pair did not stay whole: {world.not_whole()}")
    name = active.face.node
    began_ns = world.loop.now_ns()
    world.judge.counts[f"in the quiet: {kind}"] += 1
    world.judge.tell(name, f"in the quiet: {kind}")
    repair = await _fault(world, name, kind)
    limit_ns = bound_ns(world, kind)
    while world.writes.last_by in (name, "") or world.writes.last_ns < began_ns:
        await world.run_for(0.005 if world.drawn.fast else 0.02)
        if world.loop.now_ns() - began_ns > limit_ns + S:
            break
    gap_ns = world.writes.last_ns - began_ns if world.writes.last_by != name else world.loop.now_ns() - began_ns
    if gap_ns > limit_ns:
        raise Broken(
            f"S3: {name} was {kind} at {began_ns / S:.4f} s; the first output of the other one came "
            f"{gap_ns / NS_PER_MS:.0f} ms later, at most {limit_ns / NS_PER_MS:.0f} ms are promised"
        )
    world.judge.takeover_ms.append(gap_ns / NS_PER_MS)
    await world.run_for(rng.uniform(0.0, 3.0))
    await repair()


async def _fault(world: World, name: str, kind: str):  # type: ignore[no-untyped-def]
    box = world.box

    async def nothing() -> None:
        pass

    async def start() -> None:
        await box.start(name)

    async def thaw() -> None:
        world.loop.thaw(name)

    async def plug() -> None:
        box.peers.pair_links.heal()
        await box.faults().clear_all()

    match kind:
        case "killed":
            await box.kill(name)
            return start
        case "stopped":
            box.freeze(name, 3600.0)
            return thaw
        case "isolated":
            for other in world.voters:
                if other != name:
                    box.peers.pair_links.cut(name, other)
            for cable in box.peers.cables:
                if cable.startswith(f"{name}>"):
                    box.faults().cut(cable)
            return plug
        case "hung":
            box.hang(name, max(20.0, 2.0 * bound_ns(world, "hung") / S))
            return nothing
        case _:
            reply = await box.command(world.pair.name, "switchover", world.pair.name)
            if not reply.ok:
                raise Broken(f"a healthy pair did not switch over: {reply.text}")
            return nothing


async def wait_until_whole(world: World, seconds: float, when: str) -> None:
    """One active, three votes, a ready standby. Raises ``Broken`` with what is missing."""
    waited_s = 0.0
    while reason := world.not_whole():
        if waited_s > seconds:
            raise Broken(f"no life {when}: after {seconds:g} s {reason}")
        await world.run_for(0.25)
        waited_s += 0.25
