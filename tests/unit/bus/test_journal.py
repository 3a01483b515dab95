"""The journal holds what anybody wrote there: events are read, the rest is told, nothing fails."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dcs.bus.journal import understood
from dcs.bus.messages import Event
from dcs.cli.journal import foreign_lines

GOOD = Event("C1:7", 1_700_000_000_000_000_000, "C1", "alarm", "LIC-101.HI", "in alarm", 3, old="A", new="B")


def entry(**changes: Any) -> bytes:
    raw = json.loads(GOOD.to_bytes()) | changes
    return json.dumps({key: value for key, value in raw.items() if value is not Ellipsis}).encode()


def test_events_are_read_as_they_were_written() -> None:
    assert understood([("s", GOOD.to_bytes())]) == ([GOOD], [])


def test_what_newer_software_adds_is_left_out_and_what_older_software_had_not_is_empty() -> None:
    payload = json.loads(GOOD.to_bytes()) | {"signature": "abc"}
    del payload["late"], payload["user"]
    assert understood([("s", json.dumps(payload).encode())]) == ([GOOD], [])


def test_foreign_entries_are_told_one_by_one_and_hide_nothing() -> None:
    entries = [
        ("dcs.tank.event.X", b"\xff\x00 no text"),
        ("dcs.tank.event.C1", GOOD.to_bytes()),
        ("dcs.tank.event.X", b"[1, 2]"),
        ("dcs.tank.event.X", b'{"id": "x", "text": "hello"}'),
        ("dcs.tank.event.X", entry(time_ns="yesterday")),
        ("dcs.tank.event.X", entry(time_ns=10**30)),
        ("dcs.tank.event.X", entry(time_ns=True)),
        ("dcs.tank.event.X", entry(text=None)),
        ("dcs.tank.event.X", entry(priority="high")),
        ("dcs.tank.event.X", entry(old=[1])),
    ]
    events, foreign = understood(entries)
    assert events == [GOOD]
    assert [one.why for one in foreign] == [
        "it is not JSON",
        "it is not a JSON object",
        "it has no `time_ns`",
        "its `time_ns` is 'yesterday'",
        f"its time {10**30} is in no calendar",
        "its `time_ns` is True",
        "its `text` is None",
        "its `priority` is 'high'",
        "its `old` is [1]",
    ]
    lines = foreign_lines(foreign)
    assert lines[0].startswith("9 entries of the journal cannot be understood and are not shown.")
    assert len(lines) == 7
    assert foreign_lines([]) == []
    assert all(line.isprintable() for line in lines)


@given(st.lists(st.binary(max_size=80) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.dictionaries(st.sampled_from(["id", "time_ns", "text", "old", "x"]), inner), max_leaves=8,
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_nothing_that_can_stand_there_makes_it_fail(payloads: list[bytes]) -> None:
    events, foreign = understood([("s", payload) for payload in payloads])
    assert len(events) + len(foreign) == len(payloads)
    assert all(line.isprintable() for line in foreign_lines(foreign))
