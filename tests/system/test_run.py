"""The plant as a user runs it: processes, sockets, the wall clock."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dcs.bench.register_watch import RegisterWatch
from tests.support.processes import wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

FAST = ("scan_classes.loops.period=100ms", "field.devices.RTU-1.poll=100ms", "field.devices.DRV-1.poll=100ms")
START_S = 60.0


class RunningPlant:
    """A ``dcs run`` in a directory of its own, and ``dcs`` commands for it."""

    def __init__(self, process: "subprocess.Popen[str]", run_dir: Path, env: dict[str, str]) -> None:
        self.process = process
        self.run_dir = run_dir
        self._env = env

    def dcs(self, *arguments: str, code: int | None = 0) -> str:
        """Output of ``dcs ARGUMENTS --run-dir …``; checks the exit code unless it is None."""
        command = [sys.executable, "-m", "dcs", *arguments, "--run-dir", str(self.run_dir)]
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, timeout=30, check=False)
        assert code is None or done.returncode == code, done.stderr + done.stdout
        return done.stdout

    def nodes(self) -> dict[str, dict[str, Any]]:
        """``dcs status --json`` by node name; {} while the bus is not there."""
        text = self.dcs("status", "--json", code=None)
        return {node["name"]: node for node in json.loads(text)["nodes"]} if text.strip() else {}

    def ready(self) -> bool:
        """One controller active, the other ready."""
        nodes = self.nodes().values()
        return sorted(n["state"] for n in nodes if n["kind"] == "controller") == ["active", "ready"]

    def active(self) -> dict[str, Any]:
        """The node that holds the authority."""
        return next(node for node in self.nodes().values() if node["role"] == "active")

    def value(self, tag: str) -> float:
        """One tag, now."""
        return float(json.loads(self.dcs("get", tag, "--json"))[0]["value"])

    def pids(self) -> list[int]:
        """Process ids of all nodes, as the supervisor knows them, and of the bus server."""
        content = json.loads((self.run_dir / "nodes.json").read_text(encoding="utf-8"))
        return [node["pid"] for node in content["nodes"] if node["pid"]]


@contextmanager
def running_plant(tmp_path: Path, *overrides: str) -> Iterator[RunningPlant]:
    """Start ``dcs run quadruple_tank --headless`` on free ports; leaves nothing behind."""
    run_dir = tmp_path / "run"
    env = {**os.environ, "DCS_STATE_DIR": str(tmp_path / "state"), "PYTHONPATH": str(Path.cwd())}
    sets = [part for one in overrides for part in ("--set", one)]
    command = [sys.executable, "-m", "dcs", "run", "quadruple_tank", "--headless", "--auto-ports", *sets]
    with (tmp_path / "launcher.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--run-dir", str(run_dir)],
            cwd=tmp_path,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        plant = RunningPlant(process, run_dir, env)
        try:
            wait_until(lambda: (run_dir / "nodes.json").exists() or process.poll() is not None, START_S, "the launcher")
            wait_until(plant.ready, START_S, (tmp_path / "launcher.log").read_text())
            yield plant
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)


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
