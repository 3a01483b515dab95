"""Discrete input block: a contact or a bit of a device, inverted and freed of bouncing.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     a change counts only after it has lasted; while Bad the last value is shown with the status, and the first
            good one counts at once. Simulated and forced values show as such (``dcs.blocks.io.override``).
Source      FF-891 discrete input.
"""

from typing import Any

from dcs.alarms.machine import delay_over
from dcs.blocks.declare import block_type, discrete, f8, flag, i8, step
from dcs.blocks.discrete.truth import FALSE, UNKNOWN, as_number, forwarded, truth
from dcs.blocks.handshake import AS_ASKED, REASON_CHOICES, STARTING
from dcs.blocks.io.override import FORCE_PARTS, SIMULATE_PARTS, forced_discrete, simulated_discrete
from dcs.core.modes import AUTO, LOCAL_TARGET_CHOICES, MAN, MODE_CHOICES, OOS, mode_mask
from dcs.core.status import GOOD, LIMIT_CONSTANT, OK, STATUS_GOOD, STATUS_OOS, make_status

DI = block_type(
    "DI",
    "Discrete input",
    inputs=[discrete("raw", "contact or bit as the driver delivers it")],
    state=[
        f8("timer_s", "s", "how long the signal has been different from PV"),
        f8("elapsed_s", "s", "period plus declared slips"),
        i8("seeded", "1 once a good value has been seen since the last Bad one"),
    ],
    outputs=[
        discrete("out", "value for logic and display", write_in=(MAN,)),
        discrete("pv", "signal after inversion and delays, also while OUT is set by hand or forced"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        flag("invert", "1: a closed contact is FALSE"),
        f8("on_delay_s", "s", "time TRUE before it counts", low=0.0),
        f8("off_delay_s", "s", "time FALSE before it counts", low=0.0),
        simulated_discrete(),
        forced_discrete(),
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
        **SIMULATE_PARTS,
        **FORCE_PARTS,
    },
    writable=("OUT", "MODE", "TARGET", *SIMULATE_PARTS, *FORCE_PARTS),
)


@step(DI)
def di(b: Any, dt_s: float) -> None:
    """``PV`` = signal, inverted by option, once it has lasted for its delay; ``OUT`` = PV, by hand, or forced."""
    if b.target == OOS:
        b.mode, b.reason, b.seeded = OOS, AS_ASKED, 0
        b.out_status = STATUS_OOS
        b.pv_status = STATUS_OOS
        return
    leaving_oos = b.mode == OOS
    b.mode = MAN if leaving_oos else b.target
    b.reason = STARTING if leaving_oos and b.target != MAN else AS_ASKED

    raw, status = b.raw, b.raw_status
    if b.simulate != 0:
        raw, status = as_number(b.sim_value), STATUS_GOOD
    elif truth(raw, status) != UNKNOWN:
        b.sim_value = truth(raw, status)
    now = truth(raw, status)
    b.pv_status = forwarded(raw, status)
    if now == UNKNOWN:
        b.seeded = 0
        b.timer_s = 0.0
    else:
        if b.invert != 0:
            now = 1 - now
        if as_number(now) == b.pv:
            b.timer_s = 0.0
        elif b.seeded == 0 or delay_over(b.timer_s, b.off_delay_s if now == FALSE else b.on_delay_s, dt_s):
            b.pv = as_number(now)
            b.timer_s = 0.0
        else:
            b.timer_s = b.timer_s + b.elapsed_s
        b.seeded = 1

    if b.force == 0:
        if b.mode == AUTO or leaving_oos:
            b.out = b.pv
            b.out_status = b.pv_status
        else:
            b.out_status = make_status(GOOD, OK, LIMIT_CONSTANT)
        b.force_value = 1 if b.out >= 0.5 else 0
    else:
        b.out = as_number(b.force_value)
        b.out_status = make_status(GOOD, OK, LIMIT_CONSTANT)
