"""The bridge between a paced box and the outside: an operator station looks into simulated time.

Called by   ``dcs simulate --hmi``.
Knows       two loops: the box's, and one in a thread of its own with a bus server on a loopback port. What leaves the
            box is handed over at once; what enters (requests and commands) waits for the next moment at which the box
            looks, and is recorded with the simulated time at which it entered.
"""

import asyncio
import json
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path

from dcs.bus.api import Bus
from dcs.bus.messages import Command
from dcs.bus.nats import NatsBus, connect_nats
from dcs.core.clock import Clock, sleep
from dcs.core.errors import LinkDown
from dcs.node.bus_server import BusServer

_OUTWARD = ("frame.>", "event.>", "node.>")
_INWARD = ("layout.*", "latest.*", "command.*", "status.*", "history")
_LOOK_S = 0.05
_ANSWER_S = 5.0
_START_S = 15.0


@dataclass(frozen=True, slots=True)
class Entered:
    """A command that came from outside."""

    time_ns: int  # UTC of the box
    subject: str
    command: Command

    def to_bytes(self) -> bytes:
        """One line of ``commands.jsonl``."""
        return json.dumps({"time_ns": self.time_ns, "subject": self.subject, **asdict(self.command)}).encode()


class Bridge:
    """One bridge of one box. ``start`` before the box runs, ``run`` as a task of the box, ``stop`` afterwards."""

    def __init__(self, plant: str, run_dir: Path, port: int) -> None:
        self.plant = plant
        self.entered: list[Entered] = []
        self._server = BusServer(run_dir, port)
        self._requests: queue.SimpleQueue[tuple[str, bytes, Future[bytes]]] = queue.SimpleQueue()
        self._outside: asyncio.AbstractEventLoop | None = None
        self._bus: NatsBus | None = None
        self._ready: Future[None] = Future()
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run_outside, name="bridge", daemon=True)

    @property
    def url(self) -> str:
        """Where an operator station connects."""
        return self._server.url

    # --- the outside thread -----------------------------------------------------------------------------------
    def start(self) -> None:
        """Start the bus server and the outside loop. Raises ``Missing`` when the server cannot start."""
        self._thread.start()
        self._ready.result(timeout=_START_S)

    def stop(self) -> None:
        """Stop the outside; leaves no process behind."""
        if self._outside is not None and self._end is not None:
            self._outside.call_soon_threadsafe(self._end.set)
        self._thread.join(timeout=3.0)

    def _run_outside(self) -> None:
        try:
            asyncio.run(self._serve_outside())
        except BaseException as error:  # noqa: BLE001  handed to whoever waits for the start
            if not self._ready.done():
                self._ready.set_exception(error)

    async def _serve_outside(self) -> None:
        self._outside, self._end = asyncio.get_running_loop(), asyncio.Event()
        await self._server.start()
        bus = await connect_nats(self.url, "bridge", _START_S)
        try:
            for subject in _INWARD:
                await bus.serve(f"dcs.{self.plant}.{subject}", self._ask_the_box)
            self._bus = bus
            self._ready.set_result(None)
            await self._end.wait()
        finally:
            await bus.close()
            await self._server.stop()

    async def _ask_the_box(self, subject: str, payload: bytes) -> bytes:
        answer: Future[bytes] = Future()
        self._requests.put((subject, payload, answer))
        return await asyncio.wrap_future(answer)

    # --- inside the box ---------------------------------------------------------------------------------------
    async def run(self, bus: Bus, clock: Clock) -> None:
        """Carry messages both ways until cancelled; ``bus`` and ``clock`` are the box's."""
        for subject in _OUTWARD:
            await bus.subscribe(f"dcs.{self.plant}.{subject}", self._hand_out)
        async with asyncio.TaskGroup() as group:
            while True:
                while not self._requests.empty():
                    group.create_task(self._answer(bus, clock, *self._requests.get()))
                await sleep(clock, _LOOK_S)

    async def _hand_out(self, subject: str, payload: bytes) -> None:
        outside, out = self._outside, self._bus
        if outside is not None and out is not None and not outside.is_closed():
            outside.call_soon_threadsafe(_publish(out, subject, payload))

    async def _answer(self, bus: Bus, clock: Clock, subject: str, payload: bytes, answer: "Future[bytes]") -> None:
        if subject.split(".")[2] == "command":
            self.entered.append(Entered(clock.time_ns(), subject, Command.from_bytes(payload)))
        try:
            answer.set_result(await bus.request(subject, payload, _ANSWER_S))
        except LinkDown as error:
            answer.set_exception(error)


def _publish(bus: NatsBus, subject: str, payload: bytes) -> Callable[[], None]:
    return lambda: bus.publish(subject, payload)
