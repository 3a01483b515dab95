"""Pitfalls 3 and 4 of override control and split range, with controllers above and a valve below.

Each test is named by its pitfall; what is expected is the house rule of the reference for function blocks.
"""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.modes import AUTO, CAS, IMAN, MAN
from dcs.core.status import (
    BAD,
    LIMIT_HIGH,
    LIMIT_LOW,
    NS,
    OK,
    STATUS_BAD,
    STATUS_GOOD,
    limits_of,
    quality_of,
    sub_status_of,
)
from dcs.engine.strategy import BlockSpec, Channel, Strategy
from tests.unit.engine.strategies import scaled, strategy
from tests.unit.engine.test_chains import Chain, output, split_range

SELECTS = {"LOW": 0, "HIGH": 1, "MID": 2}
GAIN, TI_S = 1.5, 10.0
PID_100 = scaled(pv_scale=(0, 100), out_scale=(0, 100)) | {"gain": GAIN, "ti_s": TI_S, "sp": 50.0}


def override(controllers: int = 2, select: str = "LOW", **pid: float) -> Strategy:
    """That many PIDs over one valve."""
    blocks = [BlockSpec("S.sel", "CONTROL_SELECTOR", "loops", {"select": SELECTS[select]})]
    links = [("P.ao.bkcal_out", "S.sel.bkcal_in")]
    channels = []
    for k in range(1, controllers + 1):
        blocks.append(BlockSpec(f"C{k}.pid", "PID", "loops", PID_100 | pid))
        links += [
            (f"PV{k}", f"C{k}.pid.pv"),
            (f"C{k}.pid.out", f"S.sel.inp_{k}"),
            (f"S.sel.bkcal_out_{k}", f"C{k}.pid.bkcal_in"),
        ]
        channels.append(Channel(f"PV{k}", "in", "%"))
    block, more, ports = output("P", "S.sel.out")
    return strategy((*blocks, block), links + more, (*channels, *ports))


def running(controllers: int = 2, select: str = "LOW", **pvs: float) -> Chain:
    """Started with every measurement at its setpoint and the valve at 40 %, then with these measurements."""
    reads = {f"PV{k}": 50.0 for k in range(1, controllers + 1)}
    chain = Chain.of(override(controllers, select), **reads, **{"P.readback": 40.0})
    chain.run(15)
    assert chain["S.sel.mode"] == AUTO
    assert chain["P.ao.mode"] == CAS
    chain.reads.update(pvs)
    return chain


def valve(chain: Chain) -> float:
    return chain.reads["P.readback"]


@given(scans=st.integers(200, 800), loser=st.floats(5.0, 48.0))
@settings(max_examples=15, deadline=None)
def test_pitfall_03_a_loser_never_winds_beyond_its_proportional_gap(scans, loser):
    """Promise: however long it is not selected, its output is the selected one plus its gain times its own error."""
    chain = running(PV1=50.0, PV2=loser)
    chain.run(scans)
    assert chain["S.sel.selected"] == 1
    gap = GAIN * (50.0 - loser)
    assert chain["C2.pid.out"] == pytest.approx(min(100.0, valve(chain) + gap), abs=1e-6)
    # Its error turns: no wind-up has to be worked off first, it takes over in that very scan.
    chain.reads["PV2"] = 60.0
    chain.run(1)
    assert chain["S.sel.selected"] == 2
    assert valve(chain) < 40.0


@pytest.mark.parametrize("select", SELECTS)
@given(
    steps=st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1)), min_size=20, max_size=80),
)
@settings(max_examples=20, deadline=None)
def test_pitfall_03_a_cross_over_moves_out_by_at_most_one_scans_increment(select, steps):
    """Promise: OUT never moves by more than a controller moved in that scan, whoever wins."""
    chain = running(3, select)
    for step in steps:
        before, outs = valve(chain), [chain[f"C{k}.pid.out"] for k in (1, 2, 3)]
        for k, change in enumerate(step, 1):
            chain.reads[f"PV{k}"] += change
        chain.run(1)
        moved = [abs(chain[f"C{k}.pid.out"] - was) for k, was in enumerate(outs, 1)]
        assert abs(valve(chain) - before) <= max(moved) + 1e-9


