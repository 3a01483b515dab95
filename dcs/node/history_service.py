"""What the tags of a plant have been, for stations that were not there: a computed past, and what followed it.

Called by   ``dcs.node.field_node``. The field node, because it alone has a computed past and it stands and falls with
            the simulation; a plant with a historian is answered by that, on the same subject.
Knows       the bus and ``dcs.node.sample_history``.
"""

import asyncio
from collections import deque

from dcs.bus.api import Bus
from dcs.bus.history import HistoryRequest, history_subject
from dcs.bus.messages import Frame, frame_subject, late_subject, layout_subject, layouts_from_bytes
from dcs.core.errors import LinkDown
from dcs.node.sample_history import PlantHistory

_LAYOUT_TIMEOUT_S = 2.0
_UNKNOWN_MAX = 200
"""Frames of a controller that are kept until their layout is known; what does not fit is a gap."""


class HistoryService:
    """Serves ``history_subject`` and goes on sampling, until cancelled."""

    def __init__(self, plant: str, bus: Bus, history: PlantHistory) -> None:
        self.history = history
        self._plant, self._bus = plant, bus
        self._unknown: dict[str, deque[tuple[str, Frame]]] = {}  # by controller: they wait for their layout
        self._asking: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled."""
        served = await self._bus.serve(history_subject(self._plant), self._serve)
        frames = await self._bus.subscribe(frame_subject(self._plant, "*", "*"), self._on_frame)
        late = await self._bus.subscribe(late_subject(frame_subject(self._plant, "*", "*")), self._on_frame)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for task in tuple(self._tasks):
                task.cancel()
            await frames.stop()
            await late.stop()
            await served.stop()

    async def _serve(self, subject: str, payload: bytes) -> bytes:
        return self.history.answer(HistoryRequest.from_bytes(payload)).to_bytes()

    async def _on_frame(self, subject: str, payload: bytes) -> None:
        _, _, _, pair, scan_class = subject.split(".")
        try:
            frame = Frame.from_bytes(payload)
        except ValueError:
            return  # whoever looks at it now says so
        if self.history.knows(pair, scan_class, frame.layout_hash):
            self.history.put(pair, scan_class, frame)
            return
        self._unknown.setdefault(pair, deque(maxlen=_UNKNOWN_MAX)).append((scan_class, frame))
        if pair not in self._asking:
            self._asking.add(pair)
            task = asyncio.get_running_loop().create_task(self._learn(pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _learn(self, pair: str) -> None:
        """An online change has brought other columns."""
        try:
            answer = await self._bus.request(layout_subject(self._plant, pair), b"", _LAYOUT_TIMEOUT_S)
            for layout in layouts_from_bytes(answer):
                self.history.put_layout(layout)
            for scan_class, frame in self._unknown.pop(pair, ()):
                if self.history.knows(pair, scan_class, frame.layout_hash):  # else it is a gap
                    self.history.put(pair, scan_class, frame)
        except (LinkDown, ValueError, TypeError, KeyError):
            pass  # the next frame asks again
        finally:
            self._asking.discard(pair)
