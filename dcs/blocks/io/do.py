"""Discrete output block: the last block before a coil, and by itself a switch for the operator.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     nothing is sent before the field has been read back once (where a read-back is wired), and what is sent
            first is what the field already has, also after a restart or after OOS. Above it stands a device control
            (``cas_in``, with handshake: only in Cas) or plain logic (``demand``, without: in Auto). Fault state and
            force are local overrides.
Source      FF-891 discrete output, IO_OPTS.
"""

import math
from typing import Any

from dcs.alarms.machine import delay_over
from dcs.blocks.declare import Refusal, block_type, discrete, f8, flag, i8, step
from dcs.blocks.discrete.truth import UNKNOWN, as_number, truth
from dcs.blocks.handshake import (
    AS_ASKED,
    FAULT_STATE,
    FORCED,
    INPUT_BAD,
    NO_CASCADE,
    NO_READBACK,
    REASON_CHOICES,
    STARTING,
    backward_status,
    cascade_ok,
)
from dcs.blocks.io.ao import FAULT_CHOICES, FAULT_NONE, FAULT_VALUE, FOLLOWS, STRAYS, asks_to_be_followed
from dcs.blocks.io.conversion import delay_passed
from dcs.blocks.io.override import FORCE_PARTS, SIMULATE_PARTS, forced_discrete, simulated_discrete
from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN, MODE_CHOICES, OOS, TARGET_CHOICES, mode_mask
from dcs.core.status import (
    BAD,
    FSA,
    GOOD,
    GOOD_CASCADE,
    IFS,
    LIMIT_CONSTANT,
    LIMIT_NONE,
    NON_SPECIFIC,
    OK,
    STATUS_GOOD,
    STATUS_OOS,
    make_status,
    quality_of,
    sub_status_of,
)

DO = block_type(
    "DO",
    "Discrete output",
    inputs=[
        discrete("cas_in", "demand from a device control above"),
        discrete("demand", "demand from logic, taken in Auto"),
        discrete("readback", "what the field says it has"),
    ],
    state=[
        i8("cas_in_linked", "1 when CAS_IN is wired"),
        i8("demand_linked", "1 when DEMAND is wired"),
        i8("readback_linked", "1 when READBACK is wired"),
        i8("started", "1 once OUT has its first value"),
        i8("restarted", "1 after a restart of the controller, until OUT is taken from the field"),
        i8("waiting", "1 while a good read-back is waited for"),
        i8("demanded", "setpoint in the scan before, for the pulse"),
        f8("pulse_timer_s", "s", "how long the pulse has lasted"),
        f8("readback_timer_s", "s", "how long the read-back has been Bad"),
        f8("fault_timer_s", "s", "how long the input has been Bad"),
        f8("stray_timer_s", "s", "how long the read-back has been different"),
        f8("elapsed_s", "s", "period plus declared slips"),
        i8("event", "what the journal hears"),
        f8("event_value", "", "read-back then"),
    ],
    outputs=[
        discrete("out", "demand to the field", write_in=(MAN,)),
        discrete("bkcal_out", "setpoint accepted, for the block above"),
        discrete("pv", "state read back, or the demand without a read-back"),
        i8("output_valid", "1 when OUT may be sent to the field", low=0, high=1),
        flag("mismatch", "1 while the read-back does not follow the demand"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        i8("sp", "setpoint of the operator", low=0, high=1, write_in=(AUTO,), refused_if=[
            Refusal("the setpoint comes from the wired `demand`. Set the mode to Man and write OUT.", "demand_linked")
        ]),
        flag("invert", "1: TRUE is an open coil"),
        f8("pulse_s", "s", "length of a pulse that TRUE gives; 0 = OUT is held", low=0.0),
        i8("fault_state", "what to do when the input stays Bad", choices=FAULT_CHOICES),
        flag("fault_value", "setpoint in fault state"),
        flag("fault_restart", "1: start at the fault value, not where the field is"),
        f8("fault_time_s", "s", "time of a Bad input before the fault state", default=5.0, low=0.0),
        f8("readback_fail_s", "s", "time of a Bad read-back before control stops", default=5.0, low=0.0),
        f8("travel_s", "s", "time the read-back may differ; 0 = not checked", low=0.0),
        simulated_discrete(),
        forced_discrete(),
        i8("target", "mode asked for", default=CAS, choices=TARGET_CHOICES),
        i8("normal", "mode in normal operation", default=CAS, choices=TARGET_CHOICES),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO, CAS))),
    ],
    feedback_inputs=("readback",),
    optional_inputs=("cas_in", "demand", "readback"),
    published={
        "PV": "pv",
        "SP": "sp",
        "OUT": "out",
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
        "MISMATCH": "mismatch",
        **SIMULATE_PARTS,
        **FORCE_PARTS,
    },
    writable=("SP", "OUT", "MODE", "TARGET", *SIMULATE_PARTS, *FORCE_PARTS),
    events={STRAYS: "does not follow: the read-back stays {value}", FOLLOWS: "follows again"},
)  # fmt: skip


