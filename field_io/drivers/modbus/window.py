"""Writes of a device that checks epochs: one request drives all outputs that are due, and carries the epoch.

Called by   ``drivers.modbus.outputs``.
Knows       the output window (``field_io.output_window``), the driver's way to ask.
"""

from collections.abc import Mapping

from field_io.drivers.gate import CLOSED, Gate, GateClosed, StaleEpoch, at_epoch
from field_io.drivers.links.link import DeviceRefused
from field_io.drivers.modbus.asks import Asks
from field_io.modbus import pdu as codes
from field_io.output_window import EPOCH_MAX, OutputWindow
from field_io.specs import DeviceSpec

_ATTEMPTS = 3
"""The epoch may be raised while a request waits for its turn; then it is made anew."""


class WindowWrites:
    """The window of one device."""

    def __init__(self, spec: DeviceSpec, ask: Asks) -> None:
        self._window = OutputWindow(spec)
        self._ask = ask

    async def send(self, values: Mapping[str, float], gate: Gate) -> None:
        """One request. Raises ``GateClosed``, ``StaleEpoch``, ``LinkDown``, ``DeviceRefused``."""
        window = self._window
        doing = f"writing {', '.join(values)}"
        for _ in range(_ATTEMPTS):
            epoch = gate()
            if not epoch:
                break
            if epoch > EPOCH_MAX:
                raise GateClosed(f"not sent: epoch {epoch} has no room in the device's register; reset its epoch there")
            request = codes.write("holding", window.address, window.encode(epoch, values))
            try:
                await self._ask(request, doing, at_epoch(gate, epoch))
                return
            except GateClosed:
                continue
            except DeviceRefused as refused:
                if refused.code == codes.ILLEGAL_VALUE:
                    await self._complain(epoch)
                raise
        raise GateClosed(CLOSED)

    async def _complain(self, sent: int) -> None:
        """Raises ``StaleEpoch`` when it was that what the device refused."""
        window = self._window
        ask = codes.read("holding", window.address, window.epoch_count)
        known = window.epoch_of(await self._ask(ask, "reading its epoch"))
        if known > sent:
            raise StaleEpoch(known, sent)
