"""An FMU as the plant of a folder: field points on its variables, a PID closes a loop, in the box and alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from dcs.core.errors import ConfigError
from dcs.node.assembly import build_direct, load_configuration
from dcs.node.direct import DirectPlant
from plant_models.model import NoSnapshot
from tests.interop.fmu.maker import make_fmu, needs_compiler
from tests.support.command_line import dcs

SP_M = 0.4

FILES = {
    "plant.yaml": """
plant: fmu_tank
title: Tank from elsewhere
model: {type: fmu, file: tank.fmu, step: 100 ms, parameters: {area: 0.08}}
scan_classes: {loops: {period: 500 ms}}
controllers: {C1: {members: [C1A]}}
bus: {host: 127.0.0.1, port: auto}
""",
    "field.yaml": """
devices:
  RTU-1:
    description: Tank
    protocol: modbus-tcp
    host: 127.0.0.1
    port: auto
    unit: 1
    simulate: true
    poll: 500 ms
    points:
      LT-1: {table: input, address: 0, type: float32, unit: m, direction: in, description: Level,
             signal: {variable: level, range: [0, 1.5, m]}}
      FV-1: {table: holding, address: 10, type: float32, unit: "%", direction: out, description: Feed valve,
             signal: {variable: inflow, range: [0, 0.01, m3/s]}}
""",
    "control.yaml": """
modules:
  LIC-1:
    description: Level of the tank
    scan: loops
    main: pid
    blocks:
      ai: {type: AI, inputs: {raw: LT-1}, xd_scale: [0, 1.5, m], out_scale: [0, 1.5, m]}
      pid: {type: PID, inputs: {pv: ai.out, bkcal_in: ao.bkcal_out}, pv_scale: [0, 1.5, m], out_scale: [0, 100, "%"],
            gain: 3.0, ti_s: 30, sp: 0.4 m, target: AUTO, normal: AUTO, permitted: [MAN, AUTO]}
      ao: {type: AO, inputs: {cas_in: pid.out, readback: FV-1}, outputs: {out: FV-1}}
""",
    "alarms.yaml": "{}\n",
}


@pytest.fixture(autouse=True)
def _compiler() -> None:
    needs_compiler()


def plant_folder(tmp_path: Path, **changes: Any) -> Path:
    folder = tmp_path / "fmu_tank"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    make_fmu(folder / "tank.fmu", **changes)
    return folder


def direct(folder: Path) -> DirectPlant:
    return build_direct(load_configuration(folder), 1, 1.0)


@pytest.mark.parametrize("version", [2, 3])
def test_a_loop_holds_the_level_of_an_fmu_in_the_box(tmp_path: Path, version: int) -> None:
    folder, out = plant_folder(tmp_path, version=version), tmp_path / "out"
    done = dcs("simulate", folder, "--for", "10min", "--out", out, "--json")
    assert done.code == 0, done.err
    import pyarrow.parquet as pq

    samples = pq.read_table(out / "samples.parquet", columns=["tag", "value"]).to_pydict()
    levels = [value for tag, value in zip(samples["tag"], samples["value"], strict=True) if tag == "LIC-1.PV"]
    assert len(levels) > 1000
    assert abs(levels[0] - 0.2) < 0.01, "the start value of the FMU"
    assert abs(levels[-1] - SP_M) < 0.002
    assert json.loads(done.out)["simulated_s"] == 600.0


def test_a_study_goes_back_to_the_same_bits(tmp_path: Path) -> None:
    one = direct(plant_folder(tmp_path))
    plant = one.field.plant
    one.run_for(60)
    kept, inside = one.snapshot(), plant.snapshot()
    one.set("LIC-1.SP", 0.7)
    one.run_for(60)
    first, level = plant.snapshot(), one.value("LIC-1.PV")
    one.restore(kept)
    assert plant.snapshot() == inside != first
    one.set("LIC-1.SP", 0.7)
    one.run_for(60)
    assert plant.snapshot() == first
    assert one.value("LIC-1.PV") == level
    assert plant.get("area") == 0.08, "the parameter of plant.yaml"


def test_an_fmu_without_a_state_runs_in_the_field_and_only_the_snapshot_is_missing(tmp_path: Path) -> None:
    plant = direct(plant_folder(tmp_path, restorable=False))
    assert plant.field.plant.time_s == 0.0, "nothing was tried out that cannot be taken back"
    plant.run_for(600)
    assert abs(plant.value("LIC-1.PV") - SP_M) < 0.002
    with pytest.raises(NoSnapshot, match="cannot give away its state"):
        plant.snapshot()


def test_what_is_wrong_with_the_fmu_stands_at_its_line_of_plant_yaml(tmp_path: Path) -> None:
    folder = plant_folder(tmp_path, interface="ModelExchange")
    with pytest.raises(ConfigError, match=r"plant.yaml:4: model: tank.fmu offers model exchange only"):
        load_configuration(folder)
    make_fmu(folder / "tank.fmu")
    text = (folder / "plant.yaml").read_text(encoding="utf-8")
    (folder / "plant.yaml").write_text(text.replace("{type: fmu,", "{type: fmu, integrator: rk4,"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"plant.yaml:4: model: fmu brings its own integrator. Delete `integrator`."):
        load_configuration(folder)
    (folder / "tank.fmu").unlink()
    with pytest.raises(ConfigError, match=r"plant.yaml:4: model: there is no FMU"):
        load_configuration(folder)


def test_a_field_point_on_a_variable_that_the_fmu_does_not_have_is_refused(tmp_path: Path) -> None:
    folder = plant_folder(tmp_path)
    text = (folder / "field.yaml").read_text(encoding="utf-8")
    (folder / "field.yaml").write_text(text.replace("variable: level", "variable: levle"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"Did you mean `level`\?"):
        load_configuration(folder)


def test_the_plant_of_the_folder_can_be_run_alone(tmp_path: Path) -> None:
    folder = plant_folder(tmp_path)
    shown = json.loads(dcs("plant", "info", folder, "--json").out)
    assert [v["name"] for v in shown["variables"] if v["role"] == "input"] == ["inflow", "drain"]
    run = dcs("plant", "run", folder, "--for", "10s", "--every", "5s", "--columns", "level,area")
    assert run.code == 0, run.err
    rows = [line.split(",") for line in run.out.split()]
    assert rows[0] == ["t_s", "level", "area"]
    assert [row[2] for row in rows[1:]] == ["0.08"] * 3
    burst = dcs("plant", "run", folder / "tank.fmu", "--for", "1s", "--param", "fault=1", "--until-trip", "--json")
    assert burst.code == 0
    assert json.loads(burst.out)["stopped"] == "failed"
    assert "failed begins" in burst.err
    assert dcs("plant", "linearise", folder).code == 2
