"""Multiplexed analogue input: eight signals of one kind in one record.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     every channel behaves as an AI with the same ranges (conversion, NE 43, hold, filter), and is simulated and
            forced for itself; a channel that is not wired is Bad, not connected, and disturbs no other one.
Source      FF-891 multiple analogue input; NAMUR NE 43 (2003).
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, flag, i8, scale, signals, step
from dcs.blocks.handshake import AS_ASKED, REASON_CHOICES, STARTING, lag_factor
from dcs.blocks.io.conversion import (
    LINEARISATION_CHOICES,
    OVER_RANGE_PCT,
    believable,
    delay_passed,
    engineering_value,
    judge_limits,
    judge_ne43,
    judge_range,
    saturated,
)
from dcs.blocks.io.override import FORCE_PARTS, SIMULATE_PARTS, forced, numbered, simulated
from dcs.core.modes import AUTO, LOCAL_TARGET_CHOICES, MAN, MODE_CHOICES, OOS, mode_mask
from dcs.core.status import (
    BAD,
    CONFIGURATION_ERROR,
    GOOD,
    LAST_USABLE,
    LIMIT_CONSTANT,
    OK,
    SENSOR_FAILURE,
    STATUS_GOOD,
    STATUS_OOS,
    UNCERTAIN,
    make_status,
    quality_of,
)

CHANNELS = 8

MUX_AI = block_type(
    "MUX_AI",
    "Multiplexed analogue input",
    inputs=[signals("raw", CHANNELS, "@xd_scale", "signal of a channel")],
    state=[
        f8("filtered", "@out_scale", "value after the filter", count=CHANNELS),
        f8("fail_timer_s", "s", "how long the signal has been in the failure range", count=CHANNELS),
        i8("seeded", "1 once a good value has been seen since the last Bad one", count=CHANNELS),
        f8("elapsed_s", "s", "period plus declared slips"),
    ],
    outputs=[
        signals("out", CHANNELS, "@out_scale", "value of a channel"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        scale("xd_scale", "signal range of the transmitters"),
        scale("out_scale", "range of the values"),
        i8("linearisation", "SQRT for flows by differential pressure", choices=LINEARISATION_CHOICES),
        f8("filter_s", "s", "time constant of the filters", low=0.0),
        f8("low_cut", "@out_scale", "values below it count as zero, before the filter; 0 = no cut-off", low=0.0),
        f8("over_range_pct", "%", "how far beyond its range a value may be and still be Good",
           default=OVER_RANGE_PCT, low=0.0),
        flag("ne43", "judge the raw signals by NE 43 (for mA)"),
        flag("bad_if_limited", "1: a value at its low or high limit is Bad"),
        flag("uncertain_if_limited", "1: a value at its low or high limit is no better than Uncertain"),
        f8("fail_delay_s", "s", "time in the failure range before a value is Bad", default=2.0, low=0.0),
        simulated("@xd_scale", CHANNELS),
        forced("@out_scale", CHANNELS),
        i8("target", "mode asked for", default=AUTO, choices=LOCAL_TARGET_CHOICES),
        i8("normal", "mode in normal operation", default=AUTO, choices=LOCAL_TARGET_CHOICES),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO))),
    ],
    optional_inputs=("raw",),
    published={
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
        "FILTER": "filter_s",
        **numbered({"OUT": "out"} | SIMULATE_PARTS | FORCE_PARTS, CHANNELS),
    },
    writable=("MODE", "TARGET", "FILTER", *numbered(SIMULATE_PARTS | FORCE_PARTS, CHANNELS)),
)  # fmt: skip


@step(MUX_AI)
def mux_ai(b: Any, dt_s: float) -> None:
    r"""Per channel as AI: conversion, cut-off, then :math:`y_k = y_{k-1} + (1 - e^{-dt/T_f})(v_k - y_{k-1})`."""
    leaving_oos = b.mode == OOS and b.target != OOS
    b.mode, b.reason = b.target, AS_ASKED
    if leaving_oos and b.target != MAN:
        b.mode, b.reason = MAN, STARTING
    for i in range(CHANNELS):
        if b.mode == OOS:
            b.seeded[i] = 0
            b.out_status[i] = STATUS_OOS
            continue
        status = channel_status(b, i, dt_s)
        if b.force[i] != 0:
            b.out[i] = b.force_value[i]
            b.out_status[i] = make_status(GOOD, OK, LIMIT_CONSTANT)
            continue
        if b.mode == AUTO or leaving_oos:
            b.out[i] = b.filtered[i]
            b.out_status[i] = status
        else:
            b.out_status[i] = make_status(GOOD, OK, LIMIT_CONSTANT)
        b.force_value[i] = b.out[i]


def channel_status(b: Any, i: int, dt_s: float) -> int:
    """Bring ``filtered`` of one channel up to date; its status."""
    raw, status = b.raw[i], b.raw_status[i]
    if b.simulate[i] != 0:
        raw, status = b.sim_value[i], STATUS_GOOD
    elif math.isfinite(raw):
        b.sim_value[i] = raw
    value, in_failure_range = 0.0, False
    if b.xd_scale_high == b.xd_scale_low:
        status = make_status(BAD, CONFIGURATION_ERROR)
    elif quality_of(status) != BAD:
        if not math.isfinite(raw):
            status = make_status(BAD, SENSOR_FAILURE)
        else:
            status = judge_ne43(raw, status) if b.ne43 != 0 else status
            status = judge_limits(status, b.bad_if_limited, b.uncertain_if_limited)
            in_failure_range = quality_of(status) == BAD
    if quality_of(status) != BAD:
        value = engineering_value(
            raw, b.xd_scale_low, b.xd_scale_high, b.out_scale_low, b.out_scale_high, b.linearisation, b.low_cut
        )
        if not believable(value, b.out_scale_low, b.out_scale_high):
            status = make_status(BAD, SENSOR_FAILURE)
    b.fail_timer_s[i] = b.fail_timer_s[i] + b.elapsed_s if in_failure_range else 0.0
    if quality_of(status) == BAD:
        if in_failure_range and b.seeded[i] != 0 and not delay_passed(b.fail_timer_s[i], b.fail_delay_s, dt_s):
            return make_status(UNCERTAIN, LAST_USABLE, LIMIT_CONSTANT)
        b.seeded[i] = 0
        return status  # type: ignore[no-any-return]
    before = b.filtered[i]
    if b.seeded[i] != 0:
        b.filtered[i] = b.filtered[i] + lag_factor(dt_s, b.filter_s) * (value - b.filtered[i])
    else:
        b.filtered[i] = value
        b.seeded[i] = 0 if saturated(raw, b.ne43) else 1
    status = judge_range(b.filtered[i], b.out_scale_low, b.out_scale_high, b.over_range_pct, status)
    status = judge_limits(status, b.bad_if_limited, b.uncertain_if_limited)
    if quality_of(status) == BAD:
        b.filtered[i] = before
        b.seeded[i] = 0
    return status
