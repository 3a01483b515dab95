"""The operator's model keeps its promises without any screen."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dcs.bus.messages import AlarmInfo, Event, Frame, Layout, LinkReport, NodeReport, Reply, TagInfo
from dcs.core.clock import NS_PER_S
from dcs.core.status import STATUS_GOOD
from hmi.model.alarms import AlarmRow, urgency
from hmi.model.commands import DONE, NO_ANSWER, REFUSED
from hmi.model.events import EventLog
from hmi.model.nodes import NodeList
from hmi.model.session import pace_of
from hmi.model.tags import Link, TagStore
from tests.support.fake_plant import BAD_VALUE, PAIR, PLANT

from .conftest import Rig

ROOT = Path(__file__).resolve().parents[3]


def test_model_and_app_import_without_qt() -> None:
    """Promise: the model knows no Qt; importing the application costs none either."""
    code = (
        "import sys\n"
        "for name in ('PySide6', 'pyqtgraph', 'shiboken6'): sys.modules[name] = None\n"
        "import hmi.model.session, hmi.model.displays, hmi.model.trends, hmi.app, hmi.probe\n"
        "import hmi.viewmodels.loop, hmi.viewmodels.pens, hmi.viewmodels.places, hmi.viewmodels.clock\n"
        "print('ok')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.strip() == "ok", done.stderr


# --- values -------------------------------------------------------------------------------------------------
def test_values_arrive_with_status_and_time(rig: Rig) -> None:
    reading = rig.station.tags.read("LIC-101.PV")
    assert reading.link is Link.LIVE
    assert reading.pv.status == STATUS_GOOD
    assert 11.0 < reading.value < 14.0
    assert 0 < rig.clock.time_ns() - reading.pv.time_ns < 1.5 * NS_PER_S


def test_unknown_tag_was_never_received(rig: Rig) -> None:
    reading = rig.station.tags.read("NO-SUCH.PV")
    assert reading.link is Link.COMM
    assert math.isnan(reading.value)


def test_value_is_stale_after_three_missing_frames_and_recovers(rig: Rig) -> None:
    """Promise: a stale value is never shown as good."""
    rig.plant.silent = True
    rig.run(2.0)
    assert rig.station.tags.read("LIC-101.PV").link is Link.LIVE
    rig.run(1.5)
    reading = rig.station.tags.read("LIC-101.PV")
    assert reading.link is Link.STALE
    assert reading.age_s > 3.0
    rig.plant.silent = False
    rig.run(1.1)
    assert rig.station.tags.read("LIC-101.PV").link is Link.LIVE


def test_lost_bus_is_comm_at_once_and_heals(rig: Rig) -> None:
    rig.hub.cut("hmi")
    rig.run(0.5)
    assert rig.station.tags.read("LIC-101.PV").link is Link.COMM
    assert rig.station.link_text
    rig.hub.heal("hmi")
    rig.run(1.5)
    assert rig.station.tags.read("LIC-101.PV").link is Link.LIVE
    assert rig.station.link_text == ""


def test_bad_status_is_not_believable(rig: Rig) -> None:
    rig.plant.bad.add("LIC-101.PV")
    rig.run(1.0)
    assert not rig.station.tags.read("LIC-101.PV").believable


def test_frame_of_a_lost_authority_is_refused_until_the_new_one_is_silent(rig: Rig) -> None:
    """Promise: after a takeover the old active's late frame does not move a value back."""
    tags = rig.station.tags
    group = tags.groups[0]
    old = replace(rig.plant.frame(), epoch=rig.plant.epoch - 1, values=np.full(len(group.layout.tags), 99.0))
    assert not tags.put_frame(group, old)
    assert tags.read("LIC-101.PV").value != 99.0
    rig.plant.silent = True
    rig.run(5.0)
    assert tags.put_frame(group, old), "a plant that starts anew with a lower epoch must be shown"


def test_slow_paced_plant_is_not_called_stale(rig: Rig) -> None:
    rig.station.tags.pace = 0.1
    rig.plant.silent = True
    rig.run(8.0)
    assert rig.station.tags.read("LIC-101.PV").link is Link.LIVE


def test_layout_change_is_fetched_and_history_is_kept(rig: Rig) -> None:
    """Promise: an online change neither loses tags nor the trend of those that stay."""
    rig.run(20.0)
    layout = rig.plant.layout
    rig.plant.layout = replace(layout, tags=(*reversed(layout.tags),))
    rig.run(5.0)
    assert 11.0 < rig.station.tags.read("LIC-101.PV").value < 14.0
    now_s = rig.clock.time_ns() / NS_PER_S
    line = rig.station.trends.line("LIC-101.PV", now_s - 60.0, now_s, 1000)
    assert np.isfinite(line.good).sum() > 20
    assert np.nanmin(line.good) > 11.0


