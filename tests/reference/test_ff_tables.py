"""The tables of modes, statuses and sheds, held against real blocks.

The CSV files are to be read beside FF-891: one row is a condition, a status byte or a shed option; its cells say what
comes of it. Adding a row needs no code unless it names a new condition.
"""

import csv
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from dcs.core.modes import MODE_NAMES, OOS, RCAS, ROUT, mode_code, mode_mask, mode_name
from dcs.core.status import (
    BAD,
    FSA,
    GOOD,
    GOOD_CASCADE,
    IA,
    IFS,
    IR,
    LO,
    NI,
    NS,
    OK,
    QUALITY_NAMES,
    STATUS_BAD,
    STATUS_GOOD,
    SUB_STATUS_NAMES,
    UNCERTAIN,
    make_status,
    quality_of,
    sub_status_of,
)
from tests.unit.blocks.bench import CASCADE_IA, CASCADE_OK, OnBench
from tests.unit.blocks.neighbours import ALL_MODES, InCascade, ao_in_cascade, pid_in_cascade

HERE = Path(__file__).parent


def table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((HERE / name).read_text(encoding="utf-8").splitlines()))


MODES, STATUSES, SHEDS = table("ff_modes.csv"), table("ff_status.csv"), table("ff_shed.csv")


def cascade_word(sub: int) -> int:
    return make_status(GOOD_CASCADE, sub)


def tracking(**values: float) -> dict[str, float]:
    asked = {"trk_in_d": 1.0, "trk_in_d_status": STATUS_GOOD, "trk_val": 30.0, "trk_val_status": STATUS_GOOD}
    return asked | {"track_enable": 1} | values


# condition -> what it puts on the terminals
CONDITIONS: dict[str, dict[str, float]] = {
    "nothing is wrong": {},
    "PV Bad": {"pv_status": STATUS_BAD},
    "PV not a number": {"pv": math.nan},
    "PV Uncertain": {"pv_status": make_status(UNCERTAIN)},
    "PV Uncertain and Uncertain as Good": {"pv_status": make_status(UNCERTAIN), "uncertain_as_good": 1},
    "PV Bad and bypass on": {"pv_status": STATUS_BAD, "bypass": 1, "bypass_enable": 1},
    "CAS_IN Bad": {"cas_in_status": STATUS_BAD},
    "CAS_IN not a number": {"cas_in": math.nan},
    "CAS_IN Good without cascade": {"cas_in_status": STATUS_GOOD},
    "CAS_IN without acknowledgement": {"cas_in_status": CASCADE_OK},
    "CAS_IN acknowledges another value": {"cas_in": 77.0, "cas_in_status": CASCADE_IA},
    "CAS_IN IFS": {"cas_in_status": cascade_word(IFS)},
    "CAS_IN Bad for the fault-state time": {"cas_in_status": STATUS_BAD},
    "CAS_IN Bad for the fault-state time without fault state": {"cas_in_status": STATUS_BAD, "fault_state": 0},
    "host silent": {},
    "host without acknowledgement": {},
    "BKCAL_IN not wired": {"bkcal_in_linked": 0, "bkcal_in_status": make_status(BAD, 2)},
    "BKCAL_IN Bad": {"bkcal_in_status": STATUS_BAD},
    "BKCAL_IN not a number": {"bkcal_in": math.nan},
    "BKCAL_IN NI": {"bkcal_in_status": cascade_word(NI)},
    "BKCAL_IN IR": {"bkcal_in_status": cascade_word(IR)},
    "BKCAL_IN LO": {"bkcal_in_status": cascade_word(LO)},
    "BKCAL_IN FSA": {"bkcal_in_status": cascade_word(FSA)},
    "BKCAL_IN NS": {"bkcal_in_status": cascade_word(NS)},
    "tracking asked for": tracking(),
    "tracking asked for with Track in Manual": tracking(track_in_man=1),
    "tracking asked for without Track Enable": tracking(track_enable=0),
    "tracking asked for with a Bad TRK_VAL": tracking(trk_val_status=STATUS_BAD),
    "TRK_IN_D Bad": tracking(trk_in_d_status=STATUS_BAD),
    "read-back Bad for its time": {"readback_status": STATUS_BAD},
    "forced": {"force": 1},
    "input Bad": {"raw_status": STATUS_BAD},
}
LASTING = {
    "CAS_IN Bad for the fault-state time": 5,
    "CAS_IN Bad for the fault-state time without fault state": 5,
    "read-back Bad for its time": 5,
    "host silent": 30,
}
"""Scans after which a condition has its effect, where two are not enough."""


