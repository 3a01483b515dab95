"""What every registered plant keeps: documented, complete, repeatable. Being registered puts a plant in here."""

import inspect
import math
import sys

import numpy as np
import pytest

from dcs.core.units import find_unit
from plant_models.library import PLANTS
from plant_models.model import INPUT, OUTPUT, ROLES, STATE, Condition, PlantType, Setting, Variable, register

SECTIONS = ("Equations", "Symbols", "Validity", "Reference")
settings = [(plant, setting.name) for plant in PLANTS.values() for setting in plant.settings]
setting_ids = [f"{plant.name}-{name}" for plant, name in settings]


def doc_of(plant: PlantType) -> str:
    """The docstring of the module that declares the plant."""
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("plant_models.") and any(
            value is plant for value in vars(module).values()
        ):
            return inspect.getdoc(module) or ""
    raise AssertionError(f"no module of plant_models holds plant {plant.name} in a variable of its own")


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_its_docstring_gives_equations_symbols_in_si_validity_and_reference(plant: PlantType) -> None:
    doc = doc_of(plant)
    for section in SECTIONS:
        assert f"{section}\n{'-' * len(section)}\n" in doc, f"plant {plant.name}: no section {section} in its docstring"
    assert ".. math::" in doc
    assert any(year in doc for year in map(str, range(1900, 2100))), f"plant {plant.name}: the reference has no year"
    symbols = doc.split("Symbols\n")[1].split("Validity\n")[0]
    for unit in {v.unit for v in plant.variables}:
        assert f" {unit} " in symbols, f"plant {plant.name}: no symbol with unit {unit} in the symbol table"


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_its_symbol_table_names_every_variable(plant: PlantType) -> None:
    """``h_1 … h_4`` and ``valve_1, valve_2`` (or ``_2``) stand for all of a family."""
    symbols = doc_of(plant).split("Symbols\n")[1].split("Validity\n")[0]
    for variable in plant.variables:
        family = variable.name.rstrip("0123456789")
        assert family in symbols, f"plant {plant.name}: {variable.name} is not in the symbol table"


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_every_variable_has_a_meaning_and_a_unit(plant: PlantType) -> None:
    for variable in plant.variables:
        assert variable.meaning
        assert variable.unit, f"plant {plant.name}: {variable.name} has no unit; a pure number has the unit 1"
    assert {v.role for v in plant.variables} <= set(ROLES)
    assert plant.names(STATE)
    assert plant.names(INPUT)
    assert plant.names(OUTPUT)


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_what_instruments_can_be_put_on_is_in_units_that_can_be_converted(plant: PlantType) -> None:
    for variable in plant.variables:
        if variable.role in (STATE, INPUT, OUTPUT):
            find_unit(variable.unit)


@pytest.mark.parametrize(("plant", "setting"), settings, ids=setting_ids)
def test_every_setting_starts_at_rest(plant: PlantType, setting: str) -> None:
    model = plant.create(setting)
    before = model.states.copy()
    model.advance(plant.step_s, 600)
    rtol = plant.find_setting(setting).drift
    np.testing.assert_allclose(model.states, before, rtol=rtol, atol=1e-3 * rtol)
    assert model.take_events() == []


@pytest.mark.parametrize(("plant", "setting"), settings, ids=setting_ids)
def test_two_plants_with_one_seed_live_the_same_life(plant: PlantType, setting: str) -> None:
    one, two = (plant.create(setting, seed=7) for _ in range(2))
    for model in (one, two):
        for index, variable in enumerate(plant.of_role(INPUT)):
            model.inputs[index] = variable.low + 0.6 * (variable.high - variable.low)
        model.advance(plant.step_s, 1000)
    assert one.snapshot() == two.snapshot()


@pytest.mark.parametrize(("plant", "setting"), settings, ids=setting_ids)
def test_many_steps_in_one_call_are_the_same_as_one_by_one(plant: PlantType, setting: str) -> None:
    together, apart = plant.create(setting), plant.create(setting)
    for model in (together, apart):
        model.inputs[0] *= 1.1
    together.advance(plant.step_s, 50)
    for _ in range(50):
        apart.advance(plant.step_s)
    assert together.states.tobytes() == apart.states.tobytes()
    assert together.time_s == pytest.approx(apart.time_s)


