"""Trends reach back before the station: asked for once, drawn when it comes, nothing moves meanwhile."""

import numpy as np
import pytest

from dcs.bus.history import HistoryAnswer, HistoryRequest, Series, history_subject
from dcs.core.clock import NS_PER_S
from dcs.node.sample_history import reduced
from hmi.model.decimate import Line, join_lines
from hmi.model.history import OlderSamples
from hmi.viewmodels.pens import TrendView

from .conftest import Rig

PERIOD_S = 10.0


class Keeper:
    """Keeps eight hours of everything, a ramp from 0 up to the present."""

    def __init__(self, rig: Rig, hours: float = 8.0) -> None:
        self.asked: list[HistoryRequest] = []
        self._end_s = rig.station.tags.plant_time_ns() / NS_PER_S
        self._hours = hours
        bus = rig.hub.connect("keeper")
        rig.loop.run_until_complete(bus.serve(history_subject(rig.station.plant), self._serve))

    async def _serve(self, subject: str, payload: bytes) -> bytes:
        request = HistoryRequest.from_bytes(payload)
        self.asked.append(request)
        first_s = self._end_s - 3600.0 * self._hours
        times = np.arange(first_s, self._end_s, PERIOD_S)
        picked = times[(times * NS_PER_S >= request.from_ns) & (times * NS_PER_S <= request.to_ns)]
        time_ns = np.round(picked * NS_PER_S).astype(np.int64)
        series = reduced(
            Series(time_ns, picked - first_s, np.full(len(picked), 128, np.uint8), PERIOD_S), request.points
        )
        known = {tag: series for tag in request.tags if tag != "LI-104.PV"}
        return HistoryAnswer(known, round(first_s * NS_PER_S)).to_bytes()


def test_a_long_window_fills_without_moving(rig: Rig) -> None:
    keeper = Keeper(rig)
    trend = TrendView(rig.station, ("LIC-101.PV",), 8 * 3600.0)
    trend.pan(-600.0)
    (pen,) = trend.pens()
    before, window = trend.line(pen, 800), trend.window()
    rig.run(1.0)
    after = trend.line(pen, 800)
    assert trend.window() == window
    assert len(before.time_s) < 10 < 500 < len(after.time_s) <= 1700
    assert after.time_s[0] < window[0] + 700
    assert (np.diff(after.time_s) > 0).all()
    assert trend.figures(pen).low < 700.0, "figures know the older samples as well"
    assert trend.value_at(pen, window[0] + 7200.0) == pytest.approx(7200.0, abs=700.0)
    for _ in range(20):
        rig.run(0.3)
        trend.line(pen, 800)
    assert len(keeper.asked) == 1, "what is here is not asked for again"


def test_tags_with_one_window_are_asked_for_together(rig: Rig) -> None:
    keeper = Keeper(rig)
    trend = TrendView(rig.station, ("LIC-101.PV", "LIC-102.PV", "LI-104.PV"), 3600.0)
    for pen in trend.pens():
        trend.line(pen, 400)
    rig.run(1.0)
    for pen in trend.pens():
        trend.line(pen, 400)
    rig.run(1.0)
    assert [set(request.tags) for request in keeper.asked] == [{"LIC-101.PV", "LIC-102.PV", "LI-104.PV"}]
    assert len(trend.line(trend.pens()[2], 400).time_s) < 10, "a tag that nobody kept has no past, and no question"


def test_what_came_meanwhile_is_redrawn(rig: Rig) -> None:
    Keeper(rig)
    trend = TrendView(rig.station, ("LIC-101.PV",), 3600.0)
    trend.line(trend.pens()[0], 400)
    rig.plant.period_s = 1e6  # no more frames
    rig.run(1.5)
    version = rig.station.trends.version
    trend.set_span(7 * 3600.0)
    trend.pan(-3600.0)
    trend.line(trend.pens()[0], 400)
    rig.run(1.0)
    assert rig.station.trends.version >= version


def test_without_a_keeper_trends_are_as_long_as_the_station_has_seen(rig: Rig) -> None:
    trend = TrendView(rig.station, ("LIC-101.PV",), 8 * 3600.0)
    for _ in range(3):
        line = trend.line(trend.pens()[0], 800)
        rig.run(1.0)
    assert 0 < len(line.time_s) < 10
    Keeper(rig)
    rig.run(15.0)
    trend.line(trend.pens()[0], 800)
    rig.run(1.0)
    assert len(trend.line(trend.pens()[0], 800).time_s) > 500, "it is asked again after a while"


