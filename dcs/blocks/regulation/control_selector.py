"""CONTROL_SELECTOR block: the highest, lowest or middle of two to four controllers moves one valve (override control).

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     a cross-over moves OUT by at most one scan's increment; the losers are told Not Selected with the selected
            output, so that they stay within their proportional gap, and a limit, so that the blocks above them stop in
            the direction that leads nowhere; an input that is Bad or asks not to be selected is left out (a PID without
            a good measurement asks for that by default, DNS_IF_BAD, so that its held output neither wins nor holds the
            others back; one that the operator has in Man takes part); when all are left out,
            OUT is Bad and the block below holds; an input that takes the place of one that was lost is first
            initialised to OUT.
Source      FF-891 control selector; Shinskey, Process Control Systems, selective control by external reset.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, signals, step
from dcs.blocks.handshake import (
    AS_ASKED,
    BELOW_NOT_READY,
    HANDSHAKE_PART,
    INPUT_BAD,
    NO_CASCADE,
    REASON_CHOICES,
    STARTING,
    asks_for_fault_state,
    below_ready,
    clamp,
    input_ok,
    limit_code,
)
from dcs.blocks.regulation.transfer import accepted_of, bled, usable
from dcs.core.modes import AUTO, IMAN, MAN, MODE_CHOICES, OOS, mode_mask
from dcs.core.status import (
    BAD,
    DNS,
    GOOD_CASCADE,
    IA,
    IFS,
    IR,
    LIMIT_CONSTANT,
    LIMIT_HIGH,
    LIMIT_LOW,
    NI,
    NON_SPECIFIC,
    NS,
    OK,
    STATUS_NOT_CONNECTED,
    STATUS_OOS,
    limits_of,
    make_status,
    quality_of,
    sub_status_of,
)

INPUTS_MAX = 4
LOWEST, HIGHEST, MIDDLE = 0, 1, 2
_TARGETS = (("OOS", OOS), ("MAN", MAN), ("AUTO", AUTO))

CONTROL_SELECTOR = block_type(
    "CONTROL_SELECTOR",
    "Control selector",
    inputs=[
        signals("inp", INPUTS_MAX, "@out_scale", "output of a controller"),
        signal("bkcal_in", "@out_scale", "what the block below accepted"),
    ],
    state=[
        i8("inp_linked", "1 when this input is wired", count=INPUTS_MAX),
        i8("bkcal_in_linked", "1 when BKCAL_IN is wired"),
        i8("taking_part", "mask of the inputs that took part in the last scan"),
        i8("awaited", "input that is being initialised to OUT, from 1; 0 = none"),
        f8("awaited_s", "s", "how long it has been waited for"),
        i8("fault_asked_by", "input that asks for the fault state of the block below, from 1; 0 = none"),
        f8("balance", "@out_scale", "what is still to be bled off"),
        f8("balance_from", "@out_scale", "balance when the present input was taken"),
    ],
    outputs=[
        signal("out", "@out_scale", "selected output", limited_by=("out_low", "out_high"), write_in=(MAN,)),
        signals("bkcal_out", INPUTS_MAX, "@out_scale", "selected output, for the controller of this input"),
        i8("selected", "input that moves OUT, from 1; 0 = none"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        scale("out_scale", "range of inputs and output"),
        i8("select", "which input moves OUT", choices=(("LOW", LOWEST), ("HIGH", HIGHEST), ("MID", MIDDLE))),
        f8("out_low", "@out_scale", "lowest output", default_from="out_scale_low"),
        f8("out_high", "@out_scale", "highest output", default_from="out_scale_high"),
        i8("uncertain_as_good", "1: an Uncertain input takes part", low=0, high=1),
        f8("bal_time_s", "s", "time in which a balance is bled off; 0 = at once", default=10.0, low=0.0),
        f8(
            "answer_time_s",
            "s",
            "an input that has not initialised in this time is taken with a balance",
            default=60.0,
            low=0.0,
        ),
        i8("target", "mode asked for", default=AUTO, choices=_TARGETS),
        i8("normal", "mode in normal operation", default=AUTO, choices=_TARGETS),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO))),
    ],
    feedback_inputs=("bkcal_in",),
    optional_inputs=("inp", "bkcal_in"),
    above=(("inp", "bkcal_out"),),
    published={
        "OUT": "out",
        "SELECTED": "selected",
        "IN1": "inp_1",
        "IN2": "inp_2",
        "IN3": "inp_3",
        "IN4": "inp_4",
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
        "OUT_LO": "out_low",
        "OUT_HI": "out_high",
    },
    writable=("OUT", "MODE", "TARGET", "OUT_LO", "OUT_HI"),
)


@step(CONTROL_SELECTOR)
def control_selector(b: Any, dt_s: float) -> None:
    r""":math:`out = \min, \max` or middle of the inputs that take part, :math:`+\,balance`.

    Of an even number the lower one of the two in the middle. The balance is 0 unless an input that takes part in no
    cascade had to take the place of another one.
    """
    mode_before = b.mode
    taking_part = mask_of(b)
    choose_mode(b, mode_before, taking_part != 0)
    out_before = b.out
    limits = LIMIT_CONSTANT
    if b.mode == AUTO:
        choice = choose_input(b, taking_part, mode_before == AUTO, dt_s)
        if b.awaited == 0:
            if b.selected != 0 and mode_before == AUTO:
                b.balance = bled(b.balance, b.balance_from, dt_s, b.bal_time_s)
            b.selected = choice
            out = b.inp[choice - 1] + b.balance
            if math.isfinite(out):
                b.out = clamp(out, b.out_low, b.out_high)
                limits = limit_code(out < b.out_low, out > b.out_high)
    else:
        b.selected, b.awaited, b.awaited_s = 0, 0, 0.0
        if b.mode == IMAN and usable(b.bkcal_in, b.bkcal_in_status):
            b.out = b.bkcal_in
        elif b.mode == MAN:
            b.out = clamp(b.out, b.out_low, b.out_high)
    b.taking_part = taking_part
    report(b, taking_part, limits, out_before)


def choose_mode(b: Any, mode_before: int, some_input: bool) -> None:
    """Actual mode and the reason for it; what comes later has priority."""
    if b.target == OOS:
        b.mode, b.reason = OOS, AS_ASKED
        return
    b.mode, b.reason = b.target, AS_ASKED
    if b.target == AUTO and not some_input:
        b.mode, b.reason = MAN, INPUT_BAD
    if b.target == AUTO and mode_before == OOS:
        b.mode, b.reason = MAN, STARTING
    if b.bkcal_in_linked != 0 and not below_ready(b.bkcal_in, b.bkcal_in_status):
        b.mode, b.reason = IMAN, BELOW_NOT_READY


def mask_of(b: Any) -> int:
    """Bit k: input k + 1 is wired, can be used and does not ask to be left out."""
    mask = 0
    for k in range(INPUTS_MAX):
        status = b.inp_status[k]
        asks_out = quality_of(status) == GOOD_CASCADE and sub_status_of(status) == DNS
        if b.inp_linked[k] != 0 and input_ok(b.inp[k], status, b.uncertain_as_good) and not asks_out:
            mask += 1 << k
    return mask


def choose_input(b: Any, taking_part: int, was_automatic: bool, dt_s: float) -> int:
    """The input that is to move OUT, from 1; ``awaited`` is set while it has to be initialised to OUT first."""
    choice = picked(b, taking_part)
    if not was_automatic or (b.selected == 0 and b.awaited == 0):
        b.awaited, b.awaited_s, b.balance = choice, 0.0, 0.0
        await_input(b, choice, True)
    elif b.awaited != 0:
        if (taking_part >> (b.awaited - 1)) & 1 == 0:
            b.awaited, b.awaited_s = choice, 0.0
            await_input(b, choice, True)
        else:
            choice = b.awaited
            b.awaited_s = b.awaited_s + dt_s
            await_input(b, choice, False)
    elif taking_part != b.taking_part and choice != b.selected:
        # Not a cross-over: an input was lost or has come back, so that another one is chosen all at once.
        b.awaited, b.awaited_s = choice, 0.0
        await_input(b, choice, True)
    return choice


def await_input(b: Any, choice: int, just_asked: bool) -> None:
    """End the wait when the input has what it was asked for, or will never answer; its difference is the balance."""
    k = choice - 1
    status = b.inp_status[k]
    takes_part = quality_of(status) == GOOD_CASCADE
    tolerance = HANDSHAKE_PART * (b.out_scale_high - b.out_scale_low)
    asked = not just_asked and abs(b.inp[k] - b.bkcal_out[k]) <= tolerance and abs(b.bkcal_out[k] - b.out) <= tolerance
    answered = asked and sub_status_of(status) == IA
    if takes_part and not answered and b.awaited_s < b.answer_time_s:
        return
    b.awaited, b.awaited_s = 0, 0.0
    balance = b.out - b.inp[k]
    if math.isfinite(balance):
        b.balance = balance
        b.balance_from = balance
    b.selected = 0  # OUT is taken over in this scan; the balance is bled from the next one


def picked(b: Any, taking_part: int) -> int:
    """The input that the rule chooses among those that take part, from 1."""
    count = 0
    for k in range(INPUTS_MAX):
        count += (taking_part >> k) & 1
    rank = 0
    if b.select == HIGHEST:
        rank = count - 1
    elif b.select == MIDDLE:
        rank = (count - 1) // 2
    for k in range(INPUTS_MAX):
        if (taking_part >> k) & 1 == 0:
            continue
        below = 0
        for other in range(INPUTS_MAX):
            if (taking_part >> other) & 1 != 0 and other != k:
                less = b.inp[other] < b.inp[k] or (b.inp[other] == b.inp[k] and other < k)
                below += 1 if less else 0
        if below == rank:
            return k + 1
    return 1


def report(b: Any, taking_part: int, limits: int, out_before: float) -> None:
    """Statuses, and what the controllers above are told."""
    if b.mode == AUTO and b.awaited != 0:
        b.reason = NO_CASCADE
    sub = OK
    if b.mode == IMAN and quality_of(b.bkcal_in_status) == GOOD_CASCADE and sub_status_of(b.bkcal_in_status) == IR:
        sub = IA
    if b.selected != 0:
        b.fault_asked_by = b.selected
    # In the fault state nothing is selected, but whoever has asked for it may still do so.
    if b.fault_asked_by != 0 and b.target == AUTO and asks_for_fault_state(b.inp_status[b.fault_asked_by - 1]):
        sub = IFS
    else:
        b.fault_asked_by = 0
    b.out_status = make_status(GOOD_CASCADE, sub, limits)
    if taking_part == 0 and b.target == AUTO:
        b.out_status = make_status(BAD, NON_SPECIFIC, LIMIT_CONSTANT)
    if b.mode == OOS:
        b.out_status = STATUS_OOS

    below = limits_of(b.bkcal_in_status) if b.bkcal_in_linked != 0 else 0
    span = b.out_scale_high - b.out_scale_low
    accepted = accepted_of(b.bkcal_in_linked, b.bkcal_in, b.bkcal_in_status, out_before, b.out, span) - b.balance
    for k in range(INPUTS_MAX):
        b.bkcal_out[k] = b.out
        if b.inp_linked[k] == 0:
            b.bkcal_out_status[k] = STATUS_NOT_CONNECTED
        elif b.mode == OOS:
            b.bkcal_out_status[k] = STATUS_OOS | LIMIT_CONSTANT
        elif b.mode != AUTO:
            b.bkcal_out_status[k] = make_status(GOOD_CASCADE, NI, LIMIT_CONSTANT)
        elif b.awaited == k + 1:
            b.bkcal_out_status[k] = make_status(GOOD_CASCADE, IR)
        else:
            if b.awaited == 0 and math.isfinite(accepted):
                b.bkcal_out[k] = accepted
            if b.selected == k + 1:
                b.bkcal_out_status[k] = make_status(GOOD_CASCADE, OK, limits | below)
            else:
                b.bkcal_out_status[k] = make_status(GOOD_CASCADE, NS, limits_of_loser(b, taking_part, k))


def limits_of_loser(b: Any, taking_part: int, k: int) -> int:
    """In which direction input k + 1 can do nothing: away from the selected one; in none where it is left out.

    The controller itself follows the selected output all the same; the block above it must not wind up.
    """
    if b.selected == 0 or (taking_part >> k) & 1 == 0:
        return LIMIT_CONSTANT
    if b.select == MIDDLE:
        return LIMIT_HIGH if b.inp[k] >= b.inp[b.selected - 1] else LIMIT_LOW
    return LIMIT_HIGH if b.select == LOWEST else LIMIT_LOW
