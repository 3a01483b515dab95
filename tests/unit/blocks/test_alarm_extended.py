"""Promises of alarms with memory: states, rates of change, deviations after a change of setpoint; named alarms."""

import math
from pathlib import Path

import pytest

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.alarms.machine import ALARM_KINDS, NORMAL, RETURNED, UNACKNOWLEDGED
from dcs.blocks.alarm import ALARM, ALARM_EXTENDED
from dcs.config.load import load_plant
from dcs.core.status import STATUS_BAD, STATUS_GOOD
from dcs.engine.compile import compile_strategy
from dcs.engine.strategy import AlarmSpec, BlockSpec, Channel
from plant_models.model import PLANTS
from tests.unit.blocks.bench import OnBench
from tests.unit.config.plants import copy_good
from tests.unit.engine.strategies import Bench, scaled, strategy

A, B, D = NORMAL, UNACKNOWLEDGED, RETURNED


def extended(kind: str, **values) -> OnBench:
    code = ALARM_KINDS.index(kind)
    return OnBench("ALARM_EXTENDED", kind=code, elapsed_s=1.0, watched_status=STATUS_GOOD, **values)


def states(alarm: OnBench, field: str, *values: float) -> list[int]:
    return [alarm.step(**{field: value}).alarm_state for value in values]


@pytest.mark.parametrize(("kind", "wanted"), [("ON", [A, B, D]), ("OFF", [B, D, B])])
def test_states_of_flags_and_of_binary_signals(kind, wanted):
    """Promise: a flag is a whole number in memory, a binary signal is not; both are on at 1."""
    assert states(extended(kind, whole=1), "watched_code", 0, 1, 0) == wanted
    assert states(extended(kind), "watched", 0.0, 1.0, 0.0) == wanted


@pytest.mark.parametrize("kind", ["ON", "OFF", "ROC"])
@pytest.mark.parametrize(("value", "status"), [(1.0, STATUS_BAD), (0.0, STATUS_BAD), (math.nan, STATUS_GOOD)])
def test_bad_neither_sets_nor_clears(kind, value, status):
    for active in (0, 1):
        alarm = extended(kind, active=active, limit=0.1, window_s=10.0)
        alarm.step(watched=value, watched_status=status)
        assert (alarm.active, alarm.event) == (active, 0)


def test_steady_ramp_of_the_limit_per_window_is_at_the_limit():
    """Promise: 5 per 60 s: a ramp of 4.9 per 60 s never raises it, one of 5.1 does, in both directions."""
    for rate, wanted in ((4.9, A), (5.1, B), (-4.9, A), (-5.1, B)):
        alarm = extended("ROC", limit=5.0, window_s=60.0)
        assert states(alarm, "watched", *(rate / 60.0 * k for k in range(600)))[-1] == wanted


def test_step_of_the_limit_raises_at_once_and_fades_with_the_window():
    alarm = extended("ROC", limit=5.0, window_s=10.0)
    got = states(alarm, "watched", 0.0, 0.0, 5.1, *[5.1] * 30)
    assert got[1:4] == [A, B, D]


def test_value_after_bad_is_no_change():
    """Promise: what comes back from Bad at another value has not changed fast."""
    alarm = extended("ROC", limit=5.0, window_s=60.0)
    alarm.step(watched=10.0)
    alarm.step(watched=10.0, watched_status=STATUS_BAD)
    assert alarm.step(watched=50.0, watched_status=STATUS_GOOD).alarm_state == A


# --- after a change of setpoint -------------------------------------------------------------------------------------
def deviation(**values) -> OnBench:
    return extended("DEV_LO", limit=10.0, after_sp_s=5.0, reference=50.0, watched=50.0, **values)


def test_deviation_waits_after_a_change_of_setpoint():
    """Promise: not before the time after the last change is over, and then it comes."""
    alarm = deviation()
    alarm.step()
    assert [alarm.step(reference=80.0).alarm_state for _ in range(8)] == [A] * 5 + [B] * 3


def test_each_change_starts_the_time_again():
    alarm = deviation()
    alarm.step()
    assert [alarm.step(reference=70.0 + k).alarm_state for k in (0, 2, 4, 6, 8, 10, 12, 14, 14, 14, 14)] == [A] * 11
    assert [alarm.step().alarm_state for _ in range(3)] == [A, B, B]


