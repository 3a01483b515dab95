"""One member of a pair: voter, candidate or holder, and one end of the mirror.

Called by   dcs.redundancy.runtime and the simulation: messages, time and requests go in, port calls come out.
Knows       what its controller and operators may ask, and when it makes sense.
Behaviour   docs/explanations/redundancy.md.
"""

from dcs.redundancy.protocol.field_view import FieldView
from dcs.redundancy.protocol.member_course import MemberCourse
from dcs.redundancy.protocol.phases import BY_COMMAND, Event, Phase


class PairMember(MemberCourse):
    """The whole protocol of one member."""

    # --- scans -------------------------------------------------------------------------------------------
    def submit(self, now_ns: int, seq: int, record: bytes, digest: bytes) -> None:
        """One scan of the active was executed; ``seq`` counts without gaps."""
        if not self.active:
            return
        if now_ns >= self.authority.lease_until_ns:
            self._lose(now_ns)
            return
        self.source.submit(now_ns, seq, digest, record)
        self._choose(now_ns)

    def tell_measured(self, now_ns: int, data: bytes) -> None:
        """The inputs of the next scan, as far as they are measured."""
        if self.active and now_ns < self.authority.lease_until_ns:
            self.source.tell_measured(data)

    def set_field(self, now_ns: int, view: FieldView) -> None:
        """Which field devices we reach: at every change, and once a second."""
        self.field_choice.set_own(now_ns, view)
        self._choose(now_ns)

    def device_refused(self, now_ns: int, epoch: int) -> None:
        """A device refused a write and told the epoch it knows."""
        if self.active:
            self.authority.raise_above(now_ns, epoch)

    # --- requests of people ------------------------------------------------------------------------------
    def take_out(self, now_ns: int, reason: str) -> tuple[bool, str]:
        """Shrink the voter set to this member alone; done when a majority of all three has recorded it."""
        if not self.active:
            return False, f"{self.name} is not the active; ask {self.peer}"
        if self.phase in BY_COMMAND:
            why = "a switchover is under way" if self.phase is Phase.HANDING_OVER else "that has been asked for already"
            return False, f"{self.peer} is not taken out: {why}"
        self._take_out_reason = reason
        self._go(now_ns, Event.TAKE_OUT)
        self._renew(now_ns)
        return True, f"{self.peer} is being taken out: {reason}"

    def bring_back(self, now_ns: int, reason: str) -> tuple[bool, str]:
        """Make all three vote again; the standby counts as out until its copy is complete.

        A standby that is not out, but is given no copy because two results differed, is given one.
        """
        if self.source.suspended and self.phase is not Phase.SIMPLEX:
            return self.resynchronise(now_ns)
        if self.phase is not Phase.SIMPLEX:
            return False, f"{self.peer} is not taken out: there is nobody to bring back"
        if silent := self.neighbours.silent(now_ns):
            return False, (
                f"{self.peer} is not brought back, because there is no answer from {' and '.join(silent)}. "
                f"{self.name} goes on alone; start what is missing and ask again."
            )
        self._ports.event(f"{self.peer} is brought back: {reason}")
        self._go(now_ns, Event.BRING_BACK)
        self._renew(now_ns)
        return True, f"{self.peer} is being brought back: {reason}"

    def resynchronise(self, now_ns: int) -> tuple[bool, str]:
        """A person asks for a copy although two results differed and nobody knows why."""
        if not self.active:
            return False, f"{self.name} is not the active; ask {self.peer}"
        if not self.source.suspended:
            return False, "nothing holds a copy back"
        self.source.resynchronise(now_ns)
        return True, f"{self.peer} is given a copy again"

    # --- programs and results ----------------------------------------------------------------------------
    def propose(self, key: bytes, data: bytes) -> str:
        """Ask the standby to get ready for a change; "" or the reason why it cannot be asked."""
        session = self.source.session
        if session is None:
            return f"{self.peer} holds no complete copy now (state of the mirror: {self.source.state})"
        self.programs.propose(session, key, data)
        return ""

    def agrees(self, key: bytes) -> bool:
        """May a scan be named for that change? Asked by the scan: the standby of this session is ready for it."""
        return self.active and self.programs.agrees(self.source.session, key)

    def decided(self, key: bytes, ok: bool, text: str) -> None:
        """As the standby: what was offered is loaded, or cannot be."""
        if not self.active:
            self.programs.decided(key, ok, text)

    def copy_taken(self, now_ns: int, seq: int, state: bytes | memoryview) -> None:
        """The copy that ``snapshot`` had promised."""
        if self.active and self.phase not in BY_COMMAND and not self._is_standby_awaited:
            self.source.copy_taken(now_ns, seq, state)
            self._follow_mirror(now_ns)

    def rechecked(self, now_ns: int, seq: int, repeats: bool) -> None:
        """What this controller finds when it repeats its own result of a scan that differs from the other's."""
        if self.active:
            self.source.rechecked(now_ns, seq, repeats)
            self._follow_mirror(now_ns)
        else:
            self.sink.rechecked(seq, repeats)
            self._follow_data(now_ns)
