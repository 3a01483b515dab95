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

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.redundancy.messages import Message
from dcs.redundancy.protocol import PairConfig, PairMember, VoterRecord
from dcs.redundancy.protocol.field_view import NO_VIEW, FieldView, device_list
from dcs.redundancy.protocol.phases import Phase
from dcs.redundancy.protocol.witness_voter import WitnessVoter
from dcs.redundancy.timing import LeaseTiming
from tests.simulation.redundancy_checkers import Broken, Checkers, Faults
from tests.simulation.redundancy_hoard import Hoard
from tests.simulation.redundancy_mutant import Mutant

MS, S = NS_PER_MS, NS_PER_S
A, B, W = "A", "B", "W"
NODES = (A, B, W)
STARTS_ALONE_NS = 50 * MS  # a controller that stands alone is active so long after its start
DEVICES = device_list(("RTU-1", "RTU-2"), (True, False))


def reaches(*devices: int) -> FieldView:
    """What a node reaches; it knows all of them."""
    reached = sum(1 << device for device in devices)
    return FieldView(DEVICES, reached, DEVICES.all & ~reached)


class _Crash(Exception):
    """The node dies in the middle of a step."""


class Node:
    """One machine: a clock with its own rate, a disk, and a process that may pause, die and come back."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        # Often at the limits: that is where a lease and a promise come closest.
        self.rate = 1.0 + world.rng.choice((-0.02, 0.02, world.rng.uniform(-0.02, 0.02)))
        self._true_ns = 0  # since when the clock has this rate …
        self._local_ns = world.rng.randrange(10**15)  # … and what it showed then
        self.disk: VoterRecord | None = None
        self.disk_is_corrupt = False
        self.is_up = False
        self.start_number = 0  # of the process; events for an older one are dropped
        self.frozen_until_ns = 0
        self.hung_until_ns = 0  # the scan does not run, everything else does
        self.armed_ns: int | None = None
        self.member: PairMember | None = None
        self.witness: WitnessVoter | None = None
        # the controller
        self.field = NO_VIEW
        self.scan = 0
        self.held = 0  # bit set of the commands in the state
        self.pending = 0
        self.waiting: list[tuple[int, int]] = []  # (scan, commands)

    def local_ns(self) -> int:
        return self._local_ns + round((self.world.now_ns - self._true_ns) * self.rate)

    def change_rate(self, rate: float) -> None:
        """The clock goes on without a step, faster or slower."""
        self._local_ns, self._true_ns = self.local_ns(), self.world.now_ns
        self.rate = rate
        if self.member is not None:
            self.arm()

    def stop_clock(self, lasts_ns: int) -> None:
        """As a guest machine that is stopped: to the node the time never was."""
        self._local_ns -= round(lasts_ns * self.rate)

    # --- life ---------------------------------------------------------------------------------------------
    def start(self) -> None:
        self.is_up = True
        self.start_number += 1
        self.frozen_until_ns = 0
        self.armed_ns = None
        self.scan = self.held = self.pending = 0
        self.waiting = []
        record = None if self.disk_is_corrupt else (self.disk or VoterRecord())
        record = self.world.mutant.loads(record, self.name)
        self.disk_is_corrupt = False
        now_ns = self.local_ns()
        if self.name == W:
            self.witness = WitnessVoter(
                W, self.world.config, record, self.save, self.send, self.event, now_ns, self.world.mutant.voter_class
            )
            return
        incarnation = 0 if record is not None else 10**12 + self.world.now_ns
        self.world.guarded(self, self._build, record, incarnation, now_ns)
        if self.is_up:
            self.arm()
            if record is not None and record.agreed:
                self.world.at(self, STARTS_ALONE_NS, self.check_stands_alone)
            self.world.at(self, self.world.rng.randrange(self.world.scan_ns), self.scan_now)

    def _build(self, record: VoterRecord | None, incarnation: int, now_ns: int) -> None:
        self.member = self.world.mutant.member_class(
            self.world.config, self.name, record, self, self.alive, self.world.rng.random, now_ns, incarnation
        )

    def crash(self) -> None:
        self.is_up = False
        self.count_transitions()
        self.member = None
        self.witness = None

    def count_transitions(self) -> None:
        if self.member is not None:
            self.world.checkers.transitions.update(self.member.life.taken)

    def check_stands_alone(self) -> None:
        assert self.member is not None
        self.world.checkers.counts["starts alone"] += 1
        if not self.member.active:
            raise Broken(f"{self.name}: stood alone before its restart, and is not active at once")

    def alive(self, now_ns: int) -> bool:
        return self.hung_until_ns <= self.world.now_ns

    # --- ports --------------------------------------------------------------------------------------------
    def send(self, to: str, message: Message) -> None:
        self.world.step(self)
        self.world.post(self, to, message, in_order=False)

    def send_mirror(self, message: Message) -> None:
        self.world.step(self)
        self.world.post(self, B if self.name == A else A, message, in_order=True)

    def save(self, record: VoterRecord) -> None:
        self.world.step(self)
        self.disk = record
        self.world.checkers.counts["records saved"] += 1
        self.world.step(self)

    def event(self, text: str) -> None:
        self.world.tell(self.name, text)
        if "excluded" in text:
            self.world.checkers.counts["exclusions"] += 1
        elif "is taken out" in text:
            self.world.checkers.counts["taken out"] += 1
        elif "is back in" in text:
            self.world.checkers.counts["brought back"] += 1
        elif "complete copy" in text:
            self.world.checkers.counts["copies"] += 1
        elif "differs" in text:
            raise Broken(f"{self.name}: the standby's result differs although both compute the same")

    def look(self, devices: int) -> None:
        if self.member is not None:
            self.member.set_field(self.local_ns(), self.field)

    def snapshot(self) -> tuple[int, bytes | memoryview]:
        return self.scan, f"{self.scan} {self.held}".encode() + b" " * self.world.padding

    def restore(self, seq: int, state: bytes | memoryview) -> None:
        self.scan, self.held = map(int, bytes(state).split())
        if seq != self.scan:
            raise Broken(f"{self.name}: a copy of scan {seq} holds scan {self.scan}")

    def execute(self, seq: int, record: bytes) -> bytes:
        self._apply(int(record))
        if seq != self.scan:
            raise Broken(f"{self.name}: repeats scan {seq} as its scan {self.scan}")
        return self._digest(self.scan, self.held)

    def became_active(self, epoch: int, reason: str, cold: bool) -> None:
        self.world.tell(self.name, f"active, epoch {epoch}: {reason}")
        self.world.checkers.holder(self.name, epoch, self.held, cold)
        if reason.startswith("handed over"):
            self.world.checkers.counts["handovers"] += 1
        if not self.world.mutant.first_write_waits:
            self.world.at(self, 0, self.write, True)  # the first write goes out at once

    def became_standby(self, reason: str) -> None:
        self.world.tell(self.name, f"standby: {reason}")
        self.waiting = []
        if reason == "the lease ended":
            self.world.checkers.counts["lease losses"] += 1

    def confirmed(self, seq: int) -> None:
        while self.waiting and self.waiting[0][0] <= seq:
            _, commands = self.waiting.pop(0)
            self.world.checkers.answered |= commands
            self.world.checkers.counts["answered"] += commands.bit_count()

    # --- messages and time --------------------------------------------------------------------------------
    def receive(self, sender: str, message: Message) -> None:
        if self.member is not None:
            self.member.on_message(self.local_ns(), sender, message)
            self.arm()
        elif self.witness is not None:
            self.witness.on_message(self.local_ns(), sender, message)

    def arm(self) -> None:
        assert self.member is not None
        left_ns = self.member.next_due_ns() - self.local_ns()
        due_ns = self.world.now_ns + max(0, int(left_ns / self.rate) + 1)
        if self.armed_ns is None or due_ns < self.armed_ns:
            self.armed_ns = due_ns
            self.world.at(self, due_ns - self.world.now_ns, self.tick, due_ns)

    def tick(self, armed_ns: int) -> None:
        if armed_ns != self.armed_ns or self.member is None:
            return
        self.armed_ns = None
        now_ns = self.local_ns()
        if now_ns >= self.member.next_due_ns():
            self.member.on_time(now_ns)
        self.arm()

    # --- the controller -----------------------------------------------------------------------------------
    def _digest(self, scan: int, held: int) -> bytes:
        return b"%d" % ((scan * 1_000_003 ^ held) & 0xFFFFFFFF)

    def _apply(self, commands: int) -> None:
        self.scan += 1
        self.held |= commands

    def scan_now(self) -> None:
        world, member = self.world, self.member
        assert member is not None
        world.at(self, int(world.scan_ns / self.rate), self.scan_now)
        if member.phase is Phase.SIMPLEX and not self.may_write():
            raise Broken(f"{self.name}: stands alone and may not write")
        if self.hung_until_ns > world.now_ns:
            return
        if not member.active:
            self.pending = 0
            return
        commands, self.pending = self.pending, 0
        self._apply(commands)
        is_open_now = self.may_write()
        if commands:
            self.waiting.append((self.scan, commands))
        digest = self._digest(self.scan, self.held)
        member.submit(self.local_ns(), self.scan, b"%d" % commands, digest)
        self.arm()
        for _ in range(world.scan_ns // (10 * MS)):  # the outputs of one scan, one after the other
            world.at(self, world.rng.randrange(world.scan_ns), self.write, is_open_now)

    def may_write(self) -> bool:
        assert self.member is not None
        is_open, lease_until_ns, _ = self.member.gate
        return is_open and self.local_ns() < lease_until_ns

    def write(self, was_open: bool) -> None:
        assert self.member is not None
        is_open = was_open if self.world.mutant.checks_early else self.may_write()
        if not is_open:
            return
        epoch = self.member.gate[2]
        self.world.checkers.write_leaves(self.name, self.member.incarnation, epoch)
        self.world.step(self)  # the pause that nobody can prevent: between the check and the send
        self.world.post_write(self, epoch)


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
        except _Crash:
            self.crash(node)

    def step(self, node: Node) -> None:
        """Between any two steps of a node it may pause or die."""
        if self._healed:
            return
        faults, rng = self.faults, self.rng
        if faults.step_pause and rng.random() < faults.step_pause:
            self.freeze(node, max(node.frozen_until_ns, self.now_ns) + rng.randrange(5 * MS, 400 * MS))
        if faults.step_crash and rng.random() < faults.step_crash:
            raise _Crash

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
        if self._cuts.get(link, 0) > leaves_ns or (not self._healed and rng.random() < faults.loss):
            return
        arrives_ns = leaves_ns + self._delay_ns()
        if in_order:
            arrives_ns = max(arrives_ns, self._stream_ns.get(link, 0) + 1)
            self._stream_ns[link] = arrives_ns
        receiver = self.nodes[to]
        self.at(None, arrives_ns - self.now_ns, self._arrive, receiver, link, message)
        if self._healed:
            return
        self.hoard.keep(link, message)
        for old_link, old in self.hoard.late_answers(link, message):
            self.checkers.counts["old answers"] += 1
            self.at(None, self._delay_ns(), self._arrive, self.nodes[old_link[1]], old_link, old)
        for chance, within_ns in ((faults.repeat, 100 * MS), (faults.ancient, 4 * S)):
            if chance and rng.random() < chance:
                again_ns = arrives_ns + rng.randrange(within_ns)
                self.at(None, again_ns - self.now_ns, self._arrive, receiver, link, message)

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
        self._cut(links, until_ns)
        if self.faults.crash_every_ns and self.rng.random() < 0.3:  # trouble does not come alone
            self.at(None, self.rng.randrange(300 * MS), self._random_crash)

    def _cut(self, links: tuple[tuple[str, str], ...], until_ns: int) -> None:
        self.tell("net", f"cut {links} until {until_ns / S:.3f}")
        for link in links:
            self._cuts[link] = max(self._cuts.get(link, 0), until_ns)

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
