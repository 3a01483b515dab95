"""Every shipped plant starts quietly: the command a newcomer types first, in the box."""

import json
from pathlib import Path

import pytest

from dcs.config.find import find_config, shipped_configs
from dcs.node.assembly import load_configuration
from tests.support.command_line import dcs


@pytest.mark.parametrize("name", sorted(shipped_configs()))
def test_the_first_minute_has_no_alarm_and_nothing_of_the_protection_speaks(name: str, tmp_path: Path) -> None:
    """Promise: redundancy and modes that settle are all that is told; no block acts on what was not scanned yet."""
    done = dcs("simulate", name, "--for", "60s", "--speed", "max", "--out", tmp_path)
    assert done.code == 0, done.err
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    paired = any(len(controller.members) > 1 for controller in load_configuration(find_config(name)).controllers)
    assert ("redundancy" in {event["kind"] for event in events}) == paired
    assert [event["text"] for event in events if event["kind"] not in ("redundancy", "system")] == []
