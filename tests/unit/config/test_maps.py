"""Maps under devices: what is taken, what holds, where a mistake is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from dcs.config.load import load_plant
from dcs.config.map_device import device_of
from dcs.core.errors import ConfigError, Place
from field_io.maps.library import library_names
from field_io.specs import PointSpec
from plant_models.library import PLANTS
from tests.unit.config.fields_of import devices_of

OWN = """
identity: {maker: Nobody, model: M-1, revision: "3", source: a test, url: "https://example.org"}
word_order: low_first
limits: {registers_per_read: 20}
defaults: {table: input, type: float32, direction: in}
points:
  flow: {address: 0, unit: m3/h, description: Flow}
  total: {address: 2, unit: m3, type: float64}
  fault: {address: 6, type: uint16, choices: {0: none, 1: sensor}}
  damping: {table: holding, address: 0, unit: s, direction: out}
"""
CSV = """# identity: {maker: Nobody, model: M-1, revision: "3", source: a test, url: "https://example.org"}
# word_order: low_first
# limits: {registers_per_read: 20}
name,address,table,type,direction,unit,choices,description
flow,0,input,float32,in,m3/h,,Flow
total,2,input,float64,in,m3,,
fault,6,input,uint16,in,,"{0: none, 1: sensor}",
damping,0,holding,float32,out,s,,
"""


def bare(point: PointSpec) -> PointSpec:
    return replace(point, place=Place())


@pytest.mark.parametrize(("name", "text"), [("own_dot_yaml", OWN), ("own_dot_csv", CSV)], ids=["yaml", "csv"])
def test_a_map_holds_where_field_yaml_says_nothing(name: str, text: str) -> None:
    field = f"""
devices:
  FQ-1:
    map: {name.replace("_dot_", ".")}
    limits: {{in_flight: 2}}
    points:
      FT-1: {{use: flow, unit: l/s, scale: 0.5}}
      FT-1-FAULT: {{use: fault}}
"""
    devices, errors = devices_of(field, **{name: text})
    assert errors == []
    device = devices["FQ-1"]
    assert device.description == "Nobody M-1"
    assert device.identity == ((0, "Nobody"), (1, "M-1"), (2, "3"), (4, "M-1"))
    assert (device.limits.registers_per_read, device.limits.in_flight) == (20, 2)
    flow, fault = device.points
    assert (flow.name, flow.of_map, flow.unit, flow.scale) == ("FT-1", "flow", "l/s", 0.5)
    assert (flow.table, flow.address, flow.type, flow.word_order) == ("input", 0, "float32", "low_first")
    assert flow.description == "Flow"
    assert fault.choices == ((0, "none"), (1, "sensor"))
    assert device.untaken == ()  # a real device has what it has


def test_yaml_and_csv_describe_the_same() -> None:
    field = "devices:\n  A: {{map: {}, prefix: A_, take: [flow, total, fault, damping], simulate: true, port: 1}}\n"
    of_yaml, _ = devices_of(field.format("own.yaml"), own_dot_yaml=OWN)
    of_csv, errors = devices_of(field.format("own.csv"), own_dot_csv=CSV)
    assert errors == []
    assert [bare(p) for p in of_yaml["A"].points] == [bare(p) for p in of_csv["A"].points]
    assert len(of_csv["A"].points) == 4


def test_a_prefix_takes_every_input_and_a_simulated_device_serves_the_rest() -> None:
    field = """
devices:
  FQ-1:
    map: own.yaml
    prefix: FQ-1_
    simulate: true
    points:
      FT-1: {use: flow}
      FQ-1_total: {unit: l}
"""
    devices, errors = devices_of(field, own_dot_yaml=OWN)
    assert errors == []
    device = devices["FQ-1"]
    assert [(point.name, point.of_map, point.unit) for point in device.points] == [
        ("FT-1", "flow", "m3/h"), ("FQ-1_total", "total", "l"), ("FQ-1_fault", "fault", ""),
    ]  # fmt: skip
    assert [(point.name, point.of_map) for point in device.untaken] == [("FQ-1.damping", "damping")]


def test_an_own_point_hides_what_the_map_has_in_its_registers() -> None:
    field = """
devices:
  FQ-1: {map: own.yaml, simulate: true, points: {X: {table: input, address: 1, direction: in}}}
