"""A start at which the field is not there yet: nobody is rung up for what was never reached, until it is too long."""

import pytest

from dcs.node.box import Box
from dcs.node.recorder import Recorder
from tests.support.boxes import in_box


def annunciated(recorder: Recorder) -> list[str]:
    return [event.subject for event in recorder.events if event.kind == "alarm" and event.new == "B"]


async def start(box: Box, recorder: Recorder, late_s: float) -> list[str]:
    await box.kill("field")
    await box.run_for(late_s)
    await box.start("field")
    await box.run_for(20.0)
    return annunciated(recorder)


@pytest.mark.parametrize("late_s", [1.5, 5.0, 6.0, 8.0])
def test_a_field_that_comes_a_little_later_than_the_controllers_rings_nothing(late_s: float) -> None:
    assert in_box(lambda box, recorder: start(box, recorder, late_s)) == []


def test_a_device_that_does_not_come_at_all_is_an_alarm() -> None:
    """Promise: the time in which it may be missing is bounded."""
    names = in_box(lambda box, recorder: start(box, recorder, 20.0))
    assert sorted(names) == ["DRV-1.COMM", "RTU-1.COMM"]
