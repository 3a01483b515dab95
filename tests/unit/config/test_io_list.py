"""Promises of ``dcs init``: a list as engineers keep it becomes a plant that runs, or nothing at all."""

from pathlib import Path

import openpyxl
import pytest

from dcs.cli.init import init_plant
from dcs.config.counts import counts_of
from dcs.config.io_columns import column_of
from dcs.config.io_list import read_io_list
from dcs.config.io_plant import CHANNELS
from dcs.core.errors import ConfigError
from dcs.node.assembly import load_configuration
from tests.support.boxes import in_box

LIST = """\
I/O list of unit 100;;;;;;;;;;;;;;
Rev. 3;;;;;;;;;;;;;;
Tag No.;Service;I/O Type;Range Low;Range High;Eng. Unit;PLC;Register;Data Type;LL;L;H;HH;Loop;P&ID
LT-101;Level of feed tank;AI;0;2,5;m;PLC 1;30001;INT;0,2;0,5;2;2,3;LIC-101;100-01
LV-101;"Valve; feed";AO;0;100;%;PLC 1;40001;INT;;;;;LIC-101;100-01
FT-102;Flow;Analogue input;0;40;m³/h;PLC 1;30002;REAL;;;35;;;100-02
LSH-103;Level switch;DI;;;;PLC 1;10001;;;;;;;100-02
P-104;Pump;DO;;;;PLC 2;1;BOOL;;;;;;100-02

PT-105;Pressure;AI;0;10;barg;PLC 2;;;;;;;;100-02
TT-106;Temperature;AI;-50;150;°C;PLC 2;;;;;;;;100-02
"""


def sheet(path: Path, text: str = LIST) -> Path:
    """The same list as a workbook, numbers as numbers."""
    book = openpyxl.Workbook()
    for line in text.splitlines():
        book.active.append([_number(cell) for cell in line.replace('"Valve; feed"', "Valve").split(";")])
    book.save(path)
    return path


def _number(cell: str) -> object:
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return cell or None


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("list.csv")
    path.write_text(LIST, encoding="utf-8")
    return path


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_list_becomes_a_plant_that_passes_the_check(listed: Path, form: str, capsys) -> None:
    """Promise: points, ranges, registers, loops and alarms are those of the list; what is not used is said."""
    path = listed if form == "csv" else sheet(Path("list.xlsx"))
    assert init_plant(Path("unit_100"), None, path) == 0
    said = capsys.readouterr().out
    assert "note: the column `P&ID` is not used." in said
    assert "note: the unit `barg` is taken as bar." in said
    assert "unit_100: 6 modules, 8 blocks, 5 alarms." in said
    config = load_configuration(Path("unit_100"))
    points = {point.name: (device.name, point) for device in config.devices for point in device.points}
    device, level = points["LT-101"]
    assert (device, level.table, level.address, level.type) == ("PLC-1", "input", 0, "int16")
    assert level.scale * 27648 + level.offset == pytest.approx(100.0)
    device, flow = points["FT-102"]  # a REAL holds the value in its unit
    assert (flow.address, flow.type, flow.scale * 40) == (1, "float32", pytest.approx(100.0))
    temperature = points["TT-106"][1]
    assert -50 * temperature.scale + temperature.offset == pytest.approx(0.0)
    assert (points["P-104"][1].table, points["P-104"][1].address) == ("coil", 1)
    assert points["PT-105"][1].address != temperature.address
    strategy = config.controllers[0].strategy
    units = {tag.name: (tag.low, tag.high, tag.unit) for tag in strategy.tags if tag.name.endswith(".PV")}
    assert units["LIC-101.PV"] == (0.0, 2.5, "m")
    assert units["PT-105.PV"] == (0.0, 10.0, "bar")
    assert {alarm.name: alarm.limit for alarm in strategy.alarms} == {
        "LIC-101.LOLO": 0.2,
        "LIC-101.LO": 0.5,
        "LIC-101.HI": 2.0,
        "LIC-101.HIHI": 2.3,
        "FT-102.HI": 35.0,
        "PLC-1.COMM": 0.0,  # every device has one
        "PLC-2.COMM": 0.0,
        **dict.fromkeys(("C1.STANDBY", "C1.TAKEN_OUT", "C1.WITNESS", "C1.PATHS"), 0.0),  # and every pair these
    }


def test_plant_from_a_list_runs_and_its_loops_close(listed: Path) -> None:
    """Promise: in the box the level follows its setpoint once the controller is in Auto."""
    init_plant(Path("unit_100"), None, listed)

    async def story(box, recorder):
        await box.run_for(20)
        assert (await box.command("C1", "set", "LIC-101.MODE", "AUTO")).ok
        assert (await box.command("C1", "set", "LIC-101.SP", 1.5)).ok
        await box.run_for(180)
        return recorder.trace("LIC-101.PV")[1]

    level_m = in_box(story, plant=Path("unit_100"))
    assert level_m[30] == pytest.approx(1.25, abs=0.02)
    assert level_m[-1] == pytest.approx(1.5, abs=0.02)


