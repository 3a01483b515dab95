"""A link that writes down what passes, on whatever link it stands.

Called by   ``drivers.modbus``, as any other link; put around it by the assembly where `record` is configured.
Promise     it changes nothing: not what is sent, not when, not what is raised.
"""

from dcs.core.clock import Clock
from dcs.core.errors import LinkDown
from field_io.drivers.gate import Gate
from field_io.drivers.links.link import LinkFaults, ModbusLink
from field_io.recording import RecordingFile


class RecordingLink(ModbusLink):
    """``link``, with its traffic in ``file``."""

    def __init__(self, link: ModbusLink, file: RecordingFile, clock: Clock) -> None:
        self._link = link
        link.on_lost = self._link_lost
        self._file = file
        self._clock = clock

    def _link_lost(self, reason: str) -> None:
        if self.on_lost is not None:
            self.on_lost(reason)

    @property
    def faults(self) -> LinkFaults:  # type: ignore[override]
        """Those of the link itself."""
        return self._link.faults

    @property
    def connected(self) -> bool:
        return self._link.connected

    async def connect(self) -> None:
        asked_utc_ns, asked_ns = self._clock.time_ns(), self._clock.monotonic_ns()
        try:
            await self._link.connect()
        except LinkDown as down:
            self._file.note(asked_utc_ns, self._clock.monotonic_ns() - asked_ns, None, None, str(down))
            self._file.flush()
            raise

    async def exchange(self, request: bytes, may_write: Gate | None = None) -> bytes:
        asked_utc_ns, asked_ns = self._clock.time_ns(), self._clock.monotonic_ns()
        try:
            answer = await self._link.exchange(request, may_write)
        except LinkDown as down:
            self._file.note(asked_utc_ns, self._clock.monotonic_ns() - asked_ns, request, None, str(down))
            raise
        self._file.note(asked_utc_ns, self._clock.monotonic_ns() - asked_ns, request, answer)
        return answer

    def abort(self) -> None:
        self._link.abort()
        self._file.close()
