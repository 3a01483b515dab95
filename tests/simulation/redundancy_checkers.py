"""What may go wrong in the world of a pair, and who judges it.

Called by   tests.simulation.redundancy_world.
Knows       probabilities and periods of trouble; epochs and commands as they leave a node and reach a device.
"""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from dcs.core.clock import NS_PER_MS as MS
from dcs.redundancy.protocol.phases import Transition


class Broken(AssertionError):
    """A promise of the redundancy was broken."""


@dataclass
class Faults:
    """How rough one run is; drawn per seed, so that some runs have only few kinds of trouble (a swarm)."""

    loss: float = 0.0
    repeat: float = 0.0
    tail: float = 0.0  # share of messages that take up to 400 ms
    ancient: float = 0.0  # share of messages of which a copy comes again after up to 4 s
    hoard: float = 0.0  # chance that an old answer comes again with a new question
    step_pause: float = 0.0  # chance of a pause at each send, save and check
    step_crash: float = 0.0
    crash_every_ns: int = 0
    pause_every_ns: int = 0
    cut_every_ns: int = 0
    rolling_every_ns: int = 0
    switch_every_ns: int = 0
    field_every_ns: int = 0
    members_every_ns: int = 0  # the standby is taken out or brought back
    clock_every_ns: int = 0  # a clock changes its rate
    hang_every_ns: int = 0  # a scan does not run
    double_every_ns: int = 0  # both controllers crash
    corrupt: float = 0.0  # chance that a crash corrupts the voter's record

    @classmethod
    def swarm(cls, rng: Random) -> "Faults":
        def pick(*choices: Any) -> Any:
            return rng.choice(choices)

        return cls(
            loss=pick(0.0, 0.01, 0.1),
            repeat=pick(0.0, 0.02, 0.1),
            tail=pick(0.0, 0.02, 0.05),
            ancient=pick(0.0, 0.01, 0.15),
            hoard=pick(0.0, 0.02, 0.2),
            step_pause=pick(0.0, 0.0005, 0.002),
            step_crash=pick(0.0, 0.0, 0.0005),
            crash_every_ns=pick(0, 1500 * MS, 4000 * MS),
            pause_every_ns=pick(0, 300 * MS, 1000 * MS),
            cut_every_ns=pick(0, 700 * MS, 2500 * MS),
            rolling_every_ns=pick(0, 0, 1500 * MS),
            switch_every_ns=pick(0, 0, 2000 * MS),
            field_every_ns=pick(0, 0, 2000 * MS),
            members_every_ns=pick(0, 0, 800 * MS, 2500 * MS),
            clock_every_ns=pick(0, 1000 * MS),
            hang_every_ns=pick(0, 0, 2000 * MS),
            double_every_ns=pick(0, 0, 0, 4000 * MS),
            corrupt=pick(0.0, 0.0, 0.1),
        )


@dataclass
class Checkers:
    """Judges by what leaves the nodes and what the device holds, in real time."""

    counts: Counter[str] = field(default_factory=Counter)
    transitions: Counter[Transition] = field(default_factory=Counter)  # rows of the protocol's table that were taken
    sent_epoch: int = 0  # highest epoch of any write that left a node
    sent_by: str = ""
    writer_of: dict[int, str] = field(default_factory=dict)
    accepted_epoch: int = 0
    holder_epoch: int = 0
    answered: int = 0  # bit set of commands
    last_accepted_ns: int = 0
    takeovers_ms: list[float] = field(default_factory=list)  # fault to first write, in a quiet network
    gaps_ms: list[float] = field(default_factory=list)  # between writes of different epochs

    def write_leaves(self, node: str, incarnation: int, epoch: int) -> None:
        who = f"{node}{incarnation}"
        if epoch < self.sent_epoch:
            raise Broken(f"two writers: {who} sends with epoch {epoch} after {self.sent_by} with {self.sent_epoch}")
        if self.writer_of.setdefault(epoch, who) != who:
            raise Broken(f"two writers: {who} and {self.writer_of[epoch]} both write with epoch {epoch}")
        self.sent_epoch, self.sent_by = epoch, who
        self.counts["writes"] += 1

    def device_accepts(self, now_ns: int, epoch: int) -> None:
        if epoch < self.accepted_epoch:
            raise Broken(f"the device accepted a stale write: epoch {epoch} after {self.accepted_epoch}")
        if epoch > self.accepted_epoch and self.accepted_epoch:
            self.gaps_ms.append((now_ns - self.last_accepted_ns) / MS)
        self.accepted_epoch = epoch
        self.last_accepted_ns = now_ns

    def holder(self, node: str, epoch: int, held: int, cold: bool) -> None:
        if epoch <= self.holder_epoch:
            raise Broken(f"{node} became the active with epoch {epoch}; {self.holder_epoch} had been used")
        self.holder_epoch = epoch
        lost = self.answered & ~held
        if cold:
            self.counts["cold starts"] += 1
            self.counts["lost and said so"] += lost.bit_count()
            self.answered &= held
        elif lost:
            raise Broken(f"{node} took over without {lost.bit_count()} answered commands")
        else:
            self.counts["takeovers"] += 1
