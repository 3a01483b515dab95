"""The supervisor's decisions, with children that are no processes, on simulated time."""

import asyncio
import json
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from dcs.core.clock import NS_PER_S
from dcs.core.errors import Missing
from dcs.core.simulated_time import SimulatedClock, SimulatedLoop, run_simulated
from dcs.node.child_process import Child
from dcs.node.restart_policy import RestartPolicy
from dcs.node.supervisor import ProcessSpec, ProcessStatus, Supervisor, describe_exit


class FakeChild:
    """A node that dies when it is told to."""

    def __init__(self, pid: int, stubborn: bool = False) -> None:
        self._pid = pid
        self._stubborn = stubborn
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.asked = 0

    @property
    def pid(self) -> int:
        return self._pid

    def end(self, code: int) -> None:
        if not self._ended.done():
            self._ended.set_result(code)

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def ask_to_stop(self) -> None:
        self.asked += 1
        if not self._stubborn:
            self.end(0)

    def kill(self) -> None:
        self.end(-9)

    def send(self, number: int) -> None:
        self.end(-number)


class World:
    """A supervisor over fake children."""

    def __init__(self, loop: SimulatedLoop, run_dir: Path, *specs: ProcessSpec, stubborn: bool = False) -> None:
        self.run_dir = run_dir
        self.children: list[FakeChild] = []
        self.started: list[tuple[int, list[str], Mapping[str, str]]] = []
        self.reports: list[ProcessStatus] = []
        self.refuse = False
        self._loop = loop
        self._stubborn = stubborn
        self.supervisor = Supervisor(
            list(specs), run_dir, SimulatedClock(loop), self.reports.append, RestartPolicy, self._start
        )

    async def _start(self, argv: list[str], env: Mapping[str, str], output: Path) -> Child:
        await asyncio.sleep(0)
        if self.refuse:
            raise Missing("python could not be started")
        self.started.append((self._loop.now_ns(), argv, env))
        self.children.append(FakeChild(1000 + len(self.children), self._stubborn))
        return self.children[-1]

    @property
    def file(self) -> dict[str, dict[str, object]]:
        content = json.loads((self.run_dir / "nodes.json").read_text())
        return {node["name"]: node for node in content["nodes"]}


C1A = ProcessSpec("C1A", "controller", ("-m", "dcs", "node"), {"MARK": "1"})
C1B = ProcessSpec("C1B", "controller", ("-m", "dcs", "node"))


def test_a_dead_node_is_started_again_and_the_others_are_left_alone(tmp_path: Path) -> None:
    async def main(loop: SimulatedLoop) -> None:
        world = World(loop, tmp_path, C1A, C1B)
        await world.supervisor.start()
        assert world.started[0][1][1:] == ["-m", "dcs", "node"]
        assert world.started[0][2]["MARK"] == "1"
        assert (world.file["C1A"]["pid"], world.file["C1A"]["state"]) == (1000, "running")
        world.supervisor.kill("C1A", signal.SIGKILL if hasattr(signal, "SIGKILL") else 9)
        await asyncio.sleep(0.4)
        assert (world.file["C1A"]["pid"], world.file["C1A"]["state"]) == (None, "restarting")
        await asyncio.sleep(0.2)
        assert world.started[2][0] == NS_PER_S // 2
        status = world.supervisor.status("C1A")
        assert (status.pid, status.state, status.restarts) == (1002, "running", 1)
        assert world.supervisor.status("C1B").restarts == 0
        assert [r.state for r in world.reports if r.name == "C1A"] == ["running", "restarting", "running", "running"]
        await world.supervisor.stop()

    run_simulated(main)


def test_a_crash_loop_is_given_up_loudly(tmp_path: Path) -> None:
    async def main(loop: SimulatedLoop) -> None:
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs" / "C1A.log").write_text("Traceback\n\nKeyError: 'the reason'\n")
        world = World(loop, tmp_path, C1A, C1B)
        await world.supervisor.start()
        for _ in range(5):
            world.children[-1 if len(world.children) > 2 else 0].end(1)
            await asyncio.sleep(9)
        status = world.supervisor.status("C1A")
        assert status.state == "failed"
        assert "it died 5 times in 60 s; last exit code 1" in status.detail
        assert "KeyError: 'the reason'" in status.detail
        assert world.file["C1A"]["state"] == "failed"
        assert len(world.children) == 6
        await asyncio.sleep(3600)
        assert len(world.children) == 6
        assert world.supervisor.status("C1B").state == "running"
        await world.supervisor.restart("C1A")
        assert world.supervisor.status("C1A").state == "running"
        await world.supervisor.restart("C1A")
        assert len(world.children) == 7
        await world.supervisor.stop()

    run_simulated(main)


