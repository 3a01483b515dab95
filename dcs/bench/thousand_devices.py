"""A thousand simulated devices of 100 registers each, polled once a second: what both sides cost, and how punctual.

Each device has an address and a connection for itself. Two processes: one serves them all, one has a driver for each.
A poll is in time when its answer is there before the next one is due; lateness is counted from when it was due to the
decoded answer. ``spread``: the devices' polls are spread over the second; ``burst``: all are due in the same instant.
"""

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np

from dcs.bench.figure import Figure
from dcs.bench.modbus_load import REGISTERS, device, tell
from dcs.core.clock import NS_PER_MS, NS_PER_S, WallClock
from dcs.core.errors import Missing
from dcs.node.event_loop import run_on_loop
from field_io.drivers.gate import Gate
from field_io.drivers.links.openers import opens_wire
from field_io.drivers.links.unit_link import StreamLink
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.specs import DeviceSpec

DEVICES = 1000
SECONDS = 10
_SETTLE_S = 4.0
_FILES = 2 * DEVICES + 200
_HOST = "127.0.0.1"


def thousand_devices() -> list[Figure]:
    """Linux and macOS. Raises ``Missing`` where a process may not have that many files."""
    figures = []
    for spread in (True, False):
        with subprocess.Popen(
            [sys.executable, "-m", "dcs.bench.thousand_servers", str(DEVICES)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as server:  # fmt: skip
            assert server.stdout is not None
            assert server.stdin is not None
            try:
                ports = json.loads(server.stdout.readline() or "null")
                if not ports:
                    raise Missing(f"{DEVICES} simulated devices do not start: may a process have {_FILES} files?")
                found = _polling(ports, spread)
                server.stdin.write("cpu\n")
                server.stdin.flush()
                served = json.loads(server.stdout.readline())
            finally:
                server.terminate()
        figures += _figures(found, served, "spread" if spread else "burst")
    return figures


def _polling(ports: list[int], spread: bool) -> dict[str, float]:
    command = [sys.executable, "-m", "dcs.bench.thousand_devices", json.dumps(ports), str(int(spread))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise Missing(f"the polling process ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _figures(found: dict[str, float], served: dict[str, float], how: str) -> list[Figure]:
    name, wanted = "thousand_devices", DEVICES * SECONDS
    share = 100.0 * served["cpu_s"] / served["requests"] * DEVICES
    return [
        Figure(name, f"{how}: drivers, share of a core", 100.0 * found["cpu_s"] / SECONDS, "%"),
        Figure(name, f"{how}: devices, share of a core", share, "%"),
        Figure(name, f"{how}: polls in time", 100.0 * found["in_time"] / wanted, "%", 99.9, at_least=True),
        Figure(name, f"{how}: lateness p50", found["p50_ms"], "ms"),
        Figure(name, f"{how}: lateness p99", found["p99_ms"], "ms"),
    ]


class _Timed(StreamLink):
    """Notes when its answers came, after the instant at which they were due."""

    def __init__(self, spec: DeviceSpec, phase_ns: int, clock: WallClock) -> None:
        super().__init__(spec, opens_wire(spec))
        self._phase_ns = phase_ns
        self._clock = clock
        self.late_ns: list[tuple[int, int]] = []  # (asked at, after it was due)

    async def _exchange(self, request: bytes, may_write: Gate | None) -> bytes:
        asked_ns = self._clock.monotonic_ns()
        due_ns = (asked_ns - self._phase_ns) // self._spec.poll_ns * self._spec.poll_ns + self._phase_ns
        answer = await super()._exchange(request, may_write)
        self.late_ns.append((due_ns, self._clock.monotonic_ns() - due_ns))
        return answer


async def _poll_all(ports: list[int], spread: bool) -> None:
    clock = WallClock()
    links, running = [], []
    for at, port in enumerate(ports):
        spec = replace(device(port), poll_ns=NS_PER_S)
        phase_ns = at * NS_PER_S // len(ports) if spread else 0
        link = _Timed(spec, phase_ns, clock)
        links.append(link)
        driver = ModbusDriver(spec, link, clock, random.Random(at), phase_ns)
        running.append(asyncio.create_task(driver.run()))
        if at % 50 == 49:
            await asyncio.sleep(0.01)  # a listener's queue of new connections is short
    await asyncio.sleep(_SETTLE_S)
    await clock.sleep_until((clock.monotonic_ns() // NS_PER_S + 1) * NS_PER_S - 1)
    start_ns, cpu_s = clock.monotonic_ns(), time.process_time()
    await asyncio.sleep(SECONDS)
    cpu_s = time.process_time() - cpu_s
    await asyncio.sleep(1.0)  # answers to the last polls
    end_ns = start_ns + SECONDS * NS_PER_S
    late_ms = np.array(
        [late_ns for link in links for due_ns, late_ns in link.late_ns if start_ns <= due_ns < end_ns]
    ) / NS_PER_MS  # fmt: skip
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    p50_ms, p99_ms = np.percentile(late_ms, [50, 99])
    in_time = int((late_ms < 1000.0).sum())
    tell({"cpu_s": cpu_s, "in_time": in_time, "p50_ms": float(p50_ms), "p99_ms": float(p99_ms)})


def allow_files(work: Callable[[], Awaitable[None]]) -> None:
    """Run with as many open files as ``DEVICES`` need. Raises ``Missing`` when the system does not allow it."""
    import resource  # not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _FILES:
        if hard != resource.RLIM_INFINITY and hard < _FILES:
            raise Missing(f"a process may have {hard} files, and {DEVICES} devices need {_FILES} (`ulimit -n`).")
        resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, hard))

    async def main() -> None:
        await work()

    run_on_loop(main(), fast=True)


if __name__ == "__main__":
    assert REGISTERS == 100
    all_ports, spread_out = json.loads(sys.argv[1]), sys.argv[2] == "1"
    allow_files(lambda: _poll_all(all_ports, spread_out))
