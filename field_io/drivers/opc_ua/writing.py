"""Outputs of an OPC UA device on their way: through the gate, read back where that is wanted, repeated for a watchdog.

Called by   ``drivers.opc_ua``.
Knows       the session; the driver as far as what an answer, or none, means for it.
Promise     of the writes of a device one at most is under way.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from dcs.core.clock import Clock
from dcs.core.errors import LinkDown
from field_io.drivers.driver import WriteOutcome
from field_io.drivers.gate import Gate, GateClosed, StaleEpoch
from field_io.drivers.opc_ua.outputs import encode_outputs, send
from field_io.drivers.opc_ua.session import UaSession, Value
from field_io.drivers.repeat import OutputRepeat
from field_io.opc_ua.messages import NodeInfo
from field_io.opc_ua.refusals import ServiceRefused
from field_io.opc_ua.status import is_bad
from field_io.specs import DeviceSpec


class UaContact(Protocol):
    """The driver, as whoever asks its session something must tell it what came of it."""

    requests: int
    errors: int
    aborts: int  # how often we dropped the connection ourselves
    last_trouble: str
    infos: Sequence[NodeInfo]

    def answered(self, asked_ns: int) -> None:
        """The server answered, if only to refuse."""
        ...

    def failed(self, exc: LinkDown, aborts: int) -> None:
        """It did not; ``aborts`` is what it was before."""
        ...


class UaWriting:
    """All outputs of one device."""

    def __init__(self, spec: DeviceSpec, session: UaSession, clock: Clock, contact: UaContact) -> None:
        self.repeat = OutputRepeat(spec.repeat_after_ns, clock, self._send)
        self._spec = spec
        self._session = session
        self._clock = clock
        self._contact = contact
        self._at = {point.name: at for at, point in enumerate(spec.points)}
        self._alone = asyncio.Lock()  # the scan's write and a repeat are not under way together

    async def write(self, values: Mapping[str, float], may_write: Gate) -> WriteOutcome:
        """Send outputs now, and again for a watchdog. Raises ``KeyError`` for a name that is no output."""
        for name in values:
            if self._spec.points[self._at[name]].direction != "out":
                raise KeyError(f"{name} is an input of {self._spec.name} and cannot be written")
        self.repeat.note(values, may_write)
        return await self._send(values, may_write)

    async def _send(self, values: Mapping[str, float], may_write: Gate) -> WriteOutcome:
        contact = self._contact
        async with self._alone:
            if not self._session.connected:
                return WriteOutcome("failed", f"link down: {contact.last_trouble}")
            outputs = encode_outputs(self._spec.points, self._at, contact.infos, values)
            if not outputs.raws:
                return outputs.failed("; ".join(outputs.troubles))
            asked_ns, aborts = self._clock.monotonic_ns(), contact.aborts
            try:
                codes = await send(self._session, self._spec.epoch is not None, outputs.raws, may_write)
                contact.requests += 1
                contact.answered(asked_ns)
                differing = await self._compare(outputs.raws, codes)
            except GateClosed as exc:
                return outputs.refused(str(exc))
            except (ServiceRefused, StaleEpoch) as exc:
                contact.requests += 1
                contact.errors += 1
                contact.answered(asked_ns)
                contact.last_trouble = str(exc)
                return outputs.failed(str(exc), exc.known if isinstance(exc, StaleEpoch) else 0)
            except LinkDown as exc:
                contact.failed(exc, aborts)
                return outputs.failed(str(exc))
        contact.errors += sum(is_bad(code) for code in codes.values())
        outcome = outputs.outcome(self._spec.points, codes, differing)
        contact.last_trouble = outcome.text or contact.last_trouble
        return outcome

    async def _compare(self, raws: Mapping[int, Value], codes: Mapping[int, int]) -> list[int]:
        """Points with ``verify`` whose node does not hold what was written."""
        verified = [at for at, code in codes.items() if self._spec.points[at].verify and not is_bad(code)]
        if not verified:
            return []
        self._contact.requests += 1
        samples = await self._session.read(verified)
        return [at for at, sample in zip(verified, samples, strict=True) if sample.value != raws[at]]
