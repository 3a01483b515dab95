r"""The published decentralised controllers: 19 loops and a pressure override, once per second.

Called by   ``closed_loop`` (``TennesseeEastmanControl``: second by second, or many seconds in one call).
Knows       measurements and valve demands; no plant. Everything it remembers is one vector.

Velocity form: with :math:`e = 100 (SP - PV) / \mathrm{span}` every execution adds
:math:`K [(e - e_\mathrm{old}) + e\,T_s/\tau_I]` times a scale to a valve demand or to the setpoint of an inner loop.
The controllers see the measurements of one second earlier. Loops run every 3 s, those of analysers every 360 and 900 s.
Reference: the controllers published with the simulator; structure of P. R. Lyman and C. Georgakis, Plant-wide control
of the Tennessee Eastman problem, Computers chem. Engng 19(3), 1995, 321–331.
"""

from typing import NamedTuple

import numpy as np

from plant_models.kernel import kernel
from plant_models.model import Vector

SETPOINTS = (
    3664.0, 4509.3, 0.25052, 9.3477, 26.902, 0.33712, 50.0, 50.0, 230.31, 94.599, 22.949, 2633.7, 32.188, 6.8820,
    18.776, 65.731, 75.0, 120.40, 13.823, 0.83570,
)  # fmt: skip
"""Of loops 1 … 20 at the base case; number 12 (separator pressure) belongs to the override."""
DEMANDS = (63.053, 53.980, 24.644, 61.302, 22.210, 40.064, 38.100, 46.534, 47.446, 41.106, 18.114)
"""XMV 1 … 11 before the first execution, %."""

# the memory of the controllers
SECOND, OVERRIDE, SP, ERROR, SEEN = 0, 1, 2, 22, 42
WORDS = SEEN + 41

LOOPS_S, ANALYSERS_S, PRODUCT_S = 3, 360, 900
_PRESSURE = 12  # measurement 13, of the override
_OPEN_KPA, _NORMAL_KPA, _CLOSE_KPA = 2950.0, 2633.7, 2300.0
_PURGE_DEMAND, _PURGE_SP = 40.060, 0.33712


class Loop(NamedTuple):
    """A controller of measurement ``pv``; it moves valve ``valve`` or the setpoint of loop ``inner`` (0 = none)."""

    number: int
    pv: int
    span: float
    gain: float
    reset_s: float  # 0 = proportional alone
    valve: int
    inner: int
    scale: float


FAST = (
    Loop(1, 2, 5811.0, 1.0, 0.0, 1, 0, 1.0),
    Loop(2, 3, 8354.0, 1.0, 0.0, 2, 0, 1.0),
    Loop(3, 1, 1.017, 1.0, 0.0, 3, 0, 1.0),
    Loop(4, 4, 15.25, 1.0, 0.0, 4, 0, 1.0),
    Loop(5, 5, 53.0, -0.083, 1.0, 5, 0, 1.0),
    Loop(6, 10, 1.0, 1.22, 0.0, 6, 0, 1.0),
    Loop(7, 12, 70.0, -2.06, 0.0, 7, 0, 1.0),
    Loop(8, 15, 70.0, -1.62, 0.0, 8, 0, 1.0),
    Loop(9, 19, 460.0, 0.41, 0.0, 9, 0, 1.0),
    Loop(10, 21, 150.0, -1.56, 1452.0, 10, 0, 1.0),
    Loop(11, 17, 46.0, 1.09, 2600.0, 11, 0, 1.0),
    Loop(16, 18, 130.0, 0.169, 236.0, 0, 9, 460.0 / 100.0),
    Loop(17, 8, 50.0, 1.11, 3168.0, 0, 4, 15.25 / 100.0),
    Loop(18, 9, 150.0, 28.3, 982.0, 0, 10, 150.0 / 100.0),
)
GAS = (
    Loop(13, 23, 100.0, 18.0, 3168.0, 0, 3, 1.017 / 100.0),
    Loop(14, 26, 100.0, 8.3, 3168.0, 0, 1, 5811.0 / 100.0),
    Loop(15, 27, 100.0, 2.37, 5069.0, 0, 2, 8354.0 / 100.0),
    Loop(19, 30, 26.0, -83.2 / 15.0, 6336.0, 0, 6, 1.0 / 100.0),
)
PRODUCT = (Loop(20, 38, 1.6, -16.3 / 5.0, 12408.0, 0, 16, 130.0 / 100.0),)
LOOPS = (*FAST, *GAS, *PRODUCT)


