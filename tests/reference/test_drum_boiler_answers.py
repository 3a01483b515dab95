"""The drum boiler against Åström and Bell: operating point, e-matrix, eigenvalues, shrink and swell."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from plant_models.drum_coefficients import coefficients
from plant_models.drum_steam import saturation_at
from plant_models.library import PLANTS
from plant_models.linear import linearise
from plant_models.model import PlantModel


def boiler() -> PlantModel:
    return PLANTS["drum_boiler"].create()


def test_operating_point_of_the_paper() -> None:
    plant = boiler()
    assert_allclose(plant.states, (57.1, 8.5e6, 0.051, 4.9))
    assert plant.get("heat") == pytest.approx(85_800_847.70, abs=0.01)
    assert plant.get("feedwater_flow") == plant.get("steam_flow") == pytest.approx(50.35167446, abs=6e-9)
    assert plant.get("circulation") == pytest.approx(1192.860071, abs=6e-7)
    assert plant.get("steam_without_condensation") == pytest.approx(7.659076871, abs=6e-10)
    assert plant.get("level") == pytest.approx(1.200376137, abs=6e-10)
    assert_allclose(plant.derivatives() / plant.states, 0.0, atol=1e-14)
    # published, with other steam properties
    assert plant.get("heat") == pytest.approx(85.9e6, rel=2e-3)
    assert plant.get("steam_flow") == pytest.approx(50.42, rel=2e-3)
    assert plant.get("circulation") == pytest.approx(1194.5, rel=2e-3)
    assert plant.get("level") == pytest.approx(1.200, abs=1e-3)


def test_e_matrix() -> None:
    plant = boiler()
    e = coefficients(plant._parts, saturation_at(8.5e6))  # type: ignore[attr-defined]
    assert e.e11 == pytest.approx(668.06302225, rel=1e-11)
    assert e.e12 == pytest.approx(-7.8075414e-4, rel=1e-8)
    assert e.e21 == pytest.approx(8.3128471533e8, rel=1e-10)
    assert e.e22 == pytest.approx(2404.5715557, rel=1e-10)
    assert e.e32 == pytest.approx(1589.0351128, rel=1e-10)
    assert e.e33 == pytest.approx(1.5192723186e10, rel=1e-10)
    assert e.e42 == pytest.approx(9.4217346767e-4, rel=1e-10)
    assert e.e43 == pytest.approx(-5988.8085910, rel=1e-10)
    assert e.e44 == pytest.approx(45.5986825, rel=1e-11)
    assert e.void == pytest.approx(0.2704735875, abs=6e-11)
    assert e.water_in_drum_m3 == pytest.approx(19.10752274, abs=6e-9)


@pytest.mark.parametrize("pressure_pa", [7.2e6, 8.5e6, 10.9e6])
def test_derivatives_of_the_steam_properties_are_their_slopes(pressure_pa: float) -> None:
    below, here, above = (np.array(saturation_at(pressure_pa + d)) for d in (-1e3, 0.0, 1e3))
    assert_allclose(here[5:], (above - below)[:5] / 2e3, rtol=1e-7)


def test_eigenvalues_with_inputs_held() -> None:
    """A level that integrates, a pressure that all but does (slightly unstable), bubbles and riser."""
    poles = linearise(boiler()).poles()
    assert np.isreal(poles).all()
    assert_allclose(poles.real, (0.0, 2.34e-4, -1 / 12, -0.148886), atol=6e-7)


SECONDS = (5, 10, 20, 50, 100, 200)
STEPS = {
    "heat": (10e6, (
        (8.514826556, 2.490158), (8.529686188, -0.510274), (8.559505379, -8.270081),
        (8.649775156, -15.350585), (8.803020784, -11.989736), (9.120717027, -2.395175))),
    "steam_flow": (10.0, (
        (8.477677339, 34.493517), (8.455336014, 48.938793), (8.410597527, 54.042220),
        (8.275938163, 33.895614), (8.050044497, -6.098067), (7.592909772, -83.141607))),
    "feedwater_flow": (10.0, (
        (8.497076557, -0.593975), (8.494153268, -0.635098), (8.488307168, 1.736807),
        (8.470772812, 19.600092), (8.441562990, 55.913202), (8.383203258, 129.142432))),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_step_responses(name: str) -> None:
    plant = boiler()
    level_m = plant.get("level")
    step, answers = STEPS[name]
    plant.set(name, plant.get(name) + step)
    for second, (mpa, mm) in zip(SECONDS, answers, strict=True):
        plant.advance(0.1, round((second - plant.time_s) / 0.1))
        assert plant.get("drum_pressure") / 1e6 == pytest.approx(mpa, abs=2e-9)
        assert (plant.get("level") - level_m) * 1e3 == pytest.approx(mm, abs=2e-6)


def test_a_steam_demand_is_the_same_as_more_steam_and_the_level_swells_before_it_falls() -> None:
    """The disturbance that scenarios use acts as the steam flow of the paper; the level rises by 54 mm first."""
    plant = boiler()
    level_m = plant.get("level")
    plant.set("steam_demand", 10.0)
    swell_mm = []
    for _ in range(200):
        plant.advance(0.1, 10)
        swell_mm.append((plant.get("level") - level_m) * 1e3)
    assert swell_mm[19] == pytest.approx(54.042220, abs=2e-6)
    assert max(swell_mm) == pytest.approx(54.1, abs=0.3)
    assert swell_mm[199] == pytest.approx(-83.141607, abs=2e-6)


def test_water_and_energy_are_neither_made_nor_lost() -> None:
    """Mass in all of it changes by what comes in minus what goes out; energy by what heat and flows bring."""
    plant = boiler()
    plant.set("heat", 95e6)
    plant.set("steam_flow", 46.0)
    mass, energy = contents(plant)
    into_kg_s = plant.get("feedwater_flow") - 46.0
    brought_j = 0.0
    for _ in range(1000):
        before_j_kg = saturation_at(plant.get("pressure")).steam_j_kg
        plant.advance(0.1)
        after_j_kg = saturation_at(plant.get("pressure")).steam_j_kg
        feed_w = plant.get("feedwater_flow") * plant.get("feedwater_enthalpy")
        brought_j += 0.1 * (95e6 + feed_w - 46.0 * 0.5 * (before_j_kg + after_j_kg))
    mass_after, energy_after = contents(plant)
    assert mass_after - mass == pytest.approx(into_kg_s * 100.0, rel=1e-7)
    assert energy_after - energy == pytest.approx(brought_j, rel=1e-6)


def contents(plant: PlantModel) -> tuple[float, float]:
    """Mass in kg; energy in J of water, steam and metal."""
    s = saturation_at(plant.get("pressure"))
    water_m3 = plant.get("water_volume")
    total_m3 = 88.0
    steam_m3 = total_m3 - water_m3
    mass = s.water_kg_m3 * water_m3 + s.steam_kg_m3 * steam_m3
    energy = (
        s.water_kg_m3 * s.water_j_kg * water_m3
        + s.steam_kg_m3 * s.steam_j_kg * steam_m3
        - plant.get("pressure") * total_m3
        + plant.get("metal_mass") * plant.get("metal_heat_capacity") * s.boiling_degc
    )
    return mass, energy
