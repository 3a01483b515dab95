"""Random numbers that are counted: good ones, independent of each other, the same whatever the step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from plant_models.random_streams import normal, uniform
from tests.support.toy_plants import TOY

COUNT = 20_000
WHOLE = st.integers(0, 2**53 - 1)


def draw(kind: str, seed: int = 1, stream: int = 1, first: int = 0, count: int = COUNT) -> np.ndarray:
    number = uniform if kind == "uniform" else normal
    return np.array([number(seed, stream, index) for index in range(first, first + count)])


@settings(deadline=None)
@given(WHOLE, WHOLE, WHOLE)
def test_uniform_lies_between_0_and_1_and_normal_is_finite(seed: int, stream: int, index: int) -> None:
    assert 0.0 < uniform(seed, stream, index) < 1.0
    assert abs(normal(seed, stream, index // 2)) < 7.0


@pytest.mark.parametrize(("seed", "stream", "first"), [(0, 0, 0), (1, 1, 0), (7, 40, 2**32 - 10_000), (2**40, 3, 5)])
def test_distributions(seed: int, stream: int, first: int) -> None:
    """Kolmogorov–Smirnov against the distribution; the seeds are fixed, so this is no lottery."""
    flat, bell = draw("uniform", seed, stream, first), draw("normal", seed, stream, first)
    assert stats.kstest(flat, "uniform").pvalue > 1e-3
    assert stats.kstest(bell, "norm").pvalue > 1e-3
    assert flat.mean() == pytest.approx(0.5, abs=4 / np.sqrt(12 * COUNT))
    assert bell.mean() == pytest.approx(0.0, abs=4 / np.sqrt(COUNT))
    assert bell.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * COUNT))
    assert stats.skew(bell) == pytest.approx(0.0, abs=4 * np.sqrt(6 / COUNT))
    assert stats.kurtosis(bell) == pytest.approx(0.0, abs=4 * np.sqrt(24 / COUNT))


@pytest.mark.parametrize(("kind", "shape"), [("uniform", "uniform"), ("normal", "norm")])
def test_over_many_seeds_and_streams_the_deviations_are_those_of_chance(kind: str, shape: str) -> None:
    """The p-values of 60 sequences are themselves spread evenly: neither worse nor better than chance."""
    found = [stats.kstest(draw(kind, seed * 7919, seed % 7, seed, 3000), shape).pvalue for seed in range(60)]
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert min(found) > 1e-4


def test_every_bit_is_a_coin() -> None:
    words = (draw("uniform") * 2**32).astype(np.uint64)
    for bit in range(32):
        share = float(((words >> np.uint64(bit)) & np.uint64(1)).mean())
        assert share == pytest.approx(0.5, abs=4.5 * 0.5 / np.sqrt(COUNT))


@pytest.mark.parametrize("kind", ["uniform", "normal"])
@pytest.mark.parametrize(
    "other",
    [
        {"stream": 2},
        {"seed": 2},
        {"stream": 0, "seed": 0},
        {"first": 1},
        {"first": 2},
        {"first": 64},
        {"seed": 2**32 + 1},
    ],
    ids=str,
)
def test_streams_seeds_and_neighbours_know_nothing_of_each_other(kind: str, other: dict[str, int]) -> None:
    one, two = draw(kind), draw(kind, **{"seed": 1, "stream": 1, **other})
    assert not np.array_equal(one, two)
    assert abs(np.corrcoef(one, two)[0, 1]) < 4 / np.sqrt(COUNT)
    assert abs(np.corrcoef(np.abs(one - one.mean()), np.abs(two - two.mean()))[0, 1]) < 4 / np.sqrt(COUNT)


def test_pairs_of_neighbours_fill_the_square() -> None:
    """Chi-square of 16 × 16 boxes for (n, n + 1), and for the same index of two streams."""
    one, two = draw("uniform"), draw("uniform", stream=2)
    for first, second in ((one[:-1], one[1:]), (one, two)):
        boxes, _, _ = np.histogram2d(first, second, bins=16, range=((0, 1), (0, 1)))
        assert stats.chisquare(boxes.ravel()).pvalue > 0.01


def test_first_numbers_of_many_streams_and_seeds_are_different() -> None:
    numbers = {uniform(seed, stream, index) for seed in range(30) for stream in range(30) for index in range(30)}
    assert len(numbers) > 27_000 - 3, "27,000 of 2³² numbers: 0.08 pairs are expected to coincide"


@pytest.mark.parametrize("step_s", [0.05, 0.1, 0.25, 0.5])
@pytest.mark.parametrize("integrator", ["euler", "rk4", "stiff", "adaptive"])
def test_a_plant_gets_the_same_numbers_whatever_the_step(step_s: float, integrator: str) -> None:
    """Noise that is held for a second has the same value at the same time, seen from any step size and method."""
    plant = TOY.create(seed=5, integrator=integrator)
    seen = []
    for _ in range(10):
        plant.advance(step_s, round(1.0 / step_s))
        seen.append(plant.get("noise"))
    assert seen == [normal(5, 0, second) for second in range(10)]
    assert TOY.create(seed=6).get("noise") != TOY.create(seed=5).get("noise")


def test_a_snapshot_needs_no_generator() -> None:
    plant, other = TOY.create(seed=5), TOY.create(seed=77)
    plant.advance(0.1, 25)
    other.restore(plant.snapshot())
    for model in (plant, other):
        model.advance(0.1, 100)
    assert plant.snapshot() == other.snapshot()


@settings(deadline=None)
@given(WHOLE, st.integers(0, 2**51))
def test_a_stream_does_not_come_round(seed: int, index: int) -> None:
    """Every bit of an index, of a seed and of a stream counts."""
    here = uniform(seed, 3, index)
    others = [uniform(seed, 3, index ^ (1 << bit)) for bit in range(52)]
    others += [uniform(seed ^ (1 << bit), 3, index) for bit in range(52)]
    others += [uniform(seed, 3 ^ (1 << bit), index) for bit in range(32)]
    assert sum(other == here for other in others) <= 1  # by chance once in 30 million
