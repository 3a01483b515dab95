"""The same seed gives the same bytes, whatever the process, its hash seed and its working directory."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

FILES = ("events.jsonl", "samples.parquet", "summary.json")


def simulate(tmp_path: Path, name: str, hash_seed: str, seed: int = 7, duration: str = "1h") -> Path:
    """One run with a failover and a cut cable, in a process of its own."""
    out, here = tmp_path / name, tmp_path / f"cwd-{name}"
    here.mkdir()
    command = [sys.executable, "-m", "dcs", "simulate", "quadruple_tank", "--speed", "max", "--for", duration]
    command += ["--seed", str(seed), "--scenario", "failover", "--out", str(out)]
    env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.timeout(400)
def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as side_by_side:
        runs = [
            side_by_side.submit(simulate, tmp_path, name, seed) for name, seed in (("first", "1"), ("second", "4242"))
        ]
        first, second = (run.result() for run in runs)
    for file in FILES:
        assert (first / file).read_bytes() == (second / file).read_bytes(), file
    events = (first / "events.jsonl").read_text(encoding="utf-8")
    assert "takeover" in events, "a run in which nothing happened proves nothing"
    assert "does not answer" in events


def test_another_seed_gives_another_run(tmp_path: Path) -> None:
    """The comparison above can fail."""
    first = simulate(tmp_path, "first", "1", duration="1min")
    second = simulate(tmp_path, "second", "1", seed=8, duration="1min")
    assert (first / "samples.parquet").read_bytes() != (second / "samples.parquet").read_bytes()