@pytest.mark.parametrize("select", SELECTS)
def test_pitfall_03_the_losers_are_told_the_selected_output_and_not_selected(select):
    chain = running(3, select, PV1=50.2, PV2=50.0, PV3=49.8)
    chain.run(3)
    winner = int(chain["S.sel.selected"])
    assert winner == {"LOW": 1, "HIGH": 3, "MID": 2}[select]
    for k in (1, 2, 3):
        assert sub_status_of(int(chain[f"S.sel.bkcal_out_status_{k}"])) == (OK if k == winner else NS)
        assert chain[f"S.sel.bkcal_out_{k}"] == pytest.approx(valve(chain))
        assert chain[f"C{k}.pid.mode"] == AUTO  # Not Selected is no reason to leave the mode


def test_pitfall_03_the_last_one_left_comes_in_without_a_bump():
    """Promise: the selected controller is lost with the other one far away; OUT stays, and control goes on from it."""
    chain = running(PV1=50.0, PV2=20.0)
    chain.run(100)
    assert chain["S.sel.selected"] == 1
    assert chain["C2.pid.out"] == pytest.approx(85.0, abs=1e-6)
    before = valve(chain)
    chain.must_set("C1.pid.MODE", "OOS")  # its output is Bad from now on
    for _ in range(4):
        chain.run(1)
        assert valve(chain) == pytest.approx(before, abs=1e-9)
        if chain["S.sel.selected"] == 2:
            break
    assert chain["S.sel.selected"] == 2
    chain.run(1)
    increment = GAIN * 30.0 * (1 - math.exp(-1 / TI_S))
    for _ in range(5):
        was = valve(chain)
        chain.run(1)
        assert valve(chain) - was <= increment + 1e-6  # its integral, nothing else
    chain.run(60)
    assert valve(chain) == 100.0
    # And back: the first one is initialised as well before it takes over.
    was = valve(chain)
    chain.must_set("C1.pid.MODE", "AUTO")
    for _ in range(6):
        chain.run(1)
        assert abs(valve(chain) - was) <= increment + 1e-6
        was = valve(chain)


@pytest.mark.parametrize("comes_back", [True, False])
def test_pitfall_03_a_controller_whose_measurement_dies_asks_not_to_be_selected(comes_back):
    """Promise: it is left out without a bump, the other one controls, and its return is no bump either."""
    chain = running(PV1=50.0, PV2=45.0)
    chain.run(60)
    assert chain["S.sel.selected"] == 1
    chain.status["PV1"] = STATUS_BAD
    scan = GAIN * 5.0 * (1 - math.exp(-1 / TI_S)) + 1e-6
    for k in range(40):
        if k == 20 and comes_back:
            chain.status["PV1"] = STATUS_GOOD
        was = valve(chain)
        chain.run(1)
        assert abs(valve(chain) - was) <= scan
        if k in (10, 39):
            assert chain["S.sel.selected"] == (1 if comes_back and k == 39 else 2)


@pytest.mark.parametrize(("select", "pv"), [("LOW", 55.0), ("HIGH", 45.0)])
def test_pitfall_03_a_dead_controller_neither_wins_nor_holds_an_override_back(select, pv):
    """Promise: by default; its held output would win for ever as soon as the others go past it."""
    chain = running(select=select, PV1=50.0, PV2=50.0)
    chain.run(30)
    lost = int(chain["S.sel.selected"])
    other = 3 - lost
    chain.status[f"PV{lost}"] = STATUS_BAD
    chain.reads[f"PV{other}"] = pv
    chain.run(100)
    assert chain["S.sel.selected"] == other
    assert valve(chain) == (0.0 if pv > 50.0 else 100.0)
    chain.reads[f"PV{other}"] = 100.0 - pv
    chain.run(200)
    assert chain["S.sel.selected"] == other
    assert valve(chain) == (100.0 if pv > 50.0 else 0.0)


