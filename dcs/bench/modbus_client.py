"""Our Modbus client beside a client in C on libmodbus, against the same server, in one run.

Each side reads 100 registers as fast as it can. The C client throws them away; our driver makes values of them, with
status and time. Both run for the same short time in turn, round by round. CPU times are medians, and so are ratios of a
round: other work on the machine hits both. The limits are for the loop that nodes run on (uvloop where there is one).
That on the rate is for the link, which does what the C client does, on one core where the C client has a thread for
each connection. Rates are those of the best round: what the machine gives when it is free.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from dcs.bench.c_peer.program import build
from dcs.bench.figure import Figure
from dcs.core.errors import Missing
from dcs.node.event_loop import has_fast_loop

_ROUNDS = 7
_SECONDS = 0.7
_MANY = 8
_CPU_LIMIT, _RATE_LIMIT = 4.0, 0.5


@dataclass(frozen=True, slots=True)
class _Run:
    cpu_us: float  # of a request
    per_s: float


def modbus_client() -> list[Figure]:
    """CPU time of a request and requests a second. Raises ``Missing`` without gcc or libmodbus."""
    with tempfile.TemporaryDirectory() as folder:
        client = c_program("modbus_client", Path(folder))
        server = c_program("modbus_server", Path(folder))
        with _serving(server) as port:
            rounds = [_round(client, port) for _ in range(_ROUNDS)]
    figures = []
    in_c_per_s = max(each["C", "", _MANY].per_s for each in rounds)
    for what, ours in (("link", "our link"), ("driver", "our driver, decoding"), ("pymodbus", "pymodbus' client")):
        for loop in ("uvloop", "asyncio"):
            if (what, loop, 1) not in rounds[0]:
                continue
            judged = what != "pymodbus" and (loop == "uvloop" or ("driver", "uvloop", 1) not in rounds[0])
            one = [each[what, loop, 1].cpu_us / each["C", "", 1].cpu_us for each in rounds]
            cpu_us = statistics.median(each[what, loop, 1].cpu_us for each in rounds)
            per_s = max(each[what, loop, _MANY].per_s for each in rounds)
            name = f"{ours} on {loop}"
            figures += [
                Figure("modbus_client", f"{name}: CPU of a request", cpu_us, "µs"),
                Figure("modbus_client", f"{name}: CPU to libmodbus", statistics.median(one), "×",
                       _CPU_LIMIT if judged else None),
                Figure("modbus_client", f"{name}: rate, {_MANY} connections", per_s, "/s"),
                Figure("modbus_client", f"{name}: rate to libmodbus", per_s / in_c_per_s, "×",
                       _RATE_LIMIT if judged and what == "link" else None, at_least=True),
            ]  # fmt: skip
    return [
        Figure("modbus_client", "libmodbus client: CPU of a request",
               statistics.median(each["C", "", 1].cpu_us for each in rounds), "µs"),
        Figure("modbus_client", "libmodbus client: rate, 1 connection",
               max(each["C", "", 1].per_s for each in rounds), "/s"),
        Figure("modbus_client", f"libmodbus client: rate, {_MANY} connections and threads",
               in_c_per_s, "/s"),
        *figures,
    ]  # fmt: skip


def c_program(name: str, folder: Path) -> Path:
    """A program of ``c_peer`` that needs libmodbus, built in ``folder``. Raises ``Missing``."""
    hint = "Debian: apt-get install gcc pkg-config libmodbus-dev"
    if shutil.which("pkg-config") is None:
        raise Missing(f"the comparison needs pkg-config, which is not installed ({hint}).")
    found = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise Missing(f"the comparison needs libmodbus, which is not installed ({hint}).")
    source = folder / f"{name}.c"
    source.write_text(resources.files("dcs.bench.c_peer").joinpath(source.name).read_text(encoding="utf-8"))
    return build(source, folder / name, "-pthread", *found.stdout.split())


@contextmanager
def _serving(server: Path) -> Iterator[int]:
    with subprocess.Popen([server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline()
        try:
            if not port:
                raise Missing("the server on libmodbus does not start.")
            yield int(port)
        finally:
            process.terminate()


def _round(client: Path, port: int) -> dict[tuple[str, str, int], _Run]:
    runs: dict[tuple[str, str, int], _Run] = {}
    for connections in (1, _MANY):
        runs["C", "", connections] = _run(str(client), str(port), str(connections), str(_SECONDS))
        for what in ("link", "driver", "pymodbus"):
            for loop in ("asyncio", "uvloop")[: 1 + has_fast_loop()]:
                runs[what, loop, connections] = _run(
                    sys.executable,
                    "-m",
                    "dcs.bench.modbus_load",
                    str(port),
                    str(connections),
                    str(_SECONDS),
                    what,
                    loop,
                )
    return runs


def _run(*command: str) -> _Run:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise Missing(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return _Run(found["cpu_s"] / found["requests"] * 1e6, found["requests"] / found["elapsed_s"])