@pytest.mark.parametrize(("plant", "setting"), settings, ids=setting_ids)
def test_a_snapshot_brings_back_the_future_bit_for_bit(plant: PlantType, setting: str) -> None:
    model = plant.create(setting, seed=3)
    model.inputs[0] *= 1.5
    model.advance(plant.step_s, 100)
    taken = model.snapshot()
    model.advance(plant.step_s, 300)
    first = model.snapshot()
    model.restore(taken)
    assert model.snapshot() == taken
    model.advance(plant.step_s, 300)
    assert model.snapshot() == first
    other = plant.create(setting, seed=99)
    other.restore(taken)
    other.advance(plant.step_s, 300)
    assert other.snapshot() == first


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_what_cannot_be_is_refused_with_a_sentence(plant: PlantType) -> None:
    model = plant.create()
    name = plant.names(INPUT)[0]
    with pytest.raises(KeyError, match=r"no variable 'nonsense'; it has .*" + name):
        model.get("nonsense")
    with pytest.raises(KeyError, match="is an output"):
        model.set(plant.names(OUTPUT)[-1], 0.0)
    for value in (math.nan, math.inf, plant.variable(name).high * 2 + 1):
        with pytest.raises(ValueError, match="lies outside"):
            model.set(name, value)
    with pytest.raises(KeyError, match="no setting 'nonsense'; it has"):
        plant.create("nonsense")
    with pytest.raises(KeyError, match="no integrator 'nonsense'; there are euler, rk4, stiff, adaptive"):
        plant.create(integrator="nonsense")
    with pytest.raises(ValueError, match="step must be above 0 s"):
        model.advance(0.0)
    with pytest.raises(ValueError, match="not a snapshot of plant"):
        model.restore(b"something else")


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_vectors_are_views_that_stay(plant: PlantType) -> None:
    model = plant.create()
    inputs, outputs = model.inputs, model.outputs
    inputs[0] *= 1.2
    model.advance(plant.step_s, 10)
    model.restore(model.snapshot())
    assert model.get(plant.names(INPUT)[0]) == inputs[0]
    assert model.get(plant.names(OUTPUT)[0]) == outputs[0]


def _plant(setting: Setting, *more: Variable) -> PlantType:
    variables = (Variable("x", "m", 0.0, 1.0, "a state", STATE), *more)
    return PlantType("test_only", "", "", "", variables, (setting,), lambda *_: None, (Condition("full", ""),))  # type: ignore[arg-type, return-value]


def test_a_setting_that_does_not_fit_its_plant_is_refused_at_import() -> None:
    with pytest.raises(ValueError, match=r"setting a: no value for x"):
        register(_plant(Setting("a", "", {}, {}, {})))
    with pytest.raises(ValueError, match=r"setting a: x = 2.0 m lies outside 0.0 … 1.0"):
        register(_plant(Setting("a", "", {"x": 2.0}, {}, {})))
    with pytest.raises(ValueError, match=r"setting a: x is a state, not a input|x is a state, not an input"):
        register(_plant(Setting("a", "", {"x": 0.5}, {"x": 0.5}, {})))
    with pytest.raises(ValueError, match=r"declared twice: x"):
        register(_plant(Setting("a", "", {"x": 0.5}, {}, {}), Variable("x", "m", 0.0, 1.0, "again", STATE)))
    assert "test_only" not in PLANTS


def test_a_variable_with_an_unknown_role_or_an_empty_range_is_refused() -> None:
    with pytest.raises(ValueError, match="role must be one of"):
        Variable("x", "m", 0.0, 1.0, "", "gadget")
    with pytest.raises(ValueError, match=r"low 1.0 must be below high 1.0"):
        Variable("x", "m", 1.0, 1.0, "", STATE)
