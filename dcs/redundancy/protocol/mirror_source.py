"""The active's side of the mirror: which scans the standby holds, and which commands may be answered.

Called by   PairMember while it holds the authority.
Knows       one session with one standby: copy, then records; its acknowledgements; when it has been silent too long.
Behaviour   docs/explanations/redundancy.md, rules 7 (DESIGN), 8 and 9.

``alone`` is the permission to answer commands that no standby holds. It is given only when a majority of the voters
has recorded a generation that shuts the old standby out, and taken back before the first byte of a new copy leaves.
"""

from collections import deque
from collections.abc import Callable

from dcs.redundancy.messages import (
    NO_GENERATION,
    Ack,
    CopyBegin,
    CopySlice,
    Finding,
    Generation,
    Hello,
    Measured,
    Record,
    Session,
)
from dcs.redundancy.protocol.dispute import RECHECK_FACTOR, Dispute, ExecutionPorts, Verdict, other_software
from dcs.redundancy.protocol.ports import MemberPorts
from dcs.redundancy.timing import LeaseTiming

SLICE_BYTES = 32768
WINDOW_SLICES = 4
"""So much of a copy is under way at a time: on a link of 100 Mbit/s a renewal behind it is 10 ms late, not more."""
COPY_AGAIN_FACTOR = 100
"""Mirror times after which a copy that did not come is asked for once more."""
RESTORE_NS_PER_BYTE = 10
"""A standby that puts a large copy into its place says nothing meanwhile."""
FIRST_PAUSE_FACTOR = 1  # pauses between two failed copies, in mirror times: 1, 2, 4 …
LONGEST_PAUSE_FACTOR = 64

NONE, COPYING, MIRRORED = "none", "copying", "mirrored"


