"""Promise of docs/how-to/upgrade-a-redundant-pair.md: its commands, in its order, on real processes.

Where the page says "Change it", the process of the controller that is out is killed; ``dcs run`` starts it again.
"""

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import wait_until
from tests.support.running_plant import RunningPlant, running_plant

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "upgrade-a-redundant-pair.md"


def steps() -> list[str]:
    """Commands of the page, and ``change`` where a controller is to be changed."""
    found = re.findall(
        r"^dcs (.+)$|^(Stop the controller that is out|Change it)", PAGE.read_text("utf-8"), re.MULTILINE
    )
    return [command or "change" for command, _ in found]


def standby(plant: RunningPlant) -> dict[str, Any]:
    return next(node for node in plant.nodes().values() if node["role"] == "standby")


def test_the_upgrade_goes_as_the_page_says(tmp_path: Path) -> None:
    assert steps() == [
        "standby out C1", "status", "change", "standby in C1", "status",
        "switchover C1", "standby out C1", "change", "standby in C1", "status",
    ]  # fmt: skip
    with running_plant(tmp_path) as plant:
        wait_until(plant.ready, 60, "a whole pair")
        assert "12.3" in plant.dcs("get", "LIC-101.SP")
        first, epoch = plant.active()["name"], plant.active()["epoch"]
        for step in steps():
            print(step)
            do(plant, step)
        assert plant.active()["name"] != first
        journal = plant.dcs("events", "--last", "300")
        for sentence in ("is taken out", "is brought back", "is back in the pair", "handed over"):
            assert sentence in journal
        assert "takeover" not in journal, "nobody had to take over"
        assert "cold start" not in journal
        assert plant.active()["epoch"] > epoch
        assert "12.3" in plant.dcs("get", "LIC-101.SP")


def do(plant: RunningPlant, step: str) -> None:
    if step == "change":
        out = standby(plant)
        os.kill(out["pid"], signal.SIGKILL)
        wait_until(lambda: plant.nodes()[out["name"]]["pid"] not in (None, out["pid"]), 60, "its restart")
        wait_until(lambda: plant.nodes()[out["name"]]["state"] == "out", 60, "it is out after its restart too")
        assert "standby taken out" in plant.dcs("status", code=None)
        time.sleep(1.0)
        assert standby(plant)["state"] == "out"
        return
    assert plant.dcs(*step.split())
    if step.startswith("standby out"):
        wait_until(lambda: standby(plant)["state"] == "out", 30, "the standby is out")
    elif step.startswith(("standby in", "switchover")):
        wait_until(plant.ready, 60, "the pair is whole")
