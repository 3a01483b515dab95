"""The one buffer that is all memory of a controller: its prefix, its regions, its event ring.

Called by   the plan compiler (lays it out), kernels and the uncompiled path (write events), the engine.
Knows       word positions. Everything is 8-byte words, little endian.

Order: prefix | counters of the scan classes | event ring | input channels (values, statuses, times) |
output channels (values, statuses) | records, run by run, each run on a 64-byte line.
"""

import contextlib
import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

LINE_WORDS = 8
"""Runs start on 64-byte lines."""
_HUGE_PAGE = 2 * 1024 * 1024

# --- prefix, in words -----------------------------------------------------------------------------------
MAGIC, PLAN_HASH, EPOCH, GENERATION, SCANS, TIME_NS = 0, 1, 2, 3, 4, 5
EVENT_HEAD, EVENT_MARK, EVENTS_LOST, RING_AT, RING_SIZE, ALWAYS_GOOD, ALWAYS_ZERO = 6, 7, 8, 9, 10, 11, 12
PREFIX_WORDS = 16
MAGIC_VALUE = 0x31304D454D534344  # "DCSMEM01"

CLASS_WORDS = 4
CLASS_SCANS, CLASS_TIME_NS, CLASS_SLIPS = 0, 1, 2

# --- one event in the ring --------------------------------------------------------------------------------
EVENT_WORDS = 8
AT_SEQUENCE, AT_TIME_NS, AT_KIND, AT_SUBJECT, AT_CODE, AT_OLD, AT_NEW = range(7)
NO_EVENT, ALARM_EVENT, MODE_EVENT, COMMAND_EVENT, ACK_EVENT, BLOCK_EVENT = range(6)
"""``NO_EVENT``: an old event about something that an online change has removed."""


def class_at(class_index: int) -> int:
    """First word of the counters of a scan class."""
    return PREFIX_WORDS + CLASS_WORDS * class_index


def emit(words: Any, numbers: Any, time_ns: int, kind: int, subject: int, code: int, old: float, new: float) -> None:
    """Write one event into the ring and count it; ``words`` and ``numbers`` are the buffer as i8 and as f8.

    When one scan has more events than the ring has room, the first ones stay (they tell what came first) and the
    rest is counted as lost. Compiled into the kernels.
    """
    sequence = words[EVENT_HEAD]
    if sequence - words[EVENT_MARK] >= words[RING_SIZE]:
        words[EVENTS_LOST] += 1
        return
    at = words[RING_AT] + (sequence % words[RING_SIZE]) * EVENT_WORDS
    words[at + AT_SEQUENCE] = sequence
    words[at + AT_TIME_NS] = time_ns
    words[at + AT_KIND] = kind
    words[at + AT_SUBJECT] = subject
    words[at + AT_CODE] = code
    numbers[at + AT_OLD] = old
    numbers[at + AT_NEW] = new
    words[EVENT_HEAD] = sequence + 1


def emit_mode(
    words: Any, numbers: Any, time_ns: int, subject: int, mode_before: int, reason_before: int, mode: int, reason: int
) -> None:
    """Journal a change of the actual mode that nobody asked for, and the way back from it.

    Mode 0 = out of service; reason 0 = as asked, 1 = starting (``dcs.blocks.handshake``): a command has its own line
    in the journal, and that a block starts up is no news.
    """
    if mode_before == 0 or (reason == 0 and reason_before == 0) or reason == 1 or reason_before == 1:
        return
    emit(words, numbers, time_ns, 2, subject, mode_before * 16 + mode, float(reason_before), float(reason))


def aligned_bytes(count: int) -> NDArray[np.uint8]:
    """``count`` zero bytes that start on a 64-byte line; a large buffer on pages of 2 MB where the system has them.

    A scan walks through all of its memory: with pages of 4 kB, 10,000 loops need more of them than the processor can
    look up at once.
    """
    if count < _HUGE_PAGE // 8 or not hasattr(mmap, "MADV_HUGEPAGE"):
        room = np.zeros(count + 64, np.uint8)
        start = -room.ctypes.data % 64
        return room[start : start + count]
    pages = mmap.mmap(-1, count + 2 * _HUGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):  # a system without them: it is only slower
        pages.madvise(mmap.MADV_HUGEPAGE)
    room = np.frombuffer(pages, np.uint8)
    start = -room.ctypes.data % _HUGE_PAGE
    return room[start : start + count]
