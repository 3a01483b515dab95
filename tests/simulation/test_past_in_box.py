"""A plant that begins with a computed past goes on from it: nothing steps, nothing is announced twice."""

from pathlib import Path

import numpy as np
import pytest

from dcs.bus.history import HistoryAnswer, HistoryRequest, history_subject
from dcs.bus.messages import Event
from dcs.config.find import find_config
from dcs.core.clock import NS_PER_S
from dcs.core.simulated_time import SimulatedLoop, run_simulated
from dcs.node import past_run
from dcs.node.assembly import load_configuration
from dcs.node.box import Box
from dcs.node.past import MARK, Past
from dcs.node.past_store import lay_out, past_of
from dcs.node.recorder import Recorder

ALARM = ("alarms.alarms.LI-103.HI.limit=1 cm",)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCS_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(past_run, "LEAD_IN_S", 120.0)


def go_on(*overrides: str, seconds: float = 60.0, joins: bool = True) -> tuple[Past, Recorder, HistoryAnswer, int]:
    """Past, what was recorded after it, the whole history as it is served, and the end of the past (UTC)."""
    config = load_configuration(find_config("quadruple_tank"), ("demo.past=30 min", *overrides))
    past = past_of(config, lambda _: None)
    assert past is not None

    async def main(loop: SimulatedLoop) -> tuple[Recorder, HistoryAnswer, int]:
        box = Box(config, loop)
        end_ns = box.clock.time_ns()
        lay_out(past, config, box.peers.keep, end_ns if joins else end_ns - 3600 * NS_PER_S)
        async with box:
            recorder = Recorder(config.name, await box.peers.bus("recorder"))
            await recorder.start()
            await box.run_for(seconds)
            request = HistoryRequest(("LIC-101.PV", "LIC-101.MODE", "NO.TAG"), 0, box.clock.time_ns())
            payload = await recorder._bus.request(history_subject(config.name), request.to_bytes(), 1.0)
            return recorder, HistoryAnswer.from_bytes(payload), end_ns

    return past, *run_simulated(main)


def steps(past: Past, recorder: Recorder) -> dict[str, tuple[float, float]]:
    """Tags whose first live value lies outside what they did in the last ten minutes before it.

    Not of the pair: its controllers start now, and the standby has no copy yet.
    """
    found = {}
    for group in past.groups:
        for column, tag in enumerate(group.tags):
            if tag.startswith("C1."):
                continue
            before = group.values[-60:, column].astype(float)
            _, after = recorder.trace(tag)
            margin = 0.5 * float(np.ptp(before)) + 1e-5 * max(abs(float(before[-1])), 1.0)
            if np.isfinite(before).all() and not before.min() - margin <= after[0] <= before.max() + margin:
                found[tag] = (float(before[-1]), float(after[0]))
    return found


def test_nothing_steps_where_the_past_ends_and_history_goes_on() -> None:
    past, recorder, answer, end_ns = go_on()
    assert steps(past, recorder) == {}
    assert not [event for event in recorder.events if event.source == "C1"], "no mode has moved, no alarm came"
    assert any("goes on from a computed past" in event.text for event in recorder.events)
    assert set(answer.series) == {"LIC-101.PV", "LIC-101.MODE"}
    series = answer.series["LIC-101.PV"]
    assert answer.first_ns == series.time_ns[0] == end_ns - 30 * 60 * NS_PER_S + 10 * NS_PER_S
    steps_ns = np.diff(series.time_ns)
    count = int(np.flatnonzero(steps_ns < 10 * NS_PER_S)[0])
    assert (steps_ns[:count] == 10 * NS_PER_S).all(), "past and present on one grid, without a gap"
    assert (steps_ns[count + 1 :] == NS_PER_S).all(), "the present with every scan"
    assert series.gaps == ()
    assert np.ptp(series.values) < 0.1
    assert not series.bad.any()


def test_an_alarm_of_the_past_stands_and_does_not_come_again() -> None:
    _, recorder, _, end_ns = go_on(*ALARM)
    frame = recorder.frames[0]
    names = [info.name for info in recorder.layout(frame).alarms]
    row = frame.alarms[names.index("LI-103.HI")]
    assert row["state"] == 2, "in alarm, and acknowledged: the horn of a new station is silent"
    assert row["time_ns"] < end_ns
    fresh = [event for event in recorder.events if event.kind == "alarm" and event.station != MARK]
    assert fresh == [], "nothing is announced again"


def test_a_past_that_is_too_old_to_join_wakes_like_any_checkpoint() -> None:
    _, recorder, _, _ = go_on(joins=False, seconds=20.0)
    texts = [event.text for event in recorder.events if isinstance(event, Event)]
    assert any("restored parameters, modes and states" in text for text in texts)
    assert not any("goes on from a computed past" in text for text in texts)
