"""Both tunings of the Tennessee Eastman plant folder; long versions are in ``tests.simulation.tennessee_eastman``."""

import math
from typing import Any

import pytest

from dcs.config.find import find_config
from dcs.core.modes import AUTO, CAS, IMAN
from dcs.node.assembly import load_configuration
from plant_models.tennessee_eastman.reference_control import FAST, GAS, LOOPS, LOOPS_S, SETPOINTS, Loop
from tests.simulation.tennessee_eastman import TRAVEL_PART, tell, too_far
from tests.support.te_runs import CASES, VARIANT, Case, Change, deviations, in_direct, in_the_box, published
from tests.support.te_study import REFERENCE, VALVES, at_the_base_case, plant, travel_pct_h

TAGS = {
    1: "FIC-2", 2: "FIC-3", 3: "FIC-1", 4: "FIC-4", 5: "FIC-5", 6: "FIC-10", 7: "LIC-12", 8: "LIC-15", 9: "FIC-19",
    10: "TIC-21", 11: "FIC-17", 13: "AIC-23", 14: "AIC-26", 15: "AIC-27", 16: "TIC-18", 17: "LIC-8", 18: "TIC-9",
    19: "AIC-30", 20: "AIC-38",
}  # fmt: skip
"""Our tags by the numbers of the published loops."""


# --- published tuning -------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def pids() -> dict[str, dict[str, Any]]:
    """Parameters of the PID blocks of the published variant, by block."""
    strategy = load_configuration(find_config("tennessee_eastman"), (VARIANT,)).controllers[0].strategy
    return {block.name: dict(block.params) for block in strategy.blocks if block.name.endswith(".pid")}


def period_s(loop: Loop) -> int:
    return LOOPS_S if loop in FAST else 360 if loop in GAS else 900


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: TAGS[loop.number])
def test_gains_and_reset_times_are_the_published_ones_in_our_form(pids: dict[str, dict[str, Any]], loop: Loop) -> None:
    """Promise: K (1 + Ts/τ) and Ts / ln(1 + Ts/τ), in our controllers' ranges; action and setpoint as published."""
    pid = pids[f"{TAGS[loop.number]}.pid"]
    part = period_s(loop) / loop.reset_s if loop.reset_s else 0.0
    pv_span = pid["pv_scale_high"] - pid["pv_scale_low"]
    out_span = pid.get("out_scale_high", 100.0) - pid.get("out_scale_low", 0.0)
    gain = abs(loop.gain) * (1.0 + part) * (pv_span / loop.span) * (100.0 * loop.scale / out_span)
    assert pid["gain"] == pytest.approx(gain, rel=1e-7)
    assert pid["ti_s"] == pytest.approx(period_s(loop) / math.log(1.0 + part) if part else 0.0, rel=1e-7)
    assert pid.get("direct_acting", 0) == (loop.gain < 0.0)
    assert pid.get("sample_s", LOOPS_S) == period_s(loop)
    inner = {one.inner for one in LOOPS}
    assert loop.number in inner or pid["sp"] == SETPOINTS[loop.number - 1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_published_tuning_goes_where_the_published_controllers_go(case: Case) -> None:
    """Promise: 41 measurements and 12 demands, for hours, within 1 % of their range or one published standard
    deviation; measurements as old as they are over Modbus."""
    found = deviations(in_direct(case), published(case))
    assert not too_far(case, found), tell(case, found)


@pytest.mark.parametrize(
    "case",
    [
        Case("cooling water warmer, in the box", 0.75, (Change(600, "idv4"),)),
        Case("setpoint of the temperature, in the box", 0.75, (Change(600, "TIC-9.SP", 0.5),)),
    ],
    ids=lambda case: case.name,
)
def test_so_it_does_over_modbus_with_a_redundant_pair(case: Case) -> None:
    found = deviations(in_the_box(case), published(case))
    assert not too_far(case, found), tell(case, found)


def test_measurements_that_are_a_second_fresher_would_show() -> None:
    """The comparison can fail: the published controllers see the plant one second late."""
    case = Case("cooling water warmer", 0.75, (Change(600, "idv4"),))
    assert too_far(case, deviations(in_direct(case, "scan_classes.levels.phase=500ms"), published(case)))


def test_the_published_tuning_has_no_override_of_ours() -> None:
    """Promise: nothing but the ordinary controllers is wired to a selector, so nothing else can be selected."""
    strategy = load_configuration(find_config("tennessee_eastman"), (VARIANT,)).controllers[0].strategy
    selectors = {block.name for block in strategy.blocks if block.type == "CONTROL_SELECTOR"}
    wired = [link.target for link in strategy.links if link.target.rpartition(".")[0] in selectors]
    inputs = [target for target in wired if target.rpartition(".")[2].startswith("inp_")]
    assert sorted(inputs) == sorted(f"{name}.inp_1" for name in selectors)
    assert len(selectors) == 5


# --- tuning for people ------------------------------------------------------------------------------------------
def test_nothing_alarms_at_the_base_case_with_noise() -> None:
    """One seed for eight hours; twenty for a day in ``tests.simulation.tennessee_eastman``."""
    quiet = at_the_base_case(4, 8.0)
    assert (quiet.alarms, quiet.conditions, quiet.selected) == ((), (), ())


def test_the_valves_travel_a_fifth_of_what_the_published_tuning_makes_them_at_most() -> None:
    ours, reference = travel_pct_h(1, 0.5), travel_pct_h(1, 0.5, *REFERENCE)
    for name, one, other in zip(VALVES, ours, reference, strict=True):
        print(f"{name}: {one:.1f} and {other:.1f} % per hour")
        assert one <= TRAVEL_PART * other
    assert reference.sum() > 5000.0


def test_an_analyser_that_hangs_is_held_then_bad_and_its_cascade_goes_on_in_auto_until_it_is_back() -> None:
    """Promise: three samples that do not come; the feed keeps its setpoint, and the cascade closes again."""
    one = plant(1)
    one.run_for(3600)
    one.set("AIC-23.count.SIMULATE", 1)  # the counter stands still
    one.run_for(600)
    assert (one.value("AIC-23.MODE"), one.value("FFC-1.MODE")) == (AUTO, CAS)
    before = one.value("FIC-1.SP")
    one.run_for(600)
    assert (one.value("AIC-23.MODE"), one.value("FFC-1.MODE"), one.value("FIC-1.MODE")) == (IMAN, AUTO, CAS)
    one.run_for(3600)
    assert one.value("FIC-1.SP") == before
    one.set("AIC-23.count.SIMULATE", 0)
    one.run_for(400)
    assert (one.value("AIC-23.MODE"), one.value("FFC-1.MODE")) == (AUTO, CAS)


def test_one_knob_moves_the_load_without_an_alarm() -> None:
    """Promise: HIC-1 from 100 to 95 %: feeds and product follow, without an alarm."""
    one = plant(1)
    one.run_for(3600)
    one.set("HIC-1.LOAD", 95.0)
    one.run_for(6 * 3600)
    assert one.annunciations() == []
    mean = dict.fromkeys(("FIC-2.PV", "FIC-3.PV", "FIC-4.PV", "FIC-17.PV"), 0.0)
    for _ in range(60):
        one.run_for(60)
        mean = {tag: value + one.value(tag) / 60.0 for tag, value in mean.items()}
    base = {"FIC-2.PV": 3664.0, "FIC-3.PV": 4509.0, "FIC-4.PV": 9.348, "FIC-17.PV": 22.949}
    assert {tag: value / base[tag] for tag, value in mean.items()} == pytest.approx(
        dict.fromkeys(mean, 0.95), abs=0.035
    )
