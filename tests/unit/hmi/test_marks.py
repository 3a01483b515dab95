"""Where samples are missing and who wrote those there: never bridged, put right by late samples, told."""

import numpy as np

from dcs.bus.history import HistoryAnswer, HistoryRequest, Series
from dcs.bus.messages import Event, Frame, Layout, TagInfo
from dcs.core.clock import NS_PER_S
from hmi.model.events import EventLog
from hmi.model.marks import NO_MARKS
from hmi.model.trends import TrendStore
from hmi.viewmodels.pens import TrendView

from .conftest import Rig

LAYOUT = Layout("p", "C1", "loops", NS_PER_S, (TagInfo("A.PV"),))


def frame(time_s: float, epoch: int = 1) -> Frame:
    return Frame(LAYOUT.hash, 1, round(time_s * NS_PER_S), epoch, 1, np.array([time_s]), np.array([192], "u1"))


def store(times: list[float], epoch_2_from: float = 1e9) -> TrendStore:
    made = TrendStore()
    made.put_layout(LAYOUT)
    for time_s in times:
        made.put_frame(LAYOUT, frame(time_s, 2 if time_s >= epoch_2_from else 1))
    return made


def test_one_missing_scan_is_a_gap_and_breaks_the_line() -> None:
    trends = store([*range(100, 110), *range(111, 120)])
    assert trends.marks("A.PV", 90.0, 130.0).gaps == ((109.0, 111.0),)
    line = trends.line("A.PV", 90.0, 130.0, 1000)
    assert np.isnan(line.good[np.searchsorted(line.time_s, 110.0)])
    assert trends.marks("A.PV", 112.0, 130.0).gaps == ()


def test_a_late_sample_takes_its_place_once() -> None:
    trends = store([*range(100, 110), *range(112, 120)], epoch_2_from=112.0)
    for time_s, epoch in ((110.0, 1), (111.0, 1), (111.0, 1), (105.0, 3), (50.0, 1)):
        trends.put_late(LAYOUT, frame(time_s, epoch))
    marks = trends.marks("A.PV", 90.0, 130.0)
    assert marks.gaps == ()
    assert marks.epochs == ((100.0, 1), (112.0, 2))
    line = trends.line("A.PV", 90.0, 130.0, 1000)
    assert line.time_s.tolist() == list(range(100, 120))
    assert line.good.tolist() == list(range(100, 120))


def test_who_wrote_a_sample_and_where_the_authority_changed() -> None:
    marks = store(list(range(100, 120)), epoch_2_from=112.0).marks("A.PV", 90.0, 130.0)
    assert marks.takeovers() == [(112.0, 2)]
    assert [marks.epoch_at(time_s) for time_s in (99.0, 100.0, 111.9, 112.0, 500.0)] == [0, 1, 1, 2, 2]
    assert store([]).marks("A.PV", 0.0, 1.0) is NO_MARKS


def test_what_was_before_the_station_tells_its_gaps_and_takeovers_too() -> None:
    trends = store(list(range(1000, 1010)), epoch_2_from=0.0)
    trends.marks("A.PV", 900.0, 1010.0)
    (request,) = trends.older.take_requests()
    times = np.array([*range(900, 950), *range(960, 1000)], np.int64) * NS_PER_S
    series = Series(
        times,
        np.arange(90.0),
        np.full(90, 192, np.uint8),
        1.0,
        epochs=((900 * NS_PER_S, 1), (960 * NS_PER_S, 2)),
        gaps=((949 * NS_PER_S, 960 * NS_PER_S),),
    )
    trends.put_older(request, HistoryAnswer({"A.PV": series}, 900 * NS_PER_S))
    assert isinstance(request, HistoryRequest)
    marks = trends.marks("A.PV", 900.0, 1010.0)
    assert marks.gaps == ((949.0, 960.0),)
    assert marks.takeovers() == [(960.0, 2)]
    assert marks.gap_at(955.0) == (949.0, 960.0)


def test_the_first_controller_after_a_computed_past_has_not_taken_over() -> None:
    trends = TrendStore()
    trends.put_layout(LAYOUT)
    for time_s in range(100, 110):
        trends.put_frame(LAYOUT, frame(float(time_s), int(time_s > 104)))
    assert trends.marks("A.PV", 90.0, 130.0).takeovers() == []


def test_the_journal_tells_who_took_an_epoch() -> None:
    log = EventLog()
    for number, (node, epoch) in enumerate((("C1A", 1), ("C1B", 12), ("C2A", 2), ("C1A", 2))):
        text = f"{node} is active with epoch {epoch}: C1B does not answer"
        log.put(Event(str(number), number, node, "redundancy", node, text))
    assert log.holder(("C1A", "C1B"), 2) == "C1A"
    assert log.holder(("C1A", "C1B"), 12) == "C1B"
    assert log.holder(("C1A", "C1B"), 3) == ""


def test_the_operator_sees_the_takeover_and_the_source_under_the_cursor(rig: Rig) -> None:
    rig.run(20.0)
    rig.plant.epoch, rig.plant.active = 8, "C1B"
    rig.run(20.0)
    trend = TrendView(rig.station, ("LIC-101.PV",), 60.0)
    (mark,) = trend.takeovers()
    assert mark.text.endswith("epoch 8")
    (pen,) = trend.pens()
    assert trend.source_at(pen, mark.time_s - 2.0).endswith("epoch 7")
    assert trend.source_at(pen, mark.time_s + 2.0).endswith("epoch 8")
    rig.plant.silent = True
    rig.run(10.0)
    rig.plant.silent = False
    rig.run(10.0)
    (gap,) = trend.gaps()
    assert trend.source_at(pen, sum(gap) / 2.0) == "no data"
