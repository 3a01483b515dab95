"""A delay line in a block's record: a ring of samples, read between them.

Called by   the step functions of DEAD_TIME and FEED_FORWARD; compiled together with them.
Knows       the fields of ``delay_state`` and numbers.
Promise     up to ``LINE_SAMPLES - 2`` scans of delay are exact when the delay is a whole number of scans; a longer one
            keeps every k-th sample, so that the line covers it, and reads between them on straight lines. A changed
            delay makes the output run through the history at half to double speed: it never jumps.
Source      transport delay by a ring of samples, Franklin, Powell, Workman, Digital Control of Dynamic Systems.
"""

import math
from typing import Any

from dcs.blocks.declare import FieldGroup, f8, i8

LINE_SAMPLES = 64
"""Samples that a line holds."""


def delay_state(unit: str) -> tuple[FieldGroup, ...]:
    """Fields of a delay line of values in ``unit``."""
    return (
        f8("line", unit, "samples of the delay line", count=LINE_SAMPLES),
        i8("line_at", "place of the newest sample"),
        i8("line_every", "scans between two samples; 0 = the line is empty"),
        i8("line_age", "scans since the newest sample"),
        f8("delay_used_s", "s", "delay of the last scan; it follows a changed one"),
    )


def fill_line(b: Any, value: float, dt_s: float, delay_s: float, longest_s: float) -> None:
    """Start, or start again, at rest with ``value``."""
    for i in range(LINE_SAMPLES):
        b.line[i] = value
    b.line_at = 0
    b.line_age = 0
    b.line_every = samples_apart(dt_s, longest_s)
    b.delay_used_s = delay_s


def samples_apart(dt_s: float, longest_s: float) -> int:
    """Scans between two samples, so that the line covers ``longest_s``."""
    scans = longest_s / dt_s / (LINE_SAMPLES - 2)
    if not scans > 1.0:
        return 1
    return math.ceil(scans) if scans < 1e9 else 1_000_000_000


def delayed(b: Any, value: float, dt_s: float, delay_s: float, longest_s: float) -> float:
    """Put ``value`` into the line and read what it was ``delay_s`` ago (at most ``longest_s``)."""
    delay = delay_s if delay_s < longest_s else longest_s
    if b.line_every != samples_apart(dt_s, longest_s):
        fill_line(b, value if b.line_every == 0 else read_line(b, dt_s), dt_s, delay, longest_s)
    b.line_age = b.line_age + 1
    if b.line_age >= b.line_every:
        b.line_at = (b.line_at + 1) % LINE_SAMPLES
        b.line[b.line_at] = value
        b.line_age = 0
    if delay > b.delay_used_s + 0.5 * dt_s:
        b.delay_used_s = b.delay_used_s + 0.5 * dt_s
    elif delay < b.delay_used_s - dt_s:
        b.delay_used_s = b.delay_used_s - dt_s
    else:
        b.delay_used_s = delay
    newest_s = b.line_age * dt_s
    if b.delay_used_s < newest_s:  # between the newest sample and now
        return between(value, b.line[b.line_at], b.delay_used_s / newest_s)
    return read_line(b, dt_s)


def read_line(b: Any, dt_s: float) -> float:
    """What the line held ``delay_used_s`` ago."""
    back = (b.delay_used_s - b.line_age * dt_s) / (b.line_every * dt_s)
    if not back > 0.0:
        back = 0.0
    if back > LINE_SAMPLES - 2.0:
        back = LINE_SAMPLES - 2.0
    whole = int(back)
    newer = b.line[(b.line_at - whole) % LINE_SAMPLES]
    older = b.line[(b.line_at - whole - 1) % LINE_SAMPLES]
    return between(newer, older, back - whole)


def between(one: float, other: float, part: float) -> float:
    """On the straight line from ``one`` (part 0) to ``other`` (part 1), without overflow."""
    if part <= 0.0:
        return one
    return one * (1.0 - part) + other * part
