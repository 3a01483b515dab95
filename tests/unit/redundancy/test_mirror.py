"""The two ends of the mirror: what is acknowledged, what may be answered, who is shut out."""

from dcs.core.clock import NS_PER_MS
from dcs.redundancy.messages import Ack, CopyBegin, CopySlice, Generation, Hello, Message, Record, Session
from dcs.redundancy.protocol import MirrorSink, MirrorSource, VoterRecord
from dcs.redundancy.protocol.mirror_source import SLICE_BYTES, WINDOW_SLICES
from dcs.redundancy.timing import LeaseTiming

MS = NS_PER_MS
G1, G2 = Generation(4, 0), Generation(4, 1)
HELLO = Hello(20, Generation(0, 0), 0, True, 0, 0)


class Ports:
    """Both sides' world: a log."""

    def __init__(self, state: bytes = b"state") -> None:
        self.sent: list[Message] = []
        self.answered = -1
        self.events: list[str] = []
        self.state = state
        self.scan = 0
        self.executed: list[int] = []
        self.wrong_scan = -1
        self.has_no_time = False

    def send(self, to: str, message: Message) -> None:
        raise AssertionError("the mirror uses the stream")

    def send_mirror(self, message: Message) -> None:
        self.sent.append(message)

    def take(self) -> list[Message]:
        sent, self.sent = self.sent, []
        return sent

    def look(self, devices: int) -> None:
        raise AssertionError("the mirror knows nothing of the field")

    def save(self, record: VoterRecord) -> None:
        raise AssertionError("the mirror saves nothing")

    def snapshot(self) -> tuple[int, bytes] | None:
        return None if self.has_no_time else (self.scan, self.state)

    def restore(self, seq: int, state: bytes) -> None:
        self.scan, self.state = seq, state

    def execute(self, seq: int, record: bytes) -> bytes:
        self.executed.append(seq)
        return b"wrong" if seq == self.wrong_scan else b"d%d" % seq

    def event(self, text: str) -> None:
        self.events.append(text)

    def became_active(self, epoch: int, reason: str, cold: bool) -> None:
        raise AssertionError

    def became_standby(self, reason: str) -> None:
        raise AssertionError

    def confirmed(self, seq: int) -> None:
        self.answered = max(self.answered, seq)


def new_source(ports: Ports) -> MirrorSource:
    generations = iter([G2, Generation(4, 2), Generation(4, 3)])
    source = MirrorSource(10, LeaseTiming(), ports, lambda: next(generations))
    source.start_term(G1)
    return source


def submit(source: MirrorSource, now_ns: int, seq: int) -> None:
    source.submit(now_ns, seq, b"d%d" % seq, b"r%d" % seq)


def exchange(source: MirrorSource, source_ports: Ports, sink: MirrorSink, sink_ports: Ports, now_ns: int = 0) -> None:
    """Carry messages to and fro until nobody has more to say."""
    while source_ports.sent or sink_ports.sent:
        for message in source_ports.take():
            match message:
                case CopyBegin():
                    sink.on_begin(message, Generation(0, 0))
                case CopySlice():
                    sink.on_slice(message)
                case Record():
                    sink.on_record(message)
        for message in sink_ports.take():
            assert isinstance(message, Ack)
            source.on_ack(now_ns, message)


def mirrored() -> tuple[MirrorSource, Ports, MirrorSink, Ports]:
    source_ports, sink_ports = Ports(), Ports(b"")
    source, sink = new_source(source_ports), MirrorSink(20, sink_ports)
    source.on_hello(0, HELLO)
    exchange(source, source_ports, sink, sink_ports)
    assert source.state == "mirrored"
    assert sink.state == "complete"
    return source, source_ports, sink, sink_ports


def test_without_a_standby_commands_wait_until_a_majority_recorded_the_generation() -> None:
    ports = Ports()
    source = new_source(ports)
    submit(source, 0, 1)
    assert ports.answered == -1
    source.on_recorded(Generation(3, 9))
    assert ports.answered == -1
    source.on_recorded(G1)
    assert ports.answered == 1
    submit(source, 0, 2)
    assert ports.answered == 2


def test_a_mirrored_command_is_answered_by_the_acknowledgement_and_not_before() -> None:
    source, source_ports, sink, sink_ports = mirrored()
    submit(source, MS, 1)
    source.on_recorded(G1)
    assert source_ports.answered < 1
    exchange(source, source_ports, sink, sink_ports)
    assert source_ports.answered == 1
    assert sink_ports.executed == [1]


def test_unmirrored_answers_stop_before_the_first_byte_of_a_copy_leaves() -> None:
    ports = Ports()
    source = new_source(ports)
    source.on_recorded(G1)
    source.on_hello(0, HELLO)
    assert isinstance(ports.sent[0], CopyBegin)
    submit(source, 0, 1)
    source.on_recorded(G1)
    assert ports.answered < 1


def test_acknowledgements_of_another_generation_session_or_copy_count_for_nothing() -> None:
    source, source_ports, _, _ = mirrored()
    submit(source, 0, 1)
    (record,) = source_ports.take()
    assert isinstance(record, Record)
    right = record.session
    for wrong in (
        right._replace(generation=G2),
        right._replace(holder_incarnation=9),
        right._replace(standby_incarnation=19),
        right._replace(copy_id=right.copy_id + 1),
    ):
        source.on_ack(0, Ack(wrong, 1, 1, True, False, False))
        assert source_ports.answered < 1
    source.on_ack(0, Ack(right, 1, 1, True, False, False))
    assert source_ports.answered == 1


