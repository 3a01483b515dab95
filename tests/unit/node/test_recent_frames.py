"""What a standby keeps of the scans that it repeated: the last two seconds, within a bound, once."""

import numpy as np

from dcs.bus.messages import Frame
from dcs.core.clock import NS_PER_MS
from dcs.node import recent_frames
from dcs.node.recent_frames import KEPT_NS, RecentFrames


def frame(number: int, tags: int = 3) -> Frame:
    return Frame(b"12345678", number, number * 100 * NS_PER_MS, 4, 1, np.zeros(tags), np.zeros(tags, "u1"))


def test_the_last_scans_are_kept_as_long_as_the_active_may_be_unsure_of_them() -> None:
    recent = RecentFrames()
    for number in range(100):
        recent.add("loops", frame(number))
    taken = recent.take()
    assert [one.scan for _, one in taken] == list(range(99 - KEPT_NS // (100 * NS_PER_MS), 100))
    assert {name for name, _ in taken} == {"loops"}
    assert recent.take() == [], "they are handed on once"


def test_large_ones_make_room_but_the_last_is_kept() -> None:
    recent = RecentFrames()
    tags = recent_frames.BYTES_MAX // 9 + 1
    for number in range(3):
        recent.add("loops", frame(number, tags))
    assert [one.scan for _, one in recent.take()] == [2]
