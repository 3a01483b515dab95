"""MANUAL_LOADER block: the operator's hand on a block below that takes a setpoint, with tracking.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     OUT starts from what the block below has; leaving tracking is bumpless; OUT moves no faster than its rate.
Source      FF-891 manual loader.
"""

from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import (
    AS_ASKED,
    BELOW_NOT_READY,
    REASON_CHOICES,
    TRACKING,
    below_ready,
    clamp,
    input_ok,
    limit_code,
)
from dcs.blocks.regulation.transfer import usable
from dcs.core.modes import IMAN, LO, MAN, MODE_CHOICES, OOS, mode_mask
from dcs.core.status import GOOD_CASCADE, IA, IR, LIMIT_CONSTANT, OK, STATUS_OOS, make_status, quality_of, sub_status_of

_TARGETS = (("OOS", OOS), ("MAN", MAN))

MANUAL_LOADER = block_type(
    "MANUAL_LOADER",
    "Manual loader",
    inputs=[
        signal("pv", "@pv_scale", "measurement to look at while loading"),
        signal("bkcal_in", "@out_scale", "what the block below accepted"),
        signal("trk_in_d", "", "1 asks for tracking"),
        signal("trk_val", "@out_scale", "output while tracking"),
    ],
    state=[i8("bkcal_in_linked", "1 when BKCAL_IN is wired"), i8("started", "1 once OUT follows the operator's value")],
    outputs=[
        signal("out", "@out_scale", "loaded output"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        scale("pv_scale", "range of the measurement"),
        scale("out_scale", "range of the output"),
        f8("load", "@out_scale", "output of the operator", limited_by=("out_low", "out_high"), write_in=(MAN,)),
        f8("out_low", "@out_scale", "lowest output", default_from="out_scale_low"),
        f8("out_high", "@out_scale", "highest output", default_from="out_scale_high"),
        f8("out_rate", "@out_scale", "fastest move of the output, per second; 0 = any", low=0.0),
        i8("track_enable", "1: TRK_IN_D is obeyed", low=0, high=1),
        i8("target", "mode asked for", default=MAN, choices=_TARGETS),
        i8("normal", "mode in normal operation", default=MAN, choices=_TARGETS),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN))),
    ],
    feedback_inputs=("bkcal_in",),
    optional_inputs=("pv", "bkcal_in", "trk_in_d", "trk_val"),
    published={
        "PV": "pv",
        "OUT": "out",
        "LOAD": "load",
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
        "OUT_LO": "out_low",
        "OUT_HI": "out_high",
        "RATE": "out_rate",
    },
    writable=("LOAD", "MODE", "TARGET", "OUT_LO", "OUT_HI", "RATE"),
)


@step(MANUAL_LOADER)
def manual_loader(b: Any, dt_s: float) -> None:
    r""":math:`out \to load`, at most :math:`r\,\Delta t` in a scan; in LO and IMan the load follows the output."""
    b.mode, b.reason = b.target, AS_ASKED
    wanted = b.track_enable != 0 and input_ok(b.trk_in_d, b.trk_in_d_status, 1) and b.trk_in_d > 0.5
    if b.target != OOS and wanted and input_ok(b.trk_val, b.trk_val_status, 1):
        b.mode, b.reason = LO, TRACKING
    if b.target != OOS and b.bkcal_in_linked != 0 and not below_ready(b.bkcal_in, b.bkcal_in_status):
        b.mode, b.reason = IMAN, BELOW_NOT_READY
    limits = LIMIT_CONSTANT
    if b.mode == MAN:
        load = clamp(b.load, b.out_low, b.out_high)
        if b.out_rate > 0.0 and b.started != 0:
            load = clamp(load, b.out - b.out_rate * dt_s, b.out + b.out_rate * dt_s)
        b.out = load
        b.started = 1
        limits = limit_code(b.out <= b.out_low, b.out >= b.out_high)
    elif b.mode == IMAN:
        if usable(b.bkcal_in, b.bkcal_in_status):
            b.out = b.bkcal_in
            b.load = b.out
            b.started = 1
    elif b.mode == LO:
        b.out = clamp(b.trk_val, b.out_low, b.out_high)
        b.load = b.out
        b.started = 1
    sub = OK
    if b.mode == IMAN and quality_of(b.bkcal_in_status) == GOOD_CASCADE and sub_status_of(b.bkcal_in_status) == IR:
        sub = IA
    b.out_status = STATUS_OOS if b.mode == OOS else make_status(GOOD_CASCADE, sub, limits)
