"""Disturbances and noise: from the seed alone, independent of the step and of each other; snapshots hold them all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant_models.compiled import CompiledPlant
from plant_models.library import PLANTS
from plant_models.tennessee_eastman.generator import FIRST_START, PUBLISHED_START, start_of
from plant_models.tennessee_eastman.layout import COMMAND, GENERATOR, NOISE, WALK_A, WALK_NEXT

PLANT = PLANTS["tennessee_eastman"]
RANDOM = tuple(f"idv{n}" for n in (8, 9, 10, 11, 12, 13, 16, 17, 18, 20))


def created(seed: int = 0, *, noise: float = 1.0, shared: float = 0.0, integrator: str = "euler") -> CompiledPlant:
    plant = PLANT.create("base", seed=seed, integrator=integrator)
    assert isinstance(plant, CompiledPlant)
    plant.set("noise", noise)
    plant.set("shared_generator", shared)
    return plant


def test_where_the_generator_starts() -> None:
    assert start_of(0) == PUBLISHED_START
    assert start_of(PUBLISHED_START) == PUBLISHED_START
    assert start_of(FIRST_START) == FIRST_START
    starts = [start_of(seed) for seed in range(1, 2001)]
    assert len(set(starts)) == 2000
    assert all(start % 2 == 1 and 0 < start < 2**32 for start in starts)
    assert start_of(2**40) != start_of(2**41)


@settings(deadline=None)
@given(st.integers(0, 2**64 - 1))
def test_any_seed_makes_a_plant(seed: int) -> None:
    plant = created(seed)
    assert 0 < plant.kept[GENERATOR] < 2**33


def test_other_seeds_are_other_lives() -> None:
    values = set()
    for seed in range(8):
        plant = created(seed)
        plant.set("idv11", 1.0)
        plant.advance(1.0, 3000)
        values.add((plant.get("xmeas7"), float(plant.kept[WALK_A + 4])))
    assert len({a for a, _ in values}) == len({b for _, b in values}) == 8


@pytest.mark.parametrize("dt_s", [0.25, 0.5, 0.125])
def test_disturbances_and_noise_do_not_depend_on_the_step(dt_s: float) -> None:
    """The same pieces, the same deviations, second by second; what differs is the integration."""
    coarse, fine = created(5, integrator="rk4"), created(5, integrator="rk4")
    for plant in (coarse, fine):
        for name in RANDOM:
            plant.set(name, 1.0)
    for _ in range(60):
        coarse.advance(1.0, 37)
        fine.advance(dt_s, round(37 / dt_s))
        assert coarse.kept[WALK_NEXT : WALK_NEXT + 60].tobytes() == fine.kept[WALK_NEXT : WALK_NEXT + 60].tobytes()
        assert coarse.kept[NOISE : NOISE + 23].tobytes() == fine.kept[NOISE : NOISE + 23].tobytes()
        np.testing.assert_allclose(fine.states, coarse.states, rtol=1e-3, atol=1e-9)
    assert np.any(coarse.kept[NOISE : NOISE + 22] != 0.0)


@pytest.mark.parametrize("integrator", ["rk4", "stiff"])
def test_measurements_have_the_same_noise_and_analysers_sample_alike_whatever_the_method(integrator: str) -> None:
    """To a millionth of their size for 16 minutes at the base state: no deviation is another one, no sample earlier."""
    published, other = created(5), created(5, integrator=integrator)
    for _ in range(960):
        published.advance(1.0)
        other.advance(1.0)
        np.testing.assert_allclose(other.outputs[:41], published.outputs[:41], rtol=1e-6, atol=1e-6)


def test_noise_does_not_change_the_disturbances_unless_they_share_a_generator() -> None:
    pieces = {}
    for noise, shared in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        plant = created(noise=noise, shared=shared)
        plant.set("idv11", 1.0)
        plant.advance(1.0, 4000)
        pieces[noise, shared] = plant.kept[WALK_NEXT : WALK_NEXT + 12].tobytes()
    assert pieces[0.0, 0.0] == pieces[1.0, 0.0]
    assert pieces[0.0, 1.0] == pieces[1.0, 1.0] != pieces[0.0, 0.0]


@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_noise_has_the_published_standard_deviation(shared: float) -> None:
    quiet, noisy = created(3, noise=0.0, shared=shared), created(3, shared=shared)
    off = []
    for _ in range(2000):
        quiet.advance(1.0)
        noisy.advance(1.0)
        off.append(noisy.outputs[:22] - quiet.outputs[:22])
    sigma = np.std(off, axis=0)
    published = (
        0.0012, 18.0, 22.0, 0.05, 0.2, 0.21, 0.3, 0.5, 0.01, 0.0017, 0.01, 1.0, 0.3, 0.125, 1.0, 0.3, 0.115, 0.01, 1.15,
        0.2, 0.01, 0.01,
    )  # fmt: skip
    np.testing.assert_allclose(sigma, published, rtol=0.08)
    assert np.max(np.abs(np.mean(off, axis=0) / published)) < 0.1
    assert np.max(np.abs(np.corrcoef(np.array(off).T) - np.eye(22))) < 0.12
    assert quiet.states.tobytes() == noisy.states.tobytes()


def test_noise_is_off_at_the_start_and_after_a_shutdown() -> None:
    plant = created()
    assert plant.get("xmeas7") == pytest.approx(2705.0, abs=1e-5)
    plant.states[0:3] *= 1.4
    plant.advance(1.0, 10)
    assert plant.active_conditions() == ("trip_reactor_pressure",)
    first = plant.outputs[:22].copy()
    plant.advance(1.0, 10)
    assert plant.outputs[:22].tobytes() == first.tobytes()


def test_analysers_show_what_was_there_one_period_ago() -> None:
    plant = created(noise=0.0, integrator="rk4")
    plant.set("xmv1", plant.get("xmv1") - 3.0)
    feed: dict[int, float] = {}
    for second in range(1, 1100):
        plant.advance(1.0)
        feed[second] = 100.0 * float(plant.states[30] / plant.states[27:35].sum())
    assert plant.get("xmeas26") == pytest.approx(feed[720], abs=0.002)  # sampled at 720 s, shown since 1080 s
    assert abs(plant.get("xmeas26") - feed[1080]) > 0.05
    assert plant.active_conditions() == ()


def test_a_sticking_valve_follows_only_when_the_demand_is_two_per_cent_away() -> None:
    for disturbance, valves in ((14, (10,)), (15, (11,)), (19, (5, 7, 8, 9))):
        plant = created(noise=0.0)
        plant.advance(1.0, 2)
        plant.set(f"idv{disturbance}", 1.0)
        start = plant.inputs.copy()
        plant.inputs[:] = start + 1.9
        plant.advance(1.0)
        stuck = {v + 1 for v in range(12) if plant.kept[COMMAND + v] == start[v]}
        assert stuck == set(valves)
        plant.inputs[:] = start + 2.1
        plant.advance(1.0)
        assert plant.kept[COMMAND : COMMAND + 12].tobytes() == plant.inputs.tobytes()


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**53),
    before=st.integers(0, 5000),
    after=st.integers(1, 2000),
    shared=st.booleans(),
    integrator=st.sampled_from(["euler", "rk4"]),
    stuck=st.booleans(),
)
def test_a_snapshot_holds_everything_that_decides_the_future(
    seed: int, before: int, after: int, shared: bool, integrator: str, stuck: bool
) -> None:
    """In the middle of walks, of analyser periods and of a valve that sticks."""
    plant = created(seed, shared=float(shared), integrator=integrator)
    for name in (*RANDOM, *(("idv14", "idv15", "idv19") if stuck else ())):
        plant.set(name, 1.0)
    for part in range(4):
        plant.inputs[4:11] += 1.0 + 0.4 * part
        plant.advance(1.0, before // 4 + 1)
    taken = plant.snapshot()
    plant.inputs[9] -= 1.5
    plant.advance(1.0, after)
    future = plant.snapshot()
    other = created(seed + 1)
    other = other if integrator == "euler" else created(seed + 1, integrator=integrator)
    other.restore(taken)
    assert other.snapshot() == taken
    other.inputs[9] -= 1.5
    for _ in range(after):
        other.advance(1.0)
    assert other.states.tobytes() == plant.states.tobytes()
    assert other.outputs.tobytes() == plant.outputs.tobytes()
    assert other.kept.tobytes() == plant.kept.tobytes()
    assert len(other.snapshot()) == len(future)