def refused(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        init_plant(Path("new"), None, path)
    assert not Path("new").exists()
    assert sorted(entry.name for entry in Path().iterdir()) == [path.name], "nothing may be left behind"
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("LT-101;", ";", "list.csv:4: the tag is missing. Write it."),
        ("LT-101;", "L 101.A;", "list.csv:4: L 101.A: the tag `L 101.A` has characters that a tag"),
        ("FT-102;", "LT-101;", "list.csv:6: LT-101 stands in row 4 already. Delete one of the two."),
        ("Analogue input", "Profibus", "list.csv:6: FT-102: the signal type is `Profibus`. Write AI, AO, DI or DO."),
        ("0;40;", "40;0;", "list.csv:6: FT-102: the range goes from 40 to 0. The first must be below the second."),
        ("0;40;", "0;forty;", "list.csv:6: FT-102: high is `forty`, which is no number. Write a number."),
        ("barg", "cubits", "list.csv:10: PT-105: the unit `cubits` is not a unit."),
        ("30002", "three", "list.csv:6: FT-102: the address is `three`, which is no whole number."),
        ("30002;REAL", "30001;REAL", "list.csv:6: FT-102: its register (input 0) is taken by LT-101 in device PLC-1."),
        ("REAL", "RAEL", "list.csv:6: FT-102: the data type is `RAEL`."),
        ("0,5;2;2,3", "0,5;3;2,3", "list.csv:4: LT-101: the limit HI 3 lies outside of the range 0 to 2.5."),
        ("0,2;0,5;", "0,6;0,5;", "list.csv:4: LT-101: the limit LO (0.5) is not above LOLO (0.6)."),
        ("FT-102;Flow", "LIC-101;Flow", "list.csv:6: LIC-101 is the name of a loop as well. Rename one of the two."),
    ],
)  # fmt: skip
def test_wrong_rows_are_named_and_nothing_is_written(listed: Path, old: str, new: str, wanted: str) -> None:
    assert LIST.count(old) >= 1
    listed.write_text(LIST.replace(old, new, 1), encoding="utf-8")
    assert refused(listed).startswith(wanted)


def test_all_wrong_rows_come_at_once(listed: Path) -> None:
    listed.write_text(LIST.replace("DI;", "XX;").replace("barg", "cubits"), encoding="utf-8")
    assert [line.split(" ")[0] for line in refused(listed).splitlines()] == ["list.csv:7:", "list.csv:10:"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "list.csv: no row has the headers that are needed"),
        ("Tag;Service\nLT-1;x\n", "list.csv:1: no row has the headers that are needed: `Signal type` (AI,"),
        ("Tag;I/O type\n", "list.csv: the list has no rows."),
    ],
)  # fmt: skip
def test_wrong_files(listed: Path, text: str, wanted: str) -> None:
    listed.write_text(text, encoding="utf-8")
    assert refused(listed).startswith(wanted)


def test_no_workbook(listed: Path) -> None:
    listed.unlink()
    path = Path("list.xlsx")
    path.write_text("no workbook", encoding="utf-8")
    assert refused(path) == "list.xlsx: this is no XLSX workbook. Save the list as XLSX or CSV."


def test_existing_folder_is_never_touched(listed: Path) -> None:
    folder = Path("there")
    folder.mkdir()
    (folder / "precious.txt").write_text("x", encoding="utf-8")
    for template, path in ((None, listed), ("quadruple_tank", None)):
        with pytest.raises(ConfigError, match="nothing is ever overwritten"):
            init_plant(folder, template, path)
    assert [entry.name for entry in folder.iterdir()] == ["precious.txt"]


def test_copy_of_a_shipped_plant(listed: Path, capsys) -> None:
    (Path("empty")).mkdir()
    init_plant(Path("empty"), None, None)  # an empty folder is as good as none
    assert load_configuration(Path("empty")).name == "empty"
    with pytest.raises(ConfigError, match=r"Did you mean `quadruple_tank`\?"):
        init_plant(Path("other"), "quadrupel_tank", None)
    with pytest.raises(ConfigError, match="exclude each other"):
        init_plant(Path("other"), "quadruple_tank", listed)


def test_more_loops_than_the_stand_in_has(listed: Path) -> None:
    """Promise: a large list works as well; what has no process of its own shares one, or stays where it is."""
    rows = "".join(
        f"LT-{n},AI,LIC-{n}\nLV-{n},AO,LIC-{n}\nTT-{n},AI,\n" for n in range(100, 100 + CHANNELS + 8)
    )  # fmt: skip
    listed.write_text("Tag,Signal type,Loop\n" + rows, encoding="utf-8")
    init_plant(Path("large"), None, listed)
    config = load_configuration(Path("large"))
    assert counts_of(config)["modules"] == 2 * (CHANNELS + 8)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("TAG_NO", "tag"), ("Instrument Tag", "tag"), ("Service Description", "description"), ("I/O", "signal"),
        ("IO-Type", "signal"), ("Range (min)", "low"), ("URV", "high"), ("Engineering Units", "unit"),
        ("Modbus  Address", "address"), ("HiHi", "hihi"), ("Alarm LL", "lolo"), ("Remarks", None), ("", None),
    ],
)  # fmt: skip
def test_headers_are_matched_tolerantly(header: str, name: str | None) -> None:
    assert column_of(header) == name


def test_loop_that_is_no_loop_is_said(listed: Path) -> None:
    listed.write_text(LIST.replace("35;;;100-02", "35;;LIC-101;100-02"), encoding="utf-8")
    init_plant(Path("unit"), None, listed)
    names = {module.name for module in load_configuration(Path("unit")).controllers[0].strategy.modules}
    assert {"LT-101", "LV-101", "FT-102"} <= names
    assert "LIC-101" not in names
    assert len(read_io_list(listed).signals) == 7
