"""A life goes on in another process, and begins alike in any: nothing hangs on where or when Python was started."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plant_models.integrators import NAMES
from plant_models.library import PLANTS
from plant_models.model import DISTURBANCE, INPUT, PlantModel

ROOT = Path(__file__).resolve().parents[3]
ADAPTIVE_ON = ("cstr", "quadruple_tank", "tennessee_eastman")  # SciPy's own integrators are slow; these are enough


def begun(name: str, method: str) -> PlantModel:
    """A plant some way into a life with inputs moved, disturbances on, noise on."""
    plant = PLANTS[name].create(seed=2024, integrator=method)
    for role, vector in ((INPUT, plant.inputs), (DISTURBANCE, plant.disturbances)):
        for index, variable in enumerate(plant.type.of_role(role)):
            at = float(vector[index])
            vector[index] = at + 0.02 * (variable.high - at)
    if "noise" in plant.type.names("parameter"):
        plant.set("noise", 1.0)
    plant.advance(plant.type.step_s, 40)
    return plant


def goes_on(plant: PlantModel) -> str:
    plant.advance(plant.type.step_s, 40)
    return hashlib.sha256(plant.snapshot() + plant.outputs.tobytes()).hexdigest()


def cases() -> list[tuple[str, str]]:
    fixed = ("euler", "rk4", "stiff")
    return [(name, method) for name in PLANTS for method in NAMES if method in fixed or name in ADAPTIVE_ON]


def lives() -> dict[str, tuple[str, str]]:
    """By plant and method: the snapshot in the middle, and what came of it."""
    found = {}
    for name, method in cases():
        plant = begun(name, method)
        middle = base64.b64encode(plant.snapshot()).decode()
        found[f"{name} {method}"] = (middle, goes_on(plant))
    return found


def restored(kept: dict[str, str]) -> dict[str, str]:
    """What comes of snapshots in plants that were made with another seed and have not lived."""
    found = {}
    for key, middle in kept.items():
        name, method = key.split()
        plant = PLANTS[name].create(seed=1, integrator=method)
        plant.restore(base64.b64decode(middle))
        found[key] = goes_on(plant)
    return found


def elsewhere(code: str, text: str, hash_seed: str) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys; from {__name__} import lives, restored; {code}"],
        cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": hash_seed}, input=text, capture_output=True, text=True,
        check=True, timeout=240,
    )  # fmt: skip
    result: dict[str, str] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def here() -> dict[str, tuple[str, str]]:
    return lives()


def test_a_life_goes_on_in_a_fresh_process_to_the_last_bit(here: dict[str, tuple[str, str]]) -> None:
    """Promise: every plant, every integrator: a snapshot is everything."""
    middles = json.dumps({key: middle for key, (middle, _) in here.items()})
    there = elsewhere("print(json.dumps(restored(json.load(sys.stdin))))", middles, "2")
    assert {key: end for key, (_, end) in here.items()} == there


def test_the_same_seed_gives_the_same_bits_in_any_process(here: dict[str, tuple[str, str]]) -> None:
    there = elsewhere("print(json.dumps({key: end for key, (_, end) in lives().items()}))", "", "77")
    assert {key: end for key, (_, end) in here.items()} == there