def test_pitfall_03_a_controller_in_man_takes_part_with_what_the_operator_gives():
    chain = running(PV1=50.0, PV2=45.0)
    chain.run(30)
    chain.must_set("C2.pid.MODE", "MAN")
    chain.status["PV2"] = STATUS_BAD
    chain.run(2)
    chain.must_set("C2.pid.OUT", 10.0)
    chain.run(3)
    assert (chain["S.sel.selected"], valve(chain)) == (2, 10.0)


def test_pitfall_03_all_lost_the_output_is_bad_and_the_valve_holds():
    chain = running(PV1=50.0, PV2=45.0)
    chain.run(30)
    before = valve(chain)
    for k in (1, 2):
        chain.must_set(f"C{k}.pid.MODE", "OOS")
    chain.run(5)
    assert quality_of(int(chain["S.sel.out_status"])) == BAD
    assert chain["P.ao.mode"] == AUTO
    assert valve(chain) == before
    chain.run(50)
    chain.must_set("C2.pid.MODE", "AUTO")
    for _ in range(8):
        was = valve(chain)
        chain.run(1)
        assert abs(valve(chain) - was) <= GAIN * 5.0 * 0.1 + 1e-9
    assert chain["P.ao.mode"] == CAS
    assert chain["S.sel.selected"] == 2


def test_pitfall_03_a_selector_whose_valve_leaves_takes_all_controllers_along():
    """Promise: hours of a valve in Man leave no wind-up in any controller, selected or not."""
    chain = running(PV1=48.0, PV2=30.0)
    chain.run(20)
    chain.must_set("P.ao.MODE", "MAN")
    chain.run(2)
    chain.must_set("P.ao.OUT", 25.0)
    chain.run(500)
    assert [chain[f"C{k}.pid.mode"] for k in (1, 2)] == [IMAN, IMAN]
    assert [chain[f"C{k}.pid.out"] for k in (1, 2)] == [25.0, 25.0]
    chain.must_set("P.ao.MODE", "CAS")
    was = valve(chain)
    for _ in range(6):
        chain.run(1)
        assert abs(valve(chain) - was) <= GAIN * 20.0 * 0.1 + 1e-9
        was = valve(chain)
    assert chain["S.sel.mode"] == AUTO


@pytest.mark.parametrize("direct", [0, 1])
@pytest.mark.parametrize("select", ["LOW", "HIGH"])
def test_pitfall_03_the_primary_of_a_loser_does_not_wind_up(select, direct):
    """Promise: the setpoint of a loser moves no further in the direction in which it could not be selected.

    Nothing that the primary does there reaches the valve, so its integral would run to the end of its range.
    """
    spec = override(select=select)
    blocks = tuple(
        BlockSpec(b.name, b.type, b.scan_class, {**b.params, "direct_acting": direct, "target": CAS})
        if b.name == "C1.pid"
        else b
        for b in spec.blocks
    )
    primary = BlockSpec("C0.pid", "PID", "loops", PID_100)
    links = [(link.source, link.target) for link in spec.links]
    links += [("PV0", "C0.pid.pv"), ("C0.pid.out", "C1.pid.cas_in"), ("C1.pid.bkcal_out", "C0.pid.bkcal_in")]
    chain = Chain.of(
        strategy((primary, *blocks), links, (*spec.channels, Channel("PV0", "in", "%"))),
        **dict.fromkeys(("PV0", "PV1", "PV2"), 50.0) | {"P.readback": 40.0},
    )
    chain.run(15)
    assert chain["C0.pid.mode"] == AUTO
    assert chain["C1.pid.mode"] == CAS
    away = 5.0 if select == "LOW" else -5.0  # what makes C1 ask for more than the other one, or for less
    chain.reads["PV1"] = 50.0 + away if direct else 50.0 - away
    chain.run(3)
    assert chain["S.sel.selected"] == 2
    assert sub_status_of(int(chain["C1.pid.bkcal_in_status"])) == NS
    setpoint = chain["C1.pid.sp_wrk"]
    further = -2.0 if (away > 0.0) == (direct == 1) else 2.0  # the primary asks for still more of the same
    chain.reads["PV0"] = 50.0 - further
    chain.run(500)
    assert chain["C1.pid.sp_wrk"] == pytest.approx(setpoint + GAIN * further, abs=0.1 * abs(further))
    # In the other direction it is free: that way the loser may be selected again.
    chain.reads["PV0"] = 50.0 + further
    chain.run(30)
    assert chain["S.sel.selected"] == 1


