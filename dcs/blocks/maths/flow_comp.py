"""FLOW_COMP block: a gas or steam flow corrected for pressure and temperature.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Promise     a pressure or temperature that is not wired counts as at its reference; a Bad one is replaced by its last
            good value and makes the result Uncertain; the factor stays within its limits, and the limit bits say so; an
            absolute pressure or temperature that is not positive makes the result Bad.
Source      ideal-gas density with compressibility; ISO 5167-1:2003 (mass flow ~ sqrt(dp * density)); ISA flow
            compensation forms as in FF-891 arithmetic.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import clamp, limit_code
from dcs.blocks.regulation.transfer import bad_status_of, plain_status, usable, worse_status
from dcs.core.status import (
    BAD,
    CONFIGURATION_ERROR,
    LIMIT_CONSTANT,
    STATUS_GOOD,
    SUBSTITUTE,
    UNCERTAIN,
    make_status,
    with_limits,
)

DP_FLOW, DP_VOLUME, VOLUME_TO_STANDARD = 0, 1, 2

FLOW_COMP = block_type(
    "FLOW_COMP",
    "Flow compensation",
    inputs=[
        signal("flow", "@flow_scale", "flow as the meter shows it at reference conditions"),
        signal("pressure", "@pressure_scale", "pressure at the meter"),
        signal("temperature", "@temperature_scale", "temperature at the meter"),
    ],
    state=[
        i8("pressure_linked", "1 when the pressure is wired"),
        i8("temperature_linked", "1 when the temperature is wired"),
        f8("pressure_used", "@pressure_scale", "last good pressure"),
        f8("temperature_used", "@temperature_scale", "last good temperature"),
        i8("pressure_seen", "1 once a good pressure has been seen"),
        i8("temperature_seen", "1 once a good temperature has been seen"),
    ],
    outputs=[signal("out", "@flow_scale", "compensated flow"), signal("factor", "", "compensated per measured flow")],
    params=[
        scale("flow_scale", "range of the flow"),
        scale("pressure_scale", "range of the pressure"),
        scale("temperature_scale", "range of the temperature"),
        i8(
            "method",
            "meter and result: orifice to mass or standard volume, orifice to actual volume, volume meter to standard",
            choices=(("DP_MASS", DP_FLOW), ("DP_VOLUME", DP_VOLUME), ("VOLUME_TO_STANDARD", VOLUME_TO_STANDARD)),
        ),
        f8("pressure_ref", "@pressure_scale", "pressure for which the meter is made"),
        f8("pressure_add", "@pressure_scale", "added to make the pressure absolute: 101.325 for a gauge in kPa"),
        f8("temperature_ref", "@temperature_scale", "temperature for which the meter is made"),
        f8("temperature_add", "@temperature_scale", "added to make the temperature absolute: 273.15 for degC"),
        f8("z_ratio", "", "compressibility at the reference per compressibility at the meter", default=1.0, low=0.0),
        f8("factor_low", "", "lowest factor", default=0.5, low=0.0),
        f8("factor_high", "", "highest factor", default=2.0, low=0.0),
    ],
    optional_inputs=("pressure", "temperature"),
    published={"FLOW": "flow", "OUT": "out", "FACTOR": "factor", "PRESSURE": "pressure", "TEMPERATURE": "temperature"},
)


@step(FLOW_COMP)
def flow_comp(b: Any, dt_s: float) -> None:
    r"""Density per reference density: :math:`r = \frac{p + p_0}{p_r + p_0}\frac{T_r + T_0}{T + T_0}\frac{Z_r}{Z}`.

    Factor: :math:`\sqrt r` for an orifice to mass or standard volume, :math:`1/\sqrt r` for an orifice to actual
    volume, :math:`r` for a volume meter to standard volume.
    """
    status = STATUS_GOOD
    status = worse_status(status, take_pressure(b))
    status = worse_status(status, take_temperature(b))
    limits = take_factor(b)
    if limits == LIMIT_CONSTANT:
        status = make_status(BAD, CONFIGURATION_ERROR)  # a reference, a zero or a measurement that cannot be
    b.factor_status = with_limits(status, limits)
    if limits == LIMIT_CONSTANT:
        b.out_status = b.factor_status
        return
    if not usable(b.flow, b.flow_status) or not math.isfinite(b.flow * b.factor):
        b.out_status = bad_status_of(b.flow_status)
        return
    b.out = b.flow * b.factor
    b.out_status = with_limits(worse_status(plain_status(b.flow_status), status), b.flow_status & 3)


def take_pressure(b: Any) -> int:
    """Pressure in use, and what it does to the status."""
    if b.pressure_linked == 0:
        b.pressure_used = b.pressure_ref
        return STATUS_GOOD
    if usable(b.pressure, b.pressure_status):
        b.pressure_used = b.pressure
        b.pressure_seen = 1
        return plain_status(b.pressure_status)
    if b.pressure_seen == 0:
        b.pressure_used = b.pressure_ref
    return make_status(UNCERTAIN, SUBSTITUTE)


def take_temperature(b: Any) -> int:
    """Temperature in use, and what it does to the status."""
    if b.temperature_linked == 0:
        b.temperature_used = b.temperature_ref
        return STATUS_GOOD
    if usable(b.temperature, b.temperature_status):
        b.temperature_used = b.temperature
        b.temperature_seen = 1
        return plain_status(b.temperature_status)
    if b.temperature_seen == 0:
        b.temperature_used = b.temperature_ref
    return make_status(UNCERTAIN, SUBSTITUTE)


def take_factor(b: Any) -> int:
    """The factor and whether it is limited; an absolute value that is not positive leaves it as it was."""
    if b.factor <= 0.0:
        b.factor = 1.0  # before the first scan
    pressure, temperature = 1.0, 1.0
    if b.pressure_linked != 0:
        pressure = absolute_ratio(b.pressure_used + b.pressure_add, b.pressure_ref + b.pressure_add)
    if b.temperature_linked != 0:
        temperature = absolute_ratio(b.temperature_used + b.temperature_add, b.temperature_ref + b.temperature_add)
    density = pressure / temperature * b.z_ratio if temperature > 0.0 else 0.0
    if not (0.0 < density < 1e300):
        b.factor = clamp(b.factor, b.factor_low, b.factor_high)
        return LIMIT_CONSTANT
    factor = density
    if b.method == DP_FLOW:
        factor = math.sqrt(density)
    elif b.method == DP_VOLUME:
        factor = 1.0 / math.sqrt(density)
    b.factor = clamp(factor, b.factor_low, b.factor_high)
    return limit_code(factor < b.factor_low, factor > b.factor_high)


def absolute_ratio(value: float, reference: float) -> float:
    """Ratio of two absolute values; 0 where one is none."""
    if value > 0.0 and reference > 0.0 and math.isfinite(value / reference):
        return value / reference
    return 0.0
