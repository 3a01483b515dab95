"""The engine beside an EPICS IOC with as many records, in one run.

Each side includes: EPICS takes each record's lock, follows its links, evaluates four alarm limits, stamps the time and
looks for monitors (nobody subscribes). Our block takes its links with status, modes, handshake and limits, four alarms
with delays and states for every third block, and the copy of the input image. EPICS publishes on change from the same
thread; our frames and events are made outside the scan. Its controller is one calc expression, ours a PID.
"""

import importlib.util
import json
import statistics
import subprocess
import sys

from dcs.bench.figure import Figure
from dcs.bench.loop_scans import LOOPS, loops_plan, scans_of
from dcs.core.errors import Missing

_SECONDS = 4.0
_ROUNDS = 3


def epics_ratio() -> list[Figure]:
    """CPU time for one record and for one block. Raises ``Missing`` without softioc."""
    if importlib.util.find_spec("softioc") is None:
        raise Missing("the comparison with EPICS needs the package softioc (pip install 'dcs-emulator[bench]').")
    plan, trace = loops_plan(LOOPS)
    epics_ns, ours_ns = [], []
    for _ in range(_ROUNDS):
        epics_ns.append(_record_ns())
        ours_ns.append(scans_of(plan, trace, 240)[0] / (3 * LOOPS))
    ratios = [theirs / ours for theirs, ours in zip(epics_ns, ours_ns, strict=True)]
    return [
        Figure("epics_ratio", f"EPICS: CPU time of a record (calc, calc, ao; {3 * LOOPS:,} of them)",
               statistics.median(epics_ns), "ns"),
        Figure("epics_ratio", "ours: CPU time of a block with its share of alarms", statistics.median(ours_ns), "ns"),
        Figure("epics_ratio", "EPICS record to our block", statistics.median(ratios), "×"),
    ]  # fmt: skip


def _record_ns() -> float:
    command = [sys.executable, "-m", "dcs.bench.epics_ioc", str(LOOPS), str(_SECONDS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise Missing(f"the EPICS IOC did not run: {done.stderr.strip().splitlines()[-1:] or done.returncode}")
    found = json.loads(lines[-1])
    return float(found["cpu_s"] / (found["scans"] * found["records"]) * 1e9)
