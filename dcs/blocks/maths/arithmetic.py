"""ARITHMETIC block: the usual compensations and sums of a measurement, with range extension.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Promise     an auxiliary input that is not wired counts as 0, so that its gain and bias make a constant; a Bad one is
            replaced by its last good value and makes the result Uncertain; a result that cannot be formed (a division
            by 0, a root of a negative number) holds OUT with a Bad status.
Source      FF-891 arithmetic (ARITH_TYPE 1–9, RANGE_LO, RANGE_HI, COMP_LO_LIM, COMP_HI_LIM, GAIN_IN_i, BIAS_IN_i).
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, signals, step
from dcs.blocks.handshake import clamp
from dcs.blocks.regulation.transfer import bad_status_of, plain_status, usable, worse_status
from dcs.core.status import BAD, NON_SPECIFIC, SUBSTITUTE, UNCERTAIN, make_status

AUX = 3
FLOW_LINEAR, FLOW_SQRT, FLOW_APPROX, BTU, MULT_DIV, MEAN, SUMMER, POLYNOMIAL, TANK_GAUGE = range(9)

ARITHMETIC = block_type(
    "ARITHMETIC",
    "Arithmetic",
    inputs=[
        signal("inp", "@pv_scale", "main input"),
        signal("in_lo", "@pv_scale", "main input of the low range (a second transmitter)"),
        signals("aux", AUX, "*", "auxiliary input"),
    ],
    state=[
        i8("in_lo_linked", "1 when the low range is wired"),
        i8("aux_linked", "1 when this auxiliary input is wired", count=AUX),
        f8("aux_used", "*", "last good value of this auxiliary input", count=AUX),
    ],
    outputs=[signal("out", "@out_scale", "result"), signal("pv", "@pv_scale", "main input after range extension")],
    params=[
        scale("pv_scale", "range of the main input"),
        scale("out_scale", "range of the result"),
        i8(
            "method",
            "what is calculated",
            default=SUMMER,
            choices=(
                ("FLOW_LINEAR", FLOW_LINEAR),
                ("FLOW_SQRT", FLOW_SQRT),
                ("FLOW_APPROX", FLOW_APPROX),
                ("BTU", BTU),
                ("MULT_DIV", MULT_DIV),
                ("AVERAGE", MEAN),
                ("SUMMER", SUMMER),
                ("POLYNOMIAL", POLYNOMIAL),
                ("TANK_GAUGE", TANK_GAUGE),
            ),
        ),
        f8("aux_gain", "*", "gain of this auxiliary input", default=1.0, count=AUX),
        f8("aux_bias", "*", "added to this auxiliary input before its gain", count=AUX),
        f8("comp_low", "", "lowest compensation factor", default=0.5),
        f8("comp_high", "", "highest compensation factor", default=2.0),
        f8("range_low", "@pv_scale", "below it the low range is used alone"),
        f8("range_high", "@pv_scale", "above it the main input is used alone"),
        f8("gain", "", "factor on the result", default=1.0),
        f8("bias", "@out_scale", "added to the result"),
        f8("out_low", "@out_scale", "lowest result", default_from="out_scale_low"),
        f8("out_high", "@out_scale", "highest result", default_from="out_scale_high"),
        i8("limited", "1: the result stays between out_low and out_high", low=0, high=1),
    ],
    optional_inputs=("in_lo", "aux"),
    published={"PV": "pv", "OUT": "out", "GAIN": "gain", "BIAS": "bias"},
    writable=("GAIN", "BIAS"),
)


@step(ARITHMETIC)
def arithmetic(b: Any, dt_s: float) -> None:
    r"""With :math:`t_i = g_i (aux_i + b_i)` and :math:`out = G f + B`:

    flow linear :math:`f = PV\,\mathrm{sat}(t_1/t_2)`, root :math:`PV\,\mathrm{sat}\sqrt{t_1/(t_2 t_3)}`, approximate
    :math:`PV\,\mathrm{sat}\sqrt{t_1 t_2 t_3^2}`, BTU :math:`PV\,\mathrm{sat}(t_1 - t_2)`, mult/div
    :math:`PV\,\mathrm{sat}(t_1/t_2 + t_3)`, average of the wired inputs, summer :math:`PV + t_1 + t_2 + t_3`,
    polynomial :math:`PV + t_1^2 + t_2^3 + t_3^4`, tank gauge :math:`(PV - t_1)/(PV - t_2)`.
    """
    take_pv(b)
    status = b.pv_status
    for k in range(AUX):
        if b.aux_linked[k] == 0:
            b.aux_used[k] = 0.0
        elif usable(b.aux[k], b.aux_status[k]):
            b.aux_used[k] = b.aux[k]
            status = worse_status(status, plain_status(b.aux_status[k]))
        else:
            status = worse_status(status, make_status(UNCERTAIN, SUBSTITUTE))
    if b.pv_status >> 6 == BAD:
        b.out_status = b.pv_status
        return
    result = b.gain * function_of(b) + b.bias
    if not math.isfinite(result):
        b.out_status = make_status(BAD, NON_SPECIFIC)
        return
    limits = 0
    if b.limited != 0:
        b.out = clamp(result, b.out_low, b.out_high)
        limits = (1 if b.out > result else 0) | (2 if b.out < result else 0)
    else:
        b.out = result
    b.out_status = status | limits


def take_pv(b: Any) -> None:
    """Range extension: below ``range_low`` the low range, above ``range_high`` the main input, between them mixed."""
    main_good = usable(b.inp, b.inp_status)
    low_good = b.in_lo_linked != 0 and usable(b.in_lo, b.in_lo_status)
    if b.in_lo_linked == 0:
        if main_good:
            b.pv = b.inp
        b.pv_status = plain_status(b.inp_status) if main_good else bad_status_of(b.inp_status)
    elif main_good and low_good:
        part = 1.0 if b.inp > b.range_low else 0.0
        if b.range_low < b.range_high:
            part = clamp((b.inp - b.range_low) / (b.range_high - b.range_low), 0.0, 1.0)
        if not math.isfinite(part):
            part = 1.0
        b.pv = b.in_lo * (1.0 - part) + b.inp * part
        b.pv_status = worse_status(plain_status(b.inp_status), plain_status(b.in_lo_status))
        if part == 0.0:
            b.pv_status = plain_status(b.in_lo_status)
        elif part == 1.0:
            b.pv_status = plain_status(b.inp_status)
    elif main_good and b.inp >= b.range_high:
        b.pv = b.inp
        b.pv_status = plain_status(b.inp_status)
    elif low_good and b.in_lo <= b.range_low:
        b.pv = b.in_lo
        b.pv_status = plain_status(b.in_lo_status)
    else:
        b.pv_status = bad_status_of(b.in_lo_status if main_good else b.inp_status)


def function_of(b: Any) -> float:
    """The function that the method names; NaN where it has no value."""
    t1 = b.aux_gain[0] * (b.aux_used[0] + b.aux_bias[0])
    t2 = b.aux_gain[1] * (b.aux_used[1] + b.aux_bias[1])
    t3 = b.aux_gain[2] * (b.aux_used[2] + b.aux_bias[2])
    if b.method == MEAN:
        return mean_of(b, t1, t2, t3)
    if b.method == SUMMER:
        return b.pv + t1 + t2 + t3  # type: ignore[no-any-return]
    if b.method == POLYNOMIAL:
        return b.pv + t1 * t1 + t2 * t2 * t2 + t3 * t3 * (t3 * t3)  # type: ignore[no-any-return]
    if b.method == TANK_GAUGE:
        return quotient(b.pv - t1, b.pv - t2)
    factor = t1 - t2
    if b.method == FLOW_LINEAR:
        factor = quotient(t1, t2)
    elif b.method == FLOW_SQRT:
        factor = root(quotient(t1, t2 * t3))
    elif b.method == FLOW_APPROX:
        factor = root(t1 * t2 * (t3 * t3))
    elif b.method == MULT_DIV:
        factor = quotient(t1, t2) + t3
    if not math.isfinite(factor):
        return math.nan
    return b.pv * clamp(factor, b.comp_low, b.comp_high)  # type: ignore[no-any-return]


def mean_of(b: Any, t1: float, t2: float, t3: float) -> float:
    """Mean of the main input and the auxiliary ones that are wired."""
    total, count = b.pv, 1
    if b.aux_linked[0] != 0:
        total += t1
        count += 1
    if b.aux_linked[1] != 0:
        total += t2
        count += 1
    if b.aux_linked[2] != 0:
        total += t3
        count += 1
    return total / count  # type: ignore[no-any-return]


def quotient(above: float, below: float) -> float:
    """A division that answers NaN instead of failing."""
    return above / below if below != 0.0 else math.nan


def root(value: float) -> float:
    """A root that answers NaN instead of failing."""
    return math.sqrt(value) if value >= 0.0 else math.nan
