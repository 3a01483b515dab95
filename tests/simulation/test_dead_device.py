"""A device that dies and comes back, in the box: one alarm, Bad in time everywhere, Good again soon."""

import pytest

from dcs.alarms.machine import NORMAL, RETURNED, SUPPRESSED, UNACKNOWLEDGED
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from tests.support.boxes import in_box


def alarm(box: Box, name: str) -> int:
    return int(box.controller(box.active("C1")).replica.engine.field(name, "alarm_state"))


def said(recorder: Recorder, name: str) -> list[str]:
    return [f"{event.old}→{event.new}" for event in recorder.events if event.kind == "alarm" and event.subject == name]


async def _one_alarm(box: Box, recorder: Recorder) -> None:
    await box.run_for(20.0)
    assert alarm(box, "RTU-1.COMM") == NORMAL
    box.faults().cut("RTU-1")
    await box.run_for(30.0)
    assert alarm(box, "RTU-1.COMM") == UNACKNOWLEDGED
    assert alarm(box, "DRV-1.COMM") == NORMAL
    assert [alarm(box, f"LIC-{n}.BAD_PV") for n in (101, 102)] == [SUPPRESSED] * 2
    annunciated = [e.subject for e in recorder.events if e.kind == "alarm" and e.new == "B"]
    assert annunciated == ["RTU-1.COMM"]
    await box.faults().heal("RTU-1")
    await box.run_for(20.0)
    assert said(recorder, "RTU-1.COMM") == ["A→B", "B→D"]
    assert said(recorder, "LIC-101.BAD_PV") == ["A→H", "H→A"]
    assert alarm(box, "RTU-1.COMM") == RETURNED


def test_a_dead_device_is_one_alarm() -> None:
    """Promise: its BAD_PV alarms are suppressed by design and journalled so; nothing else annunciates."""
    in_box(_one_alarm)
