"""The operator station's side of the bus: what comes in fills the station, what is asked goes out.

Called by   ``hmi.app`` (in a thread with its own event loop) and tests; on any peer of ``dcs.bus.api.Bus``.
Knows       subjects and messages. Never raises for what the plant does: a frame it cannot read is counted.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from dcs.bus.api import Bus
from dcs.bus.commands import ask, patience_s
from dcs.bus.history import HistoryAnswer, HistoryRequest, history_subject
from dcs.bus.messages import (
    EVENT_STREAM,
    Command,
    Event,
    Frame,
    NodeReport,
    Reply,
    command_subject,
    event_subject,
    frame_subject,
    late_subject,
    layout_subject,
    layouts_from_bytes,
    node_subject,
)
from dcs.core.clock import NS_PER_S, Clock, sleep
from dcs.core.errors import LinkDown

from .commands import Request
from .history import SILENCE_S
from .station import Station
from .tags import Group

LAYOUT_TIMEOUT_S = 2.0
LAYOUT_RETRY_NS = NS_PER_S
LINK_CHECK_S = 0.25
BACKFILL_EVENTS = 500
HISTORY_LOOK_S = 0.1
HISTORY_TIMEOUT_S = 3.0
FAULTS_LOOK_S = 0.5


class Session:
    """Subscriptions of one station; ``run`` ends only by cancellation."""

    def __init__(self, bus: Bus, station: Station, clock: Clock) -> None:
        self._bus = bus
        self._station = station
        self._clock = clock
        self._by_hash: dict[bytes, Group] = {}
        self._asked_ns: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._outgoing = asyncio.Event()
        self.unreadable = 0
        """Messages that were not what their subject promised."""

    async def run(self) -> None:
        """Subscribe and keep the station up to date until cancelled."""
        loop, home = asyncio.get_running_loop(), threading.get_ident()
        plant, bus = self._station.plant, self._bus
        # In the application a submit comes from the Qt thread; in one event loop it comes from this very thread.
        self._station.desk.wake = lambda: _wake(loop, home, self._outgoing)
        subscriptions = [
            await bus.subscribe(frame_subject(plant, "*", "*"), self._on_frame),
            await bus.subscribe(late_subject(frame_subject(plant, "*", "*")), self._on_late),
            await bus.subscribe(event_subject(plant, "*"), self._on_event),
            await bus.subscribe(node_subject(plant, "*"), self._on_report),
        ]
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch_link())
                group.create_task(self._send_commands())
                group.create_task(self._read_old_events())
                group.create_task(self._ask_history())
                group.create_task(self._ask_faults())
        finally:
            self._station.desk.wake = None
            self._station.tags.connected = False
            for task in tuple(self._tasks):
                task.cancel()
            for subscription in subscriptions:
                await subscription.stop()

    # --- incoming -----------------------------------------------------------------------------------------
    async def _on_frame(self, subject: str, payload: bytes) -> None:
        frame = self._read(payload)
        if frame is None:
            return
        group = self._by_hash.get(frame.layout_hash)
        if group is None:
            self._ask_layouts(subject.split(".")[3])
            return
        station, layout = self._station, group.layout
        if not station.tags.put_frame(group, frame):
            return
        station.trends.put_frame(layout, frame)
        station.alarms.put_frame(layout, frame)
        station.desk.reported(layout.pair, frame.scan)

    def _read(self, payload: bytes) -> Frame | None:
        """None for what is no frame; it is counted."""
        try:
            return Frame.from_bytes(payload)
        except ValueError:
            self.unreadable += 1
            return None

    async def _on_late(self, subject: str, payload: bytes) -> None:
        """A sample that could not be delivered live, or died with its controller: trends want it all the same."""
        frame = self._read(payload)
        if frame is None:
            return
        group = self._by_hash.get(frame.layout_hash)
        if group is not None:
            self._station.trends.put_late(group.layout, frame)

    async def _on_event(self, subject: str, payload: bytes) -> None:
        try:
            self._station.events.put(Event.from_bytes(payload))
        except (ValueError, TypeError):
            self.unreadable += 1

    async def _on_report(self, subject: str, payload: bytes) -> None:
        try:
            report = NodeReport.from_bytes(payload)
        except (ValueError, TypeError, KeyError):
            self.unreadable += 1
            return
        self._station.nodes.put(report)
        self._station.tags.pace = pace_of(report.endpoints.get("clock", "")) or self._station.tags.pace

    def _ask_layouts(self, pair: str) -> None:
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._asked_ns.get(pair, -LAYOUT_RETRY_NS) < LAYOUT_RETRY_NS:
            return
        self._asked_ns[pair] = now_ns
        self._start(self._fetch_layouts(pair))

    async def _fetch_layouts(self, pair: str) -> None:
        try:
            answer = await self._bus.request(layout_subject(self._station.plant, pair), b"", LAYOUT_TIMEOUT_S)
            layouts = layouts_from_bytes(answer)
        except LinkDown:
            return  # the next frame asks again
        except (ValueError, TypeError, KeyError):
            self.unreadable += 1
            return
        for layout in layouts:
            if layout.hash in self._by_hash:
                continue
            self._station.trends.put_layout(layout)
            self._station.alarms.put_layout(layout)
            group = self._station.tags.put_layout(layout)
            self._by_hash = {known: kept for known, kept in self._by_hash.items() if kept.key != group.key}
            self._by_hash[layout.hash] = group

    async def _read_old_events(self) -> None:
        try:
            old = await self._bus.read(EVENT_STREAM, event_subject(self._station.plant, "*"), BACKFILL_EVENTS)
        except LinkDown:
            return
        for subject, payload in old:
            await self._on_event(subject, payload)

    async def _ask_history(self) -> None:
        """Trends want what is older than this station; one question at a time."""
        older = self._station.trends.older
        while True:
            for request in older.take_requests():
                if not await self._asked_history(request):
                    older.unanswered(request)
                    await sleep(self._clock, SILENCE_S)
            await sleep(self._clock, HISTORY_LOOK_S)

    async def _asked_history(self, request: HistoryRequest) -> bool:
        subject = history_subject(self._station.plant)
        try:
            payload = await self._bus.request(subject, request.to_bytes(), HISTORY_TIMEOUT_S)
            answer = HistoryAnswer.from_bytes(payload)
        except LinkDown:
            return False
        except ValueError:
            self.unreadable += 1
            return False
        self._station.trends.put_older(request, answer)
        return True

    async def _ask_faults(self) -> None:
        """What can fail and what has failed, while somebody looks at the exercise page."""
        station = self._station
        while True:
            for desk in station.exercise.desks(station.nodes) if station.exercise.watched else ():
                command = Command(f"{station.desk.station}:faults", "faults", station=station.desk.station)
                try:
                    payload = await self._bus.request(
                        command_subject(station.plant, desk), command.to_bytes(), LAYOUT_TIMEOUT_S
                    )
                    station.exercise.answered(desk, Reply.from_bytes(payload))
                except LinkDown:
                    continue  # it is asked again
                except (ValueError, TypeError):
                    self.unreadable += 1
            await sleep(self._clock, FAULTS_LOOK_S)

    async def _watch_link(self) -> None:
        while True:
            connected = self._bus.connected
            self._station.tags.connected = connected
            self._station.link_text = "" if connected else "no connection to the bus; trying again"
            await sleep(self._clock, LINK_CHECK_S)

    # --- outgoing -----------------------------------------------------------------------------------------
    async def _send_commands(self) -> None:
        while True:
            self._outgoing.clear()
            while (request := self._station.desk.take()) is not None:
                self._start(self._send(request))
            await self._outgoing.wait()

    async def _send(self, request: Request) -> None:
        desk, groups = self._station.desk, self._station.tags.groups
        timeout_s = patience_s(group.layout.period_ns for group in groups if group.layout.pair == request.pair)
        try:
            reply = await ask(self._bus, self._station.plant, request.pair, request.command, timeout_s)
        except LinkDown as exc:
            why = str(exc) or f"{request.pair} did not answer within {timeout_s:g} s"
            desk.unanswered(request, why)
        except (ValueError, TypeError):
            self.unreadable += 1
            desk.unanswered(request, f"{request.pair} sent an answer that this station cannot read")
        else:
            desk.answered(request, reply)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def pace_of(note: str) -> float | None:
    """Speed in a clock note: 10.0 for ``simulated x10``, None when it names none."""
    _, found, factor = note.rpartition("x")
    try:
        return float(factor) if found else None
    except ValueError:
        return None


def _wake(loop: asyncio.AbstractEventLoop, home: int, event: asyncio.Event) -> None:
    if threading.get_ident() == home:
        event.set()
    elif not loop.is_closed():
        loop.call_soon_threadsafe(event.set)
