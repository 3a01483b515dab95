"""No model returns what is not a number, and none leaves its range, without saying so; every registered plant.

Being registered puts a plant in here.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant_models.integrators import ADAPTIVE, FIXED_STEP
from plant_models.library import PLANTS
from plant_models.model import DISTURBANCE, INPUT, OUT_OF_RANGE, STATE, PlantModel, PlantType
from tests.support.toy_plants import TOY

plants = pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
EXTREME = (0.0, -1.0, 1e-300, 1e6, -1e6, 1e30, -1e30, 1e300, math.inf, -math.inf, math.nan)
LARGE = 12  # states; above it one run of each kind is enough


def check(plant: PlantModel, said: set[str]) -> None:
    """States are finite; outputs are, or the plant has said what left its range; what is outside has been said."""
    said |= {event.condition for event in plant.take_events() if event.active} | set(plant.active_conditions())
    assert np.isfinite(plant.states).all(), plant.states
    outside = [
        v.name for v, value in zip(plant.type.of_role(STATE), plant.states, strict=True) if not v.low <= value <= v.high
    ]
    assert {OUT_OF_RANGE + name for name in outside} <= set(plant.active_conditions())
    if not np.isfinite(plant.outputs).all():
        names = [
            n for n, value in zip(plant.type.names("output"), plant.outputs, strict=True) if not np.isfinite(value)
        ]
        assert any(name.startswith(OUT_OF_RANGE) for name in said), f"{names} are not finite and nothing was said"


def draw(data: st.DataObject, model: PlantModel, *, extreme: bool) -> None:
    """New inputs and disturbances, within their ranges or anything at all."""
    for role, vector in ((INPUT, model.inputs), (DISTURBANCE, model.disturbances)):
        for index, variable in enumerate(model.type.of_role(role)):
            value = variable.low + data.draw(st.floats(0.0, 1.0)) * (variable.high - variable.low)
            if extreme and data.draw(st.booleans()):
                value = data.draw(st.sampled_from(EXTREME))
            vector[index] = value


@plants
@pytest.mark.parametrize("integrator", FIXED_STEP)
@settings(max_examples=12, deadline=None)
@given(data=st.data(), extreme=st.booleans())
def test_outputs_are_finite_or_the_plant_says_what_left_its_range(
    plant: PlantType, integrator: str, data: st.DataObject, extreme: bool
) -> None:
    """Promise: whatever inputs and disturbances do, nothing that is not a number comes out without an event."""
    setting = data.draw(st.sampled_from([s.name for s in plant.settings]))
    model, said = plant.create(setting, integrator=integrator), set[str]()
    for _ in range(4):
        draw(data, model, extreme=extreme)
        factor = data.draw(st.sampled_from((0.5, 1.0, 10.0, 1000.0) if extreme else (0.5, 1.0)))
        model.advance(plant.step_s * factor, 50 if len(model.states) <= LARGE or factor <= 1.0 else 10)
        check(model, said)


@pytest.mark.parametrize(
    ("plant", "integrator"),
    [
        (plant, integrator)
        for plant in PLANTS.values()
        for integrator in ADAPTIVE
        if len(plant.names(STATE)) <= LARGE or integrator == "adaptive"
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_scipys_methods_stay_finite_or_say_so(plant: PlantType, integrator: str) -> None:
    """The same for the reference methods, with every input at one end of its range and then at the other."""
    model, said = plant.create(integrator=integrator), set[str]()
    for share in (0.1, 0.9):
        for index, variable in enumerate(plant.of_role(INPUT)):
            model.inputs[index] = variable.low + share * (variable.high - variable.low)
        model.advance(plant.step_s * 20, 3)
        check(model, said)


@plants
@pytest.mark.parametrize("integrator", [*FIXED_STEP, "adaptive"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_state_that_is_not_finite_freezes_the_plant_which_says_so(
    plant: PlantType, integrator: str, value: float
) -> None:
    """Promise: driven beyond numbers, the plant stands at the last finite states, names the state and stays there."""
    model = plant.create(integrator=integrator)
    model.advance(plant.step_s, 3)
    assert not model.frozen
    count = len(plant.names(STATE))
    for at in sorted({0, count // 2, count - 1}):
        model = plant.create(integrator=integrator)
        model.advance(plant.step_s, 3)
        before = model.states.copy()
        model.states[at] = value
        model.advance(plant.step_s, 1)
        conditions = {event.condition for event in model.take_events()}
        if not model.frozen:  # a plant may know what to do with it, such as an end that it cannot pass
            assert np.isfinite(model.states).all()
            continue
        assert any(c.startswith(OUT_OF_RANGE) for c in conditions)
        model.advance(plant.step_s, 5)
        others = [index for index in range(count) if index != at]
        np.testing.assert_array_equal(model.states[others], before[others])
        assert model.frozen


def test_the_event_has_the_states_name_and_the_value_that_left() -> None:
    plant = TOY.create("bursting", integrator="rk4")
    plant.advance(0.001, 950)
    event = plant.take_events()[0]
    assert event.condition == "out_of_range:x"
    assert event.active
    assert 10.0 < event.value < 10.2
    assert event.time_s == pytest.approx(0.9, abs=0.01)
    assert not plant.frozen


@pytest.mark.parametrize("integrator", ["euler", "rk4", *ADAPTIVE])
def test_a_plant_that_runs_to_infinity_freezes_at_the_last_numbers(integrator: str) -> None:
    plant = TOY.create("bursting", integrator=integrator)
    plant.advance(0.02, 200)
    assert plant.frozen
    assert np.isfinite(plant.states).all()
    assert np.isfinite(plant.outputs).all()
    stood = plant.states.copy()
    assert stood[0] > 30.0
    plant.set("u", 5.0)
    plant.advance(0.02, 50)
    np.testing.assert_array_equal(plant.states, stood)
    assert plant.time_s == pytest.approx(5.0), "time goes on"
    assert [event.active for event in plant.take_events() if event.condition == "out_of_range:x"] == [True]
    other = TOY.create("curved", integrator=integrator)
    other.restore(plant.snapshot())
    assert other.frozen


@plants
@pytest.mark.parametrize("integrator", FIXED_STEP)
def test_a_snapshot_in_the_middle_of_a_life_goes_on_bit_for_bit(plant: PlantType, integrator: str) -> None:
    """Promise: with inputs and disturbances on the move, the rest of a life is the same after any restore."""

    def live(model: PlantModel, first: int, last: int) -> list[bytes]:
        taken = []
        for part in range(first, last):
            for role, vector in ((INPUT, model.inputs), (DISTURBANCE, model.disturbances)):
                for index, variable in enumerate(plant.of_role(role)):
                    share = 0.02 * math.sin(1.0 + part + 3 * index)
                    vector[index] += share * (variable.high - variable.low)
            model.advance(plant.step_s, 7)
            taken.append(model.snapshot() + repr(model.take_events()).encode())
        return taken

    model = plant.create(seed=11, integrator=integrator)
    live(model, 0, 5)
    middle = model.snapshot()
    told = live(model, 5, 10)
    model.restore(middle)
    assert live(model, 5, 10) == told
    stranger = plant.create(plant.settings[-1].name, seed=12, integrator=integrator)
    live(stranger, 0, 3)
    stranger.restore(middle)
    assert live(stranger, 5, 10) == told
