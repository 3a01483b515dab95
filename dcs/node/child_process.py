"""One node process as its launcher holds it.

Called by   ``dcs.node.supervisor``.
Knows       process groups, signals, the pipe on stdin that is the node's lifeline; POSIX and Windows.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from dcs.core.errors import Missing

_OUTPUT_BYTES_MAX = 10 * 1024 * 1024


class Child(Protocol):
    """A started node; tests have a peer without a process."""

    @property
    def pid(self) -> int: ...

    async def wait(self) -> int:
        """Exit code; negative = the signal that ended it."""
        ...

    def ask_to_stop(self) -> None:
        """Orderly stop; returns at once."""
        ...

    def kill(self) -> None:
        """End it and everything it started, now."""
        ...

    def send(self, number: int) -> None:
        """Send a signal to the node itself."""
        ...


class ChildProcess:
    """A node in a session of its own, so that Ctrl-C in the terminal reaches only the launcher."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> int:
        code = await self._process.wait()
        self._close_lifeline()
        self._kill_group()  # what a dead node leaves behind would hold its ports
        return code

    def ask_to_stop(self) -> None:
        if self._process.returncode is not None:
            return
        self._close_lifeline()
        with contextlib.suppress(ProcessLookupError, OSError):
            if sys.platform == "win32":
                self._process.send_signal(signal.CTRL_BREAK_EVENT)
            else:
                self._process.terminate()

    def kill(self) -> None:
        self._kill_group()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def _close_lifeline(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _kill_group(self) -> None:
        if sys.platform != "win32":
            # The group keeps the node's number as long as anybody is in it, so this cannot hit a stranger.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _open_output(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _OUTPUT_BYTES_MAX:
        path.replace(path.with_suffix(path.suffix + ".1"))
    return path.open("ab")


async def start_child(argv: list[str], env: Mapping[str, str], output: Path) -> Child:
    """Start ``argv``; what it prints is appended to ``output``. Raises ``Missing`` when it cannot be started."""
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP
    else:
        options["start_new_session"] = True
    try:
        with _open_output(output) as file:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=file,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(env),
                **options,
            )
    except OSError as error:
        raise Missing(f"{argv[0]} could not be started ({error.strerror or error}).") from None
    return ChildProcess(process)