def _columns(loops: tuple[Loop, ...], period_s: int) -> tuple[tuple[float, ...], ...]:
    """Per loop: numbers from 0, 100/span, K, K·Ts/τ, and the scale."""
    return tuple(
        (
            100.0 / loop.span,
            loop.gain,
            period_s / loop.reset_s if loop.reset_s else 0.0,
            loop.scale,
        )
        for loop in loops
    )


def _targets(loops: tuple[Loop, ...]) -> tuple[tuple[int, int, int, int], ...]:
    """Per loop: loop number, measurement, valve and inner loop, all from 0 (-1 = none)."""
    return tuple((loop.number - 1, loop.pv - 1, loop.valve - 1, loop.inner - 1) for loop in loops)


_NUMBERS = np.array(
    [*_columns(FAST, LOOPS_S), *_columns(GAS, ANALYSERS_S), *_columns(PRODUCT, PRODUCT_S)], dtype=np.float64
)
_WHERE = np.array(_targets(LOOPS), dtype=np.int64)
_FAST_END, _GAS_END, _END = len(FAST), len(FAST) + len(GAS), len(LOOPS)
_PURGE = 5  # the loop with the override, and its valve, from 0


@kernel
def begin_control(control: Vector, demands: Vector, measurements: Vector, setpoints: Vector) -> None:
    """Before the first second: published demands, no old errors."""
    for i in range(WORDS):
        control[i] = 0.0
    for i in range(20):
        control[SP + i] = setpoints[i]
    for i in range(11):
        demands[i] = DEMANDS[i]
    for i in range(41):
        control[SEEN + i] = measurements[i]


@kernel
def _run_loop(control: Vector, demands: Vector, row: int) -> None:
    """One execution of one controller."""
    number, pv, valve, inner = _WHERE[row, 0], _WHERE[row, 1], _WHERE[row, 2], _WHERE[row, 3]
    error = (control[SP + number] - control[SEEN + pv]) * _NUMBERS[row, 0]
    change = _NUMBERS[row, 1] * ((error - control[ERROR + number]) + error * _NUMBERS[row, 2])
    control[ERROR + number] = error
    if valve >= 0:
        demands[valve] += change * _NUMBERS[row, 3]
    else:
        control[SP + inner] += change * _NUMBERS[row, 3]


@kernel
def _overridden(control: Vector, demands: Vector) -> bool:
    """Whether the separator pressure has the purge valve; moves it if so."""
    pressure = control[SEEN + _PRESSURE]
    opened = control[OVERRIDE] == 1.0
    closed = control[OVERRIDE] == 2.0
    if pressure >= _OPEN_KPA:
        demands[_PURGE] = 100.0
        control[OVERRIDE] = 1.0
    elif opened and pressure >= _NORMAL_KPA:
        demands[_PURGE] = 100.0
    elif opened and pressure <= _NORMAL_KPA:
        _release(control, demands)
    elif pressure <= _CLOSE_KPA:
        demands[_PURGE] = 0.0
        control[OVERRIDE] = 2.0
    elif closed and pressure <= _NORMAL_KPA:
        demands[_PURGE] = 0.0
    elif closed and pressure >= _NORMAL_KPA:
        _release(control, demands)
    else:
        control[OVERRIDE] = 0.0
        return False
    return True


@kernel
def _release(control: Vector, demands: Vector) -> None:
    """The purge controller gets its valve back at the base demand."""
    demands[_PURGE] = _PURGE_DEMAND
    control[SP + _PURGE] = _PURGE_SP
    control[ERROR + _PURGE] = 0.0
    control[OVERRIDE] = 0.0


@kernel
def control_second(control: Vector, demands: Vector) -> None:
    """What the controllers do in one second, from what they saw a second ago; ``demands`` are XMV 1 … 12."""
    control[SECOND] += 1.0
    second = int(control[SECOND])
    if second % LOOPS_S != 0:
        return
    for row in range(_FAST_END):
        if row != _PURGE or not _overridden(control, demands):
            _run_loop(control, demands, row)
    if second % ANALYSERS_S == 0:
        for row in range(_FAST_END, _GAS_END):
            _run_loop(control, demands, row)
    if second % PRODUCT_S == 0:
        for row in range(_GAS_END, _END):
            _run_loop(control, demands, row)


@kernel
def clip_demands(demands: Vector) -> None:
    """At the end of a second: XMV 1 … 11 within 0 … 100 %."""
    for i in range(11):
        if demands[i] < 0.0:
            demands[i] = 0.0
        elif demands[i] > 100.0:
            demands[i] = 100.0


SETPOINT_NAMES = tuple(f"sp{i + 1}" for i in range(len(SETPOINTS)))