@step(DO)
def do(b: Any, dt_s: float) -> None:
    """Setpoint by mode, then inversion and pulse; ``OUT`` while forced, in fault state or by hand is taken as it is."""
    mode_before = b.mode
    if b.simulate != 0:
        b.readback, b.readback_status = as_number(b.sim_value), STATUS_GOOD
    elif truth(b.readback, b.readback_status) != UNKNOWN:
        b.sim_value = truth(b.readback, b.readback_status)
    follow_field(b, dt_s)
    choose_state(b, mode_before, dt_s)
    if b.mode in (CAS, AUTO):
        if mode_before not in (CAS, AUTO):
            b.sp = from_coil(b)
            b.demanded = b.sp
            b.pulse_timer_s = b.pulse_s
        if b.mode == CAS:
            b.sp = 1 if b.cas_in >= 0.5 else 0
        elif b.demand_linked != 0 and b.reason == AS_ASKED:
            b.sp = truth(b.demand, b.demand_status)
        drive(b, dt_s)
    else:
        if b.mode == LO and b.force != 0:
            b.out = as_number(b.force_value)
        elif b.mode == LO and b.fault_state == FAULT_VALUE:
            to_coil(b, b.fault_value)
        b.sp = from_coil(b)  # so that leaving this mode is bumpless
        b.demanded = b.sp
    if b.force == 0:
        b.force_value = 1 if b.out >= 0.5 else 0
    watch_field(b, dt_s)
    report_state(b)


def to_coil(b: Any, setpoint: int) -> None:
    """OUT for a setpoint."""
    b.out = as_number(1 - setpoint if b.invert != 0 else setpoint)


def from_coil(b: Any) -> int:
    """Setpoint that gives OUT."""
    coil = 1 if b.out >= 0.5 else 0
    return 1 - coil if b.invert != 0 else coil


def drive(b: Any, dt_s: float) -> None:
    """OUT follows the setpoint, or is TRUE for the length of a pulse after its rise."""
    if b.pulse_s <= 0.0:
        to_coil(b, b.sp)
    elif b.sp != 0 and b.demanded == 0:
        b.pulse_timer_s = 0.0
        to_coil(b, 1)
    else:
        b.pulse_timer_s = b.pulse_timer_s + b.elapsed_s
        over = b.sp == 0 or delay_over(b.pulse_timer_s, b.pulse_s, dt_s)
        to_coil(b, 0 if over else 1)
    b.demanded = b.sp


def follow_field(b: Any, dt_s: float) -> None:
    """Take the first value from the field, also after a restart, a long loss, OOS, and when the field asks."""
    first = b.started == 0 or b.restarted != 0
    if b.mode == OOS and b.target != OOS and b.readback_linked != 0:
        b.waiting = 1
    if b.readback_linked == 0:
        if b.started == 0 or (first and b.fault_restart != 0):
            to_coil(b, b.fault_value if b.fault_restart != 0 else b.sp)
        b.started, b.restarted, b.waiting = 1, 0, 0
        return
    if truth(b.readback, b.readback_status) != UNKNOWN:
        b.readback_timer_s = 0.0
        asked = asks_to_be_followed(b.readback_status)
        if first or b.waiting != 0 or asked:
            b.out = as_number(truth(b.readback, b.readback_status))
            if first and b.fault_restart != 0:
                to_coil(b, b.fault_value)
        b.started, b.restarted, b.waiting = 1, 0, 1 if asked else 0
        return
    b.readback_timer_s = b.readback_timer_s + b.elapsed_s
    if first or delay_passed(b.readback_timer_s, b.readback_fail_s, dt_s):
        b.waiting = 1


