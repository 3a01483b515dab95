"""Starts the nodes of a plant as processes, starts the dead ones again, stops them all.

Called by   ``dcs run`` and ``dcs demo``.
Knows       names, command lines and exit codes; nothing of control. Writes ``nodes.json`` and
            ``logs/<node>.log`` in the run directory.
Promise     Ctrl-C reaches only the launcher; after ``stop`` (at most 3 s) no process is left; when the launcher is
            killed, its nodes end by their lifeline; a crash loop is given up loudly and the other nodes go on.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import structlog

from dcs.core.clock import Clock, sleep
from dcs.core.errors import Missing
from dcs.node.child_process import Child, start_child
from dcs.node.restart_policy import RestartPolicy
from dcs.node.text_tail import last_lines

NODES_FILE = "nodes.json"
_ASK_S = 1.7
_KILL_S = 0.7
_TAIL_LINES = 12

_log = structlog.get_logger("dcs.supervisor")


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One node to run: ``argv`` follows the Python interpreter; ``env`` is added to ours.

    ``restart`` False: its end is reported as ``ended`` and it stays so (an HMI that its user closed).
    """

    name: str
    kind: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    restart: bool = True


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """How one node process is. ``state``: running | restarting | failed | ended | stopped."""

    name: str
    kind: str
    pid: int | None
    state: str
    restarts: int
    exit_code: int | None = None
    detail: str = ""


StartChild = Callable[[list[str], Mapping[str, str], Path], Awaitable[Child]]


