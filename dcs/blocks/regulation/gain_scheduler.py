"""GAIN_SCHEDULER block: the tuning of a controller as a function of a variable.

The outputs GAIN_FACTOR, TI_FACTOR and TD_FACTOR go to the inputs of these names of a PID, which multiplies its own
GAIN, TI and TD by them. GAIN, TI and TD are the same factors times the base tuning, for the eye and for other blocks.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Promise     a Bad scheduling variable holds the tuning; at the border of two regions nothing chatters inside the
            hysteresis; a PID takes a changed tuning without a bump.
Source      Åström & Hägglund, Advanced PID Control (2006), gain scheduling.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from dcs.blocks.declare import ParamValue, block_type, f8, i8, scale, signal, step
from dcs.blocks.regulation.transfer import bad_status_of, plain_status, usable
from dcs.core.status import STATUS_GOOD

POINTS_MAX = 8
LINEAR, STEPWISE = 0, 1


def check(params: Mapping[str, ParamValue], wired: frozenset[str]) -> Iterable[str]:
    """The points rise, so that each value of the variable has one place among them."""
    count = int(params["points_count"])  # type: ignore[arg-type]
    points = params["points"]
    for k in range(1, count):
        if not points[k - 1] < points[k]:  # type: ignore[index]
            yield (
                f"`points` goes from {points[k - 1]:g} to {points[k]:g}; they must rise. Sort them."  # type: ignore[index]
            )


GAIN_SCHEDULER = block_type(
    "GAIN_SCHEDULER",
    "Gain scheduler",
    inputs=[signal("variable", "@variable_scale", "variable that decides the tuning")],
    state=[i8("seeded", "1 once a good variable has been seen")],
    outputs=[
        signal("gain_factor", "", "factor on the gain, for GAIN_FACTOR of a PID"),
        signal("ti_factor", "", "factor on the reset time, for TI_FACTOR of a PID"),
        signal("td_factor", "", "factor on the rate time, for TD_FACTOR of a PID"),
        signal("gain", "", "base gain times its factor"),
        signal("ti", "s", "base reset time times its factor"),
        signal("td", "s", "base rate time times its factor"),
        i8("region", "region of the variable, from 1 (STEPWISE), or the point below it (LINEAR)"),
    ],
    params=[
        scale("variable_scale", "range of the variable"),
        i8("method", "between the points", choices=(("LINEAR", LINEAR), ("STEPWISE", STEPWISE))),
        f8("points", "@variable_scale", "variable at each point, or lower border of each region", count=POINTS_MAX),
        i8("points_count", "number of points; 0 = the base tuning as it is", low=0, high=POINTS_MAX),
        f8("gain_at", "", "factor on the base gain at each point", default=1.0, low=0.0, count=POINTS_MAX),
        f8("ti_at", "", "factor on the base reset time at each point", default=1.0, low=0.0, count=POINTS_MAX),
        f8("td_at", "", "factor on the base rate time at each point", default=1.0, low=0.0, count=POINTS_MAX),
        f8("base_gain", "", "gain that the factors multiply", default=1.0, low=0.0),
        f8("base_ti_s", "s", "reset time that the factors multiply", default=60.0, low=0.0),
        f8("base_td_s", "s", "rate time that the factors multiply", low=0.0),
        f8("hysteresis", "@variable_scale", "how far beyond a border a region is kept (STEPWISE)", low=0.0),
        i8("in_service", "0: the base tuning as it is", default=1, low=0, high=1),
    ],
    check=check,
    published={
        "VARIABLE": "variable",
        "GAIN": "gain",
        "TI": "ti",
        "TD": "td",
        "GAIN_FACTOR": "gain_factor",
        "TI_FACTOR": "ti_factor",
        "TD_FACTOR": "td_factor",
        "REGION": "region",
        "BASE_GAIN": "base_gain",
        "BASE_TI": "base_ti_s",
        "BASE_TD": "base_td_s",
        "IN_SERVICE": "in_service",
    },
    writable=("BASE_GAIN", "BASE_TI", "BASE_TD", "IN_SERVICE"),
)


@step(GAIN_SCHEDULER)
def gain_scheduler(b: Any, dt_s: float) -> None:
    r""":math:`K = K_0 f_K(v)`, :math:`T_i = T_{i0} f_i(v)`, :math:`T_d = T_{d0} f_d(v)`.

    :math:`f` is given by points: straight lines between them (LINEAR; flat beyond the ends), or one value per region
    (STEPWISE), which is left only when the variable is beyond its border by more than the hysteresis.
    """
    good = usable(b.variable, b.variable_status)
    scheduled = b.in_service != 0 and b.points_count > 0
    if not good and scheduled and b.seeded != 0:
        say_status(b, bad_status_of(b.variable_status))
        return
    low, part = 0, 0.0
    if scheduled and good:
        low = place_of(b)
        if b.method == LINEAR and low + 1 < b.points_count and b.variable > b.points[low]:
            wide = b.points[low + 1] - b.points[low]
            part = (b.variable - b.points[low]) / wide if wide > 0.0 else 0.0
        b.region = low + 1
        b.seeded = 1
    high = low + 1 if low + 1 < b.points_count else low
    gain_factor, ti_factor, td_factor = 1.0, 1.0, 1.0
    if scheduled and good:
        gain_factor = b.gain_at[low] * (1.0 - part) + b.gain_at[high] * part
        ti_factor = b.ti_at[low] * (1.0 - part) + b.ti_at[high] * part
        td_factor = b.td_at[low] * (1.0 - part) + b.td_at[high] * part
    if gain_factor < 1e300 and ti_factor < 1e300 and td_factor < 1e300:
        b.gain_factor, b.ti_factor, b.td_factor = gain_factor, ti_factor, td_factor
    gain, ti, td = b.base_gain * b.gain_factor, b.base_ti_s * b.ti_factor, b.base_td_s * b.td_factor
    if gain < 1e300 and ti < 1e300 and td < 1e300:
        b.gain, b.ti, b.td = gain, ti, td
    status = plain_status(b.variable_status)
    if not scheduled:
        status = STATUS_GOOD
    elif not good:
        status = bad_status_of(b.variable_status)
    say_status(b, status)


def say_status(b: Any, status: int) -> None:
    """One variable decides all of it."""
    b.gain_status, b.ti_status, b.td_status = status, status, status
    b.gain_factor_status, b.ti_factor_status, b.td_factor_status = status, status, status


def place_of(b: Any) -> int:
    """Index of the last point at or below the variable; a stepwise region is kept within the hysteresis."""
    found = 0
    for k in range(1, b.points_count):
        if b.variable >= b.points[k]:
            found = k
    now = b.region - 1
    if b.method == STEPWISE and b.seeded != 0 and 0 <= now < b.points_count and found != now:
        above = now + 1 < b.points_count and b.variable >= b.points[now + 1] + b.hysteresis
        below = b.variable < b.points[now] - b.hysteresis
        if not above and not below:
            return now  # type: ignore[no-any-return]
    return found
