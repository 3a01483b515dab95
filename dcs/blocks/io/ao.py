"""Analogue output block: the last block before the field, and by itself a manual valve station.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     nothing is sent before the field has been read back once (where a read-back is wired), and what is sent
            first is what the field already has, also after a restart or OOS. ``output_valid`` says whether OUT may be
            sent. Fault state and force are local overrides: the block above follows and comes back by the handshake.
            The fault state is for a lost CAS_IN; a lost host (RCas) is shed by SHED_OPT (``dcs.blocks.io.ao_host``).
Source      FF-891 analogue output, IO_OPTS.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, flag, i8, scale, signal, step
from dcs.blocks.handshake import (
    AS_ASKED,
    FAULT_STATE,
    HANDSHAKE_PART,
    NO_CASCADE,
    NO_READBACK,
    REASON_CHOICES,
    STARTING,
    backward_status,
    cascade_ok,
    clamp,
    limit_code,
)
from dcs.blocks.io.ao_host import AO_HOST_PARAMS, AO_HOST_STATE, host_target, tell_host
from dcs.blocks.io.ao_override import (
    AO_OVERRIDE_INPUTS,
    AO_OVERRIDE_PARAMS,
    AO_OVERRIDE_STATE,
    AO_OVERRIDE_WIRES,
    override_demand,
    override_mode,
)
from dcs.blocks.io.conversion import believable, delay_passed
from dcs.blocks.io.override import FORCE_PARTS, SIMULATE_PARTS, forced, simulated
from dcs.core.modes import (
    AUTO,
    CAS,
    IMAN,
    LO,
    MAN,
    MODE_CHOICES,
    OOS,
    RCAS,
    RCAS_TARGET_CHOICES,
    is_automatic,
    mode_mask,
)
from dcs.core.status import (
    BAD,
    FSA,
    GOOD,
    GOOD_CASCADE,
    IFS,
    INITIAL_VALUE,
    IR,
    LIMIT_CONSTANT,
    NON_SPECIFIC,
    OK,
    STATUS_GOOD,
    STATUS_OOS,
    UNCERTAIN,
    make_status,
    quality_of,
    sub_status_of,
)

FAULT_NONE, FAULT_HOLD, FAULT_VALUE = 0, 1, 2
FAULT_CHOICES = (("NONE", FAULT_NONE), ("HOLD", FAULT_HOLD), ("VALUE", FAULT_VALUE))

STRAYS, FOLLOWS = 1, 2
READBACK_EVENTS = {
    STRAYS: "does not follow: the read-back is off by {value}",
    FOLLOWS: "follows again",
}

AO = block_type(
    "AO",
    "Analogue output",
    inputs=[
        signal("cas_in", "@pv_scale", "setpoint from the block above"),
        signal("readback", "@xd_scale", "what the field says it has"),
        *AO_OVERRIDE_INPUTS,
    ],
    state=[
        i8("cas_in_linked", "1 when CAS_IN is wired"),
        i8("readback_linked", "1 when READBACK is wired"),
        i8("started", "1 once OUT has its first value"),
        i8("restarted", "1 after a restart of the controller, until OUT is taken from the field"),
        i8("waiting", "1 while a good read-back is waited for"),
        f8("readback_timer_s", "s", "how long the read-back has been Bad"),
        f8("fault_timer_s", "s", "how long the cascade input has been Bad"),
        f8("stray_timer_s", "s", "how long the read-back has been off"),
        f8("elapsed_s", "s", "period plus declared slips"),
        i8("event", "what the journal hears"),
        f8("event_value", "@pv_scale", "read-back minus demand"),
        *AO_HOST_STATE,
        *AO_OVERRIDE_STATE,
    ],
    outputs=[
        signal("out", "@xd_scale", "demand to the field", limited_by=("out_low", "out_high"), write_in=(MAN,)),
        signal("bkcal_out", "@pv_scale", "setpoint accepted, for the block above"),
        signal("pv", "@pv_scale", "position read back, or the working setpoint without a read-back"),
        f8("sp_wrk", "@pv_scale", "working setpoint, after limits and rate"),
        i8("output_valid", "1 when OUT may be sent to the field", low=0, high=1),
        flag("mismatch", "1 while the read-back does not follow the demand"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        scale("pv_scale", "range of setpoint and position"),
        scale("xd_scale", "range of the demand to the field"),
        f8("sp", "@pv_scale", "setpoint of the operator", limited_by=("sp_low", "sp_high"), write_in=(AUTO,)),
        f8("sp_low", "@pv_scale", "lowest setpoint", default_from="pv_scale_low"),
        f8("sp_high", "@pv_scale", "highest setpoint", default_from="pv_scale_high"),
        f8("sp_rate_up", "@pv_scale", "fastest rise, per second; 0 = any", low=0.0),
        f8("sp_rate_down", "@pv_scale", "fastest fall, per second; 0 = any", low=0.0),
        f8("out_low", "@xd_scale", "lowest demand", default_from="xd_scale_low"),
        f8("out_high", "@xd_scale", "highest demand", default_from="xd_scale_high"),
        f8("low_cut", "@pv_scale", "setpoints up to it close fully; 0 = no cut-off", low=0.0),
        flag("increase_to_close", "1: 100 % of setpoint is the low end of the demand"),
        i8("fault_state", "what to do when the cascade input stays Bad", choices=FAULT_CHOICES),
        f8("fault_value", "@pv_scale", "setpoint in fault state"),
        flag("fault_restart", "1: start at the fault value, not where the field is"),
        f8("fault_time_s", "s", "time of a Bad cascade input before the fault state", default=5.0, low=0.0),
        f8("readback_fail_s", "s", "time of a Bad read-back before control stops", default=5.0, low=0.0),
        f8("mismatch_band", "@pv_scale", "how far the read-back may be off; 0 = not checked", low=0.0),
        f8("travel_s", "s", "time the field may take to follow", default=10.0, low=0.0),
        i8("bkcal_readback", "1: the block above is fed back the position, not the setpoint", low=0, high=1),
        *AO_OVERRIDE_PARAMS,
        *AO_HOST_PARAMS,
        simulated("@xd_scale"),
        forced("@xd_scale"),
        i8("target", "mode asked for", default=CAS, choices=RCAS_TARGET_CHOICES),
        i8("normal", "mode in normal operation", default=CAS, choices=RCAS_TARGET_CHOICES),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO, CAS))),
    ],
    feedback_inputs=("readback",),
    optional_inputs=("cas_in", "readback", *AO_OVERRIDE_WIRES),
    published={
        "PV": "pv",
        "SP": "sp",
        "SP_WRK": "sp_wrk",
        "OUT": "out",
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
        "SP_LO": "sp_low",
        "SP_HI": "sp_high",
        "MISMATCH": "mismatch",
        "RCAS_IN": "rcas_in",
        "RCAS_OUT": "rcas_out",
        **SIMULATE_PARTS,
        **FORCE_PARTS,
    },
    writable=("SP", "OUT", "MODE", "TARGET", "SP_LO", "SP_HI", "RCAS_IN", *SIMULATE_PARTS, *FORCE_PARTS),
    events=READBACK_EVENTS,
)


@step(AO)
def ao(b: Any, dt_s: float) -> None:
    r"""Limits and rate of the setpoint, then :math:`out = x_l + (sp - p_l)(x_h - x_l)/(p_h - p_l)`."""
    mode_before = b.mode
    if b.simulate != 0:
        b.readback, b.readback_status = b.sim_value, STATUS_GOOD
    elif math.isfinite(b.readback):
        b.sim_value = b.readback
    follow_readback(b, dt_s)
    wanted_mode = choose_mode(b, mode_before, dt_s)
    override_mode(b)
    at_low, at_high = False, False
    if is_automatic(b.mode):
        if not is_automatic(mode_before):
            b.sp_wrk = to_setpoint(b, b.out)  # starts from where the output is
            b.sp = b.sp_wrk
        if b.mode == CAS:
            b.sp = b.cas_in
        elif b.mode == RCAS:
            b.sp = b.rcas_in if b.host_leads != 0 else b.sp_wrk
        wanted = clamp(b.sp, b.sp_low, b.sp_high)
        at_low, at_high = b.sp < b.sp_low, b.sp > b.sp_high
        b.sp = wanted
        if b.sp_rate_up > 0.0 and wanted > b.sp_wrk + b.sp_rate_up * dt_s:
            wanted = b.sp_wrk + b.sp_rate_up * dt_s
            at_high = True
        if b.sp_rate_down > 0.0 and wanted < b.sp_wrk - b.sp_rate_down * dt_s:
            wanted = b.sp_wrk - b.sp_rate_down * dt_s
            at_low = True
        b.sp_wrk = wanted
        demand = to_field(b, b.pv_scale_low if b.low_cut > 0.0 and wanted <= b.low_cut else wanted)
        b.out = clamp(demand, b.out_low, b.out_high)
        if b.out != demand:
            # The limit of the demand in terms of the setpoint; the ends swap where the action inverts.
            b.sp_wrk = to_setpoint(b, b.out)
            at_low = at_low or b.sp_wrk > wanted
            at_high = at_high or b.sp_wrk < wanted
    else:
        if b.mode == LO and b.reason != FAULT_STATE:
            override_demand(b)
        elif b.mode == LO and b.fault_state == FAULT_VALUE:
            b.out = clamp(to_field(b, b.fault_value), b.out_low, b.out_high)
        elif b.mode == MAN:
            b.out = clamp(b.out, b.out_low, b.out_high)
        b.sp_wrk = to_setpoint(b, b.out)
        b.sp = b.sp_wrk  # so that leaving this mode is bumpless
    if b.force == 0:
        b.force_value = b.out
    watch_readback(b, dt_s)
    report(b, wanted_mode, limit_code(at_low, at_high))


def to_field(b: Any, setpoint: float) -> float:
    """Demand for a setpoint."""
    part = (setpoint - b.pv_scale_low) / (b.pv_scale_high - b.pv_scale_low)
    if b.increase_to_close != 0:
        part = 1.0 - part
    return b.xd_scale_low + part * (b.xd_scale_high - b.xd_scale_low)  # type: ignore[no-any-return]


def to_setpoint(b: Any, demand: float) -> float:
    """Setpoint that gives a demand."""
    part = (demand - b.xd_scale_low) / (b.xd_scale_high - b.xd_scale_low)
    if b.increase_to_close != 0:
        part = 1.0 - part
    return b.pv_scale_low + part * (b.pv_scale_high - b.pv_scale_low)  # type: ignore[no-any-return]


def follow_readback(b: Any, dt_s: float) -> None:
    """Take the first value from the field, also after a restart, a long loss, OOS, and when the field asks for it."""
    leaving_oos = b.mode == OOS and b.target != OOS
    if (b.restarted != 0 or leaving_oos) and b.readback_linked != 0:
        b.waiting = 1
    if b.readback_linked == 0:
        if b.started == 0 or (b.restarted != 0 and b.fault_restart != 0):
            b.out = clamp(to_field(b, b.fault_value if b.fault_restart != 0 else b.sp), b.out_low, b.out_high)
        b.started, b.restarted, b.waiting = 1, 0, 0
        return
    if position_known(b):
        b.readback_timer_s = 0.0
        asked = asks_to_be_followed(b.readback_status)
        if b.started == 0 or b.waiting != 0 or asked:
            b.out = b.readback
            if b.fault_restart != 0 and (b.started == 0 or b.restarted != 0):
                b.out = clamp(to_field(b, b.fault_value), b.out_low, b.out_high)
        b.started, b.restarted, b.waiting = 1, 0, 1 if asked else 0
        return
    b.readback_timer_s = b.readback_timer_s + b.elapsed_s
    if b.started == 0 or delay_passed(b.readback_timer_s, b.readback_fail_s, dt_s):
        b.waiting = 1


def asks_to_be_followed(status: int) -> bool:
    """Has the field moved the output by itself, and takes nothing before it is followed (initialisation request)?"""
    return quality_of(status) == GOOD_CASCADE and sub_status_of(status) == IR


def position_known(b: Any) -> bool:
    """Does the field say where it is?"""
    return quality_of(b.readback_status) != BAD and believable(b.readback, b.xd_scale_low, b.xd_scale_high)


def watch_readback(b: Any, dt_s: float) -> None:
    """MISMATCH once the read-back has been off for longer than the travel time; nothing is said while it is Bad."""
    if b.readback_linked == 0 or b.mismatch_band <= 0.0 or b.mode == OOS:
        b.stray_timer_s, b.mismatch = 0.0, 0
        return
    if not position_known(b) or b.started == 0:
        return
    off = to_setpoint(b, b.readback) - to_setpoint(b, b.out)
    b.stray_timer_s = b.stray_timer_s + b.elapsed_s if abs(off) > b.mismatch_band else 0.0
    strays = 1 if delay_passed(b.stray_timer_s, b.travel_s, dt_s) else 0
    if strays != b.mismatch:
        b.mismatch = strays
        b.event = STRAYS if strays != 0 else FOLLOWS
        b.event_value = off


def choose_mode(b: Any, mode_before: int, dt_s: float) -> int:
    """Actual mode and the reason for it.

    Returns the mode that is wanted: the target, or what the target is shed to while there is no host.
    """
    wanted, b.reason = b.target, AS_ASKED
    if (b.permitted >> RCAS) & 1 != 0:
        wanted, b.reason = host_target(b, mode_before)
    b.mode = wanted
    if wanted == OOS:
        return OOS
    if wanted != CAS:
        b.fault_timer_s = 0.0
    if mode_before == OOS and wanted != MAN:
        b.mode, b.reason = MAN, STARTING
    elif wanted == CAS:
        bad = b.cas_in_linked != 0 and (quality_of(b.cas_in_status) == BAD or not math.isfinite(b.cas_in))
        demanded = quality_of(b.cas_in_status) == GOOD_CASCADE and sub_status_of(b.cas_in_status) == IFS
        b.fault_timer_s = b.fault_timer_s + b.elapsed_s if bad else 0.0
        late = bad and delay_passed(b.fault_timer_s, b.fault_time_s, dt_s)
        if b.fault_state != FAULT_NONE and (demanded or late):
            b.mode, b.reason = LO, FAULT_STATE
        else:
            tolerance = HANDSHAKE_PART * (b.pv_scale_high - b.pv_scale_low)
            if b.bkcal_readback != 0:
                tolerance = math.inf  # what is read back moves by itself
            if not cascade_ok(b.cas_in, b.cas_in_status, mode_before, b.bkcal_out, tolerance):
                b.mode = AUTO
                b.reason = NO_CASCADE if b.reason == AS_ASKED else b.reason
    if b.waiting != 0:
        b.mode, b.reason = IMAN, NO_READBACK
    return wanted  # type: ignore[no-any-return]


def report(b: Any, wanted: int, limits: int) -> None:
    """Statuses and what the block above is told."""
    b.output_valid = 0
    if b.mode == OOS:
        b.out_status = STATUS_OOS
    elif b.started == 0 or b.restarted != 0:
        b.out_status = make_status(BAD, NON_SPECIFIC)
    else:
        b.out_status = make_status(GOOD, OK, limits if is_automatic(b.mode) else LIMIT_CONSTANT)
        b.output_valid = 1

    b.pv = b.sp_wrk
    b.pv_status = b.out_status if quality_of(b.out_status) == BAD else STATUS_GOOD
    if b.readback_linked != 0:
        b.pv_status = b.readback_status
        if believable(b.readback, b.xd_scale_low, b.xd_scale_high):
            b.pv = to_setpoint(b, b.readback)
        elif quality_of(b.readback_status) != BAD:
            b.pv_status = make_status(UNCERTAIN, INITIAL_VALUE)

    b.bkcal_out = b.sp_wrk
    if b.bkcal_readback != 0 and b.readback_linked != 0 and quality_of(b.readback_status) != BAD:
        b.bkcal_out = b.pv
    if b.reason == FAULT_STATE:
        b.bkcal_out_status = make_status(GOOD_CASCADE, FSA, LIMIT_CONSTANT)
    else:
        b.bkcal_out_status = backward_status(wanted, b.mode, b.mode == AUTO, limits)
    if (b.permitted >> RCAS) & 1 != 0:
        tell_host(b, limits)
