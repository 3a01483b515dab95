"""Field points of the Tennessee Eastman plant in its published units."""

from pathlib import Path

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.load import load_plant
from dcs.core.units import convert
from plant_models.model import OUTPUT, PLANTS, STATE

PLANT = PLANTS["tennessee_eastman"]
HEAD = """\
plant: te
model: {type: tennessee_eastman, setting: base, step: 1 s}
scan_classes: {loops: {period: 1 s}}
controllers: {C1: {members: [C1A]}}
bus: {port: auto}
"""
RANGES = {"xmeas1": "[0, 1.017, kscmh]", "xmeas7": "[0, 3200, kPa]", "xmeas8": "[-30, 140, '%']"}
"""Ranges that a configuration will want, at least."""


def test_every_measurement_and_state_can_be_a_point_in_its_own_unit(tmp_path: Path) -> None:
    points = []
    for number, variable in enumerate((*PLANT.of_role(OUTPUT), *PLANT.of_role(STATE))):
        span = RANGES.get(variable.name, f"[{variable.low}, {variable.high}, '{variable.unit}']")
        unit = variable.unit if variable.unit != "1" else ""
        points.append(
            f"      P{number}: {{table: input, address: {2 * number}, type: float32, unit: '{unit}', "
            f"direction: in, signal: {{variable: {variable.name}, range: {span}}}}}"
        )
    (tmp_path / "plant.yaml").write_text(HEAD)
    field = "devices:\n  D1:\n    port: 5020\n    simulate: true\n    points:\n" + "\n".join(points) + "\n"
    (tmp_path / "field.yaml").write_text(field)
    (tmp_path / "control.yaml").write_text("modules: {}\n")
    config = load_plant(tmp_path, PLANTS)
    assert len(config.devices[0].points) == len(points)


def test_units_of_the_plant() -> None:
    assert convert(1.0, "kscmh", "scmh") == 1000.0
    assert convert(1.0, "lbmol", "mol") == 453.59237
    assert convert(25.0, "mol%", "%") == 25.0
    assert convert(1.0, "MBtu", "kWh") == 1055055852.62 / 3.6e6
