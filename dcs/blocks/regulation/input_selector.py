"""INPUT_SELECTOR block: one measurement out of two to four.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Promise     an input that is Bad, not finite, switched off or not wired is never used; with fewer good ones than
            ``min_good`` OUT is Bad and holds; a hot backup stays in use until it fails itself.
Source      FF-891 input selector (MIN_GOOD, OP_SELECT); hot backup as in process control systems in use.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, signals, step
from dcs.blocks.handshake import AS_ASKED, REASON_CHOICES, STARTING
from dcs.blocks.regulation.transfer import plain_status, usable, worse_status
from dcs.core.modes import AUTO, MAN, MODE_CHOICES, OOS, mode_mask
from dcs.core.status import (
    BAD,
    GOOD,
    LIMIT_CONSTANT,
    NON_SPECIFIC,
    OK,
    STATUS_GOOD,
    STATUS_OOS,
    UNCERTAIN,
    make_status,
    quality_of,
)

INPUTS_MAX = 4
LOWEST, HIGHEST, MIDDLE, AVERAGE, FIRST_GOOD, HOT_BACKUP = range(6)
_TARGETS = (("OOS", OOS), ("MAN", MAN), ("AUTO", AUTO))

INPUT_SELECTOR = block_type(
    "INPUT_SELECTOR",
    "Input selector",
    inputs=[signals("inp", INPUTS_MAX, "@signal_scale", "one of the measurements")],
    state=[i8("inp_linked", "1 when this input is wired", count=INPUTS_MAX)],
    outputs=[
        signal("out", "@signal_scale", "selected measurement", write_in=(MAN,)),
        i8("selected", "input in use, from 1; 0 = none or several"),
        i8("good_count", "inputs that are Good"),
        signal("deviation", "@signal_scale", "highest less lowest input in use"),
        signal("deviates", "", "1 while the deviation is above its limit"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        scale("signal_scale", "range of inputs and output"),
        i8(
            "select",
            "which input is used",
            choices=(
                ("MIN", LOWEST),
                ("MAX", HIGHEST),
                ("MID", MIDDLE),
                ("AVERAGE", AVERAGE),
                ("FIRST_GOOD", FIRST_GOOD),
                ("HOT_BACKUP", HOT_BACKUP),
            ),
        ),
        i8("op_select", "input that the operator has chosen, from 1; 0 = by the rule", low=0, high=INPUTS_MAX),
        i8("min_good", "OUT is Bad with fewer Good inputs; 0 = Uncertain ones will do", low=0, high=INPUTS_MAX),
        i8("switched_off", "1: this input is not used", low=0, high=1, count=INPUTS_MAX),
        i8("uncertain_as_good", "1: an Uncertain input counts as Good", low=0, high=1),
        f8("deviation_limit", "@signal_scale", "deviation that raises the flag; 0 = none", low=0.0),
        i8("target", "mode asked for", default=AUTO, choices=_TARGETS),
        i8("normal", "mode in normal operation", default=AUTO, choices=_TARGETS),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO))),
    ],
    optional_inputs=("inp",),
    published={
        "OUT": "out",
        "SELECTED": "selected",
        "GOOD_COUNT": "good_count",
        "DEVIATION": "deviation",
        "DEVIATES": "deviates",
        "OP_SELECT": "op_select",
        "IN1": "inp_1",
        "IN2": "inp_2",
        "IN3": "inp_3",
        "IN4": "inp_4",
        "OFF1": "switched_off_1",
        "OFF2": "switched_off_2",
        "OFF3": "switched_off_3",
        "OFF4": "switched_off_4",
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
        "DEV_LIM": "deviation_limit",
    },
    writable=("OUT", "MODE", "TARGET", "OP_SELECT", "OFF1", "OFF2", "OFF3", "OFF4", "DEV_LIM"),
)


@step(INPUT_SELECTOR)
def input_selector(b: Any, dt_s: float) -> None:
    r""":math:`out = \min, \max`, middle, mean, first good or kept one of the inputs that can be used.

    Of an even number in the middle the mean of the two. Uncertain inputs are used only while no Good one is there.
    """
    choose_mode(b)
    mask = usable_mask(b)
    watch_deviation(b, mask)
    if b.mode == OOS:
        b.out_status = STATUS_OOS
        return
    if b.mode == MAN:
        b.selected = 0
        b.out_status = make_status(GOOD, OK, LIMIT_CONSTANT)
        return
    if b.op_select != 0:
        mask = mask & (1 << (b.op_select - 1))
    enough = mask != 0 and b.good_count >= b.min_good
    if enough and b.select == AVERAGE and b.op_select == 0:
        enough = take_mean(b, mask, mask)
    elif enough and b.select == MIDDLE and b.op_select == 0:
        enough = take_mean(b, mask, middle_of(b, mask))
    elif enough:
        chosen = picked(b, mask)
        b.out = b.inp[chosen - 1]
        b.out_status = plain_status(b.inp_status[chosen - 1])
        b.selected = chosen
    if not enough:
        b.out_status = make_status(BAD, NON_SPECIFIC)
        if b.select != HOT_BACKUP:
            b.selected = 0


def choose_mode(b: Any) -> None:
    """Actual mode: nothing can shed this block."""
    mode_before = b.mode
    b.mode, b.reason = b.target, AS_ASKED
    if b.target == AUTO and mode_before == OOS:
        b.mode, b.reason = MAN, STARTING


def usable_mask(b: Any) -> int:
    """Bit k: input k + 1 can be used. Counts the Good ones; Uncertain ones are in it only without a Good one."""
    good, uncertain, count = 0, 0, 0
    for k in range(INPUTS_MAX):
        if b.inp_linked[k] == 0 or b.switched_off[k] != 0 or not usable(b.inp[k], b.inp_status[k]):
            continue
        if quality_of(b.inp_status[k]) == UNCERTAIN and b.uncertain_as_good == 0:
            uncertain += 1 << k
        else:
            good += 1 << k
            count += 1
    b.good_count = count
    return good if good != 0 else uncertain


def watch_deviation(b: Any, mask: int) -> None:
    """Spread of the inputs in use, and its flag."""
    low, high, count = 0.0, 0.0, 0
    for k in range(INPUTS_MAX):
        if (mask >> k) & 1 != 0:
            if count == 0 or b.inp[k] < low:
                low = b.inp[k]
            if count == 0 or b.inp[k] > high:
                high = b.inp[k]
            count += 1
    if math.isfinite(high - low):
        b.deviation = high - low
    b.deviates = 1.0 if b.deviation_limit > 0.0 and b.deviation > b.deviation_limit else 0.0
    b.deviation_status = STATUS_GOOD if count > 1 else make_status(UNCERTAIN, NON_SPECIFIC)
    b.deviates_status = b.deviation_status


def rank_of(b: Any, mask: int, k: int) -> int:
    """How many inputs in use come before input k + 1 in the order of their values."""
    before = 0
    for other in range(INPUTS_MAX):
        if (mask >> other) & 1 != 0 and other != k:
            less = b.inp[other] < b.inp[k] or (b.inp[other] == b.inp[k] and other < k)
            before += 1 if less else 0
    return before


def count_of(mask: int) -> int:
    """Number of inputs in a mask."""
    count = 0
    for k in range(INPUTS_MAX):
        count += (mask >> k) & 1
    return count


def middle_of(b: Any, mask: int) -> int:
    """Mask of the middle input, or of the two in the middle."""
    count = count_of(mask)
    found = 0
    for k in range(INPUTS_MAX):
        if (mask >> k) & 1 != 0:
            rank = rank_of(b, mask, k)
            if rank == (count - 1) // 2 or rank == count // 2:
                found += 1 << k
    return found


def take_mean(b: Any, mask: int, taken: int) -> bool:
    """OUT is the mean of the inputs in ``taken``, its status the worst of theirs; False when it cannot be formed."""
    count = count_of(taken)
    mean = 0.0
    status = STATUS_GOOD
    last = 0
    for k in range(INPUTS_MAX):
        if (taken >> k) & 1 != 0:
            mean += b.inp[k] / count
            status = worse_status(status, plain_status(b.inp_status[k]))
            last = k + 1
    if not math.isfinite(mean):
        return False
    b.out = mean
    b.out_status = status
    b.selected = last if count == 1 else 0
    return True


def picked(b: Any, mask: int) -> int:
    """The one input that the rule chooses, from 1."""
    count = count_of(mask)
    if b.select == HOT_BACKUP and b.selected != 0 and (mask >> (b.selected - 1)) & 1 != 0:
        return b.selected  # type: ignore[no-any-return]
    for k in range(INPUTS_MAX):
        if (mask >> k) & 1 == 0:
            continue
        rank = rank_of(b, mask, k)
        if b.select == LOWEST and rank == 0:
            return k + 1
        if b.select == HIGHEST and rank == count - 1:
            return k + 1
        if b.select not in (LOWEST, HIGHEST) or count == 1:
            return k + 1
    return 1
