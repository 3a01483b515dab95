"""How the two members of a pair come to execute the same program: the configuration, compiled.

Called by   PairMember. Knows keys of programs and bytes; what a program is the controller knows.
Rules       docs/explanations/decisions/0007-online-change.md:
            the active copies its state only to a standby that says it has loaded the same program, and offers it first
            to one that has not; a change is named only while the standby, in this very session, has answered that it is
            ready for it. The change itself is a command in the record of one scan: a takeover cannot part the two.
"""

from dcs.redundancy.messages import NO_PROGRAM, Hello, Offer, Session, Verdict
from dcs.redundancy.protocol.ports import MemberPorts, ProgramPorts
from dcs.redundancy.timing import LeaseTiming

SLICE_BYTES = 65536
OFFER_AGAIN_FACTOR = 50  # mirror times: a standby that compiles answers nothing for a while
REFUSED_AGAIN_FACTOR = 1000


class ProgramExchange:
    """Both ends; which of them speaks depends on who is the active. Without ``programs`` all are the same."""

    def __init__(self, ports: MemberPorts, programs: ProgramPorts | None, timing: LeaseTiming) -> None:
        self._ports = ports
        self._programs = programs
        self._timing = timing
        self._agreed: tuple[bytes, Session] | None = None
        self._offered: tuple[bytes, int] = (NO_PROGRAM, 0)  # (key, incarnation) of the last offer
        self._offer_again_ns = 0
        self._proposed: Session | None = None  # the session in which the last change was proposed
        self._slices: list[bytes] = []
        self._wanted = NO_PROGRAM  # the key whose slices we collect, or that is being loaded for the active
        self._loaded = NO_PROGRAM

    # --- the active ---------------------------------------------------------------------------------------
    def may_copy(self, now_ns: int, hello: Hello) -> bool:
        """Has the standby the program that the copy is to be read by? If not, it is offered."""
        if self._programs is None or hello.program == self._programs.program():
            return True
        if not hello.wants_copy:
            return False
        key, data = self._programs.offer()
        if self._offered != (key, hello.incarnation) or now_ns >= self._offer_again_ns:
            self._offered = (key, hello.incarnation)
            self._offer_again_ns = now_ns + OFFER_AGAIN_FACTOR * self._timing.mirror_ns
            self._send(key, data)
        return False

    def propose(self, session: Session, key: bytes, data: bytes) -> None:
        """Ask the standby of this session to get ready for a change."""
        self._agreed = None
        self._proposed = session
        self._send(key, data)

    def agrees(self, session: Session | None, key: bytes) -> bool:
        """Has the standby answered, in this session, that it is ready for that change?"""
        return session is not None and self._agreed == (key, session)

    def _send(self, key: bytes, data: bytes) -> None:
        parts = [data[at : at + SLICE_BYTES] for at in range(0, len(data), SLICE_BYTES)] or [b""]
        for number, part in enumerate(parts):
            self._ports.send_mirror(Offer(key, number, len(parts), part))

    def on_verdict(self, now_ns: int, session: Session | None, verdict: Verdict) -> None:
        """The standby has loaded a program, or cannot."""
        if self._programs is None:
            return
        if verdict.ok and session is not None and session == self._proposed:
            self._agreed = (verdict.key, session)
        if not verdict.ok and verdict.key == self._offered[0]:
            self._offer_again_ns = now_ns + REFUSED_AGAIN_FACTOR * self._timing.mirror_ns
            self._ports.event(f"the standby cannot run the configuration that runs here: {verdict.text}")
        self._programs.verdict(verdict.key, verdict.ok, verdict.text)

    # --- the standby --------------------------------------------------------------------------------------
    @property
    def announced(self) -> bytes:
        """The program that a copy may be read by: the last one offered that is loaded, else the one we have."""
        if self._programs is None:
            return NO_PROGRAM
        if self._loaded != NO_PROGRAM and self._programs.loaded(self._loaded):
            return self._loaded
        return self._programs.program()

    def on_offer(self, offer: Offer) -> None:
        """One part of a program; with the last one it is loaded, apart from everything else."""
        if self._programs is None:
            return
        if offer.number == 0:
            if offer.key == self._wanted and not self._slices:
                return  # it is being loaded already
            self._slices, self._wanted = [], offer.key
        if offer.key != self._wanted or offer.number != len(self._slices):
            return
        self._slices.append(offer.data)
        if len(self._slices) < offer.slices:
            return
        data, self._slices = b"".join(self._slices), []
        if self._programs.loaded(offer.key):
            self.decided(offer.key, True, "")
        else:
            self._programs.load(offer.key, data)

    def decided(self, key: bytes, ok: bool, text: str) -> None:
        """What was offered is loaded, or cannot be."""
        if key == self._wanted:
            self._wanted = NO_PROGRAM
        if ok:
            self._loaded = key
        self._ports.send_mirror(Verdict(key, ok, text))

    def forget(self) -> None:
        """We hold the authority now, or have executed something since: what we announce is what we run."""
        self._loaded = self._wanted = NO_PROGRAM
        self._slices = []
