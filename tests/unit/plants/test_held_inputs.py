"""The delay line of held inputs: exact, independent of who looks how often, and bounded."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant_models.held_inputs import close, ends_at, fill, place_at, remember, value_at, words_for
from plant_models.library import PLANTS
from plant_models.model import Vector

LONGEST_S = 60.0


def line(value: float = 0.0) -> Vector:
    words = np.zeros(words_for(LONGEST_S))
    fill(words, value)
    return words


def at(words: Vector, time_s: float) -> float:
    return value_at(words, place_at(words, time_s))


def area(words: Vector, begin_s: float, end_s: float) -> float:
    """∫ of what the line says."""
    total, number = 0.0, place_at(words, begin_s)
    while begin_s < end_s:
        until_s = min(ends_at(words, number), end_s)
        total += value_at(words, number) * (until_s - begin_s)
        begin_s, number = until_s, number + 1
    return total


def test_changes_a_second_apart_are_kept_as_they_were() -> None:
    words = line(5.0)
    for time_s, value in ((3.5, 6.0), (4.5, 7.0), (20.25, 5.0)):
        remember(words, time_s, value)
    seen = [at(words, time_s) for time_s in (-1e9, 3.4999, 3.5, 4.4999, 4.5, 20.2499, 20.25, 1e9)]
    assert seen == [5.0, 5.0, 6.0, 6.0, 7.0, 7.0, 5.0, 5.0]


moves = st.lists(st.tuples(st.floats(0.01, 3.0), st.floats(-10.0, 10.0)), min_size=1, max_size=300)


def played(changes: list[tuple[float, float]], looks: int) -> tuple[Vector, list[tuple[float, float]]]:
    """The line after (time to the change, value) …; and the changes at their times, a rest at 0 last."""
    words, time_s, held = line(), 0.0, [(0.0, 0.0)]
    for number, (gap_s, value) in enumerate([*changes, (1.0, 0.0)]):
        if number % 10 < looks:  # looking at any time changes nothing
            close(words, time_s + 0.5 * gap_s)
            remember(words, time_s + 0.5 * gap_s, held[-1][1])
        time_s += gap_s
        remember(words, time_s, value)
        held.append((time_s, value))
    close(words, time_s + 2.0)
    return words, held


@settings(deadline=None)  # the first call compiles
@given(moves, st.integers(0, 10))
def test_no_area_is_lost_however_fast_it_changes(changes: list[tuple[float, float]], looks: int) -> None:
    """Promise: what the plant gets in the end is what was given."""
    words, held = played(changes[:40], looks)
    truth = sum(value * (after - at_s) for (at_s, value), (after, _) in itertools.pairwise(held))
    if held[-1][0] < LONGEST_S:
        assert area(words, 0.0, held[-1][0] + 2.0) == pytest.approx(truth, abs=1e-9)


@settings(deadline=None)  # the first call compiles
@given(moves, st.integers(0, 10))
def test_what_is_seen_was_there_within_a_second(changes: list[tuple[float, float]], looks: int) -> None:
    """Promise: as far back as the longest dead time, a value is one of its second or a mean of them."""
    words, held = played(changes, looks)
    end_s = held[-1][0]
    for step in range(200):
        time_s = end_s - step * LONGEST_S / 200
        if time_s < 0.0:
            break
        near = [
            value
            for (at_s, value), (after, _) in zip(held, [*held[1:], (math.inf, 0.0)], strict=True)
            if after > time_s - 1.0 - 1e-9 and at_s <= time_s + 1.0 + 1e-9
        ]
        assert min(near) - 1e-9 <= at(words, time_s) <= max(near) + 1e-9


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_changes_nothing(value: float) -> None:
    words = line(2.0)
    remember(words, 1.0, 3.0)
    before = words.copy()
    remember(words, 5.0, value)
    assert words.tobytes() == before.tobytes()


def story(name: str, step_s: float, seconds: int) -> Vector:
    """All outputs every 42 s while inputs and disturbances move at multiples of 7 s."""
    plant = PLANTS[name].create()
    rows = []
    for number in range(seconds // 7):
        for index, variable in enumerate(plant.type.of_role("input")):
            plant.inputs[index] += 0.01 * (variable.high - variable.low) * math.sin(number * (1.3 + index))
        plant.disturbances[0] += 0.001 * math.cos(0.9 * number)
        plant.advance(step_s, round(7.0 / step_s))
        if number % 6 == 5:
            rows.append(plant.outputs.copy())
    return np.array(rows)


@pytest.mark.parametrize("name", ["wood_berry", "shell_fractionator"])
def test_steps_of_a_tenth_one_and_seven_seconds_agree(name: str) -> None:
    """Promise: the dead time is exact and the solution is, so the step size does not show."""
    fine, middle, coarse = (story(name, step_s, 4200) for step_s in (0.1, 1.0, 7.0))
    np.testing.assert_allclose(middle, fine, rtol=0, atol=1e-10)
    np.testing.assert_allclose(coarse, fine, rtol=0, atol=1e-10)
    assert np.abs(fine - fine[0]).max() > 0.03


@pytest.mark.parametrize("integrator", ["euler", "rk4", "stiff", "adaptive"])
def test_every_integrator_gives_the_exact_solution(integrator: str) -> None:
    plant = PLANTS["wood_berry"].create(integrator=integrator)
    plant.set("reflux", 2.0)
    plant.advance(7.0, 100)
    assert plant.get("x_d") == pytest.approx(96.25 + 12.8 * 0.05 * (1.0 - math.exp(-(700 / 60 - 1) / 16.7)), abs=1e-12)


def test_an_input_that_is_no_number_counts_as_it_was() -> None:
    plant = PLANTS["wood_berry"].create()
    plant.inputs[0] = 2.0
    plant.advance(1.0, 10)
    plant.inputs[0] = math.nan
    plant.advance(1.0, 900)
    other = PLANTS["wood_berry"].create()
    other.inputs[0] = 2.0
    other.advance(1.0, 910)
    assert plant.states.tobytes() == other.states.tobytes()


def test_a_dead_time_may_change_while_it_runs() -> None:
    plant = PLANTS["wood_berry"].create()
    plant.set("reflux", 2.0)
    plant.advance(1.0, 120)
    plant.set("dead_time_21", 900.0)
    plant.advance(1.0, 779)
    assert plant.get("x_b") == 0.5
    plant.advance(1.0, 10)
    assert plant.get("x_b") > 0.5
