"""Analogue input block: from what the transmitter says to an engineering value with an honest status.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     a value that is not trusted is never shown as Good; while Bad the last good value is held.
Source      NAMUR NE 43 (limits of 4–20 mA signals); FF-891 analogue input.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import AS_ASKED, REASON_CHOICES, STARTING, lag_factor
from dcs.core.modes import AUTO, MAN, MODE_CHOICES, OOS, TARGET_CHOICES, mode_mask
from dcs.core.status import (
    BAD,
    CONFIGURATION_ERROR,
    GOOD,
    LAST_USABLE,
    LIMIT_CONSTANT,
    LIMIT_HIGH,
    LIMIT_LOW,
    OK,
    RANGE_VIOLATION,
    SENSOR_FAILURE,
    STATUS_OOS,
    UNCERTAIN,
    make_status,
    quality_of,
)

# NE 43, in mA: below and above these the signal is no measurement any more.
FAIL_LOW_MA, SATURATED_LOW_MA, SATURATED_HIGH_MA, FAIL_HIGH_MA = 3.6, 3.8, 20.5, 21.0

AI = block_type(
    "AI",
    "Analogue input",
    inputs=[signal("raw", "@xd_scale", "what the transmitter or the driver delivers")],
    state=[
        f8("filtered", "@out_scale", "value after the filter"),
        f8("fail_timer_s", "s", "how long the signal has been in the failure range"),
        i8("seeded", "1 once a good value has been seen since the last Bad one"),
    ],
    outputs=[
        signal("out", "@out_scale", "value for control and display", write_in=(MAN,)),
        signal("pv", "@out_scale", "measurement, also while OUT is set by hand"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        scale("xd_scale", "signal range of the transmitter"),
        scale("out_scale", "range of the value"),
        f8("filter_s", "s", "time constant of the filter", low=0.0),
        f8("low_cut", "@out_scale", "values below it count as zero; 0 = no cut-off", low=0.0),
        i8("ne43", "judge the raw signal by NE 43 (for mA)", low=0, high=1),
        f8("fail_delay_s", "s", "time in the failure range before the value is Bad", default=2.0, low=0.0),
        i8("target", "mode asked for", default=AUTO, choices=TARGET_CHOICES),
        i8("normal", "mode in normal operation", default=AUTO, choices=TARGET_CHOICES),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO))),
    ],
    published={"PV": "pv", "OUT": "out", "MODE": "mode", "TARGET": "target", "FILTER": "filter_s"},
    writable=("OUT", "MODE", "TARGET", "FILTER"),
)


def judge_ne43(raw_ma: float, status: int) -> int:
    """Status of a 4–20 mA signal: Bad in the failure range, Uncertain where it is saturated, else as it came."""
    if raw_ma <= FAIL_LOW_MA or raw_ma >= FAIL_HIGH_MA:
        return make_status(BAD, SENSOR_FAILURE, LIMIT_LOW if raw_ma <= FAIL_LOW_MA else LIMIT_HIGH)
    if raw_ma < SATURATED_LOW_MA:
        return make_status(UNCERTAIN, RANGE_VIOLATION, LIMIT_LOW)
    if raw_ma > SATURATED_HIGH_MA:
        return make_status(UNCERTAIN, RANGE_VIOLATION, LIMIT_HIGH)
    return status


@step(AI)
def ai(b: Any, dt_s: float) -> None:
    r"""Linear conversion :math:`pv = o_l + (raw - x_l)(o_h - o_l)/(x_h - x_l)` and a first-order filter."""
    if b.target == OOS:
        b.mode, b.reason, b.seeded = OOS, AS_ASKED, 0
        b.out_status = STATUS_OOS
        b.pv_status = STATUS_OOS
        return
    leaving_oos = b.mode == OOS
    b.mode = MAN if leaving_oos else b.target
    b.reason = STARTING if leaving_oos and b.target != MAN else AS_ASKED

    status = b.raw_status
    span = b.xd_scale_high - b.xd_scale_low
    in_failure_range = False
    if span == 0.0:
        status = make_status(BAD, CONFIGURATION_ERROR)
    elif quality_of(status) != BAD:
        if not math.isfinite(b.raw):
            status = make_status(BAD, SENSOR_FAILURE)
        elif b.ne43 != 0:
            status = judge_ne43(b.raw, status)
            in_failure_range = quality_of(status) == BAD

    # A flicker into the failure range is bridged with the last value, but never as Good.
    b.fail_timer_s = b.fail_timer_s + dt_s if in_failure_range else 0.0
    if quality_of(status) == BAD:
        if in_failure_range and b.seeded != 0 and b.fail_timer_s <= b.fail_delay_s:
            b.pv_status = make_status(UNCERTAIN, LAST_USABLE, LIMIT_CONSTANT)
        else:
            b.pv_status = status
            b.seeded = 0  # the filter starts again from the first good value
    else:
        value = b.out_scale_low + (b.raw - b.xd_scale_low) / span * (b.out_scale_high - b.out_scale_low)
        if b.seeded != 0:
            b.filtered = b.filtered + lag_factor(dt_s, b.filter_s) * (value - b.filtered)
        else:
            b.filtered = value
            b.seeded = 1
        b.pv = 0.0 if b.low_cut > 0.0 and b.filtered < b.low_cut else b.filtered
        b.pv_status = status

    if b.mode == AUTO or leaving_oos:
        b.out = b.pv
        b.out_status = b.pv_status
    else:
        b.out_status = make_status(GOOD, OK, LIMIT_CONSTANT)
