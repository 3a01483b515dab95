"""``dcs plant``: what it writes, and the one sentence for everything that can be said wrongly."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dcs.cli.plant_linear import time_text
from dcs.cli.progress import Progress
from dcs.core.clock import NS_PER_S
from plant_models.library import PLANTS
from tests.support.command_line import dcs

RUN = ("plant", "run", "quadruple_tank", "--for", "100s")


def rows_of(path: Path) -> list[dict[str, float]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: float(text) for name, text in row.items()} for row in csv.DictReader(file)]


# --- run --------------------------------------------------------------------------------------------------------
def test_a_run_is_the_plant_to_the_last_bit_of_the_file(tmp_path: Path) -> None:
    out = tmp_path / "f.csv"
    done = dcs(
        *RUN, "--step", "0.5s", "--method", "euler", "--every", "10s", "--input", "PUMP_VOLTAGE_1=+1@20s",
        "--disturb", "leak_2=1e-6@60s", "--param", "height=0.3", "--setting", "nonminimum_phase", "--out", out,
    )  # fmt: skip
    assert done.code == 0, done.err
    rows = rows_of(out)
    kind = PLANTS["quadruple_tank"]
    assert list(rows[0]) == ["t_s", *kind.names("output"), *kind.names("input"), *kind.names("state")]
    assert [row["t_s"] for row in rows] == [10.0 * number for number in range(11)]
    plant = kind.create("nonminimum_phase", integrator="euler")
    plant.set("height", 0.3)
    for row in rows:
        if row["t_s"] == 20.0:
            plant.set("pump_voltage_1", 4.15)
        if row["t_s"] == 60.0:
            plant.set("leak_2", 1e-6)
        assert {name: plant.get(name) for name in list(row)[1:]} == {n: v for n, v in row.items() if n != "t_s"}
        plant.advance(0.5, 20)
    assert f"{len(rows)} rows of 15 columns written to" in done.out


def test_parquet_and_the_terminal_hold_the_same_numbers(tmp_path: Path) -> None:
    words = (*RUN, "--every", "20s", "--columns", "states,LEVEL_1,area_1", "--input", "pump_voltage_2=5")
    shown = dcs(*words)
    assert shown.out.splitlines()[0] == "t_s,h_1,h_2,h_3,h_4,level_1,area_1"
    dcs(*words, "--out", tmp_path / "f.parquet")
    table = pq.read_table(tmp_path / "f.parquet")
    columns = np.array([[float(text) for text in line.split(",")] for line in shown.out.split()[1:]])
    assert columns.shape == (6, 7)
    assert np.column_stack([table[name].to_numpy() for name in table.column_names]).tobytes() == columns.tobytes()


def test_json_says_how_the_run_went_and_events_go_to_the_standard_error() -> None:
    done = dcs(*RUN[:3], "--for", "20min", "--input", "pump_voltage_1=10", "--json")
    about = json.loads(done.out)
    assert done.code == 0
    assert (about["plant"], about["method"], about["step_s"]) == ("quadruple_tank", "rk4", 0.1)
    first = about["events"][0]
    assert first["condition"].startswith("overflow_")
    assert f"{first['time_s']:10g} s  {first['condition']} begins at 0.2" in done.err
    assert about["time_s"] == 1200.0
    short = json.loads(dcs(*RUN[:3], "--for", "20min", "--input", "pump_voltage_1=10", "--until-trip", "--json").out)
    assert (short["stopped"], short["time_s"]) == (first["condition"], first["time_s"])
    assert short["rows"] < about["rows"]


def test_a_negative_number_is_a_change_and_one_after_a_colon_a_value() -> None:
    changed = dcs(*RUN, "--columns", "pump_voltage_1", "--every", "100s", "--input", "pump_voltage_1=-1@100s")
    assert changed.out.split() == ["t_s,pump_voltage_1", "0.0,3.0", "100.0,2.0"]
    loops = ("plant", "run", "loop_bank", "--for", "10s", "--columns", "load", "--every", "10s")
    assert dcs(*loops, "--disturb", "load:=-0.5").out.split()[1:] == ["0.0,-0.5", "10.0,-0.5"]


def test_a_plant_folder_brings_its_setting_and_step(tmp_path: Path) -> None:
    import shutil

    import configs

    folder = tmp_path / "mine"
    shutil.copytree(Path(configs.__file__).parent / "quadruple_tank", folder)
    text = (folder / "plant.yaml").read_text(encoding="utf-8")
    text = text.replace("setting: minimum_phase", "setting: nonminimum_phase\n  parameters: {height: 0.19}")
    (folder / "plant.yaml").write_text(text.replace("integrator: rk4", "integrator: euler"), encoding="utf-8")
    about = json.loads(dcs("plant", "run", folder, "--for", "10s", "--json").out)
    assert (about["setting"], about["method"], about["seed"]) == ("nonminimum_phase", "euler", 1)
    shown = dcs("plant", "run", folder, "--for", "10s", "--columns", "height", "--every", "10s")
    assert shown.out.split() == ["t_s,height", "0.0,0.19", "10.0,0.19"]


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "plant": (("plant", "run", "quadrupel_tank", "--for", "1s"), "Did you mean `quadruple_tank`?"),
    "input": ((*RUN, "--input", "pump_voltage=+1"), "quadruple_tank has no input `pump_voltage`. Did you mean"),
    "role": ((*RUN, "--input", "leak_1=1e-6"), "leak_1 of quadruple_tank is not an input but a disturbance"),
    "article": ((*RUN, "--disturb", "level_1=+1"), "level_1 of quadruple_tank is not a disturbance but an output."),
    "no value": ((*RUN, "--input", "pump_voltage_1"), "how much? Write pump_voltage_1=VALUE, or"),
    "no switch": ((*RUN, "--disturb", "leak_1@0s"), "how much? Write leak_1=VALUE"),
    "no number": ((*RUN, "--input", "pump_voltage_1=full"), "`full` is not a number"),
    "not finite": ((*RUN, "--input", "pump_voltage_1=nan"), "`nan` is not a number"),
    "range": ((*RUN, "--input", "pump_voltage_1=12"), "12 V lies outside 0 … 10 V"),
    "range by change": (
        (*RUN, "--input", "pump_voltage_1=+8"), "leads to 11 V, which lies outside 0 … 10 V. pump_voltage_1:=8"
    ),
    "range by two": ((*RUN, "--input", "pump_voltage_1=+5", "--input", "pump_voltage_1=+5@10s"), "leads to 13 V"),
    "range of a parameter": ((*RUN, "--param", "height=7"), "--param height=7: 7 m lies outside 0.01 … 0.5 m"),
    "late": ((*RUN, "--input", "pump_voltage_1=+1@101s"), "the run ends at 100 s, before that"),
    "between steps": ((*RUN, "--input", "pump_voltage_1=+1@0.05s"), "0.05 s is no whole number of steps of 0.1 s"),
    "every": ((*RUN, "--every", "0.25s"), "--every 0.25s: 0.25 s is no whole number of steps of 0.1 s"),
    "for": (("plant", "run", "quadruple_tank", "--for", "1.05s"), "1.05 s is no whole number of steps"),
    "too short": (("plant", "run", "quadruple_tank", "--for", "10ms"), "is shorter than one step of 0.1 s"),
    "duration": (("plant", "run", "quadruple_tank", "--for", "5 apples"), "`apples` is not a unit of time"),
    "method": ((*RUN, "--method", "eulr"), "there is no integrator 'eulr'; there are euler, rk4"),
    "setting": ((*RUN, "--setting", "minimum"), "has no such setting. Did you mean `minimum_phase`?"),
    "control": ((*RUN, "--control", "reference"), "plant quadruple_tank has no controllers of its own"),
    "control word": ((*RUN, "--control", "refrence"), "Did you mean `reference`?"),
    "noise": ((*RUN, "--noise", "on"), "--noise on: quadruple_tank has no measurement noise"),
    "noise word": ((*RUN, "--noise", "loud"), "--noise loud: say on or off"),
    "column": ((*RUN, "--columns", "levl_1"), "Did you mean `level_1`?"),
    "ending": ((*RUN, "--out", "f.xlsx"), "it must be .csv or .parquet"),
    "folder": ((*RUN, "--out", "no/such/folder/f.csv"), "this file cannot be written (No such file or directory)"),
    "file": (("plant", "info", "absent.fmu"), "absent.fmu: there is no such file"),
    "step input": (("plant", "step", "quadruple_tank"), "Say --input NAME=+1"),
    "step picture": (
        ("plant", "step", "quadruple_tank", "--input", "valve_1=+0.1", "--out", "f.gif"), "ends in .svg or .png"
    ),
    "step nothing": (("plant", "step", "quadruple_tank", "--input", "valve_1=+0"), "that is where valve_1 is already"),
    "step late": (("plant", "step", "quadruple_tank", "--input", "valve_1=+0.1@5s"), "Leave out the time"),
    "outputs": (("plant", "linearise", "quadruple_tank", "--outputs", "levle_1"), "Did you mean `level_1`?"),
    "at": (("plant", "linearise", "quadruple_tank", "--at", "absent.csv"), "this is no table that can be read"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "sentence"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_one_sentence_and_nothing_was_started(
    words: tuple[str, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = dcs(*words)
    assert sentence in done.err
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 0
    assert list(tmp_path.iterdir()) == []


# --- info and list ----------------------------------------------------------------------------------------------
def test_list_and_info_say_what_there_is() -> None:
    listed = json.loads(dcs("plant", "list", "--json").out)
    assert {one["name"] for one in listed["plants"]} == set(PLANTS)
    assert "fmu" in listed["files"]
    assert "quadruple_tank" in dcs("plant", "list").out
    about = json.loads(dcs("plant", "info", "quadruple_tank", "--json").out)
    kind = PLANTS["quadruple_tank"]
    assert {v["name"]: (v["unit"], v["low"], v["high"], v["role"]) for v in about["variables"]} == {
        v.name: (v.unit, v.low, v.high, v.role) for v in kind.variables
    }
    text = dcs("plant", "info", "quadruple_tank").out
    for said in (kind.reference, "nonminimum_phase", "overflow_1", "share of pump 1 that goes to tank 1"):
        assert said in text


# --- linearise --------------------------------------------------------------------------------------------------
def test_linearise_prints_johanssons_numbers() -> None:
    done = dcs("plant", "linearise", "quadruple_tank", "--setting", "nonminimum_phase",
               "--inputs", "pump_voltage_1,pump_voltage_2", "--outputs", "level_1,level_2")  # fmt: skip
    assert done.code == 0
    for said in (
        "0.0127589  right half plane", "91.98 s", "-0.63565", "no controller closes the loops much faster than 78.38 s",
        "Niederlinski's index 0.6114", "Condition number: 4.3182",
    ):  # fmt: skip
        assert said in done.out


def test_linearise_begins_with_the_published_control_problem() -> None:
    """Promise: what the literature tells of a plant is printed without naming anything; ``all`` brings the rest."""
    for plant, said in {
        "quadruple_tank": ("-0.0174701", "-0.0596979", "1.4  ", "90.63 s", "22.76 s"),
        "column_a": ("35.942", "12.05 min", "3.233 h"),
        "wood_berry": ("2.0094", "-1.0094", "7 min"),
        "shell_fractionator": ("2.0757", "-3.3585", "4.7053"),
        "ph_neutralisation": ("ph_measured", "5.2203e+05", "30 s"),
        "drum_boiler": ("integrator", "-0.148886", "7.4843e-05"),
        "cstr": ("0.0472407", "unstable"),
    }.items():
        done = dcs("plant", "linearise", plant)
        assert done.code == 0
        assert [one for one in said if one not in done.out] == [], f"{plant}\n{done.out}"
        assert "--inputs all --outputs all" in done.out
        everything = dcs("plant", "linearise", plant, "--inputs", "all", "--outputs", "ALL").out
        assert len(everything) > len(done.out)


def test_linearise_at_a_time_or_a_row_is_the_same_place(tmp_path: Path) -> None:
    out = tmp_path / "f.csv"
    dcs("plant", "run", "quadruple_tank", "--for", "60s", "--every", "30s", "--param", "outlet_1=9e-6", "--out", out)
    words = ("plant", "linearise", "quadruple_tank", "--param", "outlet_1=9e-6", "--json", "--at")
    by_time, by_row = (json.loads(dcs(*words, at).out) for at in ("30s", f"{out}@30s"))
    last = json.loads(dcs(*words, out).out)
    assert by_time["steady_state"]["residual_per_s"] > 1e-4
    assert [p["re"] for p in by_time["poles"]] == pytest.approx([p["re"] for p in by_row["poles"]], rel=1e-9)
    assert last["poles"] != by_row["poles"]
    assert "no row at 45 s" in dcs(*words, f"{out}@45s").err


def test_times_are_written_in_the_unit_that_reads_best() -> None:
    assert [time_text(t) for t in (0.5, 90.0, 150.0, 11640.0, math.inf)] == ["0.5 s", "90 s", "2.5 min", "3.233 h", "∞"]


# --- step -------------------------------------------------------------------------------------------------------
def test_step_reads_gain_and_time_constant_off_a_lag() -> None:
    done = dcs(
        "plant", "step", "loop_bank", "--input", "demand_3=+0.2", "--outputs", "measurement_3,measurement_4", "--json"
    )
    about = json.loads(done.out)
    assert about["for_s"] == 60.0, "five time constants of 10 s, in a round number"
    moved, still = about["responses"]
    assert moved["gain"] == pytest.approx(1.0, rel=3e-3)
    assert moved["time_63_s"] == pytest.approx(10.0, rel=1e-2)
    assert (moved["settled"], moved["inverse"], still["change"]) == (True, False, 0.0)


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_step_draws_a_panel_for_every_pair(tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"s.{ending}"
    done = dcs("plant", "step", "quadruple_tank", "--input", "pump_voltage_1=+1", "--input", "pump_voltage_2=+1",
               "--outputs", "level_1,level_2", "--for", "5min", "--out", out)  # fmt: skip
    assert done.code == 0, done.err
    if ending == "svg":
        text = out.read_text(encoding="utf-8")
        assert text.count('data-curve="') == 4
        assert 'data-curve="level_2 after pump_voltage_1"' in text
    else:
        assert out.read_bytes().startswith(b"\x89PNG")
        assert len(out.read_bytes()) > 10_000, "something is painted on it"


# --- progress ---------------------------------------------------------------------------------------------------
class HandClock:
    now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def time_ns(self) -> int:
        return self.now_ns

    async def sleep_until(self, due_ns: int) -> None:
        raise AssertionError("nothing sleeps here")


def test_progress_is_silent_for_a_second_then_in_place_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    clock = HandClock()
    progress = Progress("Tank", clock)
    clock.now_ns = NS_PER_S // 2
    progress.tell(0.1)
    assert capsys.readouterr().err == ""
    clock.now_ns = 2 * NS_PER_S
    progress.tell(0.25)
    assert capsys.readouterr().err == "\rTank: 25 %, 6 s left"
    progress.tell(0.3)
    assert capsys.readouterr().err == "", "not at every step"
    progress.clear()
    assert capsys.readouterr().err.strip("\r ") == ""


def test_progress_is_no_noise_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    clock = HandClock()
    progress = Progress("Tank", clock)
    clock.now_ns = 100 * NS_PER_S
    progress.tell(0.5)
    progress.clear()
    assert capsys.readouterr().err == ""
