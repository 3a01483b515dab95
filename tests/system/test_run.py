"""The plant as a user runs it: processes, sockets, the wall clock."""

import json
import os
import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.processes import wait_until
from tests.support.register_watch import RegisterWatch
from tests.support.running_plant import running_plant

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

FAST = ("scan_classes.loops.period=100ms", "field.devices.RTU-1.poll=100ms", "field.devices.DRV-1.poll=100ms")


def alive(pid: int) -> bool:
    """True while a process of that id exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_an_operator_runs_the_plant_from_a_terminal(tmp_path: Path) -> None:
    with running_plant(tmp_path) as plant:
        assert {node["kind"] for node in plant.nodes().values()} == {"bus", "field", "controller", "witness"}
        assert "12.3" in plant.dcs("get", "LIC-101.SP")
        assert "13.00" in plant.dcs("set", "LIC-101.SP", "13")
        assert plant.value("LIC-101.SP") == 13.0
        refused = plant.dcs("set", "LIC-101.SP", "99", code=1)
        assert "18" in refused
        assert "LIC-101.SP" in plant.dcs("events")
        unknown = plant.dcs("get", "LIC-101.PVV", code=2)
        assert unknown == ""
        metrics = plant.active()["endpoints"]["metrics"]
        assert metrics.startswith("http://127.0.0.1:")
        assert "dcs_" in _fetch(metrics)
        logs = (plant.run_dir / "logs" / "C1A.jsonl").read_text(encoding="utf-8").splitlines()
        assert all(json.loads(line) for line in logs)
        assert logs

        pids = plant.pids()
        started_s = time.monotonic()
        plant.process.send_signal(signal.SIGINT)
        assert plant.process.wait(timeout=10) == 0
        assert time.monotonic() - started_s < 3.0
        assert not [pid for pid in pids if alive(pid)], "Ctrl-C leaves no process behind"


def test_kill_9_of_the_active_moves_control_without_a_bump_and_it_comes_back_as_standby(tmp_path: Path) -> None:
    with running_plant(tmp_path, *FAST, "control.modules.LIC-101.blocks.pid.sp_rate_up=0.02") as plant:
        before = plant.active()
        assert "15" in plant.dcs("set", "LIC-101.SP", "15")
        watch = RegisterWatch(plant.nodes()["field"]["endpoints"]["DRV-1"])
        time.sleep(3.0)
        killed_s = time.monotonic()
        os.kill(before["pid"], signal.SIGKILL)
        time.sleep(3.0)
        changes = watch.stop()
        at = next(i for i, (time_s, _) in enumerate(changes) if time_s > killed_s + 0.05)
        steps = [abs(b[1] - a[1]) for a, b in pairwise(changes)]
        usual_pct = max(steps[: at - 1])
        assert changes[at][0] - killed_s < 2.0, "the standby must have written by now"
        assert steps[at - 1] <= 0.05 + 2 * usual_pct, (steps[at - 1], usual_pct, changes[at - 3 : at + 3])
        wait_until(lambda: plant.nodes()[before["name"]]["pid"] not in (None, before["pid"]), 30, "its restart")
        wait_until(plant.ready, 30, "the pair is whole again")
        after = plant.active()
        assert after["name"] != before["name"]
        assert after["epoch"] > before["epoch"]
        assert plant.nodes()[before["name"]]["role"] == "standby"
        assert plant.value("LIC-101.SP") == 15.0
        assert "takeover" in plant.dcs("events", "--last", "200")


def test_killing_the_launcher_kills_its_nodes(tmp_path: Path) -> None:
    with running_plant(tmp_path) as plant:
        pids = plant.pids()
        plant.process.kill()
        plant.process.wait(timeout=10)
        wait_until(lambda: not [pid for pid in pids if alive(pid)], 5, f"the end of {pids}")


def _fetch(url: str) -> str:
    import urllib.request

    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())