"""
    devices, errors = devices_of(field, own_dot_yaml=OWN)
    assert errors == []
    assert {point.of_map for point in devices["FQ-1"].untaken} == {"total", "fault", "damping"}


@pytest.mark.parametrize(
    ("device", "own", "message"),
    [
        (
            "{map: own.yaml, points: {A: {use: flaw}}}", OWN,
            "field.yaml:2: A: the device's map has no point `flaw`. Did you mean `flow`?",
        ),
        (
            "{map: own.yaml, take: [flow, totl]}", OWN,
            "field.yaml:2: device D: the device's map has no point `totl`. Did you mean `total`?",
        ),
        (
            "{map: gone.yaml}", OWN,
            "field.yaml:2: there is no file `gone.yaml` in the plant folder. Create it, or correct the name.",
        ),
        ("{map: ../own.yaml}", OWN, "field.yaml:2: `../own.yaml` leads out of the plant folder. Put the file into it."),
        (
            "{map: own.yaml, prefix: D_}", OWN.replace("type: float64", "type: flaot64"),
            "own.yaml:8: points.total.type: `flaot64` is not one of the choices. Did you mean `float64`?",
        ),
        (
            "{map: own.yaml, prefix: D_}", OWN.replace("unit: m3,", "unit: m3, signal: {variable: x, range: [0, 1]},"),
            "own.yaml:8: points.total: `signal` belongs to a device of a plant. "
            "Write it in field.yaml, with `use: total`.",
        ),
        (
            "{map: own.yaml, prefix: D_}", OWN.replace("address: 2,", "address: 1,"),
            "own.yaml:8: D_total: its register is already taken by D_flow (input 0 to 1) in device D. Correct one of "
            "the addresses; 2 is the next behind D_flow. Found in device D (field.yaml:2).",
        ),
        (
            "{map: own.yaml, prefix: 'D '}", OWN.replace("  total", "# total").replace("  fault", "# fault"),
            "field.yaml:2: devices.D.points.D flow: `D flow` is not a name. Use letters, digits, `-` and `_`, "
            "beginning with a letter or digit.",
        ),
        (
            "{map: own.csv, prefix: D_}", CSV.replace("total,2", "flow,2"),
            "own.csv:6: the point flow is given twice, first on line 5. Delete one.",
        ),
        (
            "{map: own.csv, prefix: D_}", CSV.replace("name,address", "nam,address"),
            "own.csv:4: there is no column `nam`. Did you mean `name`?\n"
            "own.csv:4: the column `name` is missing. Name the columns in the first row, such as "
            "`name,table,address,type,unit,direction`.",
        ),
        (
            "{map: own.csv, prefix: D_}", CSV.replace("# word_order", "# wordorder"),
            "own.csv:2: unknown key `wordorder`. Did you mean `word_order`?",
        ),
        (
            "{map: own.csv, prefix: D_}", CSV.replace("flow,0,", "flow,zero,"),
            "own.csv:5: points.flow.address: `zero` does not fit. Write a whole number from 0 to 65535.",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once_where_it_stands(device: str, own: str, message: str) -> None:
    _, errors = devices_of(f"devices:\n  D: {device}\n", own_dot_yaml=own, own_dot_csv=own)
    assert "\n".join(errors) == message


def test_a_mistake_in_a_map_of_many_devices_is_told_once() -> None:
    field = "devices:\n" + "".join(f"  D{n}: {{unit: {n}, map: own.yaml, prefix: D{n}_}}\n" for n in range(5))
    _, errors = devices_of(field, own_dot_yaml=OWN.replace("unit: m3,", "unit: m3, scale: 0,"))
    assert len(errors) == 1
    assert errors[0].startswith("own.yaml:8: D0_total: scale and offset must be finite")


def test_the_texts_of_maps_and_tables_travel_with_the_plant(tank: Path) -> None:
    (tank / "maps").mkdir()
    (tank / "maps" / "own.csv").write_text(CSV, encoding="utf-8")
    (tank / "field").mkdir()
    table = "tag,device,table,address,type,direction\nSPARE-9,RTU-1,input,40,int16,in\n"
    (tank / "field" / "points.csv").write_text(table, encoding="utf-8")
    field = tank / "field.yaml"
    field.write_text(
        field.read_text(encoding="utf-8") + "  FQ-1: {map: maps/own.csv, prefix: FQ-1_, port: 5500}\n", encoding="utf-8"
    )
    here = load_plant(tank, PLANTS)
    assert {"maps/own.csv", "field/points.csv"} <= set(dict(here.texts))
    elsewhere = load_plant("nowhere", PLANTS, (), dict(here.texts))
    names = [[point.name for point in device.points] for device in elsewhere.devices]
    assert names == [[point.name for point in device.points] for device in here.devices]
    assert "SPARE-9" in names[0]
    assert "FQ-1_flow" in names[-1]
    (tank / "maps" / "own.csv").write_text(CSV.replace("m3/h", "l/s"), encoding="utf-8")
    assert load_plant(tank, PLANTS).digest != here.digest


def test_the_library_is_shipped() -> None:
    assert len([name for name in library_names() if not name.startswith("generic_")]) >= 8


def test_a_map_is_a_device_to_whoever_has_no_plant_folder(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(CSV, encoding="utf-8")
    device = device_of(str(path))
    assert [point.name for point in device.points] == ["flow", "total", "fault", "damping"]
    assert device.points[0].word_order == "low_first"
    path.write_text(CSV.replace("total,2", "total,1"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        device_of(str(path))
    assert str(caught.value).startswith(f"{path}:6: total: its register is already taken by flow (input 0 to 1)")
