"""Linear analysis of a plant where it stands, as numbers for a table or for JSON.

Called by   ``dcs plant linearise`` through ``dcs.node.assembly``, and studies.
Knows       ``PlantModel``; everything comes out as plain numbers, lists and texts. What cannot be computed is None,
            with a sentence among ``notes`` that says why.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plant_models.differences import size_of
from plant_models.linear import LinearModel, find_steady_state, linearise
from plant_models.model import INPUT, OUTPUT, STATE, PlantModel
from plant_models.static_gain import StaticGain, static_gain
from plant_models.steady_state import unrest
from plant_models.study.pairing import propose, relative_gains

Matrix = NDArray[np.float64]
Report = dict[str, Any]

_DUST = 1e-6  # of a pole
_NOISE = 1e-8  # of an output's size, when an input moves by its own

AT_REST_PER_S = 1e-9
"""A plant whose fastest state moves by less than that share of its size every second stands still."""


def analyse(
    plant: PlantModel, inputs: Sequence[str] = (), outputs: Sequence[str] = (), *, search: bool = True
) -> Report:
    """Everything about the plant where it is; with ``search`` it first goes to the nearest steady state.

    Raises ``KeyError`` for unknown names, ``ValueError`` for a plant whose states cannot be seen or moved.
    """
    kind = plant.type
    if not kind.names(STATE):
        raise ValueError(
            f"plant {kind.name} does not show its states, so it cannot be linearised; "
            "`dcs plant step` shows how it answers"
        )
    notes: list[str] = []
    steady = _steady(plant, search, notes)
    model = linearise(plant, inputs, outputs)
    for name, matrix in (("A", model.a), ("B", model.b), ("C", model.c), ("D", model.d)):
        if not np.isfinite(matrix).all():
            raise ValueError(f"plant {kind.name}: its {name} matrix here is not finite; choose another operating point")
    static = _static(plant, model)
    poles = _poles(model, static.integrators)
    if any(pole["kind"] == "unstable" for pole in poles):
        notes.append("the plant is unstable: its static gains show only under control that stabilises it")
    report: Report = {
        "plant": kind.name,
        "setting": plant.setting,
        "time_s": plant.time_s,
        "steady_state": steady,
        "states": _values(plant, STATE, kind.names(STATE)),
        "inputs": _values(plant, INPUT, model.inputs),
        "outputs": _values(plant, OUTPUT, model.outputs),
        "poles": poles,
        "integrators": static.integrators,
        "zeros": _zeros(model, notes),
        "dead_times_s": _dead_times(plant, model),
        **_gains(plant, model, static, notes),
        "notes": notes,
    }
    return report


def _static(plant: PlantModel, model: LinearModel) -> StaticGain:
    """Found in units in which every variable's size counts as 1, told in its own unit."""
    states, ins, outs = (_sizes(plant, names) for names in (model.states, model.inputs, model.outputs))
    found = static_gain(
        model.a * states / states[:, None], model.b * ins / states[:, None],
        model.c * states / outs[:, None], model.d * ins / outs[:, None],
    )  # fmt: skip
    if found.gain is None or found.slope is None:
        return found
    gain = np.where(np.abs(found.gain) < _NOISE, 0.0, found.gain)  # NaN stays
    back = outs[:, None] / ins
    return StaticGain(found.integrators, gain * back, found.slope * back)


def _sizes(plant: PlantModel, names: Sequence[str]) -> Matrix:
    return np.array([size_of(plant.type.variable(name), plant.get(name)) for name in names])


def _steady(plant: PlantModel, search: bool, notes: list[str]) -> Report:
    at_first = unrest(plant)
    before = plant.states.copy()
    how = "as given"
    if search and not at_first.per_s <= AT_REST_PER_S:
        try:
            find_steady_state(plant)
            how = "found"
        except ArithmeticError:
            notes.append("no steady state was found from here: what follows holds for the first moments only")
    moved = np.abs(plant.states - before)
    now = unrest(plant)
    if not search and now.per_s > AT_REST_PER_S:
        notes.append("this is no steady state: what follows holds for the first moments only")
    farthest = int(np.argmax(moved / (np.abs(before) + 1e-300))) if moved.any() else -1
    if how == "found" and farthest >= 0:
        name = plant.type.names(STATE)[farthest]
        at = plant.states[farthest]
        notes.append(f"the steady state was searched: {name} went from {before[farthest]:.6g} to {at:.6g}")
    for variable, value in zip(plant.type.of_role(STATE), plant.states, strict=True):
        if not variable.low <= value <= variable.high:
            notes.append(
                f"{variable.name} = {value:.6g} {variable.unit} lies outside the range in which the model holds"
            )
    return {
        "how": how,
        "residual_per_s": now.per_s,
        "residual_state": now.state,
        "residual_before_per_s": at_first.per_s,
    }


