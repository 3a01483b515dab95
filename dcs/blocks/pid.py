"""PID controller block.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     every change of mode or parameter is bumpless; a NaN, an infinity or a Bad measurement gives actual mode
            Man and a held output, and never reaches the integral; a limited output stops the integral.
Source      Åström & Hägglund, Advanced PID Control (2006), ch. 3; external reset: Shinskey, Process Control Systems.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import (
    AS_ASKED,
    BELOW_NOT_READY,
    INPUT_BAD,
    NO_CASCADE,
    REASON_CHOICES,
    STARTING,
    TRACKING,
    backward_status,
    below_ready,
    cascade_ok,
    clamp,
    input_ok,
    lag_factor,
    limit_code,
)
from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN, MODE_CHOICES, OOS, TARGET_CHOICES, mode_mask
from dcs.core.status import (
    BAD,
    GOOD_CASCADE,
    IA,
    IFS,
    IR,
    LIMIT_CONSTANT,
    LIMIT_HIGH,
    LIMIT_LOW,
    OK,
    STATUS_OOS,
    limits_of,
    make_status,
    quality_of,
    sub_status_of,
)

PID = block_type(
    "PID",
    "PID controller",
    inputs=[
        signal("pv", "@pv_scale", "measurement"),
        signal("cas_in", "@pv_scale", "setpoint from the block above"),
        signal("bkcal_in", "@out_scale", "what the block below accepted"),
        signal("ff", "@out_scale", "feed-forward"),
        signal("trk_in_d", "", "1 asks for tracking"),
        signal("trk_val", "@out_scale", "output while tracking"),
    ],
    state=[
        i8("cas_in_linked", "1 when CAS_IN is wired"),
        i8("bkcal_in_linked", "1 when BKCAL_IN is wired"),
        f8("integral_pct", "%", "integral term, or the bias without integral action"),
        f8("derivative_pct", "%", "filtered derivative, before the gain"),
        f8("pv_pct", "%", "measurement of the last scan with a good one, in % of its scale"),
        f8("sp_pct", "%", "working setpoint of the last scan"),
        f8("ff_pct", "%", "feed-forward of the last scan"),
        f8("loop_gain", "", "gain with the sign of the action, as used in the last scan"),
        f8("beta_used", "", "beta of the last scan"),
    ],
    outputs=[
        signal("out", "@out_scale", "controller output", limited_by=("out_low", "out_high"), write_in=(MAN,)),
        signal("bkcal_out", "@pv_scale", "setpoint accepted, for the block above"),
        f8("sp_wrk", "@pv_scale", "working setpoint, after limits and ramp"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        scale("pv_scale", "range of measurement and setpoint"),
        scale("out_scale", "range of the output"),
        f8("gain", "", "proportional gain, % of output per % of measurement", default=1.0, low=0.0),
        f8("ti_s", "s", "reset time; 0 = no integral action", default=60.0, low=0.0),
        f8("td_s", "s", "rate time; 0 = no derivative action", low=0.0),
        f8("beta", "", "setpoint weight of the proportional part", default=1.0, low=0.0, high=1.0),
        f8("gamma", "", "setpoint weight of the derivative part", low=0.0, high=1.0),
        f8("n", "", "derivative filter: its time constant is TD / n", default=10.0, low=1.0),
        f8("ff_gain", "", "gain of the feed-forward", default=1.0),
        f8("sp", "@pv_scale", "setpoint of the operator", limited_by=("sp_low", "sp_high"), write_in=(MAN, AUTO)),
        f8(
            "sp_low",
            "@pv_scale",
            "lowest setpoint",
            default_from="pv_scale_low",
            limited_by=("pv_scale_low", "sp_high"),
        ),
        f8(
            "sp_high",
            "@pv_scale",
            "highest setpoint",
            default_from="pv_scale_high",
            limited_by=("sp_low", "pv_scale_high"),
        ),
        f8("sp_rate_up", "@pv_scale", "fastest rise of the working setpoint, per second; 0 = any", low=0.0),
        f8("sp_rate_down", "@pv_scale", "fastest fall of the working setpoint, per second; 0 = any", low=0.0),
        f8(
            "out_low",
            "@out_scale",
            "lowest output",
            default_from="out_scale_low",
            limited_by=("out_scale_low", "out_high"),
        ),
        f8(
            "out_high",
            "@out_scale",
            "highest output",
            default_from="out_scale_high",
            limited_by=("out_low", "out_scale_high"),
        ),
        i8("direct_acting", "1: a rising measurement raises the output", low=0, high=1),
        i8("sp_track_pv", "1: the setpoint follows the measurement while not in Auto or Cas", low=0, high=1),
        i8("uncertain_as_good", "1: control goes on with an Uncertain measurement", low=0, high=1),
        i8("target_man_if_bad", "1: a Bad measurement makes Man the target, so that it stays", low=0, high=1),
        i8("ifs_if_bad", "1: a Bad measurement asks the output block for its fault state", low=0, high=1),
        i8("track_enable", "1: TRK_IN_D is obeyed", low=0, high=1),
        i8("track_in_man", "1: also while the target is Man", low=0, high=1),
        i8("bkcal_pv", "1: BKCAL_OUT carries the measurement, not the setpoint", low=0, high=1),
        i8("target", "mode asked for", default=AUTO, choices=TARGET_CHOICES),
        i8("normal", "mode in normal operation", default=AUTO, choices=TARGET_CHOICES),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO, CAS))),
    ],
    feedback_inputs=("bkcal_in",),
    optional_inputs=("cas_in", "bkcal_in", "ff", "trk_in_d", "trk_val"),
    published={
        "PV": "pv",
        "SP": "sp",
        "SP_WRK": "sp_wrk",
        "OUT": "out",
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
        "GAIN": "gain",
        "TI": "ti_s",
        "TD": "td_s",
        "SP_LO": "sp_low",
        "SP_HI": "sp_high",
        "OUT_LO": "out_low",
        "OUT_HI": "out_high",
    },
    writable=("SP", "OUT", "MODE", "TARGET", "GAIN", "TI", "TD", "SP_LO", "SP_HI", "OUT_LO", "OUT_HI"),
)
