"""The same seed gives the same bytes, whatever the process, its hash seed and its working directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = ("events.jsonl", "samples.parquet", "summary.json")


def simulate(tmp_path: Path, name: str, hash_seed: str, seed: int = 7) -> Path:
    """One run of an hour with a failover and a cut cable, in a process of its own."""
    out, here = tmp_path / name, tmp_path / f"cwd-{name}"
    here.mkdir()
    command = [sys.executable, "-m", "dcs", "simulate", "quadruple_tank", "--speed", "max", "--for", "1h"]
    command += ["--seed", str(seed), "--scenario", "failover", "--out", str(out)]
    env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.timeout(400)
def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    first, second = simulate(tmp_path, "first", "1"), simulate(tmp_path, "second", "4242")
    for file in FILES:
        assert (first / file).read_bytes() == (second / file).read_bytes(), file
    events = (first / "events.jsonl").read_text(encoding="utf-8")
    assert "takeover" in events, "a run in which nothing happened proves nothing"
    assert "does not answer" in events


@pytest.mark.timeout(400)
def test_another_seed_gives_another_run(tmp_path: Path) -> None:
    """The comparison above can fail."""
    first, second = simulate(tmp_path, "first", "1"), simulate(tmp_path, "second", "1", seed=8)
    assert (first / "samples.parquet").read_bytes() != (second / "samples.parquet").read_bytes()
