"""Small plants with known answers, for tests of integrators, random streams and what happens at limits."""

import math

from plant_models.compiled import Kernels, compiled_factory
from plant_models.integrators import next_stage, stages_of
from plant_models.kernel import Ends, Parts, finish_step, kernel, parts_of
from plant_models.model import INPUT, OUTPUT, PARAMETER, STATE, PlantType, Setting, Variable, Vector
from plant_models.random_streams import normal

CURVED, STIFF, BURSTING = 0.0, 1.0, 2.0


@kernel
def derivatives(p: Parts) -> None:
    """By ``kind``: a logistic curve with a follower; a fast state on a slow one; one that runs to infinity."""
    kind, rate_1_s = p.parameters[0], p.parameters[1]
    x, y = p.states[0], p.states[1]
    if kind == CURVED:
        p.rates[0] = x * (1.0 - x)
        p.rates[1] = -x * y
    elif kind == STIFF:
        p.rates[0] = -rate_1_s * (x - y)
        p.rates[1] = -y
    else:
        p.rates[0] = x * x * rate_1_s
        p.rates[1] = p.inputs[0] - y


@kernel
def settle(p: Parts) -> None:
    """Nothing happens at limits."""


@kernel
def begin(p: Parts, seed: int) -> None:
    """Words: seed, noise that is held, its sample."""
    p.kept[0] = seed
    p.kept[1] = normal(seed, 0, 0)


@kernel
def before(p: Parts, dt_s: float) -> None:
    """A new number every second, held in between."""
    sample = math.floor(p.clock[0] + 1e-9)
    p.kept[1] = normal(int(p.kept[0]), 0, sample)


@kernel
def measure(p: Parts) -> None:
    """States and noise."""
    p.outputs[0] = p.states[0]
    p.outputs[1] = p.states[1]
    p.outputs[2] = p.kept[1]


@kernel
def advance(memory: Vector, ends: Ends, dt_s: float, steps: int, method: int) -> None:
    """As every plant."""
    p = parts_of(memory, ends)
    start_s = p.clock[0]
    stages = stages_of(method, p.states.shape[0])
    for step in range(steps):
        before(p, dt_s)
        for stage in range(stages):
            derivatives(p)
            next_stage(method, stage, dt_s, p)
        p.clock[0] = start_s + (step + 1) * dt_s
        settle(p)
        finish_step(p)
    measure(p)


def _setting(name: str, kind: float, rate_1_s: float, x: float, y: float) -> Setting:
    return Setting(name, "", {"x": x, "y": y}, {"u": 0.0}, {"kind": kind, "rate": rate_1_s})


TOY = PlantType(
    name="toy",
    title="Toy",
    description="",
    reference="",
    variables=(
        Variable("x", "m", -10.0, 10.0, "first", STATE),
        Variable("y", "K", -10.0, 10.0, "second", STATE),
        Variable("u", "1", -1e3, 1e3, "input", INPUT),
        Variable("kind", "1", -1.0, 3.0, "which equations", PARAMETER),
        Variable("rate", "1/s", 0.0, 1e9, "how fast", PARAMETER),
        Variable("see_x", "m", -10.0, 10.0, "x", OUTPUT),
        Variable("see_y", "K", -10.0, 10.0, "y", OUTPUT),
        Variable("noise", "1", -10.0, 10.0, "noise that is held for a second", OUTPUT),
    ),
    settings=(
        _setting("curved", CURVED, 1.0, 0.1, 1.0),
        _setting("stiff", STIFF, 1000.0, 2.0, 1.0),
        _setting("bursting", BURSTING, 1.0, 1.0, 0.0),
    ),
    create_model=compiled_factory(Kernels(advance, derivatives, settle, measure, begin, before)),
    kept=2,
)


def curved_answer(time_s: float, x: float = 0.1, y: float = 1.0) -> tuple[float, float]:
    """The closed solution of ``curved``."""
    grown = x * math.exp(time_s) + 1.0 - x
    return x * math.exp(time_s) / grown, y / grown
