"""What an input has been: a delay line of time-stamped changes, exact for inputs that are held.

Called by   plants whose inputs act after a dead time: ``remember`` and ``close`` once before every step, then
            ``place_at``, ``value_at`` and ``ends_at`` to walk through the past.
Knows       a few words of the plant's memory. It depends on when an input changed and on nothing else: not on the step
            size, not on how often the plant was looked at.

An input is constant from one change to the next, so the past is a list of (time, value). Changes that are a second
(``APART_S``) or more apart are kept as they were; what changes faster is kept by its mean over one second, so that no
area is lost and the list has an end. A change is visible to dead times of a second or more.

Words: 0 number of changes so far, 1 the input as it is now, 2 when it was last looked at, 3 area of a second that is
still open, 4 whether one is; then a ring of (time, value).
"""

import math

from plant_models.kernel import kernel
from plant_models.model import Vector

HEAD = 5
APART_S = 1.0
_EVER = -1e300


def words_for(longest_s: float) -> int:
    """How many words a dead time of up to ``longest_s`` needs."""
    return HEAD + 2 * (math.ceil(longest_s / APART_S) + 4)


@kernel
def fill(words: Vector, value: float) -> None:
    """It has been ``value`` for ever."""
    for i in range(words.shape[0]):
        words[i] = 0.0
    words[0] = 1.0
    words[1] = value
    words[HEAD] = _EVER
    words[HEAD + 1] = value


@kernel
def _row(words: Vector, number: int) -> int:
    return int(HEAD + 2 * (number % ((words.shape[0] - HEAD) // 2)))


@kernel
def _append(words: Vector, time_s: float, value: float) -> None:
    row = _row(words, int(words[0]))
    words[row] = time_s
    words[row + 1] = value
    words[0] += 1.0


@kernel
def close(words: Vector, time_s: float) -> None:
    """The input stays as it is until ``time_s``: a second that ends before is finished."""
    if words[4] == 0.0:
        return
    row = _row(words, int(words[0]) - 1)
    end_s = words[row] + APART_S
    if time_s >= end_s:
        words[row + 1] = (words[3] + words[1] * (end_s - words[2])) / APART_S
        words[4] = 0.0
        _append(words, end_s, words[1])


@kernel
def remember(words: Vector, time_s: float, value: float) -> None:
    """From ``time_s`` on it is ``value``; one that is not a number changes nothing."""
    close(words, time_s)
    if value == words[1] or not math.isfinite(value):
        return
    row = _row(words, int(words[0]) - 1)
    begin_s = words[row]
    if time_s - begin_s >= APART_S:
        _append(words, time_s, value)
    else:
        if words[4] == 0.0:
            words[4] = 1.0
            words[3] = words[1] * (time_s - begin_s)
        else:
            words[3] += words[1] * (time_s - words[2])
        words[2] = time_s
    words[1] = value


@kernel
def place_at(words: Vector, time_s: float) -> int:
    """Number of the change that decides the input at ``time_s``; the oldest kept one for what came before it."""
    newest = int(words[0]) - 1
    oldest = newest + 1 - (words.shape[0] - HEAD) // 2
    if oldest < 0:
        oldest = 0
    while oldest < newest:
        middle = (oldest + newest + 1) // 2
        if words[_row(words, middle)] <= time_s:
            oldest = middle
        else:
            newest = middle - 1
    return int(oldest)


@kernel
def value_at(words: Vector, number: int) -> float:
    """The input after change ``number``."""
    return float(words[_row(words, number) + 1])


@kernel
def ends_at(words: Vector, number: int) -> float:
    """When change ``number`` was followed by the next one; infinity for the newest."""
    if number + 1 >= int(words[0]):
        return math.inf
    return float(words[_row(words, number + 1)])
