"""Pulse input block: the counter of a device becomes a rate and a total.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, the time since the last scan. No clock, no I/O, no log.
Promise     no pulse is lost or counted twice: a counter that rolls over goes on, pulses that came while the link was
            down are added on its return, and a counter that jumps further than the range allows (the device started
            anew) adds nothing and is journalled. After an outage of the controllers counting starts from the first
            reading.
Source      modulo arithmetic of counters of 16 and 32 bits, IEC 61131-3 UINT and UDINT.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, discrete, f8, flag, i8, scale, signal, step
from dcs.blocks.discrete.truth import FALSE, TRUE, forwarded, held
from dcs.blocks.handshake import AS_ASKED, REASON_CHOICES, STARTING, lag_factor
from dcs.blocks.io.override import FORCE_PARTS, SIMULATE_PARTS, forced, simulated
from dcs.core.modes import AUTO, LOCAL_TARGET_CHOICES, MAN, MODE_CHOICES, OOS, mode_mask
from dcs.core.status import (
    BAD,
    GOOD,
    LIMIT_CONSTANT,
    OK,
    RANGE_VIOLATION,
    SENSOR_FAILURE,
    STATUS_GOOD,
    STATUS_OOS,
    UNCERTAIN,
    make_status,
    quality_of,
)

STARTED_ANEW = 1
MARGIN = 2.0
"""A jump of more pulses than this many times the highest rate would give is no flow."""

PULSE_INPUT = block_type(
    "PULSE_INPUT",
    "Pulse input",
    inputs=[signal("raw", "", "counter of the device"), discrete("reset_total", "rise sets the total to zero")],
    state=[
        i8("counted", "counter at the last good reading"),
        i8("pulses", "pulses since the total was zero"),
        f8("gap_s", "s", "time since the last good reading"),
        f8("elapsed_s", "s", "period plus declared slips"),
        f8("rate", "@out_scale", "rate after the filter"),
        f8("simulated_total", "@total_scale", "part of the total that was simulated"),
        i8("seeded", "1 once the counter has been read"),
        i8("reset_before", "RESET_TOTAL in the scan before"),
        i8("event", "what the journal hears"),
        f8("event_value", "", "pulses by which the counter jumped"),
    ],
    outputs=[
        signal("out", "@out_scale", "rate for control and display", write_in=(MAN,)),
        signal("pv", "@out_scale", "rate, also while OUT is set by hand or forced"),
        signal("total", "@total_scale", "quantity since the last reset"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        scale("out_scale", "range of the rate"),
        scale("total_scale", "range of the total, for its unit and its display"),
        i8("counter", "what the counter rolls over at", default=16, choices=(("UINT16", 16), ("UINT32", 32))),
        f8("pulse_value", "@total_scale", "quantity of one pulse", default=1.0, low=1e-12),
        i8("time_base", "time unit of the rate", default=1, choices=(("S", 1), ("MIN", 60), ("H", 3600))),
        f8("filter_s", "s", "time constant of the filter of the rate", low=0.0),
        flag("reset", "1: set the total to zero; goes back to 0 by itself"),
        simulated("@out_scale"),
        forced("@out_scale"),
        i8("target", "mode asked for", default=AUTO, choices=LOCAL_TARGET_CHOICES),
        i8("normal", "mode in normal operation", default=AUTO, choices=LOCAL_TARGET_CHOICES),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO))),
    ],
    optional_inputs=("reset_total",),
    published={
        "PV": "pv",
        "OUT": "out",
        "TOTAL": "total",
        "RESET": "reset",
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
        "FILTER": "filter_s",
        **SIMULATE_PARTS,
        **FORCE_PARTS,
    },
    writable=("OUT", "RESET", "MODE", "TARGET", "FILTER", *SIMULATE_PARTS, *FORCE_PARTS),
    events={STARTED_ANEW: "its counter jumped by {value} pulses: taken as a new start of the device, nothing added"},
)


@step(PULSE_INPUT)
def pulse_input(b: Any, dt_s: float) -> None:
    r""":math:`n = (c_k - c_{k-1}) \bmod 2^{bits}`, total :math:`\sum n v`, rate :math:`n v T / t` with its filter.

    :math:`v` quantity of a pulse, :math:`T` time base, :math:`t` time since the last good reading. A simulated rate
    (SIM_VALUE is a rate here, not a counter) adds to the total as a real one would.
    """
    reset_now = held(b.reset_total, b.reset_total_status, b.reset_before)
    if b.reset != 0 or (reset_now == TRUE and b.reset_before == FALSE):
        b.pulses, b.simulated_total, b.reset = 0, 0.0, 0
    b.reset_before = reset_now
    if b.target == OOS:
        b.mode, b.reason, b.seeded = OOS, AS_ASKED, 0
        b.out_status = STATUS_OOS
        b.pv_status = STATUS_OOS
        b.total_status = STATUS_OOS
        return
    leaving_oos = b.mode == OOS
    b.mode = MAN if leaving_oos else b.target
    b.reason = STARTING if leaving_oos and b.target != MAN else AS_ASKED
    count_pulses(b)
    if b.simulate != 0:
        b.pv, b.pv_status = b.sim_value, STATUS_GOOD
        simulated_total = b.simulated_total + b.sim_value * b.elapsed_s / b.time_base
        if math.isfinite(simulated_total):
            b.simulated_total = simulated_total
    else:
        b.sim_value = b.pv
    b.total = b.pulses * b.pulse_value + b.simulated_total
    b.total_status = b.pv_status
    if b.force == 0:
        if b.mode == AUTO or leaving_oos:
            b.out, b.out_status = b.pv, b.pv_status
        else:
            b.out_status = make_status(GOOD, OK, LIMIT_CONSTANT)
        b.force_value = b.out
    else:
        b.out, b.out_status = b.force_value, make_status(GOOD, OK, LIMIT_CONSTANT)


def count_pulses(b: Any) -> None:
    """New pulses, PV and its status, from the counter; while simulated they are left out."""
    ring = 65536 if b.counter == 16 else 4294967296
    b.gap_s = b.gap_s + b.elapsed_s
    b.pv_status = forwarded(b.raw, b.raw_status)
    if quality_of(b.pv_status) == BAD:
        return  # the last rate is shown with the status; the pulses of the gap come with the first good reading
    if not 0.0 <= b.raw < ring:
        b.pv_status = make_status(BAD, SENSOR_FAILURE)
        return
    counter = math.floor(b.raw)
    new_pulses = (counter - b.counted) % ring
    if b.seeded == 0 or b.simulate != 0:
        new_pulses = 0
    elif new_pulses * b.pulse_value > MARGIN * b.out_scale_high / b.time_base * b.gap_s + b.pulse_value:
        b.event, b.event_value = STARTED_ANEW, 1.0 * new_pulses
        b.pv_status = make_status(UNCERTAIN, RANGE_VIOLATION)
        new_pulses = 0
    elif b.gap_s > 0.0:
        rate = new_pulses * b.pulse_value * b.time_base / b.gap_s
        b.rate = b.rate + lag_factor(b.gap_s, b.filter_s) * (rate - b.rate)
    b.counted = counter
    b.pulses = b.pulses + new_pulses
    b.gap_s = 0.0
    b.seeded = 1
    b.pv = b.rate
