"""How two members come to execute the same program, message by message."""

from dcs.core.clock import NS_PER_MS
from dcs.redundancy.messages import Generation, Hello, Message, Offer, Session, Verdict
from dcs.redundancy.protocol.program_exchange import SLICE_BYTES, ProgramExchange
from dcs.redundancy.timing import LeaseTiming
from tests.unit.redundancy.test_mirror import Ports

MS = NS_PER_MS
OLD, NEW = b"old_prog", b"new_prog"
ONE, TWO = Session(Generation(4, 0), 10, 20, 1), Session(Generation(4, 1), 10, 20, 2)


class Programs:
    """One member's programs: a log."""

    def __init__(self, running: bytes) -> None:
        self.running = running
        self.here = {running}
        self.loading: list[tuple[bytes, bytes]] = []
        self.verdicts: list[tuple[bytes, bool, str]] = []

    def program(self) -> bytes:
        return self.running

    def offer(self) -> tuple[bytes, bytes]:
        return self.running, b"what it says"

    def loaded(self, key: bytes) -> bool:
        return key in self.here

    def load(self, key: bytes, data: bytes) -> None:
        self.loading.append((key, data))

    def verdict(self, key: bytes, ok: bool, text: str) -> None:
        self.verdicts.append((key, ok, text))


def side(running: bytes) -> tuple[ProgramExchange, Ports, Programs]:
    ports, programs = Ports(), Programs(running)
    return ProgramExchange(ports, programs, LeaseTiming()), ports, programs


def hello(program: bytes, incarnation: int = 20) -> Hello:
    return Hello(incarnation, Generation(0, 0), 0, True, 0, 0, program)


def deliver(messages: list[Message], standby: ProgramExchange) -> None:
    for message in messages:
        assert isinstance(message, Offer)
        standby.on_offer(message)


def test_a_standby_with_the_same_program_is_copied_to_at_once() -> None:
    active, ports, _ = side(OLD)
    assert active.may_copy(0, hello(OLD))
    assert ports.sent == []


def test_a_standby_with_another_program_is_offered_ours_and_copied_to_when_it_has_it() -> None:
    active, active_ports, _ = side(NEW)
    standby, standby_ports, programs = side(OLD)
    assert not active.may_copy(0, hello(standby.announced))
    deliver(active_ports.take(), standby)
    assert programs.loading == [(NEW, b"what it says")]
    assert not active.may_copy(100 * MS, hello(standby.announced)), "it is still loading"
    assert active_ports.sent == [], "and is not asked again meanwhile"
    programs.here.add(NEW)
    standby.decided(NEW, True, "")
    assert standby_ports.take() == [Verdict(NEW, True, "")]
    assert active.may_copy(200 * MS, hello(standby.announced))


def test_a_lost_offer_is_repeated_and_a_restarted_standby_is_asked_at_once() -> None:
    active, ports, _ = side(NEW)
    active.may_copy(0, hello(OLD))
    assert len(ports.take()) == 1
    active.may_copy(1000 * MS, hello(OLD))
    assert ports.take() == []
    active.may_copy(1001 * MS, hello(OLD, incarnation=21))
    assert len(ports.take()) == 1
    active.may_copy(10_000 * MS, hello(OLD, incarnation=21))
    assert len(ports.take()) == 1


def test_a_large_program_comes_in_parts_and_a_gap_is_not_loaded() -> None:
    active, active_ports, _ = side(OLD)
    standby, _, programs = side(OLD)
    data = bytes(SLICE_BYTES) + b"rest"
    active.propose(ONE, NEW, data)
    first, second = active_ports.take()
    deliver([second], standby)
    assert programs.loading == []
    deliver([first, second], standby)
    assert programs.loading == [(NEW, data)]


def test_a_change_is_named_only_with_the_verdict_of_this_very_session() -> None:
    """Promise: neither an earlier word, nor one from another session, nor one about another change counts."""
    active, _, programs = side(OLD)
    active.propose(ONE, NEW, b"")
    assert not active.agrees(ONE, NEW)
    active.on_verdict(0, TWO, Verdict(NEW, True, ""))
    assert not active.agrees(TWO, NEW), "it was proposed in another session"
    active.on_verdict(0, None, Verdict(NEW, True, ""))
    assert not active.agrees(None, NEW)
    active.on_verdict(0, ONE, Verdict(NEW, True, ""))
    assert active.agrees(ONE, NEW)
    assert not active.agrees(TWO, NEW)
    assert not active.agrees(ONE, OLD)
    assert not active.agrees(None, NEW)
    active.propose(ONE, OLD, b"")
    assert not active.agrees(ONE, NEW), "another change was proposed since"
    assert [ok for _, ok, _ in programs.verdicts] == [True, True, True]


def test_a_standby_that_cannot_is_told_of_and_not_asked_again_soon() -> None:
    active, ports, programs = side(NEW)
    active.may_copy(0, hello(OLD))
    ports.take()
    active.on_verdict(0, None, Verdict(NEW, False, "control.yaml:3: wrong"))
    assert programs.verdicts == [(NEW, False, "control.yaml:3: wrong")]
    assert "cannot run the configuration that runs here" in ports.events[0]
    active.may_copy(10_000 * MS, hello(OLD))
    assert ports.take() == []
