"""FMUs as plants: what one brings is what the plant does, and what one lacks is a sentence.

The FMUs are built here (``tests/interop/fmu``): the same tank behind FMI 2 and FMI 3.
"""

import builtins
import math
import zipfile
from pathlib import Path
from typing import Any

import pytest

from plant_models.fmu.plant import read_fmu
from plant_models.library import PLANTS
from plant_models.model import INPUT, OUTPUT, PARAMETER, STATE, NoSnapshot, PlantModel
from tests.interop.fmu.maker import make_fmu, needs_compiler

BOTH = pytest.mark.parametrize("version", [2, 3])
DT_S = 0.1


@pytest.fixture(autouse=True)
def _compiler() -> None:
    needs_compiler()


def tank(folder: Path, **changes: Any) -> PlantModel:
    return PLANTS.open("fmu", make_fmu(folder / "tank.fmu", **changes)).create()


def level_after(steps: int, inflow: float, *, area: float = 0.05, outlet: float = 5e-4, start: float = 0.2) -> float:
    """The tank's own steps of 0.01 s, by hand."""
    level = start
    for _ in range(steps * 10):
        level += 0.01 * (inflow - outlet * math.sqrt(2.0 * 9.81 * level)) / area
    return level


@BOTH
def test_its_variables_are_those_of_the_description(tmp_path: Path, version: int) -> None:
    kind = read_fmu(make_fmu(tmp_path / "tank.fmu", version=version))
    assert kind.names(INPUT) == ("inflow", "drain")
    assert kind.names(OUTPUT) == ("level", "outflow", "steps", "full")
    assert kind.names(PARAMETER) == ("area", "outlet", "fault")
    assert kind.names(STATE) == ()
    inflow, drain = kind.variable("inflow"), kind.variable("drain")
    assert (inflow.unit, inflow.low, inflow.high) == ("m3/s", 0.0, 0.01), "unit and range come from the declared type"
    assert (drain.unit, drain.low, drain.high) == ("1", 0.0, 1.0)
    assert (kind.variable("area").low, kind.variable("area").high) == (-math.inf, math.inf)
    assert kind.settings[0].inputs == {"inflow": 1e-3, "drain": 0.0}
    assert kind.step_s == 0.1
    assert f"FMI {version}" in kind.reference


@BOTH
def test_it_runs_as_the_tank_that_is_in_it(tmp_path: Path, version: int) -> None:
    plant = tank(tmp_path, version=version)
    assert plant.get("level") == 0.2
    assert plant.get("outflow") == pytest.approx(5e-4 * math.sqrt(2 * 9.81 * 0.2), rel=1e-12)
    plant.set("inflow", 3e-3)
    plant.advance(DT_S, 50)
    assert plant.get("level") == level_after(50, 3e-3)
    assert plant.time_s == pytest.approx(5.0)
    assert plant.get("steps") == 50.0
    plant.inputs[1] = 1.0  # the switch opens the outlet to the double
    plant.advance(DT_S, 10)
    assert plant.get("level") == level_after(10, 3e-3, outlet=1e-3, start=level_after(50, 3e-3))
    assert plant.take_events() == []


@BOTH
def test_parameters_hold_from_the_start_and_tunable_ones_may_change_later(tmp_path: Path, version: int) -> None:
    plant = tank(tmp_path, version=version)
    plant.set("area", 0.1)
    plant.advance(DT_S, 20)
    assert plant.get("level") == level_after(20, 1e-3, area=0.1)
    with pytest.raises(ValueError, match="area is fixed in the FMU and can only be set before it runs"):
        plant.set("area", 0.2)
    before = plant.get("level")
    plant.set("outlet", 1e-3)
    plant.advance(DT_S, 10)
    assert plant.get("level") == level_after(10, 1e-3, area=0.1, outlet=1e-3, start=before)