def test_far_back_and_near_a_coarse_answer_is_refined(rig: Rig) -> None:
    keeper = Keeper(rig, hours=24.0)
    trend = TrendView(rig.station, ("LIC-101.PV",), 24 * 3600.0)
    pen = trend.pens()[0]
    trend.line(pen, 800)
    rig.run(1.0)
    trend.line(pen, 800)
    assert len(keeper.asked) == 1
    trend.set_span(600.0)
    trend.pan(-20 * 3600.0)
    trend.line(pen, 800)
    rig.run(1.0)
    trend.line(pen, 800)
    rig.run(1.0)
    trend.line(pen, 800)
    assert len(keeper.asked) == 2
    assert len(trend.line(pen, 800).time_s) >= 60, "every sample of ten minutes"


def test_a_gap_between_past_and_present_stays_a_gap() -> None:
    def line(times: list[float]) -> Line:
        return Line(np.array(times), np.array(times), np.full(len(times), np.nan))

    near = join_lines([(line([0.0, 10.0, 20.0]), 10.0), (line([25.0, 26.0]), 1.0)])
    assert len(near.time_s) == 5
    far = join_lines([(line([0.0, 10.0, 20.0]), 10.0), (line([100.0, 101.0]), 1.0)])
    assert np.isnan(far.good[3])
    assert join_lines([(line([]), 10.0), (line([1.0]), 1.0)]).time_s.tolist() == [1.0]


def test_messages_survive_the_bus_and_nothing_else_does() -> None:
    series = Series(np.array([1, 2], np.int64), np.array([1.5, np.nan]), np.array([128, 0], np.uint8), 10.0, False)
    answer = HistoryAnswer.from_bytes(HistoryAnswer({"A.PV": series}, 7).to_bytes())
    found = answer.series["A.PV"]
    assert (answer.first_ns, found.period_s, found.whole) == (7, 10.0, False)
    assert found.time_ns.tolist() == [1, 2]
    assert found.bad.tolist() == [False, True]
    for wrong in (b"", b"DCH2\xff\xff\xff\xff", HistoryAnswer({"A.PV": series}).to_bytes()[:-1]):
        with pytest.raises(ValueError, match="no answer about history"):
            HistoryAnswer.from_bytes(wrong)
    for wrong in (b"", b"{}", b"[1]", b'[["a"], 1, 2]', b"[[1], 1, 2, 3]", b'["ab", null, 2, 3]'):
        with pytest.raises(ValueError, match="not a request for history"):
            HistoryRequest.from_bytes(wrong)


def test_reducing_keeps_every_peak_and_the_order() -> None:
    values = np.sin(np.arange(10_000) * 0.37)
    values[5_003], values[7_777] = 50.0, np.nan
    series = reduced(
        Series(np.arange(10_000, dtype=np.int64), values, np.where(np.isnan(values), 0, 128).astype(np.uint8), 1.0), 500
    )
    assert len(series.time_ns) <= 500
    assert not series.whole
    assert np.nanmax(series.values) == 50.0
    assert (np.diff(series.time_ns) > 0).all()


def test_a_question_on_its_way_is_not_asked_again_and_pictures_share_one() -> None:
    older = OlderSamples()
    older.want("A.PV", 1e6, 1e6 + 3600.0, 1e6 + 7200.0, 10.0)
    older.want("A.PV", 1e6 - 7200.0, 1e6, 1e6 + 7200.0, 10.0)
    (request,) = older.take_requests()
    assert request.from_ns <= (1e6 - 7200.0) * NS_PER_S
    assert request.to_ns >= (1e6 + 7200.0) * NS_PER_S
    older.want("A.PV", 1e6, 1e6 + 3600.0, 1e6 + 7200.0, 10.0)
    assert older.take_requests() == []
    older.unanswered(request)
    older.want("A.PV", 1e6, 1e6 + 3600.0, 1e6 + 7200.0, 10.0)
    assert len(older.take_requests()) == 1
