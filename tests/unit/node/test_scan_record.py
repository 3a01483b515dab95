"""What the standby repeats is what the active did: records and copies survive the wire whole, or are refused."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.bus.messages import Command, Reply
from dcs.node.command_book import CommandBook
from dcs.node.scan_record import InputImage, ScanRecord

floats = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(floats, st.integers(0, 255), st.integers(0, 2**62)), max_size=20),
    st.integers(0, 2**63),
    st.lists(
        st.tuples(st.text(max_size=8), st.one_of(st.none(), st.text(max_size=5), st.floats(-1e9, 1e9))), max_size=3
    ),
)
def test_a_record_comes_out_as_it_went_in(
    points: list[tuple[float, int, int]], scan: int, commands: list[tuple[str, float | str | None]]
) -> None:
    image = InputImage(
        np.array([p[0] for p in points], np.float64),
        np.array([p[1] for p in points], np.int64),
        np.array([p[2] for p in points], np.int64),
    )
    sent = ScanRecord(
        scan, 17, 2, 1, image, [Command(f"{i}", "set", tag, value) for i, (tag, value) in enumerate(commands)]
    )
    got = ScanRecord.from_bytes(sent.to_bytes())
    assert (got.scan, got.time_ns, got.class_index, got.slips, got.commands) == (scan, 17, 2, 1, sent.commands)
    assert got.inputs.values.tobytes() == image.values.tobytes()
    assert got.inputs.statuses.tolist() == image.statuses.tolist()
    assert got.inputs.times_ns.tolist() == image.times_ns.tolist()


@given(st.integers(0, 60))
def test_a_record_that_was_cut_is_refused(kept: int) -> None:
    payload = ScanRecord(1, 2, 0, 0, InputImage.empty(3, 4), []).to_bytes()
    if kept < len(payload):
        with pytest.raises(ValueError, match="record"):
            ScanRecord.from_bytes(payload[:kept])


def test_what_was_never_read_is_not_a_number() -> None:
    image = InputImage.empty(2, 8)
    assert all(math.isnan(value) for value in image.values)
    assert image.statuses.tolist() == [8, 8]


def test_the_book_forgets_the_oldest_and_survives_a_copy() -> None:
    book = CommandBook()
    for number in range(300):
        book.add(Reply(str(number), True, "done", number))
    assert book.find("0") is None
    copy = CommandBook()
    copy.load([asdict(reply) for reply in book.to_list()])
    assert copy.find("299") == Reply("299", True, "done", 299)
    assert copy.to_list() == book.to_list()