class Supervisor:
    """All node processes of one run."""

    def __init__(
        self,
        specs: list[ProcessSpec],
        run_dir: Path,
        clock: Clock,
        report: Callable[[ProcessStatus], None] = lambda status: None,
        make_policy: Callable[[], RestartPolicy] = RestartPolicy,
        start_child: StartChild = start_child,
    ) -> None:
        self._run_dir = run_dir
        self._clock = clock
        self._report = report
        self._make_policy = make_policy
        self._start_child = start_child
        self._specs = {spec.name: spec for spec in specs}
        if len(self._specs) != len(specs):
            raise ValueError("two nodes have the same name")
        self._statuses = {spec.name: ProcessStatus(spec.name, spec.kind, None, "stopped", 0) for spec in specs}
        self._children: dict[str, Child] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    # --- looking ----------------------------------------------------------------------------------------
    def statuses(self) -> list[ProcessStatus]:
        """Every node, in the order of the specs."""
        return list(self._statuses.values())

    def status(self, name: str) -> ProcessStatus:
        """One node. Raises ``KeyError`` for an unknown name."""
        return self._statuses[name]

    # --- acting -----------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Start every node; returns when each has been started once. Raises ``Missing`` if one cannot be."""
        for name in self._specs:
            await self._launch(name)
        for name in self._specs:
            self._watch(name)

    async def run(self, stop: asyncio.Event) -> None:
        """Start, keep running until ``stop`` is set, stop. Raises what killed the supervision, if anything did."""
        asked = asyncio.ensure_future(stop.wait())
        try:
            await self.start()
            while not asked.done():
                watching = [task for task in self._tasks.values() if not task.done()]
                await asyncio.wait({asked, *watching}, return_when=asyncio.FIRST_COMPLETED)
                for task in self._tasks.values():
                    if task.done() and not task.cancelled():
                        task.result()
        finally:
            asked.cancel()
            await self.stop()

    def kill(self, name: str, number: int = signal.SIGTERM) -> None:
        """Send a signal to one node, for demonstrations and tests; it is restarted if it dies of it."""
        if name not in self._specs:
            raise KeyError(f"there is no node {name}; there are {', '.join(self._specs)}")
        if name in self._children:
            self._children[name].send(number)

    async def restart(self, name: str) -> None:
        """Start a node that was given up or has ended; no effect on one that runs."""
        if not self._tasks[name].done():
            return
        await self._launch(name)
        self._watch(name)

    async def stop(self) -> None:
        """Stop every node: asked first, killed after 1.7 s."""
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        children = dict(self._children)
        await asyncio.gather(*(self._stop_one(name, child) for name, child in children.items()))
        for name in self._specs:
            if self._statuses[name].state != "failed":
                self._set(name, state="stopped", pid=None)
        self._write()

    # --- one node ---------------------------------------------------------------------------------------
    async def _launch(self, name: str) -> None:
        spec = self._specs[name]
        env = {**os.environ, **spec.env}
        child = await self._start_child([sys.executable, *spec.argv], env, self._output(name))
        self._children[name] = child
        self._set(name, state="running", pid=child.pid, exit_code=None, detail="")

    def _watch(self, name: str) -> None:
        self._tasks[name] = asyncio.get_running_loop().create_task(self._keep(name), name=f"supervise {name}")

    async def _keep(self, name: str) -> None:
        """Wait for the end of a node and start it again, until it is given up or has ended for good."""
        spec, policy, restarts = self._specs[name], self._make_policy(), self._statuses[name].restarts
        while True:
            started_ns = self._clock.monotonic_ns()
            code = await self._children[name].wait()
            del self._children[name]
            if not spec.restart:
                self._set(name, state="ended", pid=None, exit_code=code)
                return
            wait_s = policy.died(started_ns, self._clock.monotonic_ns(), code)
            if wait_s is None:
                self._give_up(name, code, policy.describe(code))
                return
            _log.warning("node died", died=name, exit=describe_exit(code), restart_in_s=wait_s)
            self._set(name, state="restarting", pid=None, exit_code=code, detail=describe_exit(code))
            await sleep(self._clock, wait_s)
            restarts += 1
            try:
                await self._launch(name)
            except Missing as error:
                self._give_up(name, code, str(error))
                return
            self._set(name, restarts=restarts)

    def _give_up(self, name: str, code: int, why: str) -> None:
        tail = last_lines(self._output(name), _TAIL_LINES)
        detail = f"given up: {why}; last {describe_exit(code)}. See {self._output(name)}"
        _log.error(f"{name} was given up: {why}", exit=describe_exit(code), last_lines="\n".join(tail))
        self._set(name, state="failed", pid=None, exit_code=code, detail="\n".join([detail, *tail]))

    async def _stop_one(self, name: str, child: Child) -> None:
        child.ask_to_stop()
        ended = asyncio.ensure_future(child.wait())
        deadline_ns = self._clock.monotonic_ns()
        for step_s, act in ((_ASK_S, child.kill), (_KILL_S, lambda: None)):
            deadline_ns += round(step_s * 1e9)
            timer = asyncio.ensure_future(self._clock.sleep_until(deadline_ns))
            await asyncio.wait({ended, timer}, return_when=asyncio.FIRST_COMPLETED)
            timer.cancel()
            if ended.done():
                break
            act()
        if ended.done():
            self._children.pop(name, None)
            self._set(name, pid=None, exit_code=ended.result())
        else:
            ended.cancel()
            _log.error("node does not end even after being killed", node_name=name, pid=child.pid)

    # --- telling ----------------------------------------------------------------------------------------
    def _output(self, name: str) -> Path:
        return self._run_dir / "logs" / f"{name}.log"

    def _set(self, name: str, **changes: object) -> None:
        old = self._statuses[name]
        new = ProcessStatus(**{**asdict(old), **changes})
        if new == old:
            return
        self._statuses[name] = new
        self._write()
        self._report(new)

    def _write(self) -> None:
        """``nodes.json``, at once or not at all."""
        content = {"launcher": os.getpid(), "nodes": [asdict(status) for status in self._statuses.values()]}
        temporary = self._run_dir / (NODES_FILE + ".new")
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
        temporary.replace(self._run_dir / NODES_FILE)


def describe_exit(code: int) -> str:
    """``exit code 1`` or ``killed by SIGKILL``."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
