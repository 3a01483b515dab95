"""Multiplexed discrete input: sixteen contacts in one record.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     every channel behaves as a DI with the same options, and is simulated and forced for itself; a channel that
            is not wired is Bad, not connected, and disturbs no other one.
Source      FF-891 multiple discrete input.
"""

from typing import Any

from dcs.alarms.machine import delay_over
from dcs.blocks.declare import block_type, discrete, f8, flag, i8, step
from dcs.blocks.discrete.truth import FALSE, UNKNOWN, as_number, forwarded, truth
from dcs.blocks.handshake import AS_ASKED, REASON_CHOICES, STARTING
from dcs.blocks.io.override import FORCE_PARTS, SIMULATE_PARTS, forced_discrete, numbered, simulated_discrete
from dcs.core.modes import AUTO, LOCAL_TARGET_CHOICES, MAN, MODE_CHOICES, OOS, mode_mask
from dcs.core.status import GOOD, LIMIT_CONSTANT, OK, STATUS_GOOD, STATUS_OOS, make_status

CHANNELS = 16

MUX_DI = block_type(
    "MUX_DI",
    "Multiplexed discrete input",
    inputs=[discrete("raw", "contact of a channel", count=CHANNELS)],
    state=[
        i8("settled", "signal after inversion and delays", count=CHANNELS),
        f8("timer_s", "s", "how long the signal has been different", count=CHANNELS),
        i8("seeded", "1 once a good value has been seen since the last Bad one", count=CHANNELS),
        f8("elapsed_s", "s", "period plus declared slips"),
    ],
    outputs=[
        discrete("out", "value of a channel", count=CHANNELS),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        flag("invert", "1: a closed contact is FALSE", count=CHANNELS),
        f8("on_delay_s", "s", "time TRUE before it counts", low=0.0),
        f8("off_delay_s", "s", "time FALSE before it counts", low=0.0),
        simulated_discrete(CHANNELS),
        forced_discrete(CHANNELS),
        i8("target", "mode asked for", default=AUTO, choices=LOCAL_TARGET_CHOICES),
        i8("normal", "mode in normal operation", default=AUTO, choices=LOCAL_TARGET_CHOICES),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO))),
    ],
    optional_inputs=("raw",),
    published={
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
        **numbered({"OUT": "out"} | SIMULATE_PARTS | FORCE_PARTS, CHANNELS),
    },
    writable=("MODE", "TARGET", *numbered(SIMULATE_PARTS | FORCE_PARTS, CHANNELS)),
)


@step(MUX_DI)
def mux_di(b: Any, dt_s: float) -> None:
    """Per channel as DI: inverted by option, counted once it has lasted for its delay. Man holds all."""
    leaving_oos = b.mode == OOS and b.target != OOS
    b.mode, b.reason = b.target, AS_ASKED
    if leaving_oos and b.target != MAN:
        b.mode, b.reason = MAN, STARTING
    for i in range(CHANNELS):
        if b.mode == OOS:
            b.seeded[i] = 0
            b.out_status[i] = STATUS_OOS
            continue
        status = settle(b, i, dt_s)
        if b.force[i] != 0:
            b.out[i] = as_number(b.force_value[i])
            b.out_status[i] = make_status(GOOD, OK, LIMIT_CONSTANT)
            continue
        if b.mode == AUTO or leaving_oos:
            b.out[i] = as_number(b.settled[i])
            b.out_status[i] = status
        else:
            b.out_status[i] = make_status(GOOD, OK, LIMIT_CONSTANT)
        b.force_value[i] = 1 if b.out[i] >= 0.5 else 0


def settle(b: Any, i: int, dt_s: float) -> int:
    """Bring ``settled`` of one channel up to date; its status."""
    raw, status = b.raw[i], b.raw_status[i]
    if b.simulate[i] != 0:
        raw, status = as_number(b.sim_value[i]), STATUS_GOOD
    elif truth(raw, status) != UNKNOWN:
        b.sim_value[i] = truth(raw, status)
    now = truth(raw, status)
    if now == UNKNOWN:
        b.seeded[i] = 0
        b.timer_s[i] = 0.0
        return forwarded(raw, status)
    if b.invert[i] != 0:
        now = 1 - now
    if now == b.settled[i]:
        b.timer_s[i] = 0.0
    elif b.seeded[i] == 0 or delay_over(b.timer_s[i], b.off_delay_s if now == FALSE else b.on_delay_s, dt_s):
        b.settled[i] = now
        b.timer_s[i] = 0.0
    else:
        b.timer_s[i] = b.timer_s[i] + b.elapsed_s
    b.seeded[i] = 1
    return forwarded(raw, status)
