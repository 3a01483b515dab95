"""The redundancy protocol on a real (or simulated) network: one object per controller, one per witness.

Called by   dcs.node (controller and witness nodes); the same code on the wall clock and in the box.
Knows       a clock, a network, a store; of the controller only the ``Replica`` protocol.
Behaviour   docs/explanations/redundancy.md.

Everything runs on the event loop except ``may_write`` and ``write_epoch``, which the scan thread may call.
"""

import asyncio
from collections.abc import Callable
from random import Random

from dcs.core.clock import NS_PER_MS, NS_PER_S, Clock
from dcs.redundancy.confirmations import Confirmations
from dcs.redundancy.member_world import MemberWorld
from dcs.redundancy.messages import NO_GENERATION, Generation, Message
from dcs.redundancy.protocol import PairConfig, PairMember, ProgramPorts, VoterRecord
from dcs.redundancy.protocol.cold_start import Rank
from dcs.redundancy.protocol.dispute import ExecutionPorts
from dcs.redundancy.protocol.field_view import NO_VIEW, FieldView
from dcs.redundancy.protocol.member_parts import ACTIVE, FAILED
from dcs.redundancy.protocol.phases import Phase
from dcs.redundancy.replica import Replica
from dcs.redundancy.report import MemberReport, VoterLink, as_ms, others_stand, voter_links
from dcs.redundancy.store import RecordLost, RecordStore
from dcs.redundancy.transport import PairNetwork
from dcs.redundancy.voter_node import VoterNode
from dcs.redundancy.witness import Witness

__all__ = ["MemberReport", "PairConfig", "RedundantMember", "Replica", "VoterLink", "Witness"]


