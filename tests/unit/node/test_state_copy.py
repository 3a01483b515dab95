"""The full copy: whatever a controller knows comes out of it again, and damaged bytes are refused."""

import dataclasses

import numpy as np
import pytest

from dcs.bench.loops_plan import START_NS, loops_strategy
from dcs.bench.mirror_rig import program_of
from dcs.bus.messages import Command, Event
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine
from dcs.node.changes import apply_changes, pack_changes
from dcs.node.replica import Replica
from dcs.node.retrace import AGREED_AFTER, KEEP_EVERY, RECORDS_MAX, Retrace
from dcs.node.scan_record import InputImage, ScanRecord
from dcs.node.state_copy import StateCopy, read_copy

LOOPS = 7
PLAN = compile_strategy(loops_strategy(LOOPS))
GOOD = 0xC0


def record(scan: int, commands: list[Command] | None = None) -> ScanRecord:
    channels = len(PLAN.input_channels)
    values = 12.0 + 7.8 * np.sin(0.3 * scan + np.arange(channels))
    if scan // 4 % 2:  # a transmitter that comes and goes
        values[1] = np.nan
    time_ns = START_NS + scan * 500_000_000
    image = InputImage(values, np.full(channels, GOOD), np.full(channels, time_ns))
    return ScanRecord(scan, time_ns, 0, 0, image, commands or [])


def command(number: int) -> Command:
    return Command(f"c{number}", "set", "FIC-000001.pid.GAIN", 1.0 + number, "ann", "desk 1")


def running(scans: int = 40) -> Replica:
    replica = Replica(program_of(PLAN))
    for scan in range(1, scans + 1):
        replica.execute(record(scan, [command(scan)] if scan % 9 == 0 else None))
    return replica


def test_everything_survives_a_copy() -> None:
    """Promise: block state, answered commands, numbers of events, late events, last outputs, last inputs, times."""
    first, second = running(), Replica(program_of(PLAN))
    copy = StateCopy()
    first.freeze(copy)
    second.restore(bytes(copy.packed()))
    assert second.engine.snapshot() == first.engine.snapshot()
    assert second.scan == first.scan == copy.scan == 40
    assert second.answered("c36")
    assert second.execute(record(41, [command(36)])).replies == first.execute(record(41, [command(36)])).replies
    assert [a.tobytes() for a in second.engine.outputs()] == [a.tobytes() for a in first.engine.outputs()]
    assert second.recent_events, "events that may not be published yet go with it"
    assert set(second.recent_events) <= set(first.recent_events)
    assert second.inputs is not None
    assert first.inputs is not None
    assert second.inputs.values.tobytes() == first.inputs.values.tobytes()
    ids = [
        [event.id for scan in range(42, 80) for event in replica.execute(record(scan)).events]
        for replica in (first, second)
    ]
    assert ids[0] == ids[1] != [], "the next events have the same numbers on both"


def test_who_was_behind_an_old_event_goes_with_the_copy() -> None:
    """Promise: an event that the next active has to tell names the operator, however long ago it was."""
    first, second = running(200), Replica(program_of(PLAN))
    old = Event("C1:0", START_NS, "C1", "operator", "FIC-1.SP", "FIC-1.SP 1 → 2", user="ann", station="desk 1")
    first.recent_events.appendleft(old)
    second.restore(first.snapshot())
    assert second.recent_events[0] == old, "in the order in which they happened"
    assert len(second.recent_events) > 1


def test_events_of_an_earlier_term_go_with_the_copy() -> None:
    """Promise: what the journal did not take while the bus was away is told, though the holder has changed since."""
    first, second = running(), Replica(program_of(PLAN))
    before = {event.id for event in first.recent_events}
    first.begin_term(epoch=7)
    for scan in range(41, 100):  # 30 s: longer than what goes with a copy in any case
        first.execute(record(scan))
    second.restore(first.snapshot())
    assert before
    assert before <= {event.id for event in second.recent_events}


def test_events_of_every_kind_go_with_a_copy_in_order() -> None:
    """Promise: a note of lost events, and the lines of an online change, do not stop a standby from getting ready."""
    first, second = running(200), Replica(program_of(PLAN))
    newest = first.recent_events[-1]
    number = int(newest.id.rpartition(":")[2])
    lost = dataclasses.replace(newest, id=f"C1:{number + 1}-lost-5", kind="system")
    change = dataclasses.replace(newest, id="C1:change-1f:0", kind="config", user="ann", time_ns=newest.time_ns + 1)
    first.recent_events.extend((lost, change))
    second.restore(first.snapshot())
    assert list(second.recent_events)[-3:] == [newest, lost, change]