def test_garbage_on_the_bus_is_counted_not_raised(rig: Rig) -> None:
    for subject in ("frame.C1.loops", "event.C1", "node.C1A"):
        rig.plant.bus.publish(f"dcs.{PLANT}.{subject}", b"garbage")
    rig.run(1.5)
    assert rig.session.unreadable == 3
    assert rig.station.tags.read("LIC-101.PV").link is Link.LIVE


# --- alarms -------------------------------------------------------------------------------------------------
def row(state: int, priority: int, time_ns: int, name: str = "A.HI") -> AlarmRow:
    return AlarmRow(AlarmInfo(name, "A.PV", "HI", priority, 1.0), "C1", state, time_ns, 2.0)


def test_order_is_unacknowledged_then_priority_then_newest() -> None:
    rows = [row(2, 1, 9), row(1, 4, 5), row(1, 2, 1), row(3, 2, 7), row(6, 1, 99), row(2, 3, 8)]
    assert sorted(rows, key=urgency) == [rows[3], rows[2], rows[1], rows[0], rows[5], rows[4]]


def test_alarm_goes_through_its_states(rig: Rig) -> None:
    """B on alarm, C on acknowledge, A on return; D when it returns first. The horn follows B only."""
    alarms = rig.station.alarms
    assert alarms.rows == ()
    rig.alarm("LIC-101.HI", 1, 16.4)
    rig.plant.level[0] = 17.0
    rig.run(1.1)
    assert [(r.name, r.letter, r.value) for r in alarms.rows] == [("LIC-101.HI", "B", 16.4)]
    assert alarms.horn
    alarms.silence()
    rig.alarm("LIC-102.LO", 3)
    rig.run(2.0)
    assert len(alarms.rows) == 2
    assert not alarms.horn, "an alarm that returned sounds no horn, and the old one must not sound again"
    request = rig.station.acknowledge("LIC-101.HI")
    assert request is not None
    rig.run(2.1)
    assert alarms.of_module("LIC-101")[0].letter == "C"
    rig.alarm("LIC-102.LO", 1)
    rig.run(0.1)
    rig.alarm("LIC-102.LO", 3)
    rig.run(1.1)
    assert [(r.name, r.letter) for r in alarms.rows] == [("LIC-102.LO", "D"), ("LIC-101.HI", "C")]
    assert alarms.counts() == {(3, "D"): 1, (2, "C"): 1}


def test_roll_up_takes_the_most_urgent(rig: Rig) -> None:
    rig.alarm("LIC-101.HI", 2)
    rig.alarm("LI-103.HI", 1)
    rig.plant.level[0], rig.plant.level[2] = 17.0, 12.0
    rig.run(1.1)
    worst = rig.station.alarms.worst()
    assert worst is not None
    assert worst.name == "LI-103.HI"
    only = rig.station.alarms.worst(frozenset({"LIC-101"}))
    assert only is not None
    assert only.name == "LIC-101.HI"
    assert rig.station.alarms.worst(frozenset({"FIC-101"})) is None


# --- commands -----------------------------------------------------------------------------------------------
def test_command_is_pending_until_the_plant_reports_it(rig: Rig) -> None:
    station = rig.station
    before = station.tags.read("LIC-101.SP").value
    station.write("LIC-101.SP", 13.0)
    assert station.desk.pending("LIC-101.SP") is not None
    rig.run(0.05)
    assert station.desk.pending("LIC-101.SP") is not None, "answered, but no frame has shown it yet"
    assert station.tags.read("LIC-101.SP").value == before
    rig.run(1.2)
    assert station.desk.pending("LIC-101.SP") is None
    assert station.tags.read("LIC-101.SP").value == 13.0
    assert station.desk.last_result is not None
    assert station.desk.last_result.state == DONE


def test_frame_of_an_earlier_scan_does_not_settle_a_command(rig: Rig) -> None:
    """A frame that was on its way when the command was applied shows the old value."""
    desk = rig.station.desk
    request = desk.submit("set", "LIC-101.SP", PAIR, 13.0)
    desk.answered(request, Reply(request.command.id, True, "set", scan=1000))
    desk.reported(PAIR, 999)
    assert desk.pending("LIC-101.SP") is not None
    desk.reported("C2", 1000)
    assert desk.pending("LIC-101.SP") is not None, "another pair counts its own scans"
    desk.reported(PAIR, 1000)
    assert desk.pending("LIC-101.SP") is None


def test_refused_command_tells_the_limit(rig: Rig) -> None:
    rig.station.write("LIC-101.SP", 25.0)
    rig.run(0.1)
    result = rig.station.desk.last_result
    assert result is not None
    assert result.state == REFUSED
    assert "20" in result.text
    assert rig.station.desk.pending("LIC-101.SP") is None


