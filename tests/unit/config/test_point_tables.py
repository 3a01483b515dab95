"""Tables of points: the same as in YAML, the same sentences with file and line, and fast."""

import csv
import io
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.bench.points import write_folder
from dcs.config.load import load_plant
from dcs.config.point_columns import columns
from dcs.config.source import plain_value
from dcs.core.errors import ConfigError, Place
from field_io.specs import DeviceSpec, PointSpec
from plant_models.library import PLANTS
from tests.unit.config.fields_of import devices_of

TEXTS = (
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=12)
    .map(str.strip)
    .filter(lambda text: isinstance(plain_value(text), str))  # 0E0 is a text in a table, but in YAML it needs quotes
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "table": st.sampled_from(["coil", "discrete", "input", "holding", "inputs"]),
    "address": st.integers(-2, 65537) | st.sampled_from(["x", 1.5]),
    "type": st.sampled_from(["bool", "int16", "uint16", "int32", "float32", "float64", "string", "word"]),
    "length": st.integers(0, 126),
    "bit": st.integers(-1, 16),
    "word_order": st.sampled_from(["high_first", "low_first", "middle"]),
    "scale": st.floats(-1e6, 1e6) | st.integers(-3, 3) | st.just("big"),
    "offset": st.floats(-1e6, 1e6),
    "unit": st.sampled_from(["", "%", "mA", "m3/h", "parsec"]),
    "direction": st.sampled_from(["in", "out", "inout"]),
    "poll": st.sampled_from(["fast", "slow", "12"]),
    "verify": st.booleans() | st.just("yes"),
    "description": TEXTS,
    "choices": st.dictionaries(st.integers(0, 9), st.sampled_from(["stopped", "on", "7 of 9"]), max_size=3),
    "plausible": st.sampled_from([[0, 10], [0, 10, "%"], [5, 1], [1, 2, "bar"]]),
}
POINTS = st.lists(
    st.fixed_dictionaries({}, optional=VALUES).flatmap(
        lambda given: st.tuples(st.from_regex(r"[A-Z][A-Z0-9-]{0,3}", fullmatch=True), st.just(given))
    ),
    max_size=5,
    unique_by=lambda item: item[0],
)
FIELD = "devices:\n  D:\n    polls: {fast: {period: 100 ms}}\n"


def cell(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return str(yaml.safe_dump(value, default_flow_style=True, width=10_000)).strip()
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_csv(points: list[tuple[str, dict[str, Any]]], names: list[str], separator: str = ",") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(names)
    for tag, keys in points:
        writer.writerow([tag if name == "tag" else cell(keys.get(name, "")) for name in names])
    return out.getvalue()


def without_place(messages: list[str]) -> list[str]:
    return sorted(message.split(": ", 1)[1] for message in messages)


def bare(device: DeviceSpec) -> list[PointSpec]:
    return [replace(point, place=Place()) for point in device.points]


@settings(max_examples=60, deadline=None)
@given(POINTS, st.permutations(["tag", *VALUES]), st.sampled_from([",", ";", "\t"]))
def test_a_table_and_yaml_give_equal_points_and_equal_sentences(
    points: list[tuple[str, dict[str, Any]]], names: list[str], separator: str
) -> None:
    """Whatever the order of the columns; wrong cells too."""
    in_yaml = {tag: {key: value for key, value in keys.items() if value != ""} for tag, keys in points}
    dumped = yaml.safe_dump({"points": in_yaml}, allow_unicode=True, width=10_000, sort_keys=False)
    of_yaml, said = devices_of(FIELD + "".join(f"    {line}\n" for line in dumped.splitlines()))
    table = as_csv(points, list(names), separator)
    of_table, said_of_table = devices_of(FIELD + "    points: all.csv\n", all_dot_csv=table)
    assert bare(of_table["D"]) == bare(of_yaml["D"])
    assert without_place(said_of_table) == without_place(said)


GOOD = """tag,device,table,address,type,unit,direction,description
LT-1,A,input,0,int16,mA,in,Level
LT-2,A,input,1,int16,mA,in,"Level, of the
other tank"
PT-1,B,input,0,float32,bar,in,
"""
KNOWN = ", ".join(["tag", "device", *columns()])
TWO = "devices: {A: {}, B: {unit: 2}}\n"


def test_field_points_csv_needs_nobody_to_name_it() -> None:
    devices, errors = devices_of(TWO, field_in_points_dot_csv=GOOD)
    assert errors == []
    assert [point.name for point in devices["A"].points] == ["LT-1", "LT-2"]
    assert [point.place.line for device in devices.values() for point in device.points] == [2, 3, 5]
    assert devices["A"].points[1].description == "Level, of the\nother tank"


def test_comments_empty_lines_and_commas_of_a_spreadsheet_do_not_matter() -> None:
    lines = GOOD.replace("\nPT", "\n,,,,,,,\n# until here: A\n\nPT").splitlines()
    text = "\ufeff# points of the hall,,,\n\n" + "\r\n".join(f"{line},," for line in lines)
    text = text.replace('"Level, of the,,\r\n', '"Level, of the\n')
    devices, errors = devices_of(TWO, field_in_points_dot_csv=text)
    assert errors == []
    assert [point.name for point in devices["B"].points] == ["PT-1"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "PT-1,B", "PT-1,C",
            "field/points.csv:5: there is no device `C`. Devices: A, B.",
        ),
        (
            "PT-1,B", "PT-1,",
            "field/points.csv:5: the column `device` is empty. Write the device that the point belongs to.",
        ),
        (
            "PT-1,B", "PT 1,B",
            "field/points.csv:5: devices.B.points.PT 1: `PT 1` is not a name. Use letters, digits, `-` and `_`, "
            "beginning with a letter or digit.",
        ),
        ("PT-1,B", "LT-1,B", "field/points.csv:5: the tag LT-1 is already in device A (line 2). Rename one."),
        ("PT-1,B", "LT-1,A", "field/points.csv:5: the tag LT-1 is already in device A (line 2). Rename one."),
        (
            "input,1,int16", "input,0,int16",
            "field/points.csv:3: LT-2: its register is already taken by LT-1 (input 0) in device A. "
            "Correct one of the addresses; 1 is the next behind LT-1.",
        ),
        (
            "float32,bar", "float32,bars",
            "field/points.csv:5: devices.B.points.PT-1.unit: `bars` is not a unit. Did you mean `bar`?",
        ),
        ("bar,in", "bar,", "field/points.csv:5: devices.B.points.PT-1: the key `direction` is missing. "
         "Add it (in: read; out: written by the controller)."),
        (
            "bar,in,", "bar,in,a,b",
            "field/points.csv:5: the row has 9 cells for 8 columns. Put texts with the separator in quotes.",
        ),
        ("description", "adress", "field/points.csv:1: there is no column `adress`. Did you mean `address`?"),
        ("description", "unit", "field/points.csv:1: the column `unit` stands twice. Delete one."),
        (
            "tag,", "name,",
            f"field/points.csv:1: there is no column `name`. Columns: {KNOWN}.\n"
            "field/points.csv:1: the column `tag` is missing. Name the columns in the first row, such as "
            "`tag,device,table,address,type,unit,direction`.",
        ),
        (
            "description", "plausible",
            "field/points.csv:3: devices.A.points.LT-2.plausible: `Level, of the\nother tank` is not a range. "
            "Write `[low, high, unit]`, such as `[0, 20, cm]`.",
        ),
    ],
)  # fmt: skip
def test_a_wrong_row_is_told_with_file_and_line(old: str, new: str, message: str) -> None:
    text = GOOD.replace(old, new) if "plausible" not in new else GOOD.replace(old, new).replace("in,Level\n", "in,\n")
    _, errors = devices_of(TWO, field_in_points_dot_csv=text)
    assert "\n".join(errors) == message


