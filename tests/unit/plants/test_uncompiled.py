"""Compiled and uncompiled, every plant, every integrator and the random streams give the same bits."""

import json
import os
import subprocess
import sys
from pathlib import Path

from plant_models.integrators import FIXED_STEP
from plant_models.library import PLANTS
from plant_models.model import INPUT
from plant_models.random_streams import normal, uniform
from tests.support.toy_plants import TOY

ROOT = Path(__file__).resolve().parents[3]
STEPS = 12


def lives() -> dict[str, str]:
    """What every plant's memory is after a few steps that start with inputs moved, by plant and method."""
    found = {}
    for name, plant in {**PLANTS, "toy": TOY}.items():
        for method in FIXED_STEP:
            if method == "stiff" and len(plant.of_role("state")) > 12:
                continue  # the Jacobian of a large plant takes minutes in plain Python
            model = plant.create(seed=3, integrator=method)
            for index, variable in enumerate(plant.of_role(INPUT)):
                model.inputs[index] += 0.01 * (variable.high - variable.low)
            model.advance(plant.step_s, STEPS)
            found[f"{name} {method}"] = (model.states.tobytes() + model.outputs.tobytes()).hex()
    for index in (0, 1, 12345, 2**40 + 7, 2**52):
        found[f"uniform {index}"] = uniform(2**45 + 3, 9, index).hex()
        found[f"normal {index}"] = normal(11, 2**33, index).hex()
    return found


def test_compiled_and_uncompiled_give_the_same_bits() -> None:
    """Promise: what is debugged in plain Python is what runs."""
    code = "import json; from tests.unit.plants.test_uncompiled import lives; print(json.dumps(lives()))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    plain = json.loads(result.stdout)
    compiled = lives()
    assert plain.keys() == compiled.keys()
    assert [name for name in compiled if plain[name] != compiled[name]] == []