def test_unanswered_command_says_so_and_stops_pending(rig: Rig) -> None:
    rig.plant.answers = False
    rig.station.write("LIC-101.SP", 13.0)
    rig.run(6.0)
    assert rig.station.desk.pending("LIC-101.SP") is not None, "the next scan, or the one after a takeover, may take it"
    rig.run(2.0)
    result = rig.station.desk.last_result
    assert result is not None
    assert result.state == NO_ANSWER
    assert result.text
    assert rig.station.desk.pending("LIC-101.SP") is None


def test_mode_is_commanded_by_name_and_switchover_by_pair(rig: Rig) -> None:
    rig.station.write("LIC-101.MODE", "MAN")
    rig.station.switch_over(PAIR)
    rig.run(2.1)
    assert rig.station.tags.read("LIC-101.MODE").value == 3
    roles = {r.report.node: r.report.role for r in rig.station.nodes.rows() if r.report.role}
    assert roles == {"C1A": "standby", "C1B": "active"}


def test_ids_differ_between_commands(rig: Rig) -> None:
    ids = {rig.station.desk.submit("ack_all", "", PAIR).command.id for _ in range(50)}
    assert len(ids) == 50


# --- nodes, events --------------------------------------------------------------------------------------------
def test_silent_node_is_not_healthy(rig: Rig) -> None:
    assert all(r.healthy for r in rig.station.nodes.rows())
    rig.plant.silent = True
    rig.run(3.5)  # the last report may have come just now
    assert all(r.silent and not r.healthy for r in rig.station.nodes.rows())


def test_a_controller_that_died_before_anybody_looked_is_listed_as_silent(rig: Rig) -> None:
    """Promise: an operator station that is opened during the trouble shows it."""
    nodes = NodeList(rig.clock)
    pair_link = LinkReport("C1B", "pair", "down")
    nodes.put(NodeReport("C1A", "controller", 1, 0, "active", "active", "C1", 2, links=(pair_link,)))
    assert [row.report.node for row in nodes.rows()] == ["C1A"], "it may report within a second"
    rig.run(3.0)
    nodes.put(NodeReport("C1A", "controller", 1, 0, "active", "active", "C1", 2, links=(pair_link,)))
    assert [(row.report.node, row.silent) for row in nodes.rows()] == [("C1A", False), ("C1B", True)]
    nodes.put(NodeReport("C1B", "controller", 2, 0, "ready", "standby", "C1", 2))
    assert [(row.report.node, row.silent) for row in nodes.rows()] == [("C1A", False), ("C1B", False)]


def test_who_was_active_before_another_is_not_shown_as_active(rig: Rig) -> None:
    """Promise: from its first report the new active is the only one, not only once the old one is known silent."""
    old = next(row.report for row in rig.station.nodes.rows() if row.report.role == "active")
    rig.station.nodes.put(replace(old, node="C1B", epoch=old.epoch + 1, standby="missing"))
    active = [row for row in rig.station.nodes.rows() if row.report.role == "active"]
    assert [(row.report.node, row.silent) for row in active] == [("C1A", True), ("C1B", False)]
    assert rig.station.nodes.standbys() == ((PAIR, "missing"),)


@pytest.mark.parametrize(("note", "pace"), [("simulated x10", 10.0), ("simulated", None), ("", None), ("xx", None)])
def test_pace_in_a_clock_note(note: str, pace: float | None) -> None:
    assert pace_of(note) == pace


def test_event_is_listed_once_and_in_time_order() -> None:
    log = EventLog(kept=3)
    for number in (3, 1, 2, 2, 4):
        log.put(Event(f"C1:{number}", number, "C1", "system", "x", "happened"))
    assert [event.time_ns for event in log.events] == [2, 3, 4]


def test_old_events_are_back_filled() -> None:
    rig = Rig()
    event = Event("C1:1", 5, PAIR, "system", "C1", "started")

    async def append() -> None:
        await rig.plant.bus.append("events", f"dcs.{PLANT}.event.{PAIR}", event.to_bytes(), event.id)

    rig.loop.run_until_complete(append())
    rig.start()
    rig.run(0.5)
    assert event in rig.station.events.events
    rig.close()


def test_bad_status_fixture_is_bad() -> None:
    assert BAD_VALUE >> 6 == 0


def test_layouts_of_two_pairs_live_side_by_side(rig: Rig) -> None:
    other = Layout(PLANT, "C2", "fast", NS_PER_S, (TagInfo("X.PV"),))
    tags: TagStore = rig.station.tags
    group = tags.put_layout(other)
    tags.put_frame(group, Frame(other.hash, 1, rig.clock.time_ns(), 1, 1, np.array([5.0]), np.array([192], np.uint8)))
    assert tags.pair_of("X.PV") == "C2"
    assert tags.pair_of("LIC-101.PV") == PAIR
    assert isinstance(rig.station.nodes, NodeList)