@BOTH
def test_a_snapshot_brings_back_the_future_bit_for_bit(tmp_path: Path, version: int) -> None:
    plant = tank(tmp_path, version=version)
    plant.set("inflow", 2e-3)
    plant.advance(DT_S, 33)
    taken = plant.snapshot()
    plant.set("inflow", 7e-3)
    plant.set("outlet", 2e-3)
    plant.advance(DT_S, 40)
    first = plant.snapshot()
    plant.restore(taken)
    assert plant.snapshot() == taken
    assert (plant.get("inflow"), plant.get("outlet")) == (2e-3, 5e-4)
    plant.set("inflow", 7e-3)
    plant.set("outlet", 2e-3)
    plant.advance(DT_S, 40)
    assert plant.snapshot() == first
    other = tank(tmp_path, version=version)
    other.restore(first)
    assert other.outputs.tobytes() == plant.outputs.tobytes()
    other.advance(DT_S)
    plant.advance(DT_S)
    assert other.snapshot() == plant.snapshot()
    with pytest.raises(ValueError, match="not a snapshot of plant tank"):
        plant.restore(b"something else")


@BOTH
def test_without_serialisation_there_is_no_snapshot_but_it_runs(tmp_path: Path, version: int) -> None:
    plant = tank(tmp_path, version=version, restorable=False)
    with pytest.raises(NoSnapshot, match=r"tank.fmu cannot give away its state .canGetAndSetFMUState"):
        plant.snapshot()
    plant.advance(DT_S, 5)
    assert plant.get("level") == level_after(5, 1e-3)


@BOTH
@pytest.mark.parametrize(
    ("fault", "condition"), [(1, "failed"), (3, "terminated"), (2, "out_of_range:level")], ids=["fails", "ends", "nan"]
)
def test_a_tank_that_breaks_down_is_an_event_and_then_stands(
    tmp_path: Path, version: int, fault: int, condition: str
) -> None:
    """Promise: nothing that is not a number gets out, and nothing is raised into the field node."""
    plant = tank(tmp_path, version=version)
    plant.advance(DT_S, 10)
    level = plant.get("level")
    plant.set("fault", fault)
    plant.advance(DT_S, 3)
    events = plant.take_events()
    assert (events[0].condition, events[0].active, events[0].time_s) == (condition, True, pytest.approx(1.1))
    assert len(events) <= 2, "the outflow of a level that is not a number is none either"
    assert condition in plant.active_conditions()
    assert plant.get("level") == level
    assert all(map(math.isfinite, plant.outputs))
    steps = plant.get("steps")
    plant.advance(DT_S, 3)
    assert plant.get("steps") == steps, "nothing steps any more"
    assert plant.time_s == pytest.approx(1.6)
    assert plant.get("level") == level
    assert plant.take_events() == []


@BOTH
def test_a_level_outside_its_range_is_an_event_with_its_value(tmp_path: Path, version: int) -> None:
    plant = tank(tmp_path, version=version)
    plant.set("inflow", 0.01)
    plant.advance(DT_S, 200)
    (event,) = plant.take_events()
    assert (event.condition, event.active) == ("out_of_range:level", True)
    assert 1.5 < event.value < 1.52
    assert plant.get("full") == 1.0
    plant.set("inflow", 0.0)
    plant.advance(DT_S, 500)
    assert [(e.condition, e.active) for e in plant.take_events()] == [("out_of_range:level", False)]


@BOTH
def test_inputs_that_are_no_number_do_not_reach_it(tmp_path: Path, version: int) -> None:
    plant = tank(tmp_path, version=version)
    plant.inputs[0] = math.nan
    plant.advance(DT_S, 10)
    assert plant.get("level") == level_after(10, 1e-3)
    plant.inputs[0] = 5.0  # beyond what the FMU says it can take
    plant.advance(DT_S, 10)
    assert plant.get("level") == level_after(10, 0.01, start=level_after(10, 1e-3))
    with pytest.raises(ValueError, match="lies outside"):
        plant.set("inflow", 5.0)
    with pytest.raises(KeyError, match="no variable 'inflo'; it has inflow"):
        plant.set("inflo", 1e-3)
    with pytest.raises(KeyError, match="is an output"):
        plant.set("level", 1.0)


