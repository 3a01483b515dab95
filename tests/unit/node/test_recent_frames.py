"""What a standby keeps of the scans that it repeated: the last two seconds, within a bound, once."""

from dataclasses import replace

import numpy as np
import pytest

from dcs.bus.messages import Frame, Layout, TagInfo
from dcs.core.clock import NS_PER_MS
from dcs.node import recent_frames
from dcs.node.recent_frames import KEPT_NS, RecentFrames


def frame(number: int, tags: int = 3) -> Frame:
    return Frame(b"12345678", number, number * 100 * NS_PER_MS, 4, 1, np.zeros(tags), np.zeros(tags, "u1"))


def layout(name: str, tags: int) -> Layout:
    return Layout("p", "C1", name, 100 * NS_PER_MS, tuple(TagInfo(f"T{n}") for n in range(tags)))


def test_the_last_scans_are_kept_as_long_as_the_active_may_be_unsure_of_them() -> None:
    recent = RecentFrames()
    for number in range(100):
        recent.add("loops", frame(number))
    taken = recent.take({})
    assert [one.scan for _, one in taken] == list(range(99 - KEPT_NS // (100 * NS_PER_MS), 100))
    assert {name for name, _ in taken} == {"loops"}
    assert recent.take({}) == [], "they are handed on once"


def test_large_ones_make_room_but_the_last_is_kept() -> None:
    recent = RecentFrames()
    tags = recent_frames.BYTES_MAX // 9 + 1
    for number in range(3):
        recent.add("loops", frame(number, tags))
    assert [one.scan for _, one in recent.take({})] == [2]


def test_of_a_class_too_large_to_keep_the_last_scan_is_made_of_the_state_with_the_epoch_that_ran_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recent_frames, "TAGS_MAX", 1)
    recent = RecentFrames()
    recent.ran(layout("fast", 1), 4, lambda: frame(7))
    recent.ran(layout("large", 2), 4, lambda: frame(8))
    newest = {"fast": frame(7), "large": replace(frame(8), epoch=5), "never ran": frame(9)}
    taken = recent.take(newest)
    assert [(name, one.scan, one.epoch) for name, one in taken] == [("fast", 7, 4), ("large", 8, 4)]
    assert recent.take(newest) == [], "they are handed on once"
