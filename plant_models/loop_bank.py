r"""Loop bank: 32 processes side by side, each a first-order lag, for a plant of which only the I/O list is known yet.

Called by   ``plant_models.library``; run through ``PLANTS["loop_bank"].create()``.
Knows       its own equations; compiled and stepped by ``plant_models.compiled``.

Demand i moves measurement i and nothing else; all are shares of a range, 0 to 1. It stands in for a process while
loops, alarms and displays are configured: a controller closes its loop, an operator sees values move.

Equations
---------
.. math::

    T \dot y_i = K u_i + d - y_i, \qquad 0 \le y_i \le 1

Symbols
-------
===========  =============================  =====  ============================================
symbol       variable                       unit   meaning
===========  =============================  =====  ============================================
y_i          y_1 … y_32, measurement_1 …    1      what transmitter i sees, as a share of its range
u_i          demand_1 … demand_32           1      demand to actuator i
d            load                           1      added to every process
K            gain                           1      static gain
T            time_constant                  s      time constant
===========  =============================  =====  ============================================


Validity
--------
A stand-in: it says nothing of any real process. Measurements stay within their range.

Reference
---------
D. E. Seborg, T. F. Edgar, D. A. Mellichamp, F. J. Doyle, Process Dynamics and Control, 4th ed., 2016, chapter 5
(response of first-order processes).
"""

from plant_models.compiled import Kernels, compiled_factory
from plant_models.integrators import next_stage, stages_of
from plant_models.kernel import Ends, Parts, finish_step, kernel, parts_of
from plant_models.model import (
    DISTURBANCE,
    INPUT,
    OUTPUT,
    PARAMETER,
    STATE,
    PlantType,
    Setting,
    Variable,
    Vector,
    register,
)

LOOPS = 32


@kernel
def derivatives(p: Parts) -> None:
    """The lag of the module's docstring, 32 times."""
    for i in range(LOOPS):
        p.rates[i] = (p.parameters[0] * p.inputs[i] + p.disturbances[0] - p.states[i]) / p.parameters[1]


@kernel
def settle(p: Parts) -> None:
    """A transmitter ends where its range ends."""
    for i in range(LOOPS):
        if p.states[i] < 0.0:
            p.states[i] = 0.0
        elif p.states[i] > 1.0:
            p.states[i] = 1.0


@kernel
def measure(p: Parts) -> None:
    """Measurements are the states."""
    for i in range(LOOPS):
        p.outputs[i] = p.states[i]


@kernel
def advance(memory: Vector, ends: Ends, dt_s: float, steps: int, method: int) -> None:
    """``steps`` steps of ``dt_s``, in one compiled call."""
    p = parts_of(memory, ends)
    start_s = p.clock[0]
    stages = stages_of(method, p.states.shape[0])
    for step in range(steps):
        for stage in range(stages):
            derivatives(p)
            next_stage(method, stage, dt_s, p)
        p.clock[0] = start_s + (step + 1) * dt_s
        settle(p)
        finish_step(p)
    measure(p)


NUMBERS = range(1, LOOPS + 1)

LOOP_BANK = register(
    PlantType(
        name="loop_bank",
        title="Loop bank",
        description="32 first-order processes side by side, in shares of a range: a stand-in for a plant of which only "
        "the I/O list is known yet.",
        reference="D. E. Seborg et al., Process Dynamics and Control, 4th ed., 2016, chapter 5",
        variables=(
            *(Variable(f"y_{i}", "1", 0.0, 1.0, f"process {i}", STATE) for i in NUMBERS),
            *(Variable(f"demand_{i}", "1", 0.0, 1.0, f"demand to actuator {i}", INPUT) for i in NUMBERS),
            Variable("load", "1", -1.0, 1.0, "added to every process", DISTURBANCE),
            Variable("gain", "1", -2.0, 2.0, "static gain of every process", PARAMETER),
            Variable("time_constant", "s", 0.5, 3600.0, "time constant of every process", PARAMETER),
            *(Variable(f"measurement_{i}", "1", 0.0, 1.0, f"what transmitter {i} sees", OUTPUT) for i in NUMBERS),
        ),
        settings=(
            Setting(
                "half",
                "everything in the middle of its range",
                {f"y_{i}": 0.5 for i in NUMBERS},
                {f"demand_{i}": 0.5 for i in NUMBERS},
                {"gain": 1.0, "time_constant": 10.0},
            ),
        ),
        create_model=compiled_factory(Kernels(advance, derivatives, settle, measure)),
    )
)