class MirrorSource:
    """Sends copies and records. ``exclude`` is called with a reason when the standby must be shut out."""

    def __init__(
        self,
        incarnation: int,
        timing: LeaseTiming,
        ports: MemberPorts,
        next_generation: Callable[[], Generation],
        execution: ExecutionPorts | None = None,
    ) -> None:
        self.state = NONE
        self.dispute: Dispute | None = None  # the standby's result differs, and nobody knows yet who is wrong
        self.yields = ""  # why the standby must take over: it is right and we are wrong
        self.suspended = ""  # why nobody is given a copy until a person asks for it
        self.by_copy = ""  # why records carry results: the standby's software differs in this
        self._execution = execution
        self.alone = False
        self.generation = NO_GENERATION
        self.submitted_seq = 0
        self.acked_seq = 0
        self.exclusions = 0
        self.copies = 0
        self.round_trip_ns: int | None = None
        self._incarnation = incarnation
        self._timing = timing
        self._ports = ports
        self._next_generation = next_generation
        self._session: Session | None = None
        self._awaited = (0, 0)  # (incarnation, until): whose copy is asked of the controller and comes later
        self._copy_id = 0
        self._slices: list[bytes | memoryview] = []
        self._slices_sent = 0
        self._slices_acked = 0
        self._patience_ns = timing.mirror_ns  # how long it may be silent
        self._slices_since_ns = 0  # since when the oldest unacknowledged slice is out
        self._unacked: deque[tuple[int, Record]] = deque()  # (sent, record)
        self._resent_from = -1
        self._pause_factor = FIRST_PAUSE_FACTOR
        self._retry_ns = 0

    # --- terms --------------------------------------------------------------------------------------------
    def start_term(self, generation: Generation) -> None:
        """We hold the authority: nobody is in the mirror yet."""
        self._close()
        self.generation = generation
        self.suspended = ""
        self._pause_factor = FIRST_PAUSE_FACTOR
        self._retry_ns = 0

    def end_term(self) -> None:
        """The authority is lost: nothing more may be answered."""
        self._close()

    def _close(self) -> None:
        if self._execution is not None and (self._session is not None or self._awaited[0]):
            self._execution.mirror_ends()
        self._awaited = (0, 0)
        self.state = NONE
        self.dispute = None
        self.yields = self.by_copy = ""
        self.alone = False
        self._session = None
        self._slices = []
        self._unacked.clear()

    # --- scans --------------------------------------------------------------------------------------------
    def submit(self, now_ns: int, seq: int, digest: bytes, data: bytes) -> None:
        """One scan was executed."""
        self.submitted_seq = seq
        if self._session is not None:
            record = Record(self._session, seq, digest, data)
            self._unacked.append((now_ns, record))
            self._resent_from = -1
            self._ports.send_mirror(record)
        elif self.alone:
            self._ports.confirmed(seq)

    def tell_measured(self, data: bytes) -> None:
        """What the next scan will work on, for the standby in the mirror."""
        if self.session is not None:
            self._ports.send_mirror(Measured(self.session, data))

    @property
    def drained(self) -> bool:
        """The standby is ready and holds every scan."""
        return self.ready and self.acked_seq >= self.submitted_seq

    @property
    def ready(self) -> bool:
        """The standby could take over."""
        return self.state == MIRRORED and self.dispute is None

    @property
    def agreed_seq(self) -> int:
        """Up to this scan the standby has the same results; 0 while that is not known."""
        return self.acked_seq if self.ready else 0

    # --- copy ---------------------------------------------------------------------------------------------
    @property
    def session(self) -> Session | None:
        """With the standby that holds everything; None while there is none."""
        return self._session if self.ready else None

    def on_hello(self, now_ns: int, hello: Hello, may_copy: bool = True) -> None:
        """The other member speaks and holds no authority. ``may_copy``: it can read a copy of ours."""
        session = self._session
        if session is not None and self.dispute is None:
            is_about_this_copy = (hello.holder_incarnation, hello.copy_id) == (self._incarnation, session.copy_id)
            if hello.incarnation > session.standby_incarnation:
                self.exclude(now_ns, "it was restarted")
            elif hello.incarnation == session.standby_incarnation and hello.wants_copy and is_about_this_copy:
                self.exclude(now_ns, "it asks for a new copy")
        may_copy = may_copy and not self.suspended and now_ns >= self._retry_ns
        is_awaited = self._awaited[0] == hello.incarnation and now_ns < self._awaited[1]
        if self._session is None and hello.wants_copy and may_copy and not is_awaited:
            self._ask_copy(now_ns, hello.incarnation, hello.software)

    def resynchronise(self, now_ns: int) -> None:
        """A person has seen why two results differ: the standby may have a copy again."""
        self.suspended = ""
        self._retry_ns = now_ns

    def _ask_copy(self, now_ns: int, standby_incarnation: int, software: str) -> None:
        if self._execution is not None:
            by_copy = other_software(self._execution.software(), software)
            if by_copy and by_copy != self.by_copy:
                self._ports.event(f"the standby runs other software ({by_copy}): it is mirrored by copy")
            self.by_copy = by_copy
            self._execution.mirror_begins(bool(by_copy))
        self._awaited = (standby_incarnation, now_ns + COPY_AGAIN_FACTOR * self._timing.mirror_ns)
        taken = self._ports.snapshot()
        if taken is not None:
            self.copy_taken(now_ns, *taken)

    def copy_taken(self, now_ns: int, seq: int, state: bytes | memoryview) -> None:
        """The copy that was asked of the controller."""
        standby_incarnation, _ = self._awaited
        if self._session is not None or not standby_incarnation:
            return  # it is not wanted any more
        self._awaited = (0, 0)
        self._stop_unmirrored_answers()
        self._copy_id += 1
        self.copies += 1
        self._session = Session(self.generation, self._incarnation, standby_incarnation, self._copy_id)
        self.state = COPYING
        self.acked_seq = 0
        self.submitted_seq = max(self.submitted_seq, seq)
        self._unacked.clear()
        self._resent_from = -1
        self._slices = [state[at : at + SLICE_BYTES] for at in range(0, len(state), SLICE_BYTES)]
        self._slices_sent = self._slices_acked = 0
        self._patience_ns = self._timing.mirror_ns + RESTORE_NS_PER_BYTE * len(state)
        self._slices_since_ns = now_ns
        self._ports.send_mirror(CopyBegin(self._session, seq, len(state), len(self._slices)))
        self._send_slices()

    def _stop_unmirrored_answers(self) -> None:
        self.alone = False

    def _send_slices(self) -> None:
        assert self._session is not None
        while self._slices_sent < min(len(self._slices), self._slices_acked + WINDOW_SLICES):
            at = self._slices_sent
            self._ports.send_mirror(CopySlice(self._session, at, self._slices[at]))
            self._slices_sent += 1

    # --- acknowledgements ---------------------------------------------------------------------------------
    def on_ack(self, now_ns: int, ack: Ack) -> None:
        """Only acknowledgements of this very session count."""
        if not self._is_of_this_session(ack.session):
            return
        if ack.mismatch:
            self._differs(now_ns, ack.seq + 1)
            return
        if self.state == COPYING:
            self._on_copy_progress(now_ns, ack)
        if ack.seq > self.acked_seq:
            self._drop_acked(now_ns, ack.seq)
            self.acked_seq = ack.seq
            self._ports.confirmed(ack.seq)
        if ack.gap and self._resent_from != ack.seq and self.state != NONE:
            self._resent_from = ack.seq
            for _, record in self._unacked:
                self._ports.send_mirror(record)

    def _is_of_this_session(self, session: Session) -> bool:
        return session == self._session

    def _on_copy_progress(self, now_ns: int, ack: Ack) -> None:
        if ack.slices > self._slices_acked:
            self._slices_acked = ack.slices
            self._slices_since_ns = now_ns
        elif ack.gap:
            self._slices_sent = self._slices_acked
        if ack.complete:
            self.state = MIRRORED
            self._slices = []
            self._patience_ns = self._timing.mirror_ns
            self._pause_factor = FIRST_PAUSE_FACTOR
            self._ports.event("the standby has a complete copy and is ready")
        else:
            self._send_slices()

    def _drop_acked(self, now_ns: int, seq: int) -> None:
        unacked = self._unacked
        while unacked and unacked[0][1].seq <= seq:
            sent_ns, record = unacked.popleft()
            if record.seq == seq:
                self.round_trip_ns = now_ns - sent_ns

    # --- results that differ ------------------------------------------------------------------------------
    def _differs(self, now_ns: int, seq: int) -> None:
        if self._execution is None or self.state != MIRRORED or self.by_copy:
            self.exclude(now_ns, f"its result of scan {seq} differs from ours")
        elif self.dispute is None:
            self.dispute = Dispute(seq, now_ns + RECHECK_FACTOR * self._timing.mirror_ns)
            self._ports.event(f"the standby's result of scan {seq} differs from ours; both repeat it")
            self._execution.recheck(seq)

    def on_finding(self, now_ns: int, finding: Finding) -> None:
        """What the standby finds about its own result."""
        dispute = self.dispute
        if dispute is not None and self._is_of_this_session(finding.session) and finding.seq == dispute.seq:
            dispute.theirs = finding.repeats
            self._judge(now_ns, dispute)

    def rechecked(self, now_ns: int, seq: int, repeats: bool) -> None:
        """What we find about our own."""
        dispute = self.dispute
        if dispute is not None and seq == dispute.seq:
            dispute.ours = repeats
            self._judge(now_ns, dispute)

    def _judge(self, now_ns: int, dispute: Dispute) -> None:
        scan = f"scan {dispute.seq}"
        match dispute.verdict:
            case Verdict.STANDBY_WRONG:
                self.exclude(now_ns, f"it cannot repeat its own result of {scan}; its memory was damaged")
            case Verdict.ACTIVE_WRONG:
                assert self._session is not None
                self.dispute = None
                self.yields = f"our own result of {scan} cannot be repeated; our memory was damaged"
                self._ports.event(f"{self.yields}: the standby is right and takes over")
                self._ports.send_mirror(Finding(self._session, dispute.seq, False))
                # It executes now what it has put aside meanwhile.
                patient_until_ns = now_ns + self._timing.mirror_ns
                self._unacked = deque((max(sent_ns, patient_until_ns), record) for sent_ns, record in self._unacked)
            case Verdict.BOTH_WRONG | Verdict.NONE_WRONG as verdict:
                self._suspend(now_ns, f"results of {scan} differ, and {verdict.value}")
            case Verdict.OPEN:
                pass

    def _suspend(self, now_ns: int, reason: str) -> None:
        """Which of the two is right is not known: a copy could spread what is wrong."""
        self.exclude(now_ns, reason)
        self.suspended = reason
        self._ports.event(f"no copy is made until somebody has found out why and asks for one: {reason}")

    # --- exclusion ----------------------------------------------------------------------------------------
    @property
    def due_ns(self) -> int | None:
        """When the standby will have been silent too long; None when nothing is out."""
        if self.dispute is not None:
            return self.dispute.ends_ns
        oldest_ns = self._unacked[0][0] if self._unacked else None
        if self.state == COPYING:
            oldest_ns = self._slices_since_ns if oldest_ns is None else min(oldest_ns, self._slices_since_ns)
        return None if oldest_ns is None else oldest_ns + self._patience_ns

    def on_time(self, now_ns: int) -> None:
        """Shut a silent standby out."""
        due_ns = self.due_ns
        if due_ns is None or now_ns < due_ns:
            return
        if self.dispute is not None:
            self._suspend(now_ns, f"results of scan {self.dispute.seq} differ, and not both said what they find")
        else:
            self.exclude(now_ns, f"it acknowledged nothing for {self._patience_ns / 1e6:.0f} ms")

    def exclude(self, now_ns: int, reason: str) -> None:
        """Close the session and open a new generation; ``alone`` follows when a majority has recorded it."""
        self.exclusions += 1
        self._ports.event(f"the standby is excluded: {reason}")
        damaged = self.yields
        self._close()
        self.suspended = self.suspended or damaged  # a copy would spread the damage
        self.generation = self._next_generation()
        self._retry_ns = now_ns + self._pause_factor * self._timing.mirror_ns
        self._pause_factor = min(2 * self._pause_factor, LONGEST_PAUSE_FACTOR)

    def on_recorded(self, recorded: Generation) -> None:
        """A majority of the voters has recorded this generation."""
        if self.alone or self._session is not None or recorded < self.generation:
            return
        self.alone = True
        self._ports.confirmed(self.submitted_seq)

    @property
    def copied_pct(self) -> float:
        """Progress of the copy under way, 0–100."""
        if self.state == MIRRORED:
            return 100.0
        return 100.0 * self._slices_acked / len(self._slices) if self._slices else 0.0
