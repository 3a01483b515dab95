"""``dcs plant run tennessee_eastman`` against the reference files: what a person gets who follows the how-to.

Columns are those of the reference files by name. The published driver counts its seconds from 1: in second i it acts on
measurements of i − 2 s, records the demands that then hold, and the states of i − 1 s. What it does from second 3600 on
happens here at 3599 s.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from plant_models.library import PLANTS
from tests.reference.te_tables import FOLDER, Table, table, worst
from tests.support.command_line import Done, dcs

OPEN = sorted(path.stem for path in FOLDER.glob("open_*.csv"))
METHODS = {"euler1s": ("--method", "euler", "--step", "1s"), "rk4": ("--method", "rk4", "--step", "0.25s")}
LIMITS = {"euler1s": 1e-8, "rk4": 1e-6}


def run(out: Path, *words: str) -> tuple[list[str], Table, Done]:
    done = dcs("plant", "run", "tennessee_eastman", "--noise", "off", "--out", out, *words)
    assert done.code == 0, done.err
    with out.open(encoding="utf-8") as file:
        return file.readline().strip().split(","), np.loadtxt(file, delimiter=",", ndmin=2), done


@pytest.mark.parametrize("name", OPEN)
def test_an_open_loop_run_is_the_reference_file(name: str, tmp_path: Path) -> None:
    """Promise: every column and row, with the words of the how-to."""
    _, case, how = name.split("_")
    columns, reference = table(name)
    words = [*METHODS[how], "--every", "10s", "--for", f"{reference[-1, 0]:g}s"]
    if case.startswith("xmv"):
        words += ["--input", f"XMV{int(case[3:5])}=+1"]
    if case.startswith("idv"):
        words += ["--disturb", f"IDV{int(case[3:])}@0s"]
    header, rows, _ = run(tmp_path / "f.csv", *words)
    assert header == ["t_s", *PLANTS["tennessee_eastman"].names("output"), *(f"xmv{n}" for n in range(1, 13)),
                      *(f"y{n}" for n in range(1, 51))]  # fmt: skip
    off, column = worst(rows[:, [header.index(one) for one in columns]], reference, columns)
    assert off <= LIMITS[how], f"{name}: {column} is off by {off:.2g} of its maximum"


@pytest.mark.parametrize("how", METHODS)
@pytest.mark.parametrize(("case", "words"), [("base", ()), ("idv06", ("--disturb", "IDV6@3599s"))])
def test_a_closed_loop_run_is_the_reference_file(case: str, words: tuple[str, ...], how: str, tmp_path: Path) -> None:
    """Promise: measurements, demands and states of the first two hours under ``--control reference``."""
    columns, reference = table(f"closed_{case}_{how}")
    reference = reference[reference[:, 0] <= 7200.0]
    header, rows, _ = run(
        tmp_path / "f.csv", *METHODS[how], "--control", "reference", "--for", "2h", "--every", "1s", *words
    )
    assert len(rows) == 7201
    second = reference[:, 0].astype(int)
    for family, later in (("xmeas", 2), ("xmv", 0), ("y", 1)):
        names = [one for one in columns if one.startswith(family)]
        if not names:
            continue  # the RK4 files have no states
        kept = second >= later
        found = rows[np.ix_(second[kept] - later, [header.index(one) for one in names])]
        off, column = worst(found, reference[np.ix_(kept, [columns.index(one) for one in names])], names)
        assert off <= LIMITS[how], f"{case}, {how}: {column} is off by {off:.2g} of its maximum"


def test_loss_of_the_a_feed_trips_in_the_published_second() -> None:
    done = dcs(
        "plant", "run", "tennessee_eastman", "--noise", "off", "--control", "reference", "--for", "12h",
        "--disturb", "IDV6@3599s", "--until-trip", "--every", "1h", "--json",
    )  # fmt: skip
    (event,) = json.loads(done.out)["events"]
    assert (event["time_s"], event["condition"]) == (24847.0, "trip_reactor_pressure")


def test_noise_is_off_only_when_it_is_switched_off(tmp_path: Path) -> None:
    """Promise: without ``--noise off`` the measurements scatter and the states are the same bits."""
    out = tmp_path / "noisy.csv"
    header, quiet, _ = run(tmp_path / "f.csv", "--for", "60s", "--every", "1s")
    assert dcs("plant", "run", "tennessee_eastman", "--for", "60s", "--every", "1s", "--out", out).code == 0
    noisy = np.loadtxt(out, delimiter=",", skiprows=1)
    states, pressure = [at for at, name in enumerate(header) if name.startswith("y")], header.index("xmeas7")
    assert np.array_equal(noisy[:, states], quiet[:, states])
    assert 0.2 < np.std(noisy[1:, pressure] - quiet[1:, pressure]) < 0.4  # published: 0.3 kPa
