"""Outputs of one Modbus device on their way: what is due, sent through the gate, read back where that is wanted.

Called by   ``drivers.modbus``; repeats come from ``drivers.repeat``.
Knows       the driver's way to ask, plans and memory of ``drivers.modbus.writing``.
Promise     every request asks the gate, and of the writes of a device one at most is under way; a new holder, a new
            connection and a repeat send everything, whatever the device is believed to hold.
"""

import asyncio
from collections.abc import Mapping, Sequence

from dcs.core.clock import Clock
from dcs.core.errors import LinkDown
from dcs.core.status import SUB_NORMAL, UNCERTAIN, make_status
from field_io.drivers.driver import WriteOutcome
from field_io.drivers.gate import Gate, GateClosed, StaleEpoch
from field_io.drivers.links.link import DeviceRefused
from field_io.drivers.modbus.asks import Asks
from field_io.drivers.modbus.reading import Readings
from field_io.drivers.modbus.window import WindowWrites
from field_io.drivers.modbus.writing import WritePlans, Writer
from field_io.drivers.repeat import OutputRepeat
from field_io.modbus import pdu as codes
from field_io.specs import DeviceSpec

STATUS_NOT_HELD = make_status(UNCERTAIN, SUB_NORMAL)
"""Of an output that the device does not hold as it was written (``verify``)."""

VERIFY_ATTEMPTS = 2


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
        self._window = WindowWrites(spec, ask) if spec.epoch is not None else None
        self._alone = asyncio.Lock()  # the scan's write and a repeat are not under way together

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
        sending = _Sending(values, numbers)
        sending.held += [name for writer in writers if writer not in due for name in writer.names]
        async with self._alone:
            try:
                if self._window is None:
                    for writer in due:
                        await self._by_itself(writer, sending, may_write)
                elif due:
                    await self._together(self._window, due, sending, may_write)
            except GateClosed as exc:
                return sending.outcome("refused", str(exc))
            except StaleEpoch as exc:
                return sending.outcome("failed", str(exc), exc.known)
            except LinkDown as exc:
                return sending.outcome("failed", str(exc))
        return sending.outcome("failed" if sending.trouble else "written", sending.trouble)

    async def _by_itself(self, writer: Writer, sending: "_Sending", may_write: Gate) -> None:
        """One request of a device that checks no epochs, and its read-back."""
        data = self._encoded(writer, sending)
        doing = f"writing {', '.join(writer.names)}"
        try:
            async with self._turn:
                for _ in range(VERIFY_ATTEMPTS):
                    held = await self._ask(writer.request(data), doing, may_write)
                    if writer.verified and writer.mode != "read_write":
                        held = await self._read_back(writer)
                    differing = writer.differing(data, held) if writer.verified else ()
                    if not differing:
                        break
        except DeviceRefused as exc:
            sending.trouble = f"{doing}: {exc}"
            return
        self._judge(writer.verified, differing)
        self._take(writer.names, differing, sending)

    async def _together(
        self, window: WindowWrites, due: Sequence[Writer], sending: "_Sending", may_write: Gate
    ) -> None:
        """All that is due in one request that carries the epoch, and what has to be read back."""
        data = [self._encoded(writer, sending) for writer in due]
        names = tuple(name for writer in due for name in writer.names)
        verified = tuple(name for writer in due for name in writer.verified)
        values = {name: sending.numbers[name] for name in names}
        try:
            async with self._turn:
                for _ in range(VERIFY_ATTEMPTS):
                    await window.send(values, may_write)
                    differing: tuple[str, ...] = ()
                    for writer, sent in zip(due, data, strict=True):
                        if writer.verified:
                            differing += writer.differing(sent, await self._read_back(writer))
                    if not differing:
                        break
        except DeviceRefused as exc:
            sending.trouble = f"writing {', '.join(names)}: {exc}"
            return
        self._judge(verified, differing)
        self._take(names, differing, sending)

    def _encoded(self, writer: Writer, sending: "_Sending") -> bytes:
        data, clamped = writer.encode([sending.numbers[name] for name in writer.names])
        sending.limited += clamped
        self._plans.unknown(writer.names)
        return data

    async def _read_back(self, writer: Writer) -> bytes:
        block = writer.block
        request = codes.read(block.table, block.address, block.count)
        return await self._ask(request, f"reading back {', '.join(writer.verified)}")

    def _take(self, names: Sequence[str], differing: Sequence[str], sending: "_Sending") -> None:
        held = tuple(name for name in names if name not in differing)
        self._plans.acknowledged(held, sending.numbers)
        sending.held += held
        if differing:
            sending.trouble = f"written {VERIFY_ATTEMPTS} times, but not held: {', '.join(differing)}"

    def _judge(self, verified: Sequence[str], differing: Sequence[str]) -> None:
        at, trouble = self._readings.at, self._readings.trouble
        for name in verified:
            trouble.pop(at[name], None)
        trouble.update({at[name]: STATUS_NOT_HELD for name in differing})
        self.not_held = tuple(self._readings.names[place] for place in sorted(trouble))


class _Sending:
    """One write of the controller on its way, and what became of it so far."""

    def __init__(self, values: Mapping[str, float], numbers: Mapping[str, float]) -> None:
        self.numbers = numbers
        self.held: list[str] = []
        self.limited: list[str] = []
        self.trouble = ""
        if len(numbers) < len(values):
            self.trouble = "not a number: " + ", ".join(name for name in values if name not in numbers)

    def outcome(self, state: str, text: str, stale_epoch: int = 0) -> WriteOutcome:
        return WriteOutcome(state, text, tuple(self.held), tuple(self.limited), stale_epoch)
