"""The PID block against outputs that an independent script has worked out from the equations."""

import csv
from itertools import groupby

import pytest

from dcs.core.modes import AUTO
from dcs.core.status import GOOD_CASCADE, OK, STATUS_GOOD, make_status
from tests.reference import pid_answers
from tests.unit.blocks.bench import OnBench

ROWS = list(csv.DictReader(pid_answers.CSV.read_text(encoding="utf-8").splitlines()))
CASES = {name: list(rows) for name, rows in groupby(ROWS, key=lambda row: row["case"])}


def settings_of(row: dict[str, str]) -> dict[str, float]:
    """The settings that are written in the scan of that row."""
    pairs = (word.split("=") for word in row["settings"].split())
    return {name: float(value) if "." in value or name[-2:] == "_s" else number(value) for name, value in pairs}


def number(value: str) -> float:
    """Whole numbers stay whole: flags are whole."""
    return int(value) if value.lstrip("-").isdigit() else float(value)


def start(row: dict[str, str]) -> OnBench:
    """The block as it is before the first scan of a case: in Man with its OUT."""
    given = {"ti_s": 0.0, "ff_linked": int(row["ff"] != ""), "bkcal_in_linked": int(row["bkcal_in"] != "")}
    return OnBench(
        "PID", float(row["dt_s"]), **given | settings_of(row), target=AUTO, sp=float(row["sp"]),
        sp_wrk=float(row["sp"]), track_enable=int(row["trk_in_d"] != ""),
    )  # fmt: skip


def play(block: OnBench, row: dict[str, str]) -> float:
    """One scan with the inputs of a row."""
    values = {"sp": float(row["sp"]), "pv": float(row["pv"]), "pv_status": STATUS_GOOD}
    if row["ff"]:
        values |= {"ff": float(row["ff"]), "ff_status": STATUS_GOOD}
    if row["trk_in_d"]:
        values |= {"trk_in_d": float(row["trk_in_d"]), "trk_in_d_status": STATUS_GOOD}
        values |= {"trk_val": float(row["trk_val"]), "trk_val_status": STATUS_GOOD}
    if row["bkcal_in"]:
        status = make_status(GOOD_CASCADE, OK, int(row["bkcal_limits"]))
        values |= {"bkcal_in": float(row["bkcal_in"]), "bkcal_in_status": status}
    if row["scan"] != "0":
        values |= settings_of(row)
    return block.step(**values).out


@pytest.mark.parametrize("name", CASES)
def test_output_is_what_the_equations_give(name):
    """Promise: every option of the PID gives the numbers of the independent script, scan by scan."""
    rows = CASES[name]
    assert len(rows) >= 20
    block = start(rows[0])
    assert [play(block, row) for row in rows] == pytest.approx([float(row["out"]) for row in rows], abs=1e-9)


def test_the_file_is_what_the_script_gives():
    assert pid_answers.CSV.read_text(encoding="utf-8") == pid_answers.text()


def test_the_cases_tell_the_options_apart():
    """Promise: no case has the answers of another, so that an option that did nothing would be found."""
    answers = {name: tuple(row["out"] for row in rows) for name, rows in CASES.items()}
    assert len(set(answers.values())) == len(answers)
