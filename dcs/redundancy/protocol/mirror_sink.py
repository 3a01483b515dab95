"""The standby's side of the mirror: receive a copy, repeat every scan, say what is held.

Called by   PairMember while it holds no authority.
Knows       one session; nothing of leases or time.
Behaviour   docs/explanations/redundancy.md, rules 8 and 9.
"""

from dcs.redundancy.messages import (
    NO_GENERATION,
    Ack,
    CopyBegin,
    CopySlice,
    Finding,
    Generation,
    Measured,
    Record,
    Session,
)
from dcs.redundancy.protocol.dispute import ExecutionPorts
from dcs.redundancy.protocol.ports import CannotRestore, MemberPorts

BUFFERED_RECORDS = 1000  # scans that may wait for the rest of a copy; more are not acknowledged

EMPTY, COPYING, COMPLETE, DISPUTED, BROKEN = "empty", "copying", "complete", "disputed", "broken"


class MirrorSink:
    """Follows the active. Only ``COMPLETE`` data of the newest generation make a member eligible."""

    def __init__(self, incarnation: int, ports: MemberPorts, execution: ExecutionPorts | None = None) -> None:
        self.state = EMPTY
        self.session: Session | None = None
        self.seq = 0  # all scans up to this one are held
        self.mismatches = 0
        self._execution = execution
        self._disputed_seq = 0
        self._is_right = False  # the active has said that its own results are wrong
        self._incarnation = incarnation
        self._ports = ports
        self._base_seq = 0
        self._room = bytearray()  # for the copy; kept, because to find it anew takes longer than to fill it
        self._copy_bytes = 0
        self._slices_held = 0
        self._bytes_held = 0
        self._slices_expected = 0
        self._buffered: list[Record] = []

    @property
    def generation(self) -> Generation:
        """Of the session; NO_GENERATION without one."""
        return self.session.generation if self.session else NO_GENERATION

    @property
    def copied_pct(self) -> float:
        """Progress of the copy, 0–100."""
        if self.state == COMPLETE:
            return 100.0
        return 100.0 * self._slices_held / self._slices_expected if self._slices_expected else 0.0

    def reset(self) -> None:
        """We hold the authority now, or what we hold is worth nothing."""
        self.state = EMPTY
        self._slices_held = self._bytes_held = self._slices_expected = 0
        self._buffered = []
        self._is_right = False

    def on_begin(self, begin: CopyBegin, known: Generation) -> bool:
        """A copy follows. From its first byte on we claim no data, because the active may rely on our answers."""
        session, last = begin.session, self.session
        if session.standby_incarnation != self._incarnation or session.generation < known:
            return False
        if last and (session.holder_incarnation, session.copy_id) <= (last.holder_incarnation, last.copy_id):
            return False  # a late copy of a message about an older session
        self.reset()
        self.session = session
        self.state = COPYING
        self.seq = self._base_seq = begin.base_seq
        self._slices_expected = begin.slices
        self._copy_bytes = begin.total_bytes
        if len(self._room) < begin.total_bytes:
            self._room = bytearray(begin.total_bytes)
        if not begin.slices:
            self._finish()
        self._answer()
        return True

    def on_slice(self, piece: CopySlice) -> None:
        """One part of the copy, in order."""
        if piece.session != self.session or self.state != COPYING:
            return
        if piece.number != self._slices_held:
            self._answer(gap=piece.number > self._slices_held)
            return
        end = self._bytes_held + len(piece.data)
        if end > self._copy_bytes:
            return
        self._room[self._bytes_held : end] = piece.data
        self._bytes_held = end
        self._slices_held += 1
        if self._slices_held == self._slices_expected:
            self._finish()
        self._answer()

    def _finish(self) -> None:
        try:
            self._ports.restore(self._base_seq, memoryview(self._room)[: self._bytes_held])
        except CannotRestore as exc:
            self.state = BROKEN
            self._ports.event(f"the copy cannot be read: {exc}")
            self._answer(mismatch=True, seq=self._base_seq - 1)
            return
        self.state = COMPLETE
        self._catch_up()

    def _catch_up(self) -> None:
        buffered, self._buffered = self._buffered, []
        for at, record in enumerate(buffered):
            if not self._execute(record):
                self._buffered = buffered[at + 1 :]
                return

    def on_record(self, record: Record) -> None:
        """One scan of the active."""
        if record.session != self.session or self.state not in (COPYING, COMPLETE, DISPUTED):
            return
        if record.seq > self.seq + 1:
            self._answer(gap=True)
            return
        if record.seq == self.seq + 1 and not self._take(record):
            return
        if self.state != DISPUTED:
            self._answer()

    def on_measured(self, measured: Measured) -> None:
        """For a scan that may never be run by the active; who holds no state cannot run it either."""
        if measured.session == self.session and self.state == COMPLETE and self._execution is not None:
            self._execution.measured(measured.data)

    def _take(self, record: Record) -> bool:
        if self.state == COMPLETE:
            if not self._execute(record):
                return False
        elif len(self._buffered) < BUFFERED_RECORDS:
            self._buffered.append(record)
        else:
            return False
        self.seq = record.seq
        return True

    def _execute(self, record: Record) -> bool:
        digest = self._ports.execute(record.seq, record.data)
        if digest == record.digest or self._is_right:
            return True
        self.mismatches += 1
        results = f"scan {record.seq}: our result {digest.hex()} differs from the active's {record.digest.hex()}"
        if self._execution is None:
            self.state = BROKEN
            self._ports.event(f"{results}; this copy is given up and a new one asked for")
            self._answer(mismatch=True, seq=record.seq - 1)
            return False
        self.state = DISPUTED
        self._disputed_seq = self.seq = record.seq
        self._ports.event(f"{results}; both repeat it")
        self._answer(mismatch=True, seq=record.seq - 1)
        self._execution.recheck(record.seq)
        return False

    def rechecked(self, seq: int, repeats: bool) -> None:
        """What we find about our own result of a scan that differs from the active's."""
        if self.state != DISPUTED or seq != self._disputed_seq:
            return
        assert self.session is not None
        self._ports.send_mirror(Finding(self.session, seq, repeats))
        if not repeats:
            self.state = BROKEN
            self._ports.event(f"our own result of scan {seq} cannot be repeated; a new copy is asked for")

    def on_finding(self, finding: Finding) -> None:
        """The active says that its own results are wrong: ours count from now on."""
        if finding.session != self.session or self.state != DISPUTED or finding.repeats:
            return
        self.state = COMPLETE
        self._is_right = True
        self._catch_up()
        self._answer()

    def _answer(self, gap: bool = False, mismatch: bool = False, seq: int | None = None) -> None:
        session = self.session
        if session is None or (self.state == BROKEN and not mismatch):
            return
        held = self.seq if seq is None else seq
        is_complete = self.state == COMPLETE
        slices = self._slices_expected if is_complete else self._slices_held
        self._ports.send_mirror(Ack(session, held, slices, is_complete, gap, mismatch))