def _values(plant: PlantModel, role: str, names: Sequence[str]) -> list[Report]:
    rows = []
    for name in names:
        v = plant.type.variable(name)
        rows.append(
            {"name": name, "unit": v.unit, "value": plant.get(name), "low": _number(v.low), "high": _number(v.high)}
        )
    return rows


def _poles(model: LinearModel, integrators: int) -> list[Report]:
    rows: list[Report] = []
    for number, value in enumerate(model.poles()):
        pole = 0j if number < integrators else _without_dust(complex(value))
        swings = pole.imag != 0.0
        rows.append(
            {
                "re": pole.real,
                "im": pole.imag,
                "kind": "integrator" if number < integrators else "unstable" if pole.real > 0.0 else "stable",
                "time_constant_s": 1.0 / abs(pole.real) if pole.real else math.inf,
                "period_s": 2.0 * math.pi / abs(pole.imag) if swings else None,
                "damping": -pole.real / abs(pole) if swings else None,
            }
        )
    return rows


def _without_dust(value: complex) -> complex:
    """Equal real poles come out of the computer as pairs that hardly swing."""
    return complex(value.real, 0.0) if abs(value.imag) < _DUST * abs(value) else value


def _zeros(model: LinearModel, notes: list[str]) -> list[Report] | None:
    if len(model.inputs) != len(model.outputs):
        notes.append(
            f"transmission zeros need as many inputs as outputs, not {len(model.inputs)} and {len(model.outputs)}: "
            "choose with --inputs and --outputs"
        )
        return None
    zeros = [_without_dust(complex(zero)) for zero in model.zeros()]
    return [{"re": zero.real, "im": zero.imag, "right_half_plane": zero.real > 0.0} for zero in zeros]


def _dead_times(plant: PlantModel, model: LinearModel) -> list[Report]:
    """Dead times between inputs and outputs, which the rational model leaves out."""
    known: Mapping[tuple[str, str], float] = getattr(plant.type, "dead_times_s", {})
    return [
        {"output": output, "input": name, "dead_time_s": known[output, name]}
        for output in model.outputs
        for name in model.inputs
        if known.get((output, name), 0.0) > 0.0
    ]


def _gains(plant: PlantModel, model: LinearModel, static: StaticGain, notes: list[str]) -> Report:
    found: Report = dict.fromkeys(
        ("gain", "slope_per_s", "gain_percent", "relative_gains", "niederlinski", "pairing", "singular_values",
         "condition_number", "scaled_by")
    )  # fmt: skip
    gain, slope = static.gain, static.slope
    if gain is None or slope is None:
        notes.append("integrators follow on one another: there are no static gains and no relative gains")
        return found
    found["gain"] = _matrix(gain)
    ramps = bool(slope.any())
    if ramps:
        found["slope_per_s"] = _matrix(slope)
        notes.append(
            "the plant integrates: where an output ramps there is no static gain, but a slope per second; "
            "singular values are not computed, relative gains take the slopes of outputs that ramp"
        )
    leading = np.where(slope.any(axis=1, keepdims=True), slope, gain)
    spans = [_span(plant, name) for name in model.inputs], [_span(plant, name) for name in model.outputs]
    scaled = None
    if all(map(math.isfinite, (*spans[0], *spans[1]))):
        to_percent = np.array(spans[0])[None, :] / np.array(spans[1])[:, None]
        scaled, leading = gain * to_percent, leading * to_percent
        found["gain_percent"] = _matrix(scaled)
    else:
        notes.append("some variables have no range: gains in % of range are not computed")
    _relative(found, leading, notes)
    if not ramps:
        strengths = np.linalg.svd(gain if scaled is None else scaled, compute_uv=False)
        found["scaled_by"] = "units" if scaled is None else "ranges"
        found["singular_values"] = [float(value) for value in strengths]
        smallest = float(strengths.min(initial=math.inf))
        found["condition_number"] = float(strengths.max()) / smallest if smallest > 1e-300 else None
    return found


def _relative(found: Report, leading: Matrix, notes: list[str]) -> None:
    relative = relative_gains(leading)
    if relative is None:
        still = np.flatnonzero(~leading.any(axis=1))
        why = "an output answers to no input" if still.size else "some outputs cannot be moved apart from one another"
        notes.append(f"relative gains are not computed: {why}; choose with --inputs and --outputs")
        return
    found["relative_gains"] = _matrix(relative)
    pairing = propose(leading, relative)
    found["niederlinski"] = _number(pairing.niederlinski)
    found["pairing"] = [
        {"output": output, "input": name, "relative_gain": float(relative[output, name])}
        for output, name in pairing.loops
    ]


def _span(plant: PlantModel, name: str) -> float:
    variable = plant.type.variable(name)
    return variable.high - variable.low


def _matrix(values: Matrix) -> list[list[float | None]]:
    return [[_number(float(value)) for value in row] for row in values]


def _number(value: float) -> float | None:
    """None for what JSON has no word for."""
    return value if math.isfinite(value) else None
