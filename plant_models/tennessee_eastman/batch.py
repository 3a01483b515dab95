"""Many closed-loop runs at a time, on all cores: one per seed.

Called by   studies and ``dcs bench``.
Knows       the plant under its published controllers. Runs are independent: results do not depend on the number of
            workers, and a seed alone gives the same numbers as in a batch.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from plant_models.model import OUT_OF_RANGE, PLANTS, PlantModel
from plant_models.tennessee_eastman.closed_loop import TennesseeEastmanControl

NAME = "tennessee_eastman"
Progress = Callable[[float, float], None]
"""Told simulated seconds done and in all, after every ``every_s`` of a run."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What all runs of a batch have in common. Raises ``ValueError`` for times that are not whole steps."""

    duration_s: int
    every_s: int = 600  # between two samples
    setting: str = "base"
    disturbances: Mapping[str, float] = field(default_factory=dict)
    onset_s: int = 0  # when the disturbances begin
    parameters: Mapping[str, float] = field(default_factory=dict)
    columns: tuple[str, ...] = ()  # variables that are sampled

    def __post_init__(self) -> None:
        if self.every_s < 1 or self.duration_s < 1 or not 0 <= self.onset_s <= self.duration_s:
            raise ValueError(
                f"a batch of {self.duration_s} s, sampled every {self.every_s} s, disturbed from {self.onset_s} s: "
                "durations must be 1 s or more, the onset within the run"
            )


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run: how long it lasted, what tripped it ("" = nothing), what it cost, and its samples."""

    seed: int
    time_s: float
    trip: str
    cost: float  # $/h, mean of the samples until the trip
    samples: NDArray[np.float64]  # rows of time_s and the columns


def run_batch(
    seeds: Iterable[int], batch: Batch, *, on_progress: Progress | None = None, workers: int = 0
) -> list[Outcome]:
    """One run per seed, in the order of the seeds; ``workers`` threads (0 = one per core).

    ``on_progress`` is called in the caller's thread. An error in a run is raised when the others have ended.
    """
    wanted = list(seeds)
    told: SimpleQueue[float] = SimpleQueue()
    total_s = float(batch.duration_s * len(wanted))
    with ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1) as pool:
        runs = [pool.submit(_told, seed, batch, told.put) for seed in wanted]
        done_s, open_runs = 0.0, len(runs)
        while open_runs:
            step_s = told.get()
            if step_s < 0.0:
                open_runs -= 1
                continue
            done_s += step_s
            if on_progress is not None:
                on_progress(done_s, total_s)
        return [run.result() for run in runs]


def _told(seed: int, batch: Batch, tell: Callable[[float], None]) -> Outcome:
    """A run that says when it has ended, come what may."""
    try:
        return run_one(seed, batch, tell)
    finally:
        tell(-1.0)


def run_one(seed: int, batch: Batch, tell: Callable[[float], None] = lambda _: None) -> Outcome:
    """One run; ``tell`` hears of simulated seconds as they pass."""
    plant = PLANTS[NAME].create(batch.setting, seed=seed)
    for name, value in batch.parameters.items():
        plant.set(name, value)
    control = TennesseeEastmanControl(plant)
    costs, rows, trip, done = [plant.get("operating_cost")], [_row(plant, batch)], "", 0
    while done < batch.duration_s and not trip:
        if done == batch.onset_s:
            for name, value in batch.disturbances.items():
                plant.set(name, value)
        until = min(done - done % batch.every_s + batch.every_s, batch.duration_s)
        if done < batch.onset_s:
            until = min(until, batch.onset_s)
        control.advance(plant, until - done, 1.0)
        tell(float(until - done))
        done = until
        trip = next((name for name in plant.active_conditions() if not name.startswith(OUT_OF_RANGE)), "")
        if not trip:
            costs.append(plant.get("operating_cost"))
            rows.append(_row(plant, batch))
    tell(float(batch.duration_s - done))
    ended_s = next((e.time_s for e in plant.take_events() if e.condition == trip), plant.time_s)
    return Outcome(seed, ended_s, trip, float(np.mean(costs)), np.array(rows))


def _row(plant: PlantModel, batch: Batch) -> list[float]:
    return [plant.time_s, *(plant.get(name) for name in batch.columns)]