def test_a_silent_standby_is_excluded_and_the_command_answered_only_after_the_majority() -> None:
    source, source_ports, _, _ = mirrored()
    submit(source, 100 * MS, 1)
    source.on_time(160 * MS - 1)
    assert source.state == "mirrored"
    source.on_time(160 * MS)
    assert source.state == "none"
    assert source.generation == G2
    source.on_recorded(G1)
    assert source_ports.answered < 1
    source.on_recorded(G2)
    assert source_ports.answered == 1


def test_a_standby_with_nothing_to_acknowledge_is_not_silent() -> None:
    source, *_ = mirrored()
    assert source.due_ns is None
    source.on_time(10**12)
    assert source.state == "mirrored"


def test_lost_records_are_sent_again_when_the_standby_sees_the_gap() -> None:
    source, source_ports, sink, sink_ports = mirrored()
    submit(source, 0, 1)
    source_ports.take()  # lost
    submit(source, 0, 2)
    exchange(source, source_ports, sink, sink_ports)
    assert sink_ports.executed == [1, 2]
    assert source_ports.answered == 2


def test_repeated_and_late_messages_change_nothing() -> None:
    source, source_ports, sink, sink_ports = mirrored()
    submit(source, 0, 1)
    (record,) = source_ports.take()
    assert isinstance(record, Record)
    for _ in range(3):
        sink.on_record(record)
    assert sink_ports.executed == [1]
    sink.on_begin(CopyBegin(record.session, 0, 5, 1), Generation(0, 0))
    assert sink.state == "complete", "the beginning of the copy we already have"
    older = record.session._replace(holder_incarnation=9, copy_id=99)
    sink.on_begin(CopyBegin(older, 0, 5, 1), Generation(0, 0))
    assert sink.state == "complete", "a copy of an active that has been restarted since"


def test_a_copy_of_data_older_than_our_voter_knows_is_refused() -> None:
    sink = MirrorSink(20, Ports())
    assert not sink.on_begin(CopyBegin(Session(G1, 10, 20, 1), 0, 5, 1), known=G2)
    assert sink.state == "empty"


def test_a_large_copy_goes_in_slices_within_a_window_while_scans_go_on() -> None:
    state = bytes(range(256)) * (SLICE_BYTES * 20 // 256) + b"rest"
    source_ports, sink_ports = Ports(state), Ports(b"")
    source_ports.scan = 7
    source, sink = new_source(source_ports), MirrorSink(20, sink_ports)
    source.on_hello(0, HELLO)
    assert len(source_ports.sent) == 1 + WINDOW_SLICES
    submit(source, 0, 8)
    submit(source, 0, 9)
    exchange(source, source_ports, sink, sink_ports)
    assert (sink_ports.scan, sink_ports.state) == (7, state)
    assert sink_ports.executed == [8, 9]
    assert source.drained
    assert source_ports.answered == 9


def test_from_the_first_byte_of_a_copy_on_nothing_is_claimed() -> None:
    _, _, sink, _ = mirrored()
    assert sink.session is not None
    sink.on_begin(CopyBegin(sink.session._replace(generation=G2, copy_id=2), 0, 5, 1), G1)
    assert sink.state == "copying"


def test_a_different_result_is_told_excluded_and_copied_anew() -> None:
    source, source_ports, sink, sink_ports = mirrored()
    sink_ports.wrong_scan = 2
    submit(source, 0, 1)
    submit(source, 0, 2)
    submit(source, 0, 3)
    exchange(source, source_ports, sink, sink_ports)
    assert source.state == "none"
    assert source_ports.answered == 1, "the scan that differs is not acknowledged"
    assert sink.mismatches == 1
    assert "scan 2: our result" in sink_ports.events[-1]
    assert sink.session is not None
    again = HELLO._replace(holder_incarnation=10, copy_id=sink.session.copy_id)
    source.on_hello(30 * MS, again)
    assert source.state == "none", "not at once: a copy that fails again and again must not eat the machine"
    source.on_hello(61 * MS, again)
    exchange(source, source_ports, sink, sink_ports)
    assert source.state == "mirrored"


def test_a_restarted_standby_is_excluded_by_its_first_word() -> None:
    source, *_ = mirrored()
    source.on_hello(MS, HELLO._replace(incarnation=21))
    assert source.generation == G2
    source.on_hello(200 * MS, HELLO._replace(incarnation=20))
    assert source.state == "copying"


def test_a_copy_that_comes_later_is_asked_for_once_and_stops_unmirrored_answers_only_then() -> None:
    ports = Ports()
    ports.has_no_time = True
    source = new_source(ports)
    source.on_recorded(G1)
    source.on_hello(0, HELLO)
    source.on_hello(100 * MS, HELLO)
    submit(source, 100 * MS, 1)
    assert (ports.sent, source.alone, ports.answered) == ([], True, 1)
    source.copy_taken(120 * MS, 1, memoryview(b"state"))
    assert not source.alone
    assert isinstance(ports.take()[0], CopyBegin)
    source.exclude(200 * MS, "a test")
    ports.take()
    source.copy_taken(210 * MS, 2, memoryview(b"state"))
    assert not ports.sent, "nobody asked for this one any more"
    source.on_hello(10_000 * MS, HELLO)
    ports.has_no_time = False
    source.on_hello(20_000 * MS, HELLO)
    assert isinstance(ports.take()[0], CopyBegin), "one that did not come is asked for once more"