def test_the_room_is_used_again_and_grows() -> None:
    copy = StateCopy()
    replica = running(5)
    replica.freeze(copy)
    first = bytes(copy.packed())
    for scan in range(6, 3000):
        replica.execute(record(scan, [dataclasses.replace(command(scan), user="u" * 2000)]))
    replica.freeze(copy)
    assert len(bytes(copy.packed())) > len(first)
    other = Replica(program_of(PLAN))
    other.restore(copy.packed())
    assert other.engine.snapshot() == replica.engine.snapshot()


@pytest.mark.parametrize("damaged", [b"", b"DCC1" + bytes(100), b"DC"])
def test_what_is_no_copy_is_refused(damaged: bytes) -> None:
    with pytest.raises(ValueError, match="not a full copy"):
        read_copy(damaged)


def test_changes_are_exact_and_leave_both_equal() -> None:
    rng = np.random.default_rng(3)
    known = rng.integers(0, 1 << 60, 1003)
    words = known.copy()
    words[rng.integers(0, 1003, 100)] += 1
    theirs = known.copy()
    payload = pack_changes(words, known)
    apply_changes(theirs, payload)
    assert words.tobytes() == known.tobytes() == theirs.tobytes()
    for cut in (payload[:-1], payload[:50], payload + b"12345678"):
        with pytest.raises(ValueError, match="do not say what changed"):
            apply_changes(theirs, cut)


def test_a_scan_with_its_result_is_followed_to_the_bit() -> None:
    first, second = running(), Replica(program_of(PLAN))
    second.restore(first.snapshot())
    first.show_results(True)
    for scan in range(41, 60):
        sent = record(scan, [command(scan)] if scan % 5 == 0 else None)
        outcome = first.execute(sent)
        second.engine.scan = None  # type: ignore[method-assign, assignment]  # it repeats nothing
        followed = second.execute(ScanRecord.from_bytes(sent.to_bytes()))
        assert followed.digest == outcome.digest
        assert followed.replies == outcome.replies
        assert followed.events == outcome.events
    assert second.engine.snapshot() == first.engine.snapshot()
    assert second.answered("c55")


# --- repeating ---------------------------------------------------------------------------------------------------
def follow(replica: Replica, retrace: Retrace, scans: range, agreed_behind: int = 1) -> None:
    for scan in scans:
        one = record(scan)
        outcome = replica.execute(one)
        retrace.note(scan, one.to_bytes(), outcome.digest)
        retrace.keep(scan - agreed_behind)


def repeated(retrace: Retrace, scan: int) -> bool:
    return retrace.repeats(scan, lambda program: Engine(program.plan))


def begun() -> tuple[Replica, Retrace]:
    replica = running()
    retrace = Retrace(replica)
    retrace.begin()
    return replica, retrace


@pytest.mark.parametrize("scans", [1, KEEP_EVERY + AGREED_AFTER + 5, 200])
def test_sound_results_can_be_repeated(scans: int) -> None:
    replica, retrace = begun()
    follow(replica, retrace, range(41, 41 + scans))
    assert repeated(retrace, 40 + scans)


@pytest.mark.parametrize("scans", [1, KEEP_EVERY + AGREED_AFTER + 5, 200])
def test_a_flip_since_the_agreed_state_cannot_be_repeated(scans: int) -> None:
    replica, retrace = begun()
    follow(replica, retrace, range(41, 41 + scans))
    index = next(at for at, one in enumerate(PLAN.records) if one.name == "FIC-000001.pid")
    replica.engine.memory[8 * PLAN.word_of(index, "gain") + 6] ^= 1
    follow(replica, retrace, range(41 + scans, 41 + scans + AGREED_AFTER), agreed_behind=AGREED_AFTER)
    assert not repeated(retrace, 40 + scans + AGREED_AFTER)


def test_what_is_kept_is_bounded() -> None:
    replica, retrace = begun()
    follow(replica, retrace, range(41, 400))
    assert len(retrace._steps) <= KEEP_EVERY + AGREED_AFTER + 1
    replica, retrace = begun()
    follow(replica, retrace, range(41, 42 + RECORDS_MAX), agreed_behind=10_000)  # nobody agrees
    assert not retrace._steps
    assert repeated(retrace, 41 + RECORDS_MAX), "what cannot be told is nobody's fault"