def choose_state(b: Any, mode_before: int, dt_s: float) -> None:
    """Actual mode and the reason for it."""
    if b.target == OOS:
        b.mode, b.reason = OOS, AS_ASKED
        return
    b.mode, b.reason = b.target, AS_ASKED
    if mode_before == OOS and b.target != MAN:
        b.mode, b.reason = MAN, STARTING
    elif b.target == CAS or (b.target == AUTO and b.demand_linked != 0):
        value, status, linked = b.cas_in, b.cas_in_status, b.cas_in_linked
        if b.target == AUTO:
            value, status, linked = b.demand, b.demand_status, 1
        bad = linked != 0 and (quality_of(status) == BAD or not math.isfinite(value))
        demanded = quality_of(status) == GOOD_CASCADE and sub_status_of(status) == IFS
        b.fault_timer_s = b.fault_timer_s + b.elapsed_s if bad else 0.0
        late = bad and delay_passed(b.fault_timer_s, b.fault_time_s, dt_s)
        if b.fault_state != FAULT_NONE and (demanded or late):
            b.mode, b.reason = LO, FAULT_STATE
        elif b.target == AUTO:
            b.reason = INPUT_BAD if bad else AS_ASKED
        elif not cascade_ok(value, status, mode_before, b.bkcal_out, 0.5):
            b.mode, b.reason = AUTO, NO_CASCADE
    if b.waiting != 0:
        b.mode, b.reason = IMAN, NO_READBACK
    if b.force != 0 and b.started != 0:
        b.mode, b.reason = LO, FORCED


def watch_field(b: Any, dt_s: float) -> None:
    """MISMATCH once the read-back has been different for longer than the travel time."""
    now = truth(b.readback, b.readback_status)
    if b.readback_linked == 0 or b.travel_s <= 0.0 or b.mode == OOS:
        b.stray_timer_s, b.mismatch = 0.0, 0
        return
    if now == UNKNOWN or b.started == 0:
        return
    b.stray_timer_s = b.stray_timer_s + b.elapsed_s if as_number(now) != b.out else 0.0
    strays = 1 if delay_passed(b.stray_timer_s, b.travel_s, dt_s) else 0
    if strays != b.mismatch:
        b.mismatch = strays
        b.event = STRAYS if strays != 0 else FOLLOWS
        b.event_value = as_number(now)


def report_state(b: Any) -> None:
    """Statuses and what the block above is told."""
    b.output_valid = 0
    if b.mode == OOS:
        b.out_status = STATUS_OOS
    elif b.started == 0 or b.restarted != 0:
        b.out_status = make_status(BAD, NON_SPECIFIC)
    else:
        b.out_status = make_status(GOOD, OK, LIMIT_NONE if b.mode == CAS or b.mode == AUTO else LIMIT_CONSTANT)
        b.output_valid = 1
    b.pv = as_number(b.sp)
    b.pv_status = b.out_status if quality_of(b.out_status) == BAD else STATUS_GOOD
    if b.readback_linked != 0:
        b.pv_status = b.readback_status
        now = truth(b.readback, b.readback_status)
        if now != UNKNOWN:
            b.pv = as_number(1 - now if b.invert != 0 else now)
        elif quality_of(b.readback_status) != BAD:
            b.pv_status = make_status(BAD, NON_SPECIFIC)
    b.bkcal_out = as_number(b.sp)
    if b.mode == LO and b.force == 0:
        b.bkcal_out_status = make_status(GOOD_CASCADE, FSA, LIMIT_CONSTANT)
    else:
        b.bkcal_out_status = backward_status(b.target, b.mode, b.mode == AUTO, LIMIT_NONE)
