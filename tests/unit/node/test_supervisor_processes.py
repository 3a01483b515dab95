"""The supervisor with real processes: what dies comes back, and in the end nothing is left."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dcs.core.clock import WallClock
from dcs.node.supervisor import ProcessSpec, Supervisor
from tests.support.processes import answers, wait_until

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(sys.platform == "win32", reason="looks for processes by signal 0"),
]

ROOT = Path(__file__).parents[3]

NODE = """
import asyncio, sys
from dcs.node.lifeline import hold_lifeline, install_stop_signals

async def main():
    loop = asyncio.get_running_loop()
    stop = install_stop_signals(loop)
    hold_lifeline(loop, stop.set)
    print("up", flush=True)
    await stop.wait()
    print("orderly end", flush=True)

asyncio.run(main())
"""
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
time.sleep(600)
"""
HANGING = """
import asyncio, time
from dcs.node.lifeline import hold_lifeline, install_stop_signals

async def main():
    loop = asyncio.get_running_loop()
    stop = install_stop_signals(loop)
    hold_lifeline(loop, stop.set)
    print("up", flush=True)
    time.sleep(600)

asyncio.run(main())
"""
BUS = """
import asyncio, sys
from pathlib import Path
from dcs.node.bus_server import BusServer
from dcs.node.lifeline import hold_lifeline, install_stop_signals

async def main():
    loop = asyncio.get_running_loop()
    stop = install_stop_signals(loop)
    hold_lifeline(loop, stop.set)
    await BusServer(Path(sys.argv[1]), int(sys.argv[2])).run(stop)

asyncio.run(main())
"""
LAUNCHER = """
import asyncio, sys
from pathlib import Path
from dcs.core.clock import WallClock
from dcs.node.lifeline import install_stop_signals
from dcs.node.supervisor import ProcessSpec, Supervisor
from tests.unit.node.test_supervisor_processes import BUS, HANGING, NODE

async def main():
    run_dir = Path(sys.argv[1])
    stop = install_stop_signals(asyncio.get_running_loop())
    specs = [
        ProcessSpec("bus", "bus", ("-c", BUS, str(run_dir), sys.argv[2])),
        ProcessSpec("C1A", "controller", ("-c", NODE)),
        ProcessSpec("C1B", "controller", ("-c", HANGING)),
    ]
    await Supervisor(specs, run_dir, WallClock()).run(stop)

asyncio.run(main())
"""
ENV = {"PYTHONPATH": str(ROOT)}


