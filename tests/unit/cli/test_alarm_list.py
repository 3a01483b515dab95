"""``dcs alarms``: what stands is listed, what a dead device explains is counted."""

import asyncio
import json

import pytest

from dcs.bus.messages import AlarmInfo
from dcs.cli import alarm_list

ROWS = [
    (AlarmInfo("LIC-101.BAD_PV", "LIC-101.PV", "BAD_PV", 3, 0.0), 7, 1_000_000_000, 12.0),
    (AlarmInfo("RTU-1.COMM", "RTU-1.LOST", "ON", 2, 0.0, description="RTU-1 gives no values"), 1, 1_000_000_000, 1.0),
    (AlarmInfo("LIC-101.HI", "LIC-101.PV", "HI", 3, 16.0), 0, 0, 0.0),
]


class Client:
    async def alarms(self):  # type: ignore[no-untyped-def]
        return ROWS


@pytest.fixture(autouse=True)
def plant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm_list, "with_plant", lambda run_dir, work: asyncio.run(work(Client())))


def test_one_line_for_a_dead_device(capsys: pytest.CaptureFixture[str]) -> None:
    assert alarm_list.show_alarms(None, hidden=False, as_json=False) == 0
    said = capsys.readouterr().out
    assert "RTU-1.COMM" in said
    assert "LIC-101.BAD_PV" not in said
    assert "1 more suppressed by design" in said


def test_hidden_ones_come_last_and_with_their_state(capsys: pytest.CaptureFixture[str]) -> None:
    alarm_list.show_alarms(None, hidden=True, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert "LIC-101.BAD_PV" in lines[-1]
    assert "suppressed" in lines[-1]
    alarm_list.show_alarms(None, hidden=False, as_json=True)
    assert [row["state"] for row in json.loads(capsys.readouterr().out)] == ["UNACKNOWLEDGED", "suppressed"]
