"""Real programs in tests: a free port, a start that waits until somebody answers, an end that leaves nothing behind.

Used by     tests marked ``system``: they are the only ones that may wait on the wall clock.
Knows       processes and loopback ports; nothing of the control system.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    """A TCP port of the loopback interface on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """True when somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], within_s: float, what: str) -> float:
    """Wait until ``condition()``; returns the seconds it took. Raises ``AssertionError`` naming ``what`` otherwise."""
    start_s = time.monotonic()
    while not condition():
        if time.monotonic() - start_s > within_s:
            raise AssertionError(f"{what}: not within {within_s} s")
        time.sleep(0.02)
    return time.monotonic() - start_s


class Program:
    """A child process whose output goes to a file."""

    def __init__(self, process: subprocess.Popen[bytes], output_file: Path) -> None:
        self.process = process
        self._output_file = output_file

    @property
    def output(self) -> str:
        """What it has written so far, standard output and errors together."""
        return self._output_file.read_text(errors="replace")

    @property
    def running(self) -> bool:
        """True until it has ended."""
        return self.process.poll() is None

    def wait_for_port(self, port: int, within_s: float = 10.0) -> None:
        """Return when it accepts connections on ``port``. Raises ``AssertionError`` with its output otherwise."""

        def ready() -> bool:
            assert self.running, f"{self.process.args!r} ended with {self.process.returncode}:\n{self.output}"
            return answers(port)

        wait_until(ready, within_s, f"{self.process.args!r} answers on port {port}; its output:\n{self.output}")

    def stop(self, within_s: float) -> None:
        """Ask it to end, wait, and kill it if it does not."""
        self.process.terminate()
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, without a chance to say goodbye."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def program(
    arguments: Sequence[str | Path],
    output_file: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stop_within_s: float = 0.0,
) -> Iterator[Program]:
    """Run a program for the length of a ``with`` block; whatever happens, it is dead afterwards.

    ``stop_within_s``: ask it to end (as Ctrl-C does) and give it that time, so that it can end its own children.
    """
    with output_file.open("ab") as sink:
        process = subprocess.Popen(
            [str(argument) for argument in arguments],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, **(env or {})},
        )
    child = Program(process, output_file)
    try:
        yield child
    finally:
        if child.running and stop_within_s > 0.0:
            child.stop(stop_within_s)
        if child.running:
            child.kill()
        process.wait(10)