class RedundantMember(VoterNode):
    """One controller's redundancy. Unpaired (one member in the configuration) it is active from the start.

    ``alive(now_ns)`` tells whether the scan runs: when it does not, the lease is not renewed and the other takes over.
    ``rng_seed`` spreads the retries of candidates; both members may have the same.
    """

    def __init__(
        self,
        config: PairConfig,
        name: str,
        clock: Clock,
        network: PairNetwork,
        store: RecordStore,
        replica: Replica,
        alive: Callable[[int], bool],
        rng_seed: int,
        programs: ProgramPorts | None = None,
        execution: ExecutionPorts | None = None,
        checkpoint: Rank = (NO_GENERATION, 0),
    ) -> None:
        super().__init__(name, clock, network)
        self._programs = programs
        self._execution = execution
        self._checkpoint = checkpoint
        self.config = config
        self.takeovers = 0
        self._store = store
        self._replica = replica
        self._alive = alive
        self._random = Random(f"{rng_seed} {config.pair} {name}")
        self._confirmations = Confirmations()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_ns = 0
        self._member: PairMember | None = None
        self._alone_epoch = 0  # of an unpaired controller
        self._has_failed = False
        self._field = NO_VIEW

    # --- life ---------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Take part until cancelled. Raises ``Missing`` (port taken, disk full) or what the replica raised."""
        try:
            if self.config.paired:
                await super().run()
            else:
                await self._run_alone()
        except Exception:
            self._has_failed = True
            raise

    async def _run_alone(self) -> None:
        self._raise_alone(0, 1)
        self._replica.became_active(self._alone_epoch, "unpaired controller", True)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._alone_epoch = 0

    def _raise_alone(self, above: int, starts: int = 0) -> None:
        record = self._load() or VoterRecord()
        epoch = max(record.epoch, above) + 1
        record = record._replace(epoch=epoch, owner=self.name, starts=record.starts + starts)
        self._store.save(self.config.pair, record)
        self._alone_epoch = epoch

    def _load(self) -> VoterRecord | None:
        try:
            return self._store.load(self.config.pair) or VoterRecord()
        except RecordLost as exc:
            self._replica.event(str(exc), "redundancy")
            return None

    def _started(self) -> None:
        record = self._load()
        now_ns = self._clock.monotonic_ns()
        member = PairMember(
            self.config,
            self.name,
            record,
            MemberWorld(
                self.config,
                self.name,
                self._network,
                self._store,
                self._replica,
                self._became_active,
                self._became_standby,
                self._confirmations.reached,
            ),
            self._alive,
            self._random.random,
            now_ns,
            incarnation=0 if record is not None else self._clock.time_ns(),
            checkpoint=self._checkpoint,
            programs=self._programs,
            execution=self._execution,
        )
        member.set_field(now_ns, self._field)
        self._member = member
        self._tick()

    def _ended(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._member is not None:
            self._member.gate = (False, 0, self._member.gate[2])
        self._confirmations.fail()

    # --- the gate: any thread -----------------------------------------------------------------------------
    def may_write(self, now_ns: int) -> bool:
        """Whether an output may be sent at ``now_ns`` of this node's clock; ask at the moment of sending."""
        if self._member is None:
            return self._alone_epoch > 0
        is_open, lease_until_ns, _ = self._member.gate
        return is_open and now_ns < lease_until_ns

    @property
    def write_epoch(self) -> int:
        """The epoch that writes carry."""
        return self._member.gate[2] if self._member is not None else self._alone_epoch

    # --- what the controller asks -------------------------------------------------------------------------
    @property
    def active(self) -> bool:
        """Whether this member has the role of the active (outputs additionally ask ``may_write``)."""
        return self._member.active if self._member is not None else self._alone_epoch > 0

    @property
    def role(self) -> str:
        """``active`` or ``standby``."""
        return "active" if self.active else "standby"

    @property
    def epoch(self) -> int:
        """The highest epoch this member was granted (active) or knows of (standby)."""
        return self._member.epoch if self._member is not None else self._alone_epoch

    @property
    def state(self) -> str:
        """starting | synchronising | ready | out | active | isolated | failed."""
        if self._has_failed:
            return FAILED
        if self._member is None:
            return ACTIVE if self._alone_epoch else Phase.STARTING.value
        return self._member.state(self._clock.monotonic_ns())

    @property
    def sync_pct(self) -> float:
        """How much of the state the standby has, 0–100 (seen from either side)."""
        return self._member.sync_pct if self._member is not None else 0.0

    def submit(self, seq: int, record: bytes, digest: bytes) -> None:
        """After each scan of the active; ``seq`` counts without gaps; the standby repeats it."""
        if self._member is None:
            if self._alone_epoch:
                self._confirmations.reached(seq)
        elif not self._is_stopped:
            self._guarded(self._member.submit, self._clock.monotonic_ns(), seq, record, digest)
            self._arm()

    def tell_measured(self, data: bytes) -> None:
        """As the active: what the next scan will work on. A standby that takes over before it is mirrored runs it."""
        if self._member is not None and not self._is_stopped:
            self._guarded(self._member.tell_measured, self._clock.monotonic_ns(), data)

    async def confirmed(self, seq: int) -> bool:
        """Wait until commands applied in scan ``seq`` may be answered. False: the authority was lost before; the
        command may or may not survive, the client must ask again with the same id."""
        return self.active and await self._confirmations.wait(seq)

    def switchover(self, reason: str) -> tuple[bool, str]:
        """Hand over to the standby: (whether it was begun, one sentence for the user)."""
        if self._member is None:
            return False, f"{self.config.pair} is unpaired: there is no standby to switch to"
        answer = self._member.switchover(self._clock.monotonic_ns(), reason)
        self._arm()
        return answer

    def take_out(self, reason: str) -> tuple[bool, str]:
        """Take the standby out of the pair: (whether it was begun, one sentence for the user).

        It is done when a majority of the voters has recorded it; from then on this controller depends on nobody, also
        after its own restart, and the other one stays passive until it is brought back.
        """
        return self._asked(PairMember.take_out, reason, "take out")

    def bring_back(self, reason: str) -> tuple[bool, str]:
        """Let the standby back into the pair: (whether it was begun, one sentence for the user)."""
        return self._asked(PairMember.bring_back, reason, "bring back")

    def _asked(
        self, call: Callable[[PairMember, int, str], tuple[bool, str]], reason: str, to: str
    ) -> tuple[bool, str]:
        """These write the record: a full disk ends the node, as it does elsewhere."""
        member, answers = self._member, list[tuple[bool, str]]()
        if member is None:
            return False, f"{self.config.pair} is unpaired: there is no standby to {to}"
        self._guarded(lambda: answers.append(call(member, self._clock.monotonic_ns(), reason)))
        self._arm()
        return answers[0] if answers else (False, f"{self.name} could not keep its record and stops")

    def propose(self, key: bytes, data: bytes) -> str:
        """Ask the standby to get ready for another program; "" or why it cannot be asked."""
        return self._member.propose(key, data) if self._member is not None else ""

    def agrees(self, key: bytes) -> bool:
        """May the next scan change to that program? The standby is ready for it, in this session. Any thread."""
        return self._member.agrees(key) if self._member is not None else self._alone_epoch > 0

    @property
    def standby_ready(self) -> bool:
        """As the active: the standby holds everything."""
        return self._member is not None and self._member.standby_ready

    def others_stand(self) -> tuple[str, bool]:
        """As the active of a pair: how the standby is (``MemberReport.standby``), is the witness heard? Any thread."""
        return others_stand(self._member, self._clock.monotonic_ns())

    @property
    def alone(self) -> bool:
        """No standby holds a copy, and commands may be answered all the same."""
        return self._member.alone if self._member is not None else self._alone_epoch > 0

    @property
    def agreed_scan(self) -> int:
        """As the active: up to this scan the standby has the same results; 0 = not known. Any thread."""
        return self._member.source.agreed_seq if self._member is not None else 0

    def copy_taken(self, seq: int, state: bytes | memoryview) -> None:
        """The copy for which ``Replica.snapshot`` had no time; it must stay as it is."""
        if self._member is not None and not self._is_stopped:
            self._guarded(self._member.copy_taken, self._clock.monotonic_ns(), seq, state)
            self._arm()

    def rechecked(self, seq: int, repeats: bool) -> None:
        """The answer to ``ExecutionPorts.recheck``."""
        if self._member is not None and not self._is_stopped:
            self._guarded(self._member.rechecked, self._clock.monotonic_ns(), seq, repeats)
            self._arm()

    def decided(self, key: bytes, ok: bool, text: str) -> None:
        """As the standby: what the active offered is loaded, or cannot be."""
        if self._member:
            self._member.decided(key, ok, text)

    @property
    def rank(self) -> Rank:
        """How new the data of this controller are: the generation, and the last scan."""
        return self._member.rank if self._member else (Generation(self._alone_epoch, 0), self._confirmations.seq)

    def set_field(self, view: FieldView) -> None:
        """Which field devices this member reaches now: at every change, and once a second."""
        self._field = view
        if self._member is not None and not self._is_stopped:
            self._guarded(self._member.set_field, self._clock.monotonic_ns(), view)
            self._arm()

    @property
    def field_of_other(self) -> FieldView | None:
        """What the other member reaches; None while that is unknown, and of an unpaired controller."""
        return self._member.field_choice.theirs(self._clock.monotonic_ns()) if self._member is not None else None

    def device_refused(self, epoch: int) -> None:
        """A device refused our write because it knows this higher epoch."""
        if self._member is not None:
            self._member.device_refused(self._clock.monotonic_ns(), epoch)
            self._arm()
        elif 0 < self._alone_epoch <= epoch:
            self._raise_alone(epoch)

    def report(self) -> MemberReport:
        """Everything ``dcs status`` shows."""
        now_ns = self._clock.monotonic_ns()
        member = self._member
        if member is None:
            granting = 1 if self._alone_epoch else 0
            return MemberReport(self.state, self.role, self.epoch, 0.0, False, granting, 0.0)
        authority, source = member.authority, member.source
        return MemberReport(
            state=self.state,
            role=self.role,
            epoch=self.epoch,
            sync_pct=self.sync_pct,
            standby_ready=member.standby_ready,
            standby=member.standby,
            granting=member.granting if member.active else 0,
            lease_left_ms=max(0.0, (authority.lease_until_ns - now_ns) / NS_PER_MS) if member.needs_lease else 0.0,
            links=voter_links(member, now_ns),
            mirror_round_trip_ms=as_ms(source.round_trip_ns),
            takeovers=self.takeovers,
            exclusions=source.exclusions,
            copies=source.copies,
            mismatches=member.sink.mismatches,
            by_copy=source.by_copy,
            suspended=source.suspended or ("two results differ; both repeat them" if source.dispute else ""),
            malformed=self.malformed,
        )

    # --- timer and messages -------------------------------------------------------------------------------
    def _on_message(self, pair: str, sender: str, message: Message) -> None:
        member = self._member
        if member is None or pair != self.config.pair or sender not in (member.peer, member.witness):
            return
        member.on_message(self._clock.monotonic_ns(), sender, message)
        if member.next_due_ns() < self._timer_due_ns:
            self._arm()

    def _tick(self) -> None:
        self._timer = None
        if self._is_stopped or self._member is None:
            return
        now_ns = self._clock.monotonic_ns()
        if now_ns >= self._member.next_due_ns():
            self._guarded(self._member.on_time, now_ns)
        self._arm()

    def _arm(self) -> None:
        """Keep one timer: it may fire too early (and is set again), never too late."""
        if self._is_stopped or self._member is None:
            return
        due_ns = self._member.next_due_ns()
        if self._timer is not None:
            if self._timer_due_ns <= due_ns:
                return
            self._timer.cancel()
        self._timer_due_ns = due_ns
        # At least a microsecond: a clock that runs slow must not make the loop spin on rounding.
        delay_s = max(due_ns - self._clock.monotonic_ns(), 1000) / NS_PER_S
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._tick)

    # --- what the protocol decides ------------------------------------------------------------------------
    def _became_active(self, epoch: int, reason: str, cold: bool) -> None:
        self.takeovers += 1
        self._confirmations.seq = 0
        self._replica.event(f"{self.name} is active with epoch {epoch}: {reason}", "redundancy")
        self._replica.became_active(epoch, reason, cold)

    def _became_standby(self, reason: str) -> None:
        self._confirmations.fail()
        self._replica.event(f"{self.name} is no longer active: {reason}", "redundancy")
        self._replica.became_standby(reason)