def alive(pid: int) -> bool:
    """Whether a process of that number runs (a zombie that nobody has waited for does not)."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def nodes(run_dir: Path) -> dict[str, dict[str, object]]:
    """What the launcher wrote about its nodes."""
    try:
        return {node["name"]: node for node in json.loads((run_dir / "nodes.json").read_text())["nodes"]}
    except (OSError, ValueError):
        return {}


def log_of(run_dir: Path, name: str) -> str:
    """What a node printed."""
    path = run_dir / "logs" / f"{name}.log"
    return path.read_text() if path.exists() else ""


async def until(condition: object, what: str, within_s: float = 10.0) -> None:
    """``wait_until`` beside a running loop."""
    await asyncio.to_thread(wait_until, condition, within_s, what)  # type: ignore[arg-type]


def test_a_killed_node_is_started_again(tmp_path: Path) -> None:
    async def main() -> None:
        spec = ProcessSpec("C1A", "controller", ("-c", NODE), ENV)
        supervisor = Supervisor([spec], tmp_path, WallClock())
        await supervisor.start()
        await until(lambda: log_of(tmp_path, "C1A") == "up\n", "the node is up")
        first = supervisor.status("C1A").pid
        assert first is not None
        assert os.getpgid(first) == first  # a group of its own: Ctrl-C in our terminal does not reach it
        supervisor.kill("C1A", signal.SIGKILL)
        await until(lambda: log_of(tmp_path, "C1A") == "up\nup\n", "the node is up again")
        status = supervisor.status("C1A")
        assert status.pid not in (None, first)
        assert (status.state, status.restarts) == ("running", 1)
        assert nodes(tmp_path)["C1A"]["pid"] == status.pid
        await supervisor.stop()
        assert log_of(tmp_path, "C1A") == "up\nup\norderly end\n"
        assert nodes(tmp_path)["C1A"]["state"] == "stopped"
        assert not alive(status.pid or 0)

    asyncio.run(main())


def test_stop_leaves_nothing_even_of_a_node_that_does_not_listen(tmp_path: Path) -> None:
    async def main() -> None:
        specs = [ProcessSpec("S", "x", ("-c", STUBBORN)), ProcessSpec("N", "x", ("-c", NODE), ENV)]
        supervisor = Supervisor(specs, tmp_path, WallClock())
        await supervisor.start()
        await until(lambda: "child" in log_of(tmp_path, "S") and "up" in log_of(tmp_path, "N"), "both are up")
        grandchild = int(log_of(tmp_path, "S").split()[1])
        pids = [status.pid or 0 for status in supervisor.statuses()]
        assert all(alive(pid) for pid in (*pids, grandchild))
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        await supervisor.stop()
        assert loop.time() - start_s < 3.0
        await until(lambda: not any(alive(pid) for pid in (*pids, grandchild)), "nothing is left", 0.5)
        assert "orderly end" in log_of(tmp_path, "N")

    asyncio.run(main())


def test_what_a_dead_node_leaves_behind_is_gone_before_it_is_started_again(tmp_path: Path) -> None:
    """A child of it could still hold its ports."""

    async def main() -> None:
        supervisor = Supervisor([ProcessSpec("S", "x", ("-c", STUBBORN))], tmp_path, WallClock())
        await supervisor.start()
        await until(lambda: "child" in log_of(tmp_path, "S"), "it is up")
        grandchild = int(log_of(tmp_path, "S").split()[1])
        supervisor.kill("S", signal.SIGKILL)
        await until(lambda: supervisor.status("S").state == "restarting", "it died")
        await until(lambda: not alive(grandchild), "its child is gone", 0.4)
        await supervisor.stop()

    asyncio.run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="needs the parent-death signal")
def test_a_bus_server_dies_with_its_node(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    node = subprocess.Popen(
        [sys.executable, "-c", BUS, str(tmp_path), str(port)],
        env={**os.environ, **ENV},
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        wait_until(lambda: answers(port), 10.0, "the bus answers")
        (server,) = _children(node.pid)
        node.kill()
        node.wait(5)
        wait_until(lambda: not alive(server), 1.0, "the server is gone")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(node.pid, signal.SIGKILL)
        node.communicate()


def test_a_crash_loop_tells_the_reason(tmp_path: Path) -> None:
    async def main() -> None:
        failed = asyncio.Event()
        spec = ProcessSpec("C1A", "controller", ("-c", "import sys; print('on fire'); sys.exit(2)"))
        supervisor = Supervisor(
            [spec], tmp_path, WallClock(), lambda status: failed.set() if status.state == "failed" else None
        )
        await supervisor.start()
        async with asyncio.timeout(10):
            await failed.wait()
        assert "its configuration is wrong (exit code 2)" in supervisor.status("C1A").detail
        assert supervisor.status("C1A").detail.endswith("\non fire")
        await supervisor.stop()

    asyncio.run(main())


class Launched:
    """A launcher in a process group of its own, with three nodes and a bus server below it."""

    def __init__(self, process: subprocess.Popen[bytes], run_dir: Path) -> None:
        self.process = process
        self.run_dir = run_dir

    def wait_ready(self) -> list[int]:
        """Process ids of everything below the launcher, once all of it is up."""
        wait_until(self._all_up, 20.0, f"all nodes are up: {nodes(self.run_dir)}")
        pids = [int(str(node["pid"])) for node in nodes(self.run_dir).values()]
        return [*pids, *_children(pids[0])]

    def _all_up(self) -> bool:
        bus_log = self.run_dir / "logs" / "nats-server.log"
        return (
            "up" in log_of(self.run_dir, "C1A")
            and "up" in log_of(self.run_dir, "C1B")
            and bus_log.exists()
            and "Server is ready" in bus_log.read_text()
        )


def _children(pid: int) -> list[int]:
    """Process ids of the children of a process."""
    answer = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in answer.stdout.split()]


@contextmanager
def launched(run_dir: Path) -> Iterator[Launched]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(run_dir), str(port)],
        env={**os.environ, **ENV},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Launched(process, run_dir)
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for children with ps --ppid")
def test_ctrl_c_ends_everything_within_three_seconds(tmp_path: Path) -> None:
    with launched(tmp_path) as launcher:
        pids = launcher.wait_ready()
        assert len(pids) == 4
        os.killpg(launcher.process.pid, signal.SIGINT)  # what a terminal does
        assert launcher.process.wait(3.0) == 0
        assert [pid for pid in pids if alive(pid)] == []
        assert "orderly end" in log_of(tmp_path, "C1A")
        assert "KeyboardInterrupt" not in log_of(tmp_path, "C1A")
        assert {node["state"] for node in nodes(tmp_path).values()} == {"stopped"}


@pytest.mark.skipif(sys.platform != "linux", reason="looks for children with ps --ppid")
def test_killing_the_launcher_kills_its_nodes(tmp_path: Path) -> None:
    """Also the one whose loop hangs, and the server below the bus node."""
    with launched(tmp_path) as launcher:
        pids = launcher.wait_ready()
        assert len(pids) == 4
        launcher.process.kill()
        wait_until(lambda: not any(alive(pid) for pid in pids), 3.5, f"all of {pids} are gone")
        assert "orderly end" in log_of(tmp_path, "C1A")


def test_the_pipe_alone_is_enough(tmp_path: Path) -> None:
    """Where the kernel has no parent-death signal, the end of the pipe on stdin does it."""
    code = NODE.replace(
        "hold_lifeline(loop", "import dcs.node.lifeline as l; l.die_with_parent = lambda: None; hold_lifeline(loop"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **ENV}
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.stdin.close()
    assert process.stdout.read() == b"orderly end\n"
    assert process.wait(5) == 0
    process.stdout.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_only_a_second_ctrl_c_cuts_an_orderly_stop_short(number: int, code: int) -> None:
    """When a launcher of several threads dies, the kernel sends SIGTERM more than once."""
    slow = NODE.replace("await stop.wait()", "await stop.wait(); print('asked', flush=True); await asyncio.sleep(0.5)")
    process = subprocess.Popen(
        [sys.executable, "-c", slow], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **ENV}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.send_signal(number)
    assert process.stdout.readline() == b"asked\n"
    process.send_signal(number)
    rest, _ = process.communicate(timeout=5)
    assert (process.returncode, b"orderly end" in rest) == (code, code == 0)


def test_the_processes_that_only_watch_are_light() -> None:
    """The launcher and the bus node load no numerics and no screen."""
    code = (
        "import sys, dcs.node.supervisor, dcs.node.bus_server, dcs.node.lifeline, dcs.node.metrics, dcs.bus.nats, "
        "dcs.bus.memory, dcs.core.log; print([m for m in ('numpy', 'numba', 'scipy', 'PySide6') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **ENV}, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
