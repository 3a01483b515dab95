"""Outputs of one Modbus device on their way: what is due, sent through the gate, read back where that is wanted.

Called by   ``drivers.modbus``; repeats come from ``drivers.repeat``.
Knows       the driver's way to ask, plans and memory of ``drivers.modbus.writing``.
Promise     every request asks the gate; a new holder, a new connection and a repeat send everything, whatever the
            device is believed to hold.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from dcs.core.clock import Clock
from dcs.core.errors import LinkDown
from dcs.core.status import SUB_NORMAL, UNCERTAIN, make_status
from field_io.drivers.driver import WriteOutcome
from field_io.drivers.links.link import DeviceRefused, GateClosed
from field_io.drivers.modbus.reading import Readings
from field_io.drivers.modbus.writing import WritePlans, Writer
from field_io.drivers.repeat import OutputRepeat
from field_io.modbus import pdu as codes
from field_io.specs import DeviceSpec

STATUS_NOT_HELD = make_status(UNCERTAIN, SUB_NORMAL)
"""Of an output that the device does not hold as it was written (``verify``)."""

VERIFY_ATTEMPTS = 2

Gate = Callable[[], bool]


class Asks(Protocol):
    """One request: its answer's data. Raises ``LinkDown``, ``DeviceRefused``, ``GateClosed``."""

    def __call__(self, request: bytes, doing: str, may_write: Gate | None = None) -> Awaitable[bytes]: ...


class Outputs:
    """All outputs of one device."""

    def __init__(self, spec: DeviceSpec, readings: Readings, clock: Clock, turn: asyncio.Semaphore, ask: Asks) -> None:
        """``turn``: held for one request, or for a write and its read-back."""
        self.repeat = OutputRepeat(spec.repeat_after_ns, clock, self._again)
        self.not_held: tuple[str, ...] = ()
        self._readings = readings
        self._turn = turn
        self._ask = ask
        self._on_change = spec.write_when == "change"
        self._plans = WritePlans(spec)

    def forget(self) -> None:
        """Nothing is repeated, and nobody knows what the device holds: authority or connection were lost."""
        self.repeat.forget()
        self._plans.forget()

    def unknown(self) -> None:
        """Nobody knows what the device holds: it was away."""
        self._plans.forget()

    async def write(self, values: Mapping[str, float], may_write: Gate) -> WriteOutcome:
        """Send what is due. Raises ``KeyError`` for a name that is no output of this device."""
        numbers = {name: value for name, value in values.items() if value == value}
        writers = due = self._plans.plan(tuple(numbers))
        if self._on_change:
            due = [writer for writer in writers if not self._plans.stands(writer, numbers)]
        self.repeat.note(values, may_write, sent=len(due) == len(writers))
        return await self._send(values, numbers, writers, due, may_write)

    async def _again(self, values: Mapping[str, float], may_write: Gate) -> WriteOutcome:
        numbers = {name: value for name, value in values.items() if value == value}
        writers = self._plans.plan(tuple(numbers))
        return await self._send(values, numbers, writers, writers, may_write)

    async def _send(
        self,
        values: Mapping[str, float],
        numbers: Mapping[str, float],
        writers: Sequence[Writer],
        due: Sequence[Writer],
        may_write: Gate,
    ) -> WriteOutcome:
        written: tuple[str, ...] = ()
        limited: tuple[str, ...] = ()
        trouble = ""
        if len(numbers) < len(values):
            trouble = "not a number: " + ", ".join(name for name in values if name not in numbers)
        for writer in writers:
            if writer not in due:
                written += writer.names  # the device holds it
                continue
            data, clamped = writer.encode([numbers[name] for name in writer.names])
            limited += clamped
            self._plans.unknown(writer.names)
            try:
                differing = await self._one(writer, data, may_write)
            except GateClosed as exc:
                return WriteOutcome("refused", str(exc), written, limited)
            except LinkDown as exc:
                return WriteOutcome("failed", str(exc), written, limited)
            except DeviceRefused as exc:
                trouble = f"writing {', '.join(writer.names)}: {exc}"
                continue
            held = tuple(name for name in writer.names if name not in differing)
            self._plans.acknowledged(held, numbers)
            written += held
            if differing:
                trouble = f"written {VERIFY_ATTEMPTS} times, but not held: {', '.join(differing)}"
        return WriteOutcome("failed" if trouble else "written", trouble, written, limited)

    async def _one(self, writer: Writer, data: bytes, may_write: Gate) -> tuple[str, ...]:
        """Send one request and, where it is wanted, read back; returns outputs that the device does not hold."""
        async with self._turn:
            for _ in range(VERIFY_ATTEMPTS):
                held = await self._ask(writer.request(data), f"writing {', '.join(writer.names)}", may_write)
                if not writer.verified:
                    return ()
                if writer.mode != "read_write":
                    block = writer.block
                    doing = f"reading back {', '.join(writer.verified)}"
                    held = await self._ask(codes.read(block.table, block.address, block.count), doing)
                differing = writer.differing(data, held)
                if not differing:
                    break
        self._judge(writer.verified, differing)
        return differing

    def _judge(self, verified: Sequence[str], differing: Sequence[str]) -> None:
        at, trouble = self._readings.at, self._readings.trouble
        for name in verified:
            trouble.pop(at[name], None)
        trouble.update({at[name]: STATUS_NOT_HELD for name in differing})
        self.not_held = tuple(self._readings.names[place] for place in sorted(trouble))