def test_a_step_that_the_fmu_cannot_make_is_refused(tmp_path: Path) -> None:
    plant = tank(tmp_path, version=3)
    with pytest.raises(ValueError, match=r"steps inside by 0.01 s, which does not divide 0.015 s"):
        plant.advance(0.015)
    plant = tank(tmp_path, version=2, variable_step=False)
    plant.advance(0.1, 3)
    with pytest.raises(ValueError, match=r"keeps the step it began with, 0.1 s; not 0.2 s"):
        plant.advance(0.2)
    with pytest.raises(ValueError, match="step must be above 0 s"):
        plant.advance(0.0)
    with pytest.raises(KeyError, match=r"brings its own integrator; 'rk4' cannot be chosen"):
        plant.type.create(integrator="rk4")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "model exchange": ({"interface": "ModelExchange"}, "offers model exchange only; a plant needs co-simulation"),
    "other platform": ({"binary": False}, r"has no binaries for this platform \(\w+\); it has some for win32"),
    "needs its tool": ({"tool": True}, r"needs the tool it was made with \(make\)"),
    "FMI 1": ({"fmi": "1.0"}, "is an FMU of FMI 1.0; 2.0 and 3.0 can be used"),
    "no outputs": ({"outputs": False}, "has no outputs that are numbers"),
    "declared twice": (
        {"more": '<ScalarVariable name="drain" valueReference="0" causality="input"><Real/></ScalarVariable>'},
        "declared twice: drain",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_an_fmu_lacks_is_a_sentence(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_fmu(make_fmu(tmp_path / "tank.fmu", **changes))


@BOTH
def test_an_fmu_that_does_not_start_says_so(tmp_path: Path, version: int) -> None:
    with pytest.raises(ValueError, match=r"tank.fmu cannot be instantiated; a licence or a file may be missing"):
        tank(tmp_path, version=version, token="of another build")
    plant = tank(tmp_path, version=version)
    with pytest.raises(ValueError, match=r"does not take a value .*It says: the area cannot be that now"):
        plant.set("area", -1.0)
    assert plant.get("area") == 0.05
    plant.advance(DT_S)
    assert plant.get("level") == level_after(1, 1e-3), "it goes on with the value that it had"


def test_what_is_no_fmu_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no FMU .*absent.fmu"):
        read_fmu(tmp_path / "absent.fmu")
    (tmp_path / "text.fmu").write_text("no zip")
    with pytest.raises(ValueError, match=r"text.fmu cannot be read as an FMU: File is not a zip file"):
        read_fmu(tmp_path / "text.fmu")
    with zipfile.ZipFile(tmp_path / "empty.fmu", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(ValueError, match=r"empty.fmu cannot be read as an FMU"):
        read_fmu(tmp_path / "empty.fmu")
    broken = make_fmu(tmp_path / "broken.fmu")
    with zipfile.ZipFile(tmp_path / "torn.fmu", "w") as archive, zipfile.ZipFile(broken) as whole:
        for name in whole.namelist():
            archive.writestr(name, whole.read(name) if name.endswith("xml") else b"no library")
    with pytest.raises(ValueError, match=r"torn.fmu: its library cannot be loaded"):
        read_fmu(tmp_path / "torn.fmu").create()


def test_without_fmpy_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = make_fmu(tmp_path / "tank.fmu")
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "fmpy":
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r"pip install 'dcs-emulator\[fmu\]'"):
        read_fmu(file)


def test_variables_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    text = '<ScalarVariable name="who" valueReference="9" causality="output" variability="discrete"><String/>'
    kind = read_fmu(make_fmu(tmp_path / "tank.fmu", more=text + "</ScalarVariable>"))
    assert "who" not in [v.name for v in kind.variables]
