"""The swarm: troubles of the kinds that a seed has drawn, each at its own random times, until everything heals.

Called by   tests.simulation.swarm.run.
Knows       what can be done to the box. Each kind has its own random numbers, so that without one the others stay.
"""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from dcs.core.errors import DcsError, LinkDown
from dcs.node.assembly import FIELD_NODE
from dcs.node.controller import Controller
from field_io.fault_kinds import DEVICE, LINK
from tests.simulation.swarm.judge import Broken
from tests.simulation.swarm.moments import Moments
from tests.simulation.swarm.world import S, World

_ASKED = {"switchover": "switchovers", "standby_out": "asked to take out", "standby_in": "asked to bring back"}
_BRING_BACK_S = 60.0
_LONGEST_ELECTION_S = 12.0  # 4.5 to 8 s were measured
Trouble = Callable[[Random], Awaitable[None]]


class Swarm:
    """All troubles of one run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._box = world.box
        self._net = world.box.peers.pair_links
        self._promise_s = world.timing.promise_ns / S
        self._changes = 0

    def begin(self) -> None:
        """From now on."""
        drawn, net = self._world.drawn, self._net
        self._world.troubled = self._world.kernel.on = True
        net.jitter_ns, net.loss, net.repeat = round(drawn.jitter_ms * 1e6), drawn.loss, drawn.repeat
        net.tail, net.ancient = drawn.tail, drawn.ancient
        kinds: tuple[tuple[str, float, Trouble], ...] = (
            ("crash", drawn.crash_s, self._crash_one),
            ("pause", drawn.pause_s, self._pause_one),
            ("stop", drawn.stop_s, self._stop_one),
            ("hang", drawn.hang_s, self._hang_one),
            ("cut", drawn.cut_s, self._cut_some),
            ("rolling", drawn.rolling_s, self._roll),
            ("bus", drawn.bus_s, self._lose_bus),
            ("cable", drawn.cable_s, self._spoil_cable),
            ("device", drawn.device_s, self._spoil_device),
            ("switch", drawn.switch_s, self._switch_over),
            ("clock", drawn.clock_step_s, self._step_clock),
            ("change", drawn.change_s, self._change),
            ("field", drawn.field_s, self._crash_field),
            ("reboot", drawn.reboot_s, self._reboot_device),
            ("member", drawn.member_s, self._change_members),
        )
        for name, every_s, trouble in kinds:
            if every_s:
                self._again(drawn.rng(name), every_s, trouble)
        if drawn.moment:
            self._world.moment = Moments(self._world, self, drawn.rng("moment")).come

    def _again(self, rng: Random, every_s: float, trouble: Trouble) -> None:
        async def happen() -> None:
            await trouble(rng)
            self._again(rng, every_s, trouble)

        self._world.at(rng.expovariate(1.0) * every_s, happen)

    async def heal(self) -> None:
        """No more trouble; everything is started again."""
        world, box, net = self._world, self._box, self._net
        world.troubled = world.kernel.on = False
        world.moment = lambda what, node: None
        world.forget_plans()
        net.jitter_ns, net.loss, net.repeat, net.tail, net.ancient = 0, 0.0, 0.0, 0.0, 0.0
        net.heal()
        box.peers.hub.start()
        for name in (*box.config.nodes, "client"):
            box.peers.hub.heal(name)
            world.loop.thaw(name)
        for name in (FIELD_NODE, *world.voters):
            await box.start(name)
        await box.faults().clear_all()
        world.judge.counts["writes sent again by the system"] = world.kernel.repeated
        world.judge.tell("world", "healed")
        await self._bring_back()

    async def _bring_back(self) -> None:
        """A standby that is out comes back when both others answer; it is asked for until then. Raises ``Broken``."""
        world, waited_s = self._world, 0.0
        await world.run_for(1.0)  # what was asked for in the last instant is done by then
        while (active := world.active()) is None or active.member.report().standby == "out":
            if waited_s > _BRING_BACK_S:
                raise Broken(f"no life: {_BRING_BACK_S:g} s after healing the standby is still out of the pair")
            if active is not None:
                await self.ask("standby_in")
            await world.run_for(1.0)
            waited_s += 1.0

    def _note(self, what: str, who: str, text: str) -> None:
        self._world.judge.counts[what] += 1
        self._world.judge.tell(who, text)

    # --- processes ------------------------------------------------------------------------------------------
    async def _crash_one(self, rng: Random) -> None:
        name = rng.choice(self._world.voters)
        down_s = rng.choice((rng.uniform(0.001, 0.03), rng.uniform(0.03, 2.0), rng.uniform(2.0, 15.0)))
        spoil = rng.random() < self._world.drawn.corrupt
        await self.crash(name, down_s, spoil)

    async def crash(self, name: str, down_s: float, spoil: bool = False) -> None:
        """``kill -9``, and a start after a while."""
        if name not in self._box.nodes:
            return
        self._note("crashes", name, f"is killed for {down_s:.3f} s")
        await self._box.kill(name)
        if spoil and self._may_corrupt():
            self._note("records damaged", name, "its voter record is damaged")
            self._box.peers._stores[name].corrupt(self._world.pair.name)

        async def start() -> None:
            self._world.judge.tell(name, "starts")
            await self._box.start(name)

        self._world.at(down_s, start)

    def _may_corrupt(self) -> bool:
        """One lost record at a time: two cannot be rebuilt, which is the stated limit."""
        pair = self._world.pair.name
        for name in self._world.voters:
            store, node = self._box.peers._stores[name], self._box.nodes.get(name)
            record = store._records.get(pair)
            if pair in store._lost or record is None or not record.known:
                return False
            if isinstance(node, Controller) and (node.member._member is None or not node.member._member.voter.known):
                return False
        return True

    async def _pause_one(self, rng: Random) -> None:
        name = rng.choice(self._world.voters)
        self.pause(name, rng.uniform(0.005, 0.4), "pauses")

    async def _stop_one(self, rng: Random) -> None:
        active = self._world.active()
        name = active.face.node if active is not None and rng.random() < 0.5 else rng.choice(self._world.voters)
        self.pause(name, rng.uniform(0.5, 6.0) * self._promise_s, "stops")

    def pause(self, name: str, seconds: float, what: str) -> None:
        """Let a process stand still."""
        if name in self._box.nodes:
            self._note(what, name, f"stands still for {seconds:.3f} s")
            self._box.freeze(name, seconds)

    async def _hang_one(self, rng: Random) -> None:
        name = rng.choice(self._world.pair.members)
        seconds = rng.uniform(1.0, 12.0)
        if name in self._box.nodes:
            self._note("hangs", name, f"its scan hangs for {seconds:.3f} s")
            self._box.hang(name, seconds)

    # --- messages between the voters -----------------------------------------------------------------------
    async def _cut_some(self, rng: Random) -> None:
        a, b, c = rng.sample(self._world.voters, 3)
        seconds = rng.choice((rng.uniform(0.02, 0.5), rng.uniform(0.5, 3.0), rng.uniform(3.0, 10.0)))
        seconds *= max(1.0, self._promise_s)
        one, two, alone = ((a, b),), ((a, b), (b, a)), ((a, b), (b, a), (a, c), (c, a))
        self.cut(rng.choice((one, two, alone)), seconds)
        if self._world.drawn.crash_s and rng.random() < 0.3:  # trouble does not come alone
            name, down_s = rng.choice(self._world.voters), rng.uniform(0.001, 2.0)

            async def then() -> None:
                await self.crash(name, down_s)

            self._world.at(rng.uniform(0.0, 2.0 * self._promise_s), then)

    def cut(self, links: tuple[tuple[str, str], ...], seconds: float) -> None:
        """Directed links between voters, for a while."""
        self._note("cuts", "net", f"cut {', '.join(f'{a}>{b}' for a, b in links)} for {seconds:.3f} s")
        for a, b in links:
            self._net.cut(a, b, one_way=True)

        async def mend() -> None:
            self._net._cut = [link for link in self._net._cut if link not in links]

        self._world.at(seconds, mend)

    async def _roll(self, rng: Random) -> None:
        """One link, then the third node restarts at once and is out of reach for one of the two."""
        a, b, c = rng.sample(self._world.voters, 3)
        self.cut(((a, b), (b, a)), 4 * self._promise_s)
        down_s = rng.uniform(0.0005, 0.2 * self._promise_s)

        async def then() -> None:
            self.cut(((a, c), (c, a)), 2 * self._promise_s)
            await self.crash(c, down_s)

        self._world.at(rng.uniform(0.5, 2.0) * self._promise_s, then)

    # --- bus --------------------------------------------------------------------------------------------------
    async def _lose_bus(self, rng: Random) -> None:
        hub, seconds = self._box.peers.hub, rng.uniform(0.5, 25.0)
        chance = rng.random()
        if chance < 0.3:
            self._stall_bus(rng)
            return
        if chance < 0.65:
            self._note("bus losses", "bus", f"is gone for {seconds:.3f} s")
            hub.stop()

            async def back() -> None:
                hub.start()
        else:
            name = rng.choice((*self._world.pair.members, "client"))
            self._note("bus cables cut", name, f"is off the bus for {seconds:.3f} s")
            hub.cut(name)

            async def back() -> None:
                hub.heal(name)

        self._world.at(seconds, back)

    def _stall_bus(self, rng: Random) -> None:
        """Its cluster elects a leader: live messages pass, nothing becomes durable."""
        seconds, stores = rng.uniform(0.5, _LONGEST_ELECTION_S), rng.random() < 0.5
        self._note("bus elections", "bus", f"stores nothing for {seconds:.3f} s")
        self._box.peers.hub.stall(seconds, stores)

    # --- field ------------------------------------------------------------------------------------------------
    async def _crash_field(self, rng: Random) -> None:
        """The process that hosts the simulated devices: they are all gone, and start as they were in the beginning."""
        seconds = rng.choice((rng.uniform(0.01, 1.0), rng.uniform(1.0, 12.0)))
        if FIELD_NODE not in self._box.nodes:
            return
        self._note("field crashes", FIELD_NODE, f"is killed for {seconds:.3f} s")
        await self._box.kill(FIELD_NODE)

        async def start() -> None:
            self._world.judge.tell(FIELD_NODE, "starts")
            await self._box.start(FIELD_NODE)

        self._world.at(seconds, start)

    async def _reboot_device(self, rng: Random) -> None:
        value = rng.choice((rng.uniform(0.1, 1.0), rng.uniform(1.0, 8.0)))
        chance = rng.random()
        if names := self._subjects(DEVICE, "registers"):
            self._begin(names[int(chance * len(names))], "reboot", value, "device reboots")

    async def _spoil_cable(self, rng: Random) -> None:
        kind, value = rng.choice((("cut", None), ("cut", None), ("latency", 0.2), ("drop", 30.0), ("duplicate", 20.0)))
        await self._spoil(LINK, rng.random(), kind, value, rng.uniform(0.5, 20.0), "cables spoiled")

    async def _spoil_device(self, rng: Random) -> None:
        kind, value = rng.choice((("disconnect", None), ("silent", None), ("latency", 0.3), ("exception", 6.0)))
        await self._spoil(DEVICE, rng.random(), kind, value, rng.uniform(1.0, 20.0), "devices dead")

    def _subjects(self, scope: str, trait: str = "") -> list[str]:
        if FIELD_NODE not in self._box.nodes:
            return []
        found = [one for one in self._box.faults().subjects() if one.scope == scope]
        return [one.name for one in found if not trait or trait in one.traits]

    async def _spoil(
        self, scope: str, chance: float, kind: str, value: float | None, seconds: float, what: str
    ) -> None:
        names = self._subjects(scope)
        if not names:
            return
        name = names[int(chance * len(names))]
        if not self._begin(name, kind, value, what):
            return

        async def mend() -> None:
            if FIELD_NODE in self._box.nodes:
                await self._box.faults().clear(name, kind)
            else:
                self._world.at(0.5, mend)

        self._world.at(seconds, mend)

    def _begin(self, name: str, kind: str, value: float | None, what: str) -> bool:
        faults = self._box.faults()
        target = faults.target(name)
        if kind in target.active or kind not in [one.name for one in target.subject.kinds]:
            return False
        self._note(what, name, f"{kind} {value or ''}")
        faults.begin(name, kind, value)
        return True

    # --- people -----------------------------------------------------------------------------------------------
    async def ask(self, verb: str) -> bool:
        """An operator asks the pair for something; whether it was begun."""
        try:
            async with asyncio.timeout(2.0):
                reply = await self._box.command(self._world.pair.name, verb, self._world.pair.name)
        except (LinkDown, TimeoutError):
            return False
        if reply.ok:
            self._note(_ASKED[verb], "client", reply.text)
        return reply.ok

    async def _switch_over(self, rng: Random) -> None:
        await self.ask("switchover")

    async def _change_members(self, rng: Random) -> None:
        """The standby is taken out for a while; trouble likes to follow."""
        seconds, soon_s = rng.uniform(0.5, 20.0), rng.uniform(0.0, rng.choice((0.01, 0.5)))
        name, down_s = rng.choice(self._world.voters), rng.uniform(0.001, 3.0)
        is_crash = self._world.drawn.crash_s > 0.0 and rng.random() < 0.5
        if not await self.take_out(seconds):
            return

        async def then() -> None:
            await self.crash(name, down_s)

        if is_crash:
            self._world.at(soon_s, then)
            self._world.at(seconds + soon_s, then)

    async def take_out(self, seconds: float) -> bool:
        """The standby is out of the pair for a while; whether that was begun."""
        if not await self.ask("standby_out"):
            return False

        async def back() -> None:
            if not await self.ask("standby_in") and self._world.troubled:
                self._world.at(3.0, back)

        self._world.at(seconds, back)
        return True

    async def _step_clock(self, rng: Random) -> None:
        name = rng.choice(self._world.voters)
        step_ns = round(rng.choice((-1, 1)) * rng.uniform(0.001, 3.0) * S)
        self._note("clock steps", name, f"its UTC steps by {step_ns / S:.3f} s")
        self._box.peers.clocks[name].step_utc(step_ns)

    async def _change(self, rng: Random) -> None:
        """An online change of the alarms; what was set by the operator stays."""
        self._changes += 1
        alarm = next(iter(self._world.pair.strategy.alarms), None)
        if alarm is None:
            return
        override = f"alarms.{alarm.module}.{alarm.kind}.priority={1 + self._changes % 4}"
        try:
            async with asyncio.timeout(8.0):
                replies = await self._box.apply(overrides=(*self._world.config.overrides, override))
        except (LinkDown, DcsError, TimeoutError):
            return
        if all(reply.ok for reply in replies):
            self._note("online changes", "client", "; ".join(reply.text for reply in replies))
