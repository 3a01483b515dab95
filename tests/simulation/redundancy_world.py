"""A world of two controllers, a witness, clients and a device, in which everything may go wrong at any step.

Called by   tests.simulation.redundancy (many seeds) and the tests.
Knows       the pure protocol only; its own scheduler, clocks, network and disks. One seed is one run, to the bit.

What is judged, by ``Checkers``: one writer and growing epochs (from what leaves a node and what the device accepts, in
real time, never from what controllers believe), no answered command lost, no divergence, and life after healing.
"""

import heapq
from collections.abc import Callable
from random import Random
from typing import Any

from dcs.redundancy.messages import Message
from dcs.redundancy.protocol import PairConfig
from dcs.redundancy.protocol.field_view import NO_VIEW
from dcs.redundancy.protocol.phases import Phase
from dcs.redundancy.timing import LeaseTiming
from tests.simulation.redundancy_checkers import Broken, Checkers, Faults
from tests.simulation.redundancy_hoard import Hoard
from tests.simulation.redundancy_mutant import Mutant
from tests.simulation.redundancy_node import MS, NODES, A, B, Crash, Node, S, W, reaches


class World:
    """The scheduler, the network, the device, the clients and the trouble."""

    def __init__(
        self, seed: int, mutant: Mutant | None = None, faults: Faults | None = None, trace: bool = False
    ) -> None:
        self.seed = seed
        self.rng = Random(seed)
        self.mutant = mutant or Mutant()
        self.timing: LeaseTiming = self.mutant.timing()
        self.config = PairConfig("P", (A, B), W, self.timing)
        self.faults = faults or Faults.swarm(self.rng)
        self.scan_ns = self.rng.choice((20 * MS, 20 * MS, 150 * MS))
        self.shortest_delay_ns = 50_000
        self.longest_delay_ns = self.rng.choice((200_000, 2 * MS))
        self.padding = self.rng.choice((0, 0, 600_000))  # sometimes a copy takes many slices
        self.checkers = Checkers()
        self.now_ns = 0
        self.trace: list[str] | None = [] if trace else None
        self.nodes = {name: Node(self, name) for name in NODES}
        self.device_epoch = 0
        self._queue: list[tuple[int, int, Node | None, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0
        self._cuts: dict[tuple[str, str], int] = {}  # directed link -> until
        self._datagram_cuts: dict[tuple[str, str], int] = {}  # the same, while the ordered stream goes through
        self._stream_ns: dict[tuple[str, str], int] = {}
        self.hoard = Hoard(self.faults.hoard, self.rng)
        self._next_command = 0
        self._healed = False

    # --- scheduler ----------------------------------------------------------------------------------------
    def at(self, node: Node | None, after_ns: int, call: Callable[..., None], *args: Any) -> None:
        self._count += 1
        start_number = node.start_number if node else 0
        heapq.heappush(self._queue, (self.now_ns + after_ns, self._count, node, start_number, call, args))

    def run_until(self, end_ns: int) -> None:
        queue = self._queue
        while queue and queue[0][0] <= end_ns:
            due_ns, _, node, start_number, call, args = heapq.heappop(queue)
            self.now_ns = due_ns
            if node is None:
                call(*args)
                continue
            if not node.is_up or node.start_number != start_number:
                continue
            if node.frozen_until_ns > due_ns:
                self.at(node, node.frozen_until_ns - due_ns, call, *args)
                continue
            self.guarded(node, call, *args)
        self.now_ns = end_ns

    def guarded(self, node: Node, call: Callable[..., None], *args: Any) -> None:
        try:
            call(*args)
        except Crash:
            self.crash(node)

    def step(self, node: Node) -> None:
        """Between any two steps of a node it may pause or die."""
        if self._healed:
            return
        faults, rng = self.faults, self.rng
        if faults.step_pause and rng.random() < faults.step_pause:
            self.freeze(node, max(node.frozen_until_ns, self.now_ns) + rng.randrange(5 * MS, 400 * MS))
        if faults.step_crash and rng.random() < faults.step_crash:
            raise Crash

    def freeze(self, node: Node, until_ns: int) -> None:
        """The node does nothing until then; its clock goes on."""
        self.checkers.counts["pauses"] += 1
        lasts_ns = until_ns - max(self.now_ns, node.frozen_until_ns)
        if lasts_ns > 0:
            node.frozen_until_ns = until_ns
            if self.mutant.clock_stops:
                node.stop_clock(lasts_ns)

    # --- network ------------------------------------------------------------------------------------------
    def _delay_ns(self) -> int:
        if not self._healed and self.faults.tail and self.rng.random() < self.faults.tail:
            return self.rng.randrange(2 * MS, 400 * MS)
        return self.rng.randrange(self.shortest_delay_ns, self.longest_delay_ns)

    def post(self, node: Node, to: str, message: Message, in_order: bool) -> None:
        leaves_ns = max(self.now_ns, node.frozen_until_ns)  # a pause in this step delays what it sends
        link = (node.name, to)
        faults, rng = self.faults, self.rng
        if not self._healed:
            self._late_answers(link, message)
        if self._cuts.get(link, 0) > leaves_ns or (not self._healed and rng.random() < faults.loss):
            return
        if not in_order and self._datagram_cuts.get(link, 0) > leaves_ns:
            return
        arrives_ns = leaves_ns + self._delay_ns()
        if in_order:
            arrives_ns = max(arrives_ns, self._stream_ns.get(link, 0) + 1)
            self._stream_ns[link] = arrives_ns
        receiver = self.nodes[to]
        self.at(None, arrives_ns - self.now_ns, self._arrive, receiver, link, message)
        if self._healed:
            return
        for chance, within_ns in ((faults.repeat, 100 * MS), (faults.ancient, 4 * S)):
            if chance and rng.random() < chance:
                again_ns = arrives_ns + rng.randrange(within_ns)
                self.at(None, again_ns - self.now_ns, self._arrive, receiver, link, message)

    def _late_answers(self, link: tuple[str, str], message: Message) -> None:
        self.hoard.keep(link, message)
        for old_link, old in self.hoard.late_answers(link, message):
            self.checkers.counts["old answers"] += 1
            self.at(None, self._delay_ns(), self._arrive, self.nodes[old_link[1]], old_link, old)

    def _arrive(self, receiver: Node, link: tuple[str, str], message: Message) -> None:
        if receiver.is_up and self._cuts.get(link, 0) <= self.now_ns:
            self.at(receiver, 0, receiver.receive, link[0], message)

    def post_write(self, node: Node, epoch: int) -> None:
        leaves_ns = max(self.now_ns, node.frozen_until_ns)
        self.at(None, leaves_ns + self._delay_ns() - self.now_ns, self._device_receives, node.name, epoch)

    def _device_receives(self, sender: str, epoch: int) -> None:
        if epoch < self.device_epoch and not self.mutant.device_ignores_epochs:
            self.checkers.counts["stale writes refused"] += 1
            node = self.nodes[sender]
            if node.is_up and node.member is not None:
                self.at(node, self._delay_ns(), self._refusal, node, self.device_epoch)
            return
        self.device_epoch = max(self.device_epoch, epoch)
        self.checkers.device_accepts(self.now_ns, epoch)

    def _refusal(self, node: Node, epoch: int) -> None:
        assert node.member is not None
        node.member.device_refused(node.local_ns(), epoch)
        node.arm()

    # --- trouble and clients ------------------------------------------------------------------------------
    def start(self) -> None:
        for node in self.nodes.values():
            self.at(None, self.rng.randrange(50 * MS), self._start, node)
        self.at(None, 0, self._client)
        self.at(None, S, self._heartbeat)
        for every_ns, trouble in (
            (self.faults.crash_every_ns, self._random_crash),
            (self.faults.pause_every_ns, self._random_pause),
            (self.faults.cut_every_ns, self._random_cut),
            (self.faults.rolling_every_ns, self._rolling_trouble),
            (self.faults.switch_every_ns, self._random_switchover),
            (self.faults.field_every_ns, self._random_field),
            (self.faults.members_every_ns, self._random_membership),
            (self.faults.clock_every_ns, self._random_clock),
            (self.faults.hang_every_ns, self._random_hang),
            (self.faults.double_every_ns, self._double_crash),
        ):
            if every_ns:
                self._again(every_ns, trouble)

    def _again(self, every_ns: int, trouble: Callable[[], None]) -> None:
        def happen() -> None:
            if not self._healed:
                trouble()
                self._again(every_ns, trouble)

        self.at(None, round(self.rng.expovariate(1.0) * every_ns), happen)

    def _start(self, node: Node) -> None:
        if not node.is_up:
            node.start()

    def crash(self, node: Node, down_ns: int | None = None) -> None:
        if not node.is_up:
            return
        self.tell(node.name, "crash")
        self.checkers.counts["crashes"] += 1
        node.crash()
        if self.faults.corrupt and self.rng.random() < self.faults.corrupt and self._may_corrupt():
            node.disk_is_corrupt = True
            self.checkers.counts["records corrupted"] += 1
        if down_ns is None:
            down_ns = self.rng.randrange(500_000, self.rng.choice((30 * MS, 900 * MS)))
        self.at(None, down_ns, self._start, node)

    def _may_corrupt(self) -> bool:
        """One lost record at a time: two cannot be rebuilt, which is the stated limit."""
        for node in self.nodes.values():
            part = node.member or node.witness
            voter = part.voter if part else None
            if node.disk_is_corrupt or (node.disk and not node.disk.known) or (voter and not voter.known):
                return False
        return True

    def _random_crash(self) -> None:
        if not self._healed:
            self.crash(self.nodes[self.rng.choice(NODES)])

    def _random_pause(self) -> None:
        node = self.nodes[self.rng.choice(NODES)]
        self.freeze(node, self.now_ns + self.rng.randrange(5 * MS, 400 * MS))

    def _random_cut(self) -> None:
        a, b = self.rng.sample(NODES, 2)
        until_ns = self.now_ns + self.rng.randrange(20 * MS, 1500 * MS)
        links = self.rng.choice(
            (((a, b),), ((a, b), (b, a)), tuple((a, x) for x in NODES) + tuple((x, a) for x in NODES))
        )
        self.checkers.counts["cuts"] += 1
        self._cut(links, until_ns, datagrams_only=self.rng.random() < 0.25)
        if self.faults.crash_every_ns and self.rng.random() < 0.3:  # trouble does not come alone
            self.at(None, self.rng.randrange(300 * MS), self._random_crash)

    def _cut(self, links: tuple[tuple[str, str], ...], until_ns: int, datagrams_only: bool = False) -> None:
        self.tell("net", f"cut {links}{' for datagrams' if datagrams_only else ''} until {until_ns / S:.3f}")
        cuts = self._datagram_cuts if datagrams_only else self._cuts
        for link in links:
            cuts[link] = max(cuts.get(link, 0), until_ns)

    def _rolling_trouble(self) -> None:
        """One link, then the third node restarts at once and is out of reach for one of the two."""
        a, b, c = self.rng.sample(NODES, 3)
        self._cut(((a, b), (b, a)), self.now_ns + 400 * MS)
        self.checkers.counts["rolling troubles"] += 1

        def then() -> None:
            if self._healed:
                return
            self._cut(((a, c), (c, a)), self.now_ns + 200 * MS)
            self.crash(self.nodes[c], self.rng.randrange(500_000, 20 * MS))

        self.at(None, self.rng.randrange(50 * MS, 200 * MS), then)

    def _random_switchover(self) -> None:
        for node in (self.nodes[A], self.nodes[B]):
            if node.is_up and node.member is not None and node.frozen_until_ns <= self.now_ns:
                self.guarded(node, self._switch, node)

    def _switch(self, node: Node) -> None:
        assert node.member is not None
        if node.member.switchover(node.local_ns(), "on command")[0]:
            self.checkers.counts["switchovers begun"] += 1
        node.arm()

    def _random_membership(self) -> None:
        """Take the standby out, or bring it back; trouble likes to follow."""
        self._membership(self.rng.random() < 0.5)
        if self.faults.crash_every_ns and self.rng.random() < 0.5:
            self.at(None, self.rng.randrange(self.rng.choice((3 * MS, 200 * MS))), self._random_crash)

    def _membership(self, may_take_out: bool) -> None:
        for node in (self.nodes[A], self.nodes[B]):
            if node.is_up and node.member is not None and node.member.active and node.frozen_until_ns <= self.now_ns:
                self.guarded(node, self._change_members, node, may_take_out)

    def _change_members(self, node: Node, may_take_out: bool) -> None:
        assert node.member is not None
        if node.member.phase is Phase.SIMPLEX:
            node.member.bring_back(node.local_ns(), "on command")
        elif may_take_out:
            node.member.take_out(node.local_ns(), "on command")
        node.arm()

    def _random_clock(self) -> None:
        self.nodes[self.rng.choice(NODES)].change_rate(1.0 + self.rng.choice((-0.02, 0.0, 0.02)))

    def _random_hang(self) -> None:
        node = self.nodes[self.rng.choice((A, B))]
        node.hung_until_ns = max(node.hung_until_ns, self.now_ns + self.rng.randrange(20 * MS, 600 * MS))
        self.checkers.counts["hangs"] += 1

    def _double_crash(self) -> None:
        """Both controllers at once: what starts next may be older, and what is still under way may be newer."""
        for name in (A, B):
            self.crash(self.nodes[name], self.rng.randrange(500_000, 50 * MS))

    def _random_field(self) -> None:
        node = self.nodes[self.rng.choice((A, B))]
        node.field = self.rng.choice((NO_VIEW, reaches(), reaches(0), reaches(1), reaches(0, 1), reaches(0, 1)))
        self.tell_field()

    def _heartbeat(self) -> None:
        self.tell_field()
        self.at(None, S, self._heartbeat)

    def tell_field(self) -> None:
        """Drivers and members are one process: what they know of the devices is told at once, and every second."""
        for node in (self.nodes[A], self.nodes[B]):
            if node.is_up and node.member is not None and node.frozen_until_ns <= self.now_ns:
                self.guarded(node, node.member.set_field, node.local_ns(), node.field)
                if node.is_up:  # it may have died in this very step
                    node.arm()

    def _client(self) -> None:
        """One command every few ms, to whoever takes it."""
        for name in self.rng.sample((A, B), 2):
            node = self.nodes[name]
            if node.is_up and node.member is not None and node.member.active and node.frozen_until_ns <= self.now_ns:
                node.pending |= 1 << self._next_command
                self._next_command += 1
                break
        self.at(None, self.rng.randrange(60 * MS), self._client)

    def heal(self) -> None:
        """No more trouble; everything is started again."""
        self._healed = True
        self._cuts.clear()
        self._datagram_cuts.clear()
        self.tell("net", "healed")
        for node in self.nodes.values():
            node.frozen_until_ns = min(node.frozen_until_ns, self.now_ns)
            node.hung_until_ns = 0
            node.field = NO_VIEW
        self.tell_field()

    def bring_back(self) -> None:
        """The operator ends the maintenance."""
        self._membership(may_take_out=False)

    def tell(self, who: str, text: str) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.now_ns / S:10.4f} {who}: {text}")

    # --- judgement after healing --------------------------------------------------------------------------
    def is_whole(self) -> bool:
        """One active that all three voters grant, with a ready standby."""
        for node in self.nodes.values():
            member = node.member
            if member is not None and member.active and member.standby_ready and member.granting == 3:
                return True
        return False


def run(
    seed: int,
    mutant: Mutant | None = None,
    trouble_s: float = 16.0,
    faults: Faults | None = None,
    trace: bool = False,
) -> World:
    """One run: trouble, then healing, then life. Raises ``Broken`` with the seed; the world is its ``args[1]``."""
    world = World(seed, mutant, faults, trace)
    try:
        world.start()
        world.run_until(round(trouble_s * S))
        world.heal()
        deadline_ns = world.now_ns + 12 * S
        world.run_until(world.now_ns + 1 * S)  # who was down or had lost the lease is not whole, whatever it thinks
        while not world.is_whole():
            if world.now_ns >= deadline_ns:
                raise Broken("no life: 12 s after healing there is no active with a ready standby and three votes")
            world.run_until(world.now_ns + 50 * MS)
            world.bring_back()
        answered_before = world.checkers.counts["answered"]
        world.run_until(world.now_ns + 1 * S)
        if not world.is_whole() or world.checkers.counts["answered"] == answered_before:
            raise Broken("no life: after healing commands are not answered")
        _check_all_held(world)
        for node in world.nodes.values():
            node.count_transitions()
    except Broken as exc:
        raise Broken(f"seed {seed}: at {world.now_ns / S:.4f} s: {exc}", world) from None
    return world


def _check_all_held(world: World) -> None:
    for node in world.nodes.values():
        if node.member is not None and node.member.active:
            lost = world.checkers.answered & ~node.held
            if lost:
                raise Broken(f"at the end {lost.bit_count()} answered commands are not in the active's state")