def test_a_wrong_configuration_is_given_up_at_once(tmp_path: Path) -> None:
    async def main(loop: SimulatedLoop) -> None:
        world = World(loop, tmp_path, C1A)
        await world.supervisor.start()
        world.children[0].end(2)
        await asyncio.sleep(100)
        assert len(world.children) == 1
        assert "its configuration is wrong" in world.supervisor.status("C1A").detail
        await world.supervisor.stop()

    run_simulated(main)


def test_a_node_that_may_end_is_not_started_again(tmp_path: Path) -> None:
    async def main(loop: SimulatedLoop) -> None:
        world = World(loop, tmp_path, ProcessSpec("hmi", "hmi", ("x",), restart=False))
        await world.supervisor.start()
        world.children[0].end(0)
        await asyncio.sleep(100)
        status = world.supervisor.status("hmi")
        assert (status.state, status.exit_code, len(world.children)) == ("ended", 0, 1)
        await world.supervisor.stop()

    run_simulated(main)


def test_stop_asks_and_waits_for_no_restart(tmp_path: Path) -> None:
    async def main(loop: SimulatedLoop) -> None:
        world = World(loop, tmp_path, C1A, C1B)
        await world.supervisor.start()
        world.children[0].end(1)
        await asyncio.sleep(0.1)
        await world.supervisor.stop()
        assert loop.now_ns() < 0.2 * NS_PER_S
        await asyncio.sleep(100)
        assert len(world.children) == 2
        assert {node["state"] for node in world.file.values()} == {"stopped"}

    run_simulated(main)


def test_a_node_that_does_not_stop_is_killed_within_three_seconds(tmp_path: Path) -> None:
    async def main(loop: SimulatedLoop) -> None:
        world = World(loop, tmp_path, C1A, C1B, stubborn=True)
        await world.supervisor.start()
        await world.supervisor.stop()
        assert 1.5 * NS_PER_S <= loop.now_ns() < 3 * NS_PER_S
        assert [child.asked for child in world.children] == [1, 1]
        assert {node["exit_code"] for node in world.file.values()} == {-9}

    run_simulated(main)


def test_run_stops_everything_when_a_node_cannot_be_started(tmp_path: Path) -> None:
    async def main(loop: SimulatedLoop) -> None:
        world = World(loop, tmp_path, C1A, C1B)
        world.refuse = True
        with pytest.raises(Missing, match="could not be started"):
            await world.supervisor.run(asyncio.Event())

    run_simulated(main)


def test_run_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    async def main(loop: SimulatedLoop) -> None:
        world = World(loop, tmp_path, C1A)
        stop = asyncio.Event()
        loop.call_later(10, stop.set)
        await world.supervisor.run(stop)
        assert loop.now_ns() == 10 * NS_PER_S
        assert world.children[0].asked == 1

    run_simulated(main)


def test_the_file_is_never_half_written(tmp_path: Path) -> None:
    async def main(loop: SimulatedLoop) -> None:
        world = World(loop, tmp_path, C1A)
        await world.supervisor.start()
        await world.supervisor.stop()

    run_simulated(main)
    assert [path.name for path in tmp_path.iterdir()] == ["nodes.json"]


def test_names_are_told_apart(tmp_path: Path) -> None:
    async def main(loop: SimulatedLoop) -> None:
        with pytest.raises(ValueError, match="same name"):
            World(loop, tmp_path, C1A, C1A)
        world = World(loop, tmp_path, C1A)
        with pytest.raises(KeyError, match="there is no node X; there are C1A"):
            world.supervisor.kill("X")

    run_simulated(main)


@pytest.mark.parametrize(("code", "words"), [(0, "exit code 0"), (3, "exit code 3"), (-9, "killed by SIGKILL")])
def test_exit_codes_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words
