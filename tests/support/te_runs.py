"""Tennessee Eastman under the controllers of its plant folder and under the published ones, step by step side by side.

Called by   tests of the published tuning, ``tests.simulation.tennessee_eastman``.
Knows       one moment of both: after the controllers of a second, before the plant's second. Noise is off.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dcs.config.find import find_config
from dcs.node.assembly import build_direct, load_configuration
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from plant_models.library import PLANTS
from plant_models.tennessee_eastman.closed_loop import TennesseeEastmanControl, run
from plant_models.tennessee_eastman.constants import ANALYSER_SIGMA, NOISE_SIGMA
from plant_models.tennessee_eastman.reference_control import LOOPS
from tests.support.boxes import in_box

Floats = NDArray[np.float64]
EVERY_S = 180
SIGMA = (*NOISE_SIGMA, *ANALYSER_SIGMA)
VARIANT = "variant=reference"

SETPOINTS = {"TIC-9.SP": 18, "FIC-17.SP": 11, "LIC-8.SP": 17, "AIC-30.SP": 19, "LIC-12.SP": 7}
"""Setpoints by our tag and by the number of the published loop."""


@dataclass(frozen=True)
class Change:
    """At ``at_s`` a disturbance is set to 1, or a setpoint is moved by ``by``."""

    at_s: int
    name: str
    by: float = 1.0

    @property
    def is_setpoint(self) -> bool:
        return self.name in SETPOINTS


@dataclass(frozen=True)
class Case:
    """A run of ``hours`` from the base case."""

    name: str
    hours: float
    changes: tuple[Change, ...] = ()

    @property
    def moments_s(self) -> tuple[int, ...]:
        """Seconds after whose controllers both are looked at."""
        return tuple(range(EVERY_S - 1, round(self.hours * 3600), EVERY_S))


@dataclass
class Trajectory:
    """Rows: moments; columns: 41 measurements, 12 demands."""

    xmeas: list[Floats] = field(default_factory=list)
    xmv: list[Floats] = field(default_factory=list)


@dataclass(frozen=True)
class Deviation:
    """The largest one of one column, and what is allowed."""

    column: str
    largest: float
    allowed: float
    moves: float  # range of the published trajectory


CASES = (
    Case("base", 4.0),
    Case("IDV 6 until an hour before its trip", 5.85, (Change(3599, "idv6"),)),
    Case("IDV 1", 6.0, (Change(1800, "idv1"),)),
    Case("IDV 2", 6.0, (Change(1800, "idv2"),)),
    Case("IDV 4", 3.0, (Change(1800, "idv4"),)),
    Case("IDV 8", 6.0, (Change(1800, "idv8"),)),
    Case("IDV 12", 6.0, (Change(1800, "idv12"),)),
    Case("reactor 1 degC warmer", 3.0, (Change(1800, "TIC-9.SP", 1.0),)),
    Case("production 5 % higher", 6.0, (Change(1800, "FIC-17.SP", 1.15),)),
    Case("reactor level 5 % lower", 6.0, (Change(1800, "LIC-8.SP", -5.0),)),
)


def allowed(column: int, published: Floats) -> float:
    """1 % of the column's range in this run, or one published standard deviation: of a valve, what that of its
    controller's measurement moves it by."""
    if column < len(SIGMA):
        sigma = SIGMA[column]
    else:
        loop = next((one for one in LOOPS if one.valve == column - len(SIGMA) + 1), None)
        sigma = 0.0 if loop is None else abs(loop.gain) * 100.0 / loop.span * SIGMA[loop.pv - 1]
    return max(0.01 * float(np.ptp(published)), sigma)


def deviations(ours: Trajectory, published: Trajectory) -> list[Deviation]:
    """Column by column."""
    one, other = (np.hstack([np.array(t.xmeas), np.array(t.xmv)]) for t in (ours, published))
    names = [f"xmeas{n}" for n in range(1, 42)] + [f"xmv{n}" for n in range(1, 13)]
    return [
        Deviation(
            name,
            float(np.abs(one[:, k] - other[:, k]).max()),
            allowed(k, other[:, k]),
            float(np.ptp(other[:, k])),
        )
        for k, name in enumerate(names)
    ]


def _legs(case: Case) -> Iterator[tuple[int, Sequence[Change], bool]]:
    """(time, changes to be made then, whether it is a moment), in order."""
    for at_s in sorted({*case.moments_s, *(change.at_s for change in case.changes)}):
        yield at_s, [change for change in case.changes if change.at_s == at_s], at_s in case.moments_s


def published(case: Case) -> Trajectory:
    """Under the published controllers, compiled together with the plant."""
    plant = PLANTS["tennessee_eastman"].create(seed=0)
    plant.set("noise", 0.0)
    control = TennesseeEastmanControl(plant)
    found, done = Trajectory(), 0
    for at_s, changes, is_moment in _legs(case):
        if changes and at_s > done:
            run(plant, control, at_s - done)
            done = at_s
        for change in changes:
            if change.is_setpoint:
                control.setpoints[SETPOINTS[change.name] - 1] += change.by
            else:
                plant.set(change.name, change.by)
        if is_moment:
            run(plant, control, at_s - done)
            xmeas = plant.outputs[:41].copy()
            done = at_s + 1
            run(plant, control, 1)
            found.xmeas.append(xmeas)
            found.xmv.append(plant.inputs.copy())
    return found


def in_direct(case: Case, *overrides: str) -> Trajectory:
    """Under the blocks of the plant folder, without network."""
    plant = build_direct(
        load_configuration(find_config("tennessee_eastman"), (VARIANT, *overrides)), 0, 0.0, polled=True
    )
    found = Trajectory()
    for at_s, changes, is_moment in _legs(case):
        plant.run_for(at_s - plant.time_s - (0.5 if changes else 0.0))
        for change in changes:
            if change.is_setpoint:
                plant.set(change.name, plant.value(change.name) + change.by)
            else:
                plant.run_for(at_s - plant.time_s)
                plant.disturb(change.name, change.by)
        plant.run_for(at_s + 0.5 - plant.time_s)
        if is_moment:
            _look(plant.field, found)
    return found


def in_the_box(case: Case, *overrides: str) -> Trajectory:
    """Under the blocks of the plant folder, over Modbus, with the redundant pair and everything."""

    async def story(box: Box, recorder: Recorder) -> Trajectory:
        found = Trajectory()
        for at_s, changes, is_moment in _legs(case):
            for change in changes:
                if change.is_setpoint:
                    await box.run_until_ns(at_s * 1_000_000_000 - 500_000_000)
                    now = float(recorder.trace(change.name)[1][-1])
                    reply = await box.command("C1", "set", change.name, now + change.by)
                    assert reply.ok, reply.text
                else:
                    await box.run_until_ns(at_s * 1_000_000_000)
                    box.field.simulation.set_disturbance(change.name, change.by)
            await box.run_until_ns(at_s * 1_000_000_000 + 500_000_000)
            if is_moment:
                box.field.simulation.advance()
                _look(box.field.simulation, found)
        return found

    return in_box(story, plant="tennessee_eastman", overrides=(VARIANT, *overrides), seed=0)


def _look(simulation: object, found: Trajectory) -> None:
    names = [point.name for point in simulation.driven_points]  # type: ignore[attr-defined]
    demands = simulation.demands()  # type: ignore[attr-defined]
    found.xmeas.append(simulation.plant.outputs[:41].copy())  # type: ignore[attr-defined]
    found.xmv.append(np.array([demands[names.index(f"XV-{n}")] for n in range(1, 13)]))


Runner = Callable[[Case], Trajectory]
