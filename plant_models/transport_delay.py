"""A transport delay as part of a plant: what a value was some seconds ago, whatever the step size.

Called by   plants that declare ``kept`` words for it: ``remember`` once before every step, ``delayed`` when measuring.
Knows       a few words of the plant's memory. The past is kept on a time grid of its own, not step by step: values on
            the grid and between are interpolated along straight lines.

Words: 0 time of the newest remembered value, 1 that value, then the values on the grid as a ring.
"""

import math

from plant_models.kernel import kernel
from plant_models.model import Vector

HEAD = 2


def words_for(longest_s: float, grid_s: float) -> int:
    """How many words a delay of up to ``longest_s`` needs on a grid of ``grid_s``."""
    return HEAD + math.ceil(longest_s / grid_s) + 3


@kernel
def fill(words: Vector, value: float) -> None:
    """It has been ``value`` for ever; the time is 0."""
    words[0] = 0.0
    for i in range(1, words.shape[0]):
        words[i] = value


@kernel
def remember(words: Vector, grid_s: float, time_s: float, value: float) -> None:
    """It is ``value`` at ``time_s``: fill the grid up to there, on a straight line from the last remembered value."""
    last_s, last = words[0], words[1]
    if time_s <= last_s:
        words[1] = value
        return
    places = words.shape[0] - HEAD
    newest = math.floor(time_s / grid_s)
    first = math.floor(last_s / grid_s) + 1
    if first <= newest - places:
        first = newest - places + 1
    for k in range(first, newest + 1):
        share = (k * grid_s - last_s) / (time_s - last_s)
        words[HEAD + k % places] = last + share * (value - last)
    words[0] = time_s
    words[1] = value


@kernel
def delayed(words: Vector, grid_s: float, time_s: float, value: float, delay_s: float) -> float:
    """What it was ``delay_s`` before ``time_s``, when it is ``value`` now. At most what the ring holds, at least 0."""
    places = words.shape[0] - HEAD
    longest_s = (places - 2) * grid_s
    if not delay_s > 0.0:
        return value
    then_s = time_s - (delay_s if delay_s < longest_s else longest_s)
    last_s, last = words[0], words[1]
    if then_s >= last_s:
        return last + (then_s - last_s) / (time_s - last_s) * (value - last) if time_s > last_s else value
    place = math.floor(then_s / grid_s)
    before = words[HEAD + place % places]
    end_s, after = (place + 1) * grid_s, words[HEAD + (place + 1) % places]
    if end_s > last_s:
        end_s, after = last_s, last
    begin_s = place * grid_s
    if end_s <= begin_s:
        return float(before)
    return float(before + (then_s - begin_s) / (end_s - begin_s) * (after - before))
