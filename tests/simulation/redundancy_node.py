"""One machine of the simulated pair: its clock, its disk, and a process that may pause, die and come back.

Called by   tests.simulation.redundancy_world, whose network and trouble it lives in.
Knows       the pure protocol, of which it is the ports; a toy controller that counts scans and collects commands.
"""

from typing import TYPE_CHECKING

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.redundancy.messages import Message
from dcs.redundancy.protocol import PairMember, VoterRecord
from dcs.redundancy.protocol.field_view import NO_VIEW, FieldView, device_list
from dcs.redundancy.protocol.phases import Phase
from dcs.redundancy.protocol.witness_voter import WitnessVoter
from tests.simulation.redundancy_checkers import Broken

if TYPE_CHECKING:
    from tests.simulation.redundancy_world import World

MS, S = NS_PER_MS, NS_PER_S
A, B, W = "A", "B", "W"
NODES = (A, B, W)
STARTS_ALONE_NS = 50 * MS  # a controller that stands alone is active so long after its start
DEVICES = device_list(("RTU-1", "RTU-2"), (True, False))


def reaches(*devices: int) -> FieldView:
    """What a node reaches; it knows all of them."""
    reached = sum(1 << device for device in devices)
    return FieldView(DEVICES, reached, DEVICES.all & ~reached)


class Crash(Exception):
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
