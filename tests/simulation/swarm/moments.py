"""Bad moments: somebody switches over, takes the standby out or dies just when a role, a copy or a scan changes.

Called by   tests.simulation.swarm.trouble; the world says when such a moment is there.
Knows       what can be done to the box. Random times alone hit the few milliseconds of a handover once in hours.
"""

from random import Random
from typing import TYPE_CHECKING

from tests.simulation.swarm.world import S, World

if TYPE_CHECKING:
    from tests.simulation.swarm.trouble import Swarm

_OF_A_SCAN = 0.1  # there are many more scans than changes of roles
_ACTS = ("switchover", "switchover", "standby_out", "standby_in", "crash", "pause", "cut")
_WITHIN_S = (0.0, 0.002, 0.02, 0.1)


class Moments:
    """One run's. ``come`` is told of every moment."""

    def __init__(self, world: World, swarm: "Swarm", rng: Random) -> None:
        self._world = world
        self._swarm = swarm
        self._rng = rng

    def come(self, what: str, node: str) -> None:
        """Something has changed at ``node``; maybe somebody acts now, or a few milliseconds later."""
        rng, world = self._rng, self._world
        if rng.random() >= world.drawn.moment * (_OF_A_SCAN if what == "scan" else 1.0):
            return
        act = "switchover" if what == "scan" else rng.choice(_ACTS)
        after_s, seconds = rng.uniform(0.0, rng.choice(_WITHIN_S)), rng.uniform(0.001, 1.0)
        other = rng.choice(world.voters)

        async def now() -> None:
            world.judge.tell("moment", f"{act} after {what} of {node}")
            world.judge.counts["bad moments"] += 1
            if act == "crash":
                await self._swarm.crash(other, seconds)
            elif act == "pause":
                self._swarm.pause(other, seconds * 2.0 * world.timing.promise_ns / S, "pauses")
            elif act == "cut":
                peers = [voter for voter in world.voters if voter != node]
                self._swarm.cut(((node, peers[0]), (peers[0], node)), seconds)
            elif act == "standby_out":
                await self._swarm.take_out(10.0 * seconds)
            else:
                await self._swarm.ask(act)

        world.at(after_s, now)
