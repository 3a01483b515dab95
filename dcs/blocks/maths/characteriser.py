"""CHARACTERISER block: a curve of up to 21 points, forwards and, in a cascade, backwards.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     the way back is the inverse of the curve; a falling curve swaps the limits; the handshake of a cascade
            passes through; a curve that cannot be turned back is refused before it runs.
Source      FF-891 signal characterizer (21 pairs, reverse function for BKCAL).
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from dcs.blocks.declare import ParamValue, block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import limit_code
from dcs.blocks.regulation.transfer import pass_back, pass_on, swapped, taken_below, taken_whole, usable
from dcs.core.status import limits_of

POINTS_MAX = 21


def check(params: Mapping[str, ParamValue], wired: frozenset[str]) -> Iterable[str]:
    """As many x as y, x rising, y in one direction unless the curve is never to be turned back."""
    x, y, count = params["x"], params["y"], params["x_count"]
    if params["x_count"] != params["y_count"]:
        yield f"`x` has {count:g} points and `y` has {params['y_count']:g}. Give as many of each."
        return
    if count == 1:
        yield "a curve of one point has no slope. Give at least two, or none for a straight line."
        return
    pairs = list(zip(x, y, strict=True))[: int(count)]  # type: ignore[arg-type]
    rises = [after[1] > before[1] for before, after in pairwise(pairs)]
    for k, (before, after) in enumerate(pairwise(pairs), 1):
        if not before[0] < after[0]:
            yield f"x goes from {before[0]:g} to {after[0]:g} (points {k} and {k + 1}); it must rise."
        turns = before[1] == after[1] or rises[k - 1] != rises[0]
        if params["invertible"] and turns:
            yield (
                f"y goes from {before[1]:g} to {after[1]:g} (points {k} and {k + 1}), so the curve cannot be turned "
                "back. Let y rise or fall throughout, or write `invertible: 0` if the block is never in a cascade."
            )


CHARACTERISER = block_type(
    "CHARACTERISER",
    "Characteriser",
    inputs=[
        signal("inp", "@in_scale", "input of the curve"),
        signal("bkcal_in", "@out_scale", "what the block below accepted"),
    ],
    state=[
        i8("bkcal_in_linked", "1 when BKCAL_IN is wired"),
        f8("balance", "@out_scale", "what is still to be bled off"),
        f8("balance_from", "@out_scale", "balance when the block below was last followed"),
    ],
    outputs=[
        signal("out", "@out_scale", "output of the curve"),
        signal("bkcal_out", "@in_scale", "input accepted, for the block above"),
    ],
    params=[
        scale("in_scale", "range of the input"),
        scale("out_scale", "range of the output"),
        f8("x", "@in_scale", "inputs of the points, rising", count=POINTS_MAX),
        f8("y", "@out_scale", "outputs of the points", count=POINTS_MAX),
        i8("x_count", "number of inputs; 0 = a straight line over the scales", low=0, high=POINTS_MAX),
        i8("y_count", "number of outputs", low=0, high=POINTS_MAX),
        i8("invertible", "0: the curve may turn; for measurements only", default=1, low=0, high=1),
        f8("bal_time_s", "s", "time in which a balance is bled off; 0 = at once", default=10.0, low=0.0),
    ],
    feedback_inputs=("bkcal_in",),
    optional_inputs=("bkcal_in",),
    above=(("inp", "bkcal_out"),),
    check=check,
    published={"IN": "inp", "OUT": "out"},
)


@step(CHARACTERISER)
def characteriser(b: Any, dt_s: float) -> None:
    r""":math:`out = y_k + (y_{k+1} - y_k)\frac{in - x_k}{x_{k+1} - x_k} + balance`, flat beyond the ends (limited)."""
    in_span = b.in_scale_high - b.in_scale_low
    out_span = b.out_scale_high - b.out_scale_low
    out_before = b.out
    good = usable(b.inp, b.inp_status)
    low, high = b.in_scale_low, b.in_scale_high
    first, last = b.out_scale_low, b.out_scale_high
    count = b.x_count if b.x_count <= b.y_count else b.y_count
    if count >= 2:
        low, high = b.x[0], b.x[count - 1]
        first, last = b.y[0], b.y[count - 1]
    rising = last >= first
    own = limit_code(b.inp < low, b.inp > high) if good else 0
    on_out = (own | limits_of(b.inp_status)) if rising else swapped(own | limits_of(b.inp_status))
    wanted = forward(b, b.inp, count, low, high, first, last) if good else b.out
    pass_on(b, wanted, on_out, in_span, dt_s)
    back = b.inp
    if own != 0 or not good or not taken_whole(b, out_before, out_span):
        back = backward(b, taken_below(b, out_before, out_span), count, low, high, first, last)
    pass_back(b, back, own, rising)


def forward(b: Any, value: float, count: int, low: float, high: float, first: float, last: float) -> float:
    """Output of the curve."""
    if value <= low:
        return first
    if value >= high:
        return last
    if count < 2:
        return on_line(value, low, high, first, last)
    k = 0
    while k < count - 2 and value >= b.x[k + 1]:
        k += 1
    return on_line(value, b.x[k], b.x[k + 1], b.y[k], b.y[k + 1])


def backward(b: Any, value: float, count: int, low: float, high: float, first: float, last: float) -> float:
    """Input that gives ``value``; the nearer end where none does."""
    rising = last >= first
    if (value <= first) == rising and value != first:
        return low
    if (value >= last) == rising and value != last:
        return high
    if count < 2:
        return on_line(value, first, last, low, high)
    k = 0
    while k < count - 2 and ((value >= b.y[k + 1]) if rising else (value <= b.y[k + 1])):
        k += 1
    return on_line(value, b.y[k], b.y[k + 1], b.x[k], b.x[k + 1])


def on_line(value: float, from_low: float, from_high: float, to_low: float, to_high: float) -> float:
    """``value`` on the straight line through two points; its beginning where the line stands upright."""
    wide = from_high - from_low
    if wide == 0.0:
        return to_low
    part = (value - from_low) / wide
    return to_low * (1.0 - part) + to_high * part
