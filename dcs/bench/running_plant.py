"""A real run for benchmarks: ``dcs run`` with an operator station, and what its processes cost."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dcs.core.errors import Missing

_START_S = 90.0


class RunningPlant:
    """A run with its directory."""

    def __init__(self, run_dir: Path, env: dict[str, str]) -> None:
        self._run_dir = run_dir
        self._env = env

    def dcs(self, *arguments: str) -> str:
        """What ``dcs ARGUMENTS --run-dir …`` prints."""
        command = [sys.executable, "-m", "dcs", *arguments, "--run-dir", str(self._run_dir)]
        return subprocess.run(command, env=self._env, capture_output=True, text=True, check=False).stdout

    def status(self) -> list[dict[str, Any]]:
        """``dcs status --json``; [] while nothing answers."""
        text = self.dcs("status", "--json")
        nodes: list[dict[str, Any]] = json.loads(text)["nodes"] if text.strip() else []
        return nodes

    def is_ready(self) -> bool:
        """A controller is active and its standby ready."""
        return sorted(n["state"] for n in self.status() if n["kind"] == "controller") == ["active", "ready"]

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds of every process so far, the bus server included. Linux only."""
        content = json.loads((self._run_dir / "nodes.json").read_text(encoding="utf-8"))
        pids = {node["name"]: node["pid"] for node in content["nodes"] if node["pid"]}
        pids["launcher"] = content["launcher"]
        found = {name: _cpu_s(pid) for name, pid in pids.items()}
        for child in Path("/proc").glob("[0-9]*"):
            if _parent(child) == pids.get("bus"):
                found["nats-server"] = _cpu_s(int(child.name))
        return found


@contextmanager
def running_plant(*overrides: str) -> Iterator[RunningPlant]:
    """Start the quadruple tank with an operator station without a screen; stop it afterwards."""
    root = Path(tempfile.mkdtemp(prefix="dcs-bench-"))
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "DCS_STATE_DIR": str(root / "state")}
    sets = [part for one in overrides for part in ("--set", one)]
    command = [
        sys.executable,
        "-m",
        "dcs",
        "run",
        "quadruple_tank",
        "--auto-ports",
        "--run-dir",
        str(root / "run"),
        *sets,
    ]
    with (root / "launcher.log").open("w") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT)
        try:
            plant = RunningPlant(root / "run", env)
            give_up_s = time.monotonic() + _START_S
            while not plant.is_ready():
                if time.monotonic() > give_up_s or process.poll() is not None:
                    raise Missing(f"the plant did not start: {(root / 'launcher.log').read_text()}")
                time.sleep(0.5)
            yield plant
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)
            shutil.rmtree(root, ignore_errors=True)


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, ValueError):
        return 0
