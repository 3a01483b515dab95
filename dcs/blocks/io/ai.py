"""Analogue input block: from a raw signal to a value in engineering units.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     a signal that cannot be believed is never Good: NE 43 for 4–20 mA, hold against flicker, Bad passed on;
            while Bad the last good value is shown. Simulated and forced values show as such
            (``dcs.blocks.io.override``).
Source      NAMUR NE 43 (2003): 3.8–20.5 mA is measurement, ≤ 3.6 and ≥ 21.0 mA is failure; FF-891 analogue input.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, flag, i8, scale, signal, step
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
from dcs.blocks.io.override import FORCE_PARTS, SIMULATE_PARTS, forced, simulated
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

AI = block_type(
    "AI",
    "Analogue input",
    inputs=[signal("raw", "@xd_scale", "what the transmitter or the driver delivers")],
    state=[
        f8("filtered", "@out_scale", "value after the filter"),
        f8("fail_timer_s", "s", "how long the signal has been in the failure range"),
        f8("elapsed_s", "s", "period plus declared slips"),
        i8("seeded", "1 once a good value has been seen since the last Bad one"),
    ],
    outputs=[
        signal("out", "@out_scale", "value for control and display", write_in=(MAN,)),
        signal("pv", "@out_scale", "measurement, also while OUT is set by hand or forced"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        scale("xd_scale", "signal range of the transmitter"),
        scale("out_scale", "range of the value"),
        i8("linearisation", "SQRT for a flow by differential pressure", choices=LINEARISATION_CHOICES),
        f8("filter_s", "s", "time constant of the filter", low=0.0),
        f8("low_cut", "@out_scale", "values below it count as zero, before the filter; 0 = no cut-off", low=0.0),
        f8("over_range_pct", "%", "how far beyond its range a value may be and still be Good",
           default=OVER_RANGE_PCT, low=0.0),
        flag("ne43", "judge the raw signal by NE 43 (for mA)"),
        flag("bad_if_limited", "1: a value at its low or high limit is Bad"),
        flag("uncertain_if_limited", "1: a value at its low or high limit is no better than Uncertain"),
        f8("fail_delay_s", "s", "time in the failure range before the value is Bad", default=2.0, low=0.0),
        simulated("@xd_scale"),
        forced("@out_scale"),
        i8("target", "mode asked for", default=AUTO, choices=LOCAL_TARGET_CHOICES),
        i8("normal", "mode in normal operation", default=AUTO, choices=LOCAL_TARGET_CHOICES),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO))),
    ],
    published={
        "PV": "pv",
        "OUT": "out",
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
        "FILTER": "filter_s",
        **SIMULATE_PARTS,
        **FORCE_PARTS,
    },
    writable=("OUT", "MODE", "TARGET", "FILTER", *SIMULATE_PARTS, *FORCE_PARTS),
)  # fmt: skip


@step(AI)
def ai(b: Any, dt_s: float) -> None:
    r"""Conversion (``engineering_value``), cut-off, then :math:`y_k = y_{k-1} + (1 - e^{-dt/T_f})(v_k - y_{k-1})`."""
    if b.target == OOS:
        b.mode, b.reason, b.seeded = OOS, AS_ASKED, 0
        b.out_status = STATUS_OOS
        b.pv_status = STATUS_OOS
        return
    leaving_oos = b.mode == OOS
    b.mode = MAN if leaving_oos else b.target
    b.reason = STARTING if leaving_oos and b.target != MAN else AS_ASKED
    measure(b, dt_s)

    if b.force == 0:
        if b.mode == AUTO or leaving_oos:
            b.out = b.pv
            b.out_status = b.pv_status
        else:
            b.out_status = make_status(GOOD, OK, LIMIT_CONSTANT)
        b.force_value = b.out
    else:
        b.out = b.force_value
        b.out_status = make_status(GOOD, OK, LIMIT_CONSTANT)


def measure(b: Any, dt_s: float) -> None:
    """PV and its status, from the field or from SIM_VALUE."""
    raw, status = b.raw, b.raw_status
    if b.simulate != 0:
        raw, status = b.sim_value, STATUS_GOOD
    elif math.isfinite(raw):
        b.sim_value = raw
    in_failure_range = False
    if b.xd_scale_high == b.xd_scale_low:
        status = make_status(BAD, CONFIGURATION_ERROR)
    elif quality_of(status) != BAD:
        if not math.isfinite(raw):
            status = make_status(BAD, SENSOR_FAILURE)
        else:
            status = judge_ne43(raw, status) if b.ne43 != 0 else status
            status = judge_limits(status, b.bad_if_limited, b.uncertain_if_limited)
            in_failure_range = quality_of(status) == BAD

    # A flicker into the failure range is bridged with the last value, but never as Good.
    b.fail_timer_s = b.fail_timer_s + b.elapsed_s if in_failure_range else 0.0
    if quality_of(status) == BAD:
        if in_failure_range and b.seeded != 0 and not delay_passed(b.fail_timer_s, b.fail_delay_s, dt_s):
            b.pv_status = make_status(UNCERTAIN, LAST_USABLE, LIMIT_CONSTANT)
        else:
            b.pv_status = status
            b.seeded = 0  # the filter starts again from the first good value
        return
    value = engineering_value(
        raw, b.xd_scale_low, b.xd_scale_high, b.out_scale_low, b.out_scale_high, b.linearisation, b.low_cut
    )
    if not believable(value, b.out_scale_low, b.out_scale_high):
        b.pv_status = make_status(BAD, SENSOR_FAILURE)
        b.seeded = 0
        return
    if b.seeded != 0:
        b.filtered = b.filtered + lag_factor(dt_s, b.filter_s) * (value - b.filtered)
    else:
        b.filtered = value
        b.seeded = 0 if saturated(raw, b.ne43) else 1  # the filter starts from a measurement
    status = judge_range(b.filtered, b.out_scale_low, b.out_scale_high, b.over_range_pct, status)
    b.pv_status = judge_limits(status, b.bad_if_limited, b.uncertain_if_limited)
    if quality_of(b.pv_status) == BAD:
        b.seeded = 0
    else:
        b.pv = b.filtered