def test_noise_of_a_primary_is_no_change():
    """Promise: a setpoint in cascade that moves by less than a tenth of the limit suppresses nothing."""
    alarm = deviation()
    got = [alarm.step(reference=50.0 + 0.5 * (k % 2), watched=50.0 if k < 3 else 35.0).alarm_state for k in range(5)]
    assert got == [A, A, A, B, B]


def test_deviation_that_stands_may_return_meanwhile():
    alarm = deviation()
    assert states(alarm, "watched", 30.0) == [B]
    assert alarm.step(reference=80.0).alarm_state == B
    assert alarm.step(reference=80.0, watched=80.0).alarm_state == D


def test_no_number_as_setpoint_is_no_change():
    alarm = deviation()
    alarm.step()
    for reference in (math.nan, math.inf, 50.0):
        alarm.step(reference=reference)
    assert (alarm.quiet_s, alarm.remembered) == (0.0, 50.0)


# --- in the engine --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("compiled", [True, False])
def test_alarm_on_a_flag_in_the_engine(compiled):
    """Promise: named alarms of flags and of limits live side by side, with their names in journal and columns."""
    interlock = BlockSpec("M-101.permit", "INTERLOCK", "loops", {"latch": 1.0})
    level = BlockSpec("M-101.ai", "AI", "loops", scaled(xd_scale=(0, 100), out_scale=(0, 100)))
    alarms = (
        AlarmSpec("M-101.BLOCKED", "M-101", "M-101.permit.tripped", "ON", 2, description="Pump blocked"),
        AlarmSpec("M-101.HI", "M-101", "M-101.ai.pv", "HI", 3, limit=80.0),
        AlarmSpec("M-101.MANY", "M-101", "M-101.permit.causes_active", "HI", 3, limit=0.5),
    )
    channels = (Channel("OIL", "in", ""), Channel("LT", "in", ""))
    links = [("OIL", "M-101.permit.inp_1"), ("LT", "M-101.ai.raw")]
    at = Bench.of(strategy((interlock, level), links, channels, alarms), compiled, OIL=1.0, LT=50.0)
    at.scan()
    at.engine.take_events()
    assert {record.name: record.type for record in at.engine.plan.records if record.name.startswith("M-101.M")} == {
        "M-101.MANY": ALARM_EXTENDED
    }
    assert [
        place.spec.name for place in at.engine.plan.alarms if at.engine.plan.records[place.record].type is ALARM
    ] == ["M-101.HI"]
    at.reads.update(OIL=0.0, LT=90.0)
    at.scan()
    names = [info.name for info in at.engine.layouts("p")[0].alarms]
    rows = dict(zip(names, at.engine.columns(0)[2], strict=True))
    assert {name: (int(row["state"]), float(row["value"])) for name, row in rows.items()} == {
        "M-101.HI": (B, 90.0),
        "M-101.BLOCKED": (B, 1.0),
        "M-101.MANY": (B, 1.0),
    }
    texts = [event.text for event in at.engine.take_events() if event.kind == "alarm"]
    assert "M-101 BLOCKED: in alarm – Pump blocked" in texts
    assert "M-101 MANY: in alarm, 1 cm (limit 0.5 cm)" in texts


def test_named_alarms_from_the_file(tmp_path: Path):
    """Promise: name, kind, watched part, block and times reach the strategy, and that compiles."""
    folder = copy_good(tmp_path)
    (folder / "alarms.yaml").write_text(
        """\
alarms:
  LIC-101:
    HI: {limit: 16 cm, priority: 2}
    FULL: {kind: HI, of: ai.PV, limit: 19 cm, priority: 1}
    FAST: {kind: ROC, limit: 2 cm, window: 30 s, priority: 3}
    FAR: {kind: DEV_LO, limit: 3 cm, after_sp: 2 min, priority: 3}
    NOT_AUTO: {kind: "OFF", of: ai.MODE, priority: 4}
""",
        encoding="utf-8",
    )
    config = load_plant(folder, PLANTS)
    strategies = config.controllers[0].strategy
    found = {spec.name: spec for spec in strategies.alarms}
    assert found["LIC-101.FULL"].source == "LIC-101.ai.pv"
    assert (found["LIC-101.FAST"].kind, found["LIC-101.FAST"].window_s) == ("ROC", 30.0)
    assert (found["LIC-101.FAR"].reference, found["LIC-101.FAR"].after_sp_s) == ("LIC-101.pid.sp_wrk", 120.0)
    assert found["LIC-101.NOT_AUTO"].description == "Level of tank 1: ai.MODE off"
    places = compile_strategy(strategies).alarms
    assert len([place for place in places if place.spec.module == "LIC-101"]) == 5
