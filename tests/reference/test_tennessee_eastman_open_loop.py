"""Open-loop trajectories of the published simulator: valve steps and disturbances until the plant shuts down."""

import numpy as np
import pytest

from plant_models.library import PLANTS
from plant_models.model import PlantModel
from tests.reference.te_tables import FOLDER, named, table, worst

PLANT = PLANTS["tennessee_eastman"]
STATES = (1, 3, 5, 7, 8, 9, 10, 16, 18, 25, 27, 28, 30, 36, 37, 38)
RUNS = sorted(path.stem for path in FOLDER.glob("open_*.csv"))
EULER_S, RK4_S = 1.0, 0.25
UNSTABLE = ("none", "xmv08p1")  # leave the steady state by rounding alone: their shutdown is no promise
_, BASE = table("base_state")


def started(run: str, integrator: str) -> PlantModel:
    """The base case with noise off and what the run's name says."""
    plant = PLANT.create("base", integrator=integrator)
    plant.set("noise", 0.0)
    if run.startswith("xmv"):
        valve = f"xmv{int(run[3:5])}"
        plant.set(valve, plant.get(valve) + 1.0)
    elif run.startswith("idv"):
        plant.set(f"idv{int(run[3:5])}", 1.0)
    return plant


def test_there_are_all_the_files() -> None:
    assert len(RUNS) == 20


@pytest.mark.parametrize("file", RUNS)
def test_every_column_of_an_open_loop_run(file: str) -> None:
    """Euler with 1 s within 1e-8 of the column's maximum, RK4 with 0.25 s within 1e-6."""
    _, run, scheme = file.split("_")
    integrator, dt_s, limit = ("euler", EULER_S, 1e-8) if scheme == "euler1s" else ("rk4", RK4_S, 1e-6)
    columns, reference = table(file)
    plant = started(run, integrator)
    rows = []
    for time_s in reference[:, 0]:
        if steps := round((time_s - plant.time_s) / dt_s):
            plant.advance(dt_s, steps)
        rows.append([plant.time_s, *plant.outputs[:22], *(plant.states[number - 1] for number in STATES)])
    off, column = worst(np.array(rows), reference, columns)
    assert off <= limit, f"{file}: {column} is off by {off:.2g} of its maximum"


@pytest.mark.parametrize(("integrator", "dt_s", "column"), [("euler", EULER_S, 0), ("rk4", RK4_S, 2)])
def test_shutdown_in_the_same_second_by_the_same_limit(integrator: str, dt_s: float, column: int) -> None:
    """And then the model stands still, and says why, with the number."""
    with (FOLDER / "shutdown_times.csv").open() as file:
        rows = [line.strip().split(",") for line in file][1:]
    for run, *times in rows:
        plant = started(run, integrator)
        plant.advance(dt_s, round(13000.0 / dt_s))
        event = plant.take_events()[0]
        assert event.condition == "trip_reactor_pressure"
        assert times[column + 1] == "reactor_pressure_high"
        assert 3000.0 < event.value < 3010.0
        assert event.time_s == pytest.approx(float(times[column]), rel=0.01 if run in UNSTABLE else 0.0, abs=1e-6)
        frozen = plant.states.copy()
        plant.advance(dt_s, 100)
        assert plant.states.tobytes() == frozen.tobytes()
        assert plant.active_conditions() == ("trip_reactor_pressure",)


def gross_flux() -> np.ndarray:
    """Everything that goes in and out of each of the 36 balances at the base case, and the heating of the water."""
    n = named("base_internals")

    def flow(stream: int, component: int) -> float:
        return abs(n[f"FCM_s{stream}_c{component}_{8 * (stream - 1) + component}"])

    def heat(*streams: int) -> float:
        return sum(abs(n[f"HST_{stream}"] * n[f"FTM_{stream}"]) for stream in streams)

    fluxes: list[float] = []
    balances = (
        ((6, 8), (6, 8)),
        ((8, 9, 10, 11), (8, 9, 10, 11)),
        ((12, 13), (4, 5, 11, 13)),
        ((1, 2, 3, 5, 6, 9), (1, 2, 3, 5, 6, 9)),
    )
    for streams, heats in balances:
        fluxes += [sum(flow(stream, component) for stream in streams) for component in range(1, 9)]
        fluxes.append(heat(*heats))
    water = [500.53 * n["FWR_1"] * n["TWR_1"] / 7060.0, 500.53 * n["FWS_1"] * n["TWS_1"] / 11138.0]
    return np.array([*fluxes, *water])


def test_derivatives_at_the_base_case_against_the_gross_flux_of_each_balance() -> None:
    plant = PLANT.create("base")
    assert plant.states.tolist() == pytest.approx(BASE[:, 1].tolist(), rel=1e-15)
    off = np.abs(plant.derivatives() * 3600.0 - BASE[:, 2])
    flux = gross_flux()
    assert np.all(flux > 0.0)
    assert np.max(off[:38] / flux) < 5e-14
    assert np.max(off[38:]) == 0.0


def test_measurements_at_the_base_case() -> None:
    plant = PLANT.create("base")
    values = named("base_meas")
    for name, value in values.items():
        if name.startswith("xmeas"):
            assert plant.get(name) == pytest.approx(value, rel=1e-12)
    assert plant.get("operating_cost") == pytest.approx(170.6, abs=0.05)
    assert plant.get("g_to_h") == pytest.approx(1.0, abs=1e-4)
