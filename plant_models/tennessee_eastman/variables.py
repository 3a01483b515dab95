"""Names, units, ranges and meanings of everything in the Tennessee Eastman plant.

Called by   ``plant``.
Knows       the published numbering: states y1 … y50, valves xmv1 … xmv12, measurements xmeas1 … xmeas41, disturbances
            idv1 … idv20; published units.
"""

from plant_models.model import DISTURBANCE, INPUT, OUTPUT, PARAMETER, STATE, Condition, Variable
from plant_models.tennessee_eastman.constants import (
    COMPONENTS,
    TRIP_LIMIT,
)

_VALVES = (
    "D feed", "E feed", "A feed", "A and C feed", "compressor recycle (bypass)", "purge", "separator liquid",
    "stripper product", "stripper steam", "reactor cooling water", "condenser cooling water", "reactor agitator speed",
)  # fmt: skip

_AMOUNT_MAX = 2000.0  # lbmol; a full vessel has less
_ROUNDING = 1e-6  # lbmol that a component may be below nothing


def _amounts(first: int, place: str, heavy: str) -> tuple[Variable, ...]:
    """Eight holdups; ``heavy`` says where D … H are held."""
    return tuple(
        Variable(
            f"y{first + i}", "lbmol", -_ROUNDING, _AMOUNT_MAX,
            f"{component} in the {heavy if component in 'DEFGH' else place}", STATE,
        )
        for i, component in enumerate(COMPONENTS)
    )  # fmt: skip


def _energy(number: int, place: str) -> Variable:
    return Variable(f"y{number}", "MBtu", -10.0, 20.0, f"energy of the {place}", STATE)


STATES = (
    *_amounts(1, "reactor, vapour", "reactor, liquid"),
    _energy(9, "reactor's liquid"),
    *_amounts(10, "separator, vapour", "separator, liquid"),
    _energy(18, "separator's liquid"),
    *_amounts(19, "stripper sump", "stripper sump"),
    _energy(27, "stripper sump"),
    *_amounts(28, "mixing zone, vapour", "mixing zone, vapour"),
    _energy(36, "mixing zone"),
    Variable("y37", "degC", 0.0, 200.0, "reactor cooling water, outlet", STATE),
    Variable("y38", "degC", 0.0, 200.0, "condenser cooling water, outlet", STATE),
    *(Variable(f"y{39 + i}", "%", 0.0, 100.0, f"position of valve {i + 1}: {v}", STATE) for i, v in enumerate(_VALVES)),
)

INPUTS = tuple(Variable(f"xmv{i + 1}", "%", 0.0, 100.0, f"demand: {v}", INPUT) for i, v in enumerate(_VALVES))

_MEASURED = (
    ("kscmh", -0.1, 1.2, "A feed (stream 1)"),
    ("kg/h", -200.0, 7000.0, "D feed (stream 2)"),
    ("kg/h", -200.0, 10000.0, "E feed (stream 3)"),
    ("kscmh", -1.0, 18.0, "A and C feed (stream 4)"),
    ("kscmh", -2.0, 150.0, "recycle flow (stream 8)"),
    ("kscmh", -2.0, 200.0, "reactor feed rate (stream 6)"),
    ("kPa", -110.0, 5000.0, "reactor pressure, gauge"),
    ("%", -60.0, 200.0, "reactor level"),
    ("degC", -100.0, 210.0, "reactor temperature"),
    ("kscmh", -0.1, 3.0, "purge rate (stream 9)"),
    ("degC", -100.0, 210.0, "separator temperature"),
    ("%", -60.0, 1300.0, "separator level"),
    ("kPa", -110.0, 5000.0, "separator pressure, gauge"),
    ("m3/h", -2.0, 120.0, "separator underflow (stream 10)"),
    ("%", -60.0, 1300.0, "stripper level"),
    ("kPa", -110.0, 5000.0, "stripper pressure, gauge"),
    ("m3/h", -2.0, 120.0, "stripper underflow, the product (stream 11)"),
    ("degC", -100.0, 210.0, "stripper temperature"),
    ("kg/h", -20.0, 2000.0, "stripper steam flow"),
    ("kW", -1000.0, 2000.0, "compressor work"),
    ("degC", -50.0, 210.0, "reactor cooling water outlet temperature"),
    ("degC", -50.0, 210.0, "condenser cooling water outlet temperature"),
)
_ANALYSED = (
    *(("reactor feed (stream 6)", component) for component in "ABCDEF"),
    *(("purge (stream 9)", component) for component in "ABCDEFGH"),
    *(("product (stream 11)", component) for component in "DEFGH"),
)

