"""Promises of docs/how-to/describe-a-device.md: its files make a plant of meters, and its mistake gives its message."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from dcs.cli.check import check_plant
from dcs.config.load import load_plant
from dcs.core.errors import ConfigError
from dcs.node.assembly import build_direct
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from field_io.specs import DeviceSpec
from plant_models.library import PLANTS
from tests.support.boxes import in_box
from tests.unit.config.fields_of import devices_of

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "describe-a-device.md"


def fenced(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = Path("hall")
    for text in (*fenced("yaml"), *fenced("csv")):
        name = text.splitlines()[0].removeprefix("# ")
        if name.endswith((".yaml", ".csv")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    meters = folder / "field" / "meters.yaml"
    line = next(line for line in meters.read_text(encoding="utf-8").splitlines() if "HM-02" in line)
    more = (line.replace("HM-02", f"HM-{n:02d}").replace("unit: 2,", f"unit: {n},") for n in range(3, 21))
    meters.write_text(meters.read_text(encoding="utf-8") + "\n".join(more) + "\n", encoding="utf-8")
    return folder


def test_the_files_of_the_how_to_are_fit_to_start(hall: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_plant(str(hall), (), False) == 0
    assert "25 devices" in capsys.readouterr().out


def test_behaviours_reach_the_controllers_without_registers_too(hall: Path) -> None:
    plant = build_direct(load_plant(hall, PLANTS), 1)
    plant.run_for(2.0)
    plant.set("HC-1.SP", 100.0)
    plant.run_for(5.0)
    assert 15.0 < plant.value("ZI-1.PV") < 30.0  # a quarter of its travel
    plant.run_for(143.0)
    assert plant.value("FI-1.PV") == pytest.approx(50.0, abs=0.05)  # a quarter of its period
    assert plant.value("ZI-1.PV") == 100.0


def test_a_gateway_answers_for_twenty_meters(hall: Path) -> None:
    """Over the wire protocol, in simulated time; every meter says something of its own."""
    path = hall / "control.yaml"
    modules = "".join(
        f"  HI-{n:02d}:\n    blocks:\n"
        f"      ai: {{type: AI, inputs: {{raw: HM-{n:02d}_power_total}}, xd_scale: [0, 20000, W], "
        "out_scale: [0, 20, kW]}\n"
        for n in range(1, 21)
    )
    path.write_text(path.read_text(encoding="utf-8") + modules, encoding="utf-8")

    async def story(box: Box, recorder: Recorder) -> list[float]:
        await box.run_for(10.0)
        names = ["JI-1.PV", "JI-2.PV", *(f"HI-{n:02d}.PV" for n in range(1, 21))]
        return [float(recorder.trace(name)[1][-1]) for name in names]

    seen = in_box(story, plant=hall)
    assert len(set(seen)) == 22
    assert all(5.0 < value < 8.0 for value in (seen[0], *seen[2:]))
    assert 20.0 < seen[1] < 30.0


def test_the_map_as_a_table_is_the_same_map() -> None:
    of_yaml, of_csv = fenced("yaml")[1], fenced("csv")[0]
    field = "devices: {{D: {{map: {}, prefix: D_, take: [flow, total, state, damping]}}}}"
    one, errors = devices_of(field.format("m.yaml"), m_dot_yaml=of_yaml)
    other, more = devices_of(field.format("m.csv"), m_dot_csv=of_csv)
    assert errors == more == []

    def bare(device: DeviceSpec) -> DeviceSpec:
        points = tuple(replace(point, place=device.place) for point in device.points)
        return replace(device, points=points, map="", place=device.place)

    assert replace(bare(one["D"])) == bare(other["D"])


def test_the_mistake_of_the_how_to_gives_its_message(hall: Path) -> None:
    path = hall / "maps" / "flow_meter.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("type: float64", "type: flaot64"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_plant(hall, PLANTS)
    message = next(line for line in HOW_TO.read_text(encoding="utf-8").splitlines() if "flaot64" in line)
    assert message in str(caught.value).splitlines()
