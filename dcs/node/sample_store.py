"""Samples on their way to whoever keeps history: live at once, and kept until the bus has them for certain.

Called by   ``dcs.node.controller`` with every frame.
Promise     never waits. What was published while the bus was away, or may have been lost with a connection, is
            delivered when it is back: in order, with its own times and epoch, on a subject of its own, a little at a
            time. What does not fit is an event that says how many samples and from when to when.
Behaviour   decision 0017 (what is kept where while the bus is away).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from dcs.bus.api import Bus
from dcs.bus.messages import late_subject
from dcs.core.clock import Clock, sleep
from dcs.core.errors import LinkDown
from dcs.node.lost import Lost

CONFIRM_S = 1.0
"""So often the bus is asked whether it has everything: what may be lost with a connection is one of these."""
_BATCH = 20
_BATCH_BYTES = 1_000_000
_BATCH_PAUSE_S = 0.05


@dataclass(frozen=True, eq=False, slots=True)
class _Kept:
    number: int
    subject: str
    payload: bytes
    time_ns: int  # UTC of the sample
    since_ns: int  # monotonic


class SampleStore:
    """A bounded memory of what has been published; overflow drops the oldest."""

    def __init__(
        self, bus: Bus, clock: Clock, tell: Callable[[str, str, str], None], age_ns: int, bytes_max: int
    ) -> None:
        """``tell(kind, subject, text)`` makes an event."""
        self._bus = bus
        self._clock = clock
        self._tell = tell
        self._age_ns = age_ns
        self._bytes_max = bytes_max
        self._kept: deque[_Kept] = deque()
        self._count = 0
        self._bytes = 0
        self._lost = Lost()
        self._connection = 0
        self._dropped = bus.dropped
        self._unsure = False

    @property
    def waiting(self) -> int:
        """Samples that the bus is not known to have."""
        return len(self._kept)

    def publish(self, subject: str, payload: bytes, time_ns: int) -> None:
        """Publish a frame on its subject; returns at once."""
        self._bus.publish(subject, payload)
        self._keep(subject, payload, time_ns)

    def inherit(self, subject: str, payload: bytes, time_ns: int) -> None:
        """Deliver a frame that another one may have published, or not; whoever has it keeps it once."""
        self._keep(subject, payload, time_ns)
        self._unsure = True

    def _keep(self, subject: str, payload: bytes, time_ns: int) -> None:
        now_ns = self._clock.monotonic_ns()
        self._count += 1
        self._kept.append(_Kept(self._count, subject, payload, time_ns, now_ns))
        self._bytes += len(payload)
        # One alone may be larger than all that may be kept.
        while self._kept and (self._bytes > self._bytes_max or now_ns - self._kept[0].since_ns > self._age_ns):
            self._lost.add(self._drop().time_ns)

    def _drop(self) -> _Kept:
        oldest = self._kept.popleft()
        self._bytes -= len(oldest.payload)
        return oldest

    def _forget(self, number: int) -> None:
        """The bus has everything up to this one."""
        while self._kept and self._kept[0].number <= number:
            self._drop()

    async def run(self) -> None:
        """Ask, deliver, forget; for ever."""
        while True:
            await sleep(self._clock, CONFIRM_S)
            if self._kept:
                try:
                    await self._settle()
                except LinkDown:
                    self._unsure = True

    async def _settle(self) -> None:
        """Raises ``LinkDown``."""
        unsure, self._unsure = self._unsure, False  # what is inherited meanwhile is looked at the next time
        newest, dropped = self._kept[-1].number, self._bus.dropped
        connection = await self._bus.confirm()
        sure = not unsure and connection == (self._connection or connection) and dropped == self._dropped
        self._connection, self._dropped = connection, dropped
        if not sure:
            await self._deliver(newest, connection)
        self._forget(newest)
        if self._lost.count:
            lost, self._lost = self._lost, Lost()
            remedy = "How much is kept is `store` and `store_samples` of the bus in plant.yaml."
            self._tell("system", "history", lost.text("samples", remedy))

    async def _deliver(self, newest: int, connection: int) -> None:
        """Everything up to ``newest``, a batch at a time. Raises ``LinkDown``: the rest waits for the next time."""
        while self._kept and self._kept[0].number <= newest:
            batch: list[_Kept] = []
            for one in self._kept:
                if one.number > newest or len(batch) >= _BATCH or sum(len(b.payload) for b in batch) > _BATCH_BYTES:
                    break
                batch.append(one)
            for one in batch:
                self._bus.publish(late_subject(one.subject), one.payload)
            if await self._bus.confirm() != connection:
                raise LinkDown("the bus was lost while stored samples were delivered")
            self._forget(batch[-1].number)
            await sleep(self._clock, _BATCH_PAUSE_S)
