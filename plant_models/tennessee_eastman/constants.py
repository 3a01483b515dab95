"""Numbers of the Tennessee Eastman plant: components, vessels, feeds, valves.

Called by   the kernels of this package.
Knows       data only. Coefficients are folded once here (molar mass, 1.8 Btu/°C, 1/2 and 1/3 of integrated
            polynomials), so that a kernel multiplies and adds.
Source      J. J. Downs and E. F. Vogel, A plant-wide industrial process control problem, Computers chem. Engng 17(3),
            1993, 245–255; constants of the published simulator, taken as decimal numbers.

Components are always in the order A B C D E F G H. A, B and C never condense.
"""

from collections.abc import Iterable

Eight = tuple[float, float, float, float, float, float, float, float]
"""One number per component."""

COMPONENTS = "ABCDEFGH"

# lb/lbmol; Antoine (mmHg, °C) of D … H; liquid density (lb/ft3); heat capacities (MBtu/lb/°F); evaporation (MBtu/lb)
MOLAR_MASS: Eight = (2.0, 25.4, 28.0, 32.0, 46.0, 48.0, 62.0, 76.0)
_DENSITY = (
    (1.0, 0.0, 0.0),
    (1.0, 0.0, 0.0),
    (1.0, 0.0, 0.0),
    (23.3, -0.0700, -0.0002),
    (33.9, -0.0957, -0.000152),
    (32.8, -0.0995, -0.000233),
    (49.9, -0.0191, -0.000425),
    (50.5, -0.0541, -0.000150),
)
_LIQUID_HEAT = (
    (1.0e-6, 0.0, 0.0),
    (1.0e-6, 0.0, 0.0),
    (1.0e-6, 0.0, 0.0),
    (0.960e-6, 8.70e-9, 4.81e-11),
    (0.573e-6, 2.41e-9, 1.82e-11),
    (0.652e-6, 2.18e-9, 1.94e-11),
    (0.515e-6, 5.65e-10, 3.82e-12),
    (0.471e-6, 8.70e-10, 2.62e-12),
)
_VAPOUR_HEAT = (
    (3.411e-6, 7.18e-10, 6.0e-13),
    (0.3799e-6, 1.08e-9, -3.98e-13),
    (0.2491e-6, 1.36e-11, -3.93e-14),
    (0.3567e-6, 8.51e-10, -3.12e-13),
    (0.3463e-6, 8.96e-10, -3.27e-13),
    (0.3930e-6, 1.02e-9, -3.12e-13),
    (0.170e-6, 0.0, 0.0),
    (0.150e-6, 0.0, 0.0),
)
_EVAPORATION = (1.0e-6, 1.0e-6, 1.0e-6, 86.7e-6, 160e-6, 160e-6, 225e-6, 209e-6)
_FAHRENHEIT = 1.8  # °F per °C


def _eight(numbers: Iterable[float]) -> Eight:
    a, b, c, d, e, f, g, h = numbers
    return a, b, c, d, e, f, g, h


def _folded(table: tuple[tuple[float, float, float], ...], power: int) -> Eight:
    """Coefficient of T^(power+1) of the enthalpy of one lbmol, MBtu: M · 1.8 · c / (power + 1)."""
    return _eight(mass * _FAHRENHEIT * row[power] / (power + 1) for mass, row in zip(MOLAR_MASS, table, strict=True))


def _molar_density(power: int) -> Eight:
    return _eight(row[power] / mass for mass, row in zip(MOLAR_MASS, _DENSITY, strict=True))