def block_of(name: str) -> InCascade:
    if name == "PID":
        return pid_in_cascade()
    if name == "AO":
        return ao_in_cascade()
    return InCascade(OnBench("AI", raw=50.0, raw_status=STATUS_GOOD, target=3))


def modes_of(row: dict[str, str]) -> list[str]:
    """The targets for which the row has an answer."""
    return [name for name in MODE_NAMES if row.get(name)]


@pytest.mark.parametrize(
    ("row", "target"),
    [
        pytest.param(row, target, id=f"{row['block']}-{row['condition']}-{row['before']}-{target}")
        for row in MODES
        for target in modes_of(row)
    ],
)
def test_condition_and_target_give_the_actual_mode(row, target):
    """Promise: every (target, condition) gives the actual mode of the table, and leaves the target as it was."""
    loop = block_of(row["block"])
    before = row["before"]
    names = row["condition"].split("; ")
    wrong = {name: value for condition in names for name, value in CONDITIONS[condition].items()}
    for name in [name for name in wrong if loop.block.kind.field(name).role != "input"]:
        setattr(loop.block, name, wrong.pop(name))  # an option or a wire is there from the beginning
    loop.reach(mode_code(target if before == "same" else before.split()[0]))
    if before == "same":
        assert mode_name(loop.block.mode) == target
    loop.block.target = mode_code(target)
    loop.forced = wrong
    loop.host_writes = "host silent" not in names
    loop.host_acknowledges = "host without acknowledgement" not in names
    scans = 1 if "first scan" in before else max([6 if before != "same" else 2, *(LASTING.get(n, 0) for n in names)])
    loop.step(scans)
    assert mode_name(loop.block.mode) == row[target]
    assert loop.block.target == mode_code(target)
    assert (loop.block.reason == 0) is (row[target] == target)


def test_the_table_of_modes_has_every_target_of_every_block():
    """Promise: no condition of a block is left without an answer, and every condition in this file is in the table."""
    for block, count in (("PID", 6), ("AO", 5), ("AI", 3)):
        assert all(len(modes_of(row)) == count for row in MODES if row["block"] == block)
    assert {name for row in MODES for name in row["condition"].split("; ")} == set(CONDITIONS)


# --- the status byte ------------------------------------------------------------------------------------------------
def status_of(row: dict[str, str]) -> int:
    return make_status(QUALITY_NAMES.index(row["quality"]), int(row["sub_status"]))


@pytest.mark.parametrize("row", STATUSES, ids=[f"{row['quality']}-{row['name'] or 'OK'}" for row in STATUSES])
def test_status_byte_and_reaction(row):
    """Promise: what a status makes of a PID in Auto (on PV, on BKCAL_IN) and in Cas (on CAS_IN), and who may enter."""
    status = status_of(row)
    assert SUB_STATUS_NAMES[quality_of(status)][sub_status_of(status)] == row["name"]
    for column, target, values in (
        ("pv", "Auto", {"pv_status": status}),
        ("pv_uncertain_as_good", "Auto", {"pv_status": status, "uncertain_as_good": 1}),
        ("cas_in_stays", "Cas", {"cas_in_status": status}),
        ("bkcal_in", "Auto", {"bkcal_in_status": status}),
    ):
        loop = pid_in_cascade()
        loop.reach(mode_code(target))
        loop.forced = values
        loop.step(2)
        assert mode_name(loop.block.mode) == row[column], column
    loop = pid_in_cascade()
    loop.reach(mode_code("Auto"))
    loop.forced = {"cas_in": loop.block.bkcal_out, "cas_in_status": status}
    loop.reach(mode_code("Cas"))
    assert mode_name(loop.block.mode) == row["cas_in_enters"]


def test_the_table_of_statuses_has_every_row():
    named = {(QUALITY_NAMES[quality], str(sub)) for quality in range(4) for sub in SUB_STATUS_NAMES[quality]}
    assert {(row["quality"], row["sub_status"]) for row in STATUSES} == named


def of_secondary(target: str, **values: float) -> int:
    loop = pid_in_cascade()
    loop.reach(mode_code(target))
    loop.forced = values
    return int(loop.step(2).bkcal_out_status)


def of_asking_secondary() -> int:
    loop = pid_in_cascade()
    loop.reach(mode_code("Auto"))
    loop.block.target = mode_code("Cas")
    return int(loop.step().bkcal_out_status)