OUTPUTS = (
    *(Variable(f"xmeas{i + 1}", unit, low, high, what, OUTPUT) for i, (unit, low, high, what) in enumerate(_MEASURED)),
    *(
        Variable(f"xmeas{23 + i}", "mol%", -5.0, 105.0, f"analyser: {component} in the {stream}", OUTPUT)
        for i, (stream, component) in enumerate(_ANALYSED)
    ),
    Variable("operating_cost", "$/h", 0.0, 1e5, "losses of raw material and product, compression and steam", OUTPUT),
    Variable("g_to_h", "1", 0.0, 1e3, "mass ratio of G to H in the product", OUTPUT),
    Variable("reactor_volume", "m3", 0.0, 37.0, "liquid in the reactor", OUTPUT),
    Variable("separator_volume", "m3", 0.0, 100.0, "liquid in the separator", OUTPUT),
    Variable("stripper_volume", "m3", 0.0, 100.0, "liquid in the stripper sump", OUTPUT),
    Variable("gas_samples", "1", 0.0, 1e9, "samples that the analysers of reactor feed and purge have shown", OUTPUT),
    Variable("product_samples", "1", 0.0, 1e9, "samples that the analyser of the product has shown", OUTPUT),
)

_DISTURBANCES = (
    "step: A in the A and C feed lower by 3 mol%, C higher",
    "step: B in the A and C feed higher by 0.5 mol%",
    "step: D feed 5 degC warmer",
    "step: reactor cooling water inlet 5 degC warmer",
    "step: condenser cooling water inlet 5 degC warmer",
    "step: A feed lost",
    "step: header pressure of the A and C feed lower: 20 % less flow",
    "random: A and B in the A and C feed",
    "random: D feed temperature",
    "random: A and C feed temperature",
    "random: reactor cooling water inlet temperature",
    "random: condenser cooling water inlet temperature",
    "slow drift: kinetics of the two main reactions",
    "sticking valve: reactor cooling water",
    "sticking valve: condenser cooling water",
    "random: heat transfer of the stripper steam",
    "pulses: fouling of the reactor cooling",
    "pulses: fouling of the condenser",
    "sticking valves: compressor bypass, separator liquid, product, steam",
    "pulses: restriction between reactor and separator",
)
DISTURBANCES = tuple(Variable(f"idv{i + 1}", "1", 0.0, 1.0, what, DISTURBANCE) for i, what in enumerate(_DISTURBANCES))

PARAMETERS = (
    Variable("noise", "1", 0.0, 100.0, "measurement noise: 0 = off, 1 = published standard deviations", PARAMETER),
    Variable(
        "shared_generator", "1", 0.0, 1.0,
        "1 = noise draws from the generator of the random disturbances, as published; 0 = from streams of its own, so "
        "that neither depends on the other", PARAMETER,
    ),
)  # fmt: skip

VARIABLES = (*STATES, *INPUTS, *DISTURBANCES, *PARAMETERS, *OUTPUTS)

_STANDS = "the model stands still"
CONDITIONS = (
    Condition("trip_reactor_pressure", f"reactor pressure above {TRIP_LIMIT[0]:g} kPa: {_STANDS}"),
    Condition("trip_reactor_level_high", f"more than {TRIP_LIMIT[1]:g} m3 of liquid in the reactor: {_STANDS}"),
    Condition("trip_reactor_level_low", f"less than {TRIP_LIMIT[2]:g} m3 of liquid in the reactor: {_STANDS}"),
    Condition("trip_reactor_temperature", f"reactor above {TRIP_LIMIT[3]:g} degC: {_STANDS}"),
    Condition("trip_separator_level_high", f"more than {TRIP_LIMIT[4]:g} m3 in the separator: {_STANDS}"),
    Condition("trip_separator_level_low", f"less than {TRIP_LIMIT[5]:g} m3 in the separator: {_STANDS}"),
    Condition("trip_stripper_level_high", f"more than {TRIP_LIMIT[6]:g} m3 in the stripper: {_STANDS}"),
    Condition("trip_stripper_level_low", f"less than {TRIP_LIMIT[7]:g} m3 in the stripper: {_STANDS}"),
)