LIQUID_1, LIQUID_2, LIQUID_3 = _folded(_LIQUID_HEAT, 0), _folded(_LIQUID_HEAT, 1), _folded(_LIQUID_HEAT, 2)
"""Liquid enthalpy of one lbmol of each component is T (LIQUID_1 + T (LIQUID_2 + T LIQUID_3)), MBtu, T in °C."""
VAPOUR_1, VAPOUR_2, VAPOUR_3 = _folded(_VAPOUR_HEAT, 0), _folded(_VAPOUR_HEAT, 1), _folded(_VAPOUR_HEAT, 2)
VAPOUR_0 = _eight(mass * heat for mass, heat in zip(MOLAR_MASS, _EVAPORATION, strict=True))
"""Vapour enthalpy of one lbmol is VAPOUR_0 + T (VAPOUR_1 + T (VAPOUR_2 + T VAPOUR_3))."""

DENSITY_0, DENSITY_1, DENSITY_2 = _molar_density(0), _molar_density(1), _molar_density(2)
"""Molar density of each liquid is DENSITY_0 + T (DENSITY_1 + T DENSITY_2), lbmol/ft3."""

ANTOINE_D, ANTOINE_E, ANTOINE_G, ANTOINE_H = (
    (15.92, -1444.0, 259.0),
    (16.35, -2114.0, 265.5),  # F has the constants of E
    (16.43, -2748.0, 232.9),
    (17.21, -3318.0, 249.6),
)

KELVIN = 273.15
GAS_ENERGY = 3.57696e-6  # MBtu/(lbmol K)
GAS_PRESSURE = 998.9  # mmHg ft3/(lbmol K)
ATMOSPHERE_MMHG = 760.0
KPA_PER_MMHG = 101.325 / 760.0
FT3_PER_M3 = 35.3145
LB_TO_KG = 0.454  # as the simulator has it
LBMOL_TO_KMOL = 0.454
KSCMH = 0.359 / FT3_PER_M3  # kscmh per lbmol/h

REACTOR_FT3, SEPARATOR_FT3, MIXING_FT3 = 1300.0, 3500.0, 5000.0
REACTOR_WATER_LB, CONDENSER_WATER_LB = 7060.0, 11138.0
WATER_LB_H_GPM = 500.53  # lb/h per gpm

FEED_TEMPERATURE_C = 45.0  # of E and A; of D and A+C before disturbances
# composition of the pure feeds: what is not the main component
D_FEED_B, E_FEED_F, A_FEED_B = 0.0001, 0.0001, 0.0001

VALVES = 12
VALVE_TIME_S = (8.0, 8.0, 6.0, 9.0, 7.0, 5.0, 5.0, 5.0, 120.0, 5.0, 5.0, 5.0)
VALVE_RATE_H = tuple(3600.0 / seconds for seconds in VALVE_TIME_S)  # 1/h
STICKING_BAND = 2.0  # %: a sticking valve moves when the demand is further away than this

TRIP_LIMIT: Eight = (3000.0, 24.0, 2.0, 175.0, 12.0, 1.0, 8.0, 1.0)
"""Shutdown beyond: reactor kPa, m3 high and low, degC; separator and stripper m3 high and low; values without noise."""
TRIP_SIDE: Eight = (1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0, -1.0)
"""1 = above, -1 = below."""

NOISE_SIGMA = (
    0.0012, 18.0, 22.0, 0.05, 0.2, 0.21, 0.3, 0.5, 0.01, 0.0017, 0.01, 1.0, 0.3, 0.125, 1.0, 0.3, 0.115, 0.01, 1.15,
    0.2, 0.01, 0.01,
)  # fmt: skip
"""Standard deviation of the measurements 1 … 22."""
ANALYSER_SIGMA = (
    0.25, 0.1, 0.25, 0.1, 0.25, 0.025, 0.25, 0.1, 0.25, 0.1, 0.25, 0.025, 0.05, 0.05, 0.01, 0.01, 0.01, 0.5, 0.5,
)  # fmt: skip
"""Standard deviation of the analysers 23 … 41, mol %."""
GAS_PERIOD_H, PRODUCT_PERIOD_H = 0.1, 0.25
GAS_ANALYSERS = 14  # measurements 23 … 36; the product has 37 … 41

HOUR_S = 3600.0