def test_a_quote_that_is_never_closed_does_not_swallow_the_rest_of_the_list() -> None:
    """Promise: points do not vanish without a word."""
    _, errors = devices_of(TWO, field_in_points_dot_csv=GOOD.replace("bar,in,", 'bar,in,"x') + "PT-2,B,input,2\n")
    assert "field/points.csv: is no CSV (row that begins in line 5: a quote that is never closed)" in "\n".join(errors)


def test_signals_are_columns_with_a_dot(tank: Path) -> None:
    (tank / "field").mkdir()
    head = "tag,device,table,address,type,unit,direction,signal.variable,signal.range,signal.noise\n"
    rows = 'LT-109,RTU-1,input,40,float32,cm,in,level_2,"[0, 20, cm]",0.1 cm\n'
    (tank / "field" / "points.csv").write_text(head + rows, encoding="utf-8")
    signal = load_plant(tank, PLANTS).devices[0].points[-1].signal
    assert signal is not None
    assert (signal.variable, signal.field_high, signal.noise) == ("level_2", 20.0, 0.1)
    (tank / "field" / "points.csv").write_text(
        head + rows.replace("level_2", "").replace("[0, 20", "[30, 20"), encoding="utf-8"
    )
    with pytest.raises(ConfigError) as caught:
        load_plant(tank, PLANTS)
    assert str(caught.value) == (
        "tank/field/points.csv:2: devices.RTU-1.points.LT-109.signal.range: the range goes from 30 to 20. "
        "The first number must be below the second.\n"
        "tank/field/points.csv:2: devices.RTU-1.points.LT-109.signal: the key `variable` is missing. "
        "Add it (name of a plant variable, see docs/reference/plants)."
    )


def test_a_row_may_use_a_point_of_the_devices_map() -> None:
    field = "devices: {A: {map: eastron_sdm630, simulate: true, port: 1, points: meters.csv}}\n"
    table = "tag,use,unit\nP-1,power_total,kW\nE-1,energy_import,\nX-1,energy_improt,\n"
    devices, errors = devices_of(field, meters_dot_csv=table)
    assert [(p.name, p.table, p.address, p.unit) for p in devices["A"].points] == [
        ("P-1", "input", 52, "kW"), ("E-1", "input", 72, "kWh"),
    ]  # fmt: skip
    assert {"power_total", "energy_import"} & {point.of_map for point in devices["A"].untaken} == set()
    assert errors == ["meters.csv:4: X-1: the device's map has no point `energy_improt`. Did you mean `energy_import`?"]


def test_50_000_points_are_read_and_checked_in_less_than_3_seconds(tmp_path: Path) -> None:
    """Promise of the issue; processor time, so that another process on the machine is not counted."""
    write_folder(tmp_path / "plant")
    write_folder(tmp_path / "small", points=100)
    load_plant(tmp_path / "small", PLANTS)
    started_s = time.process_time()
    config = load_plant(tmp_path / "plant", PLANTS)
    assert time.process_time() - started_s < 3.0
    assert sum(len(device.points) for device in config.devices) == 50_000
