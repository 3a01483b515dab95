"""A whole plant as a user starts it: ``dcs run`` in a process of its own, and ``dcs`` commands for it.

Used by     the system tests. Knows real processes and the wall clock.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.processes import wait_until

START_S = 60.0


class RunningPlant:
    """A ``dcs run`` in a directory of its own, and ``dcs`` commands for it."""

    def __init__(self, process: "subprocess.Popen[str]", run_dir: Path | None, env: dict[str, str]) -> None:
        self.process = process
        self._run_dir = run_dir
        self._env = env

    @property
    def run_dir(self) -> Path:
        """The directory of this run."""
        if self._run_dir is not None:
            return self._run_dir
        return max((Path(self._env["DCS_STATE_DIR"]) / "runs").iterdir())

    def dcs(self, *arguments: str, code: int | None = 0) -> str:
        """Output of ``dcs ARGUMENTS --run-dir …``; checks the exit code unless it is None."""
        command = [sys.executable, "-m", "dcs", *arguments, "--run-dir", str(self.run_dir)]
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, timeout=30, check=False)
        assert code is None or done.returncode == code, done.stderr + done.stdout
        return done.stdout

    def launched(self) -> bool:
        """Has the launcher told of its nodes, or given up?"""
        runs = Path(self._env["DCS_STATE_DIR"]) / "runs"
        known = self._run_dir is not None or (runs.is_dir() and any(runs.iterdir()))
        return self.process.poll() is not None or (known and (self.run_dir / "nodes.json").exists())

    def nodes(self) -> dict[str, dict[str, Any]]:
        """``dcs status --json`` by node name; {} while the bus is not there."""
        text = self.dcs("status", "--json", code=None)
        return {node["name"]: node for node in json.loads(text)["nodes"]} if text.strip() else {}

    def ready(self) -> bool:
        """One controller active, the other ready."""
        nodes = self.nodes().values()
        return sorted(n["state"] for n in nodes if n["kind"] == "controller") == ["active", "ready"]

    def scanned(self) -> bool:
        """The first frames are there: what is read and set from a terminal has something to work on."""
        return self.dcs("tags", "--json", code=None).startswith("[")

    def active(self) -> dict[str, Any]:
        """The node that holds the authority."""
        return next(node for node in self.nodes().values() if node["role"] == "active")

    def value(self, tag: str) -> float:
        """One tag, now."""
        return float(json.loads(self.dcs("get", tag, "--json"))[0]["value"])

    def text(self, tag: str) -> str:
        """One tag as people read it: a mode, a choice."""
        return str(json.loads(self.dcs("get", tag, "--json"))[0]["text"])

    def wait_kept(self) -> None:
        """Until a checkpoint of every controller is newer than this call."""
        kept = Path(json.loads((self.run_dir / "endpoints.json").read_text(encoding="utf-8"))["kept"]) / "kept"
        now_s = time.time()

        def newer() -> bool:
            controllers = [path for path in kept.iterdir() if path.is_dir()]
            return len(controllers) > 1 and all(_newest_s(path) > now_s for path in controllers)

        wait_until(newer, 20, f"checkpoints in {kept}")

    def pids(self) -> list[int]:
        """Process ids of all nodes, as the supervisor knows them, and of the bus server."""
        content = json.loads((self.run_dir / "nodes.json").read_text(encoding="utf-8"))
        return [node["pid"] for node in content["nodes"] if node["pid"]]


@contextmanager
def running_plant(
    tmp_path: Path,
    *overrides: str,
    config: str = "quadruple_tank",
    own_run_dir: bool = True,
    fresh: bool = False,
    demo: bool = False,
) -> Iterator[RunningPlant]:
    """Start ``dcs run CONFIG --headless`` on free ports; leaves nothing behind.

    ``own_run_dir``: with ``--run-dir``, so that nothing of an earlier run is known to it. ``demo``: by ``dcs demo``.
    """
    run_dir = tmp_path / "run" if own_run_dir and not fresh else None
    env = {**os.environ, "DCS_STATE_DIR": str(tmp_path / "state"), "PYTHONPATH": str(Path.cwd())}
    sets = [part for one in overrides for part in ("--set", one)]
    start = ["demo", "--plant", config] if demo else ["run", config]
    command = [sys.executable, "-m", "dcs", *start, "--headless", "--auto-ports", *sets]
    if fresh:
        command.append("--fresh")
    with (tmp_path / "launcher.log").open("w") as log:
        process = subprocess.Popen(
            [*command, *(["--run-dir", str(run_dir)] if run_dir else [])],
            cwd=tmp_path,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        plant = RunningPlant(process, run_dir, env)
        try:
            wait_until(plant.launched, START_S, "the launcher")
            wait_until(plant.ready, START_S, (tmp_path / "launcher.log").read_text())
            wait_until(plant.scanned, START_S, "the first scan")
            yield plant
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)


def _newest_s(folder: Path) -> float:
    """When the newest file below a folder was written."""
    return max((path.stat().st_mtime for path in folder.rglob("*") if path.is_file()), default=0.0)