def of_primary(**values: float) -> int:
    loop = pid_in_cascade()
    loop.reach(mode_code("Auto"))
    loop.forced = values
    return int(loop.step(2).out_status)


def of_silent_host() -> int:
    loop = pid_in_cascade()
    loop.reach(RCAS)
    loop.host_writes = False
    return int(loop.step(30).rcas_in_status)


def of_fault_state() -> int:
    loop = ao_in_cascade()
    loop.reach(mode_code("Cas"))
    loop.forced = {"cas_in_status": cascade_word(IFS)}
    return int(loop.step(2).bkcal_out_status)


MAKERS: dict[str, Callable[[], int]] = {
    "ao_without_readback": lambda: ao_in_cascade(readback_status=STATUS_BAD).block.out_status,
    "open_input": lambda: OnBench("PID").ff_status,
    "silent_host": of_silent_host,
    "block_out_of_service": lambda: of_secondary("OOS"),
    "ai_in_auto": lambda: OnBench("AI", raw=50.0, raw_status=STATUS_GOOD).step(2).out_status,
    "secondary_in_cas": lambda: of_secondary("Cas"),
    "primary_answers": lambda: of_primary(bkcal_in_status=cascade_word(IR)),
    "secondary_asks": of_asking_secondary,
    "secondary_in_auto": lambda: of_secondary("Auto"),
    "do_not_select": lambda: of_primary(pv_status=STATUS_BAD),
    "secondary_tracks": lambda: of_secondary("Cas", **tracking()),
    "ao_in_fault_state": of_fault_state,
    "bad_input_asks": lambda: of_primary(pv_status=STATUS_BAD, ifs_if_bad=1),
}


@pytest.mark.parametrize("row", [row for row in STATUSES if row["made_by"]], ids=lambda row: row["made_by"])
def test_who_says_it(row):
    """Promise: the block that the table names puts this quality and sub-status on its terminal."""
    status = MAKERS[row["made_by"]]()
    assert (quality_of(status), sub_status_of(status)) == (quality_of(status_of(row)), sub_status_of(status_of(row)))


def test_every_maker_is_in_the_table():
    assert {row["made_by"] for row in STATUSES} - {""} == set(MAKERS)


def test_words_of_a_cascade_have_the_codes_of_the_table():
    codes = {"IA": IA, "IR": IR, "NI": NI, "NS": NS, "DNS": 5, "LO": LO, "FSA": FSA, "IFS": IFS, "OK": OK}
    assert codes == {"OK": 0, "IA": 1, "IR": 2, "NI": 3, "NS": 4, "DNS": 5, "LO": 6, "FSA": 7, "IFS": 8}
    assert (BAD, UNCERTAIN, GOOD, GOOD_CASCADE) == (0, 1, 2, 3)


# --- sheds ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("maker", "target"),
    [(pid_in_cascade, RCAS), (pid_in_cascade, ROUT), (ao_in_cascade, RCAS)],
    ids=["PID-RCas", "PID-ROut", "AO-RCas"],
)
@pytest.mark.parametrize("row", SHEDS, ids=lambda row: "-".join(row[c] for c in ("shed_opt", "before", "permitted")))
def test_a_silent_host_sheds_as_the_option_says(row, maker, target):
    """Promise: actual and target after the time-out, and what a host that writes again finds."""
    permitted = mode_mask([OOS, *(mode_code(name) for name in row["permitted"].split())])
    linked = int(row["cas_in"] == "ready")
    loop = maker(shed_opt=int(row["shed_opt"]), permitted=permitted, cas_in_linked=linked)
    loop.reach(mode_code(row["before"]))
    loop.reach(target)
    assert loop.block.mode == target
    loop.host_writes = False
    loop.step(19)
    assert loop.block.mode == target  # the time-out is 20 s
    loop.step(6)
    same = mode_name(target)
    wanted = (row["silent_actual"], row["silent_target"].replace("same", same))
    assert (mode_name(loop.block.mode), mode_name(loop.block.target)) == wanted
    loop.host_writes = True
    loop.step(6)
    assert mode_name(loop.block.mode) == row["return_actual"].replace("same", same)


def test_the_table_of_sheds_has_every_option():
    assert {int(row["shed_opt"]) for row in SHEDS} == set(range(1, 9))
    assert all(row["permitted"] for row in SHEDS)
    assert mode_mask((0, 3, 4, 5, 6, 7)) == ALL_MODES