# --- pitfall 4 --------------------------------------------------------------------------------------------------


def split(pv: float = 50.0, cold: float = 0.0, hot: float = 37.0) -> Chain:
    chain = Chain.of(split_range(), PV=pv, **{"COLD.readback": cold, "HOT.readback": hot})
    chain.run(15)
    assert (chain["T.pid.mode"], chain["T.split.mode"]) == (AUTO, CAS)
    return chain


@pytest.mark.parametrize("by_hand", ["COLD", "HOT"])
def test_pitfall_04_with_one_leg_in_man_control_goes_on_with_the_other(by_hand):
    chain = split(hot=20.0)
    chain.must_set(f"{by_hand}.ao.MODE", "MAN")
    chain.run(2)
    chain.must_set(f"{by_hand}.ao.OUT", 12.0)
    chain.run(5)
    assert (chain["T.pid.mode"], chain["T.split.mode"], chain[f"{by_hand}.ao.mode"]) == (AUTO, CAS, MAN)
    other = {"COLD": "HOT", "HOT": "COLD"}[by_hand]
    chain.reads["PV"] += 1.0 if other == "HOT" else 12.0  # gain 3: the setpoint falls into the other leg's range
    chain.run(2)
    before = chain.field()[other]
    chain.reads["PV"] += 2.0
    chain.run(2)
    assert chain.field()[by_hand] == 12.0
    assert abs(chain.field()[other] - before) > 5.0


def test_pitfall_04_limited_only_when_all_available_legs_are():
    """Promise: the controller stops only when nobody can follow any more, and only in that direction."""

    def told() -> int:
        return limits_of(int(chain["T.split.bkcal_out_status"]))

    chain = split(hot=20.0)
    assert told() == 0  # the cold leg has finished, the hot one has not
    chain.reads["PV"] = 30.0
    chain.run(3)
    assert (chain.field()["HOT"], told()) == (100.0, LIMIT_HIGH)
    chain.reads["PV"] = 50.0
    chain.run(3)
    chain.must_set("HOT.ao.MODE", "MAN")
    chain.run(3)
    assert told() == LIMIT_HIGH  # the only leg that can move has finished
    chain.reads["PV"] = 62.0
    chain.run(3)
    assert told() == 0
    chain.must_set("HOT.ao.MODE", "CAS")
    chain.run(30)
    chain.must_set("COLD.ao.MODE", "MAN")
    chain.run(4)
    assert told() == LIMIT_LOW  # the hot leg is at its beginning


def test_pitfall_04_a_leg_that_died_does_not_stop_the_other():
    chain = split(hot=20.0)
    chain.status["COLD.readback"] = STATUS_BAD
    chain.run(10)
    assert (chain["COLD.ao.mode"], chain["T.split.mode"], chain["T.pid.mode"]) == (IMAN, CAS, AUTO)
    before = chain.field()["HOT"]
    chain.reads["PV"] = 48.0
    chain.run(2)
    assert chain.field()["HOT"] == pytest.approx(before + 12.0)
    chain.status["COLD.readback"] = STATUS_GOOD
    chain.run(5)
    assert chain["COLD.ao.mode"] == CAS
