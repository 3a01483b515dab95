"""How the parts of a Modbus driver have a request sent.

Used by     ``modbus.outputs``, ``modbus.window``; it is ``ModbusDriver`` that sends.
"""

from collections.abc import Awaitable
from typing import Protocol

from field_io.drivers.gate import Gate


class Asks(Protocol):
    """One request: its answer's data. Raises ``LinkDown``, ``DeviceRefused``, ``GateClosed``."""

    def __call__(self, request: bytes, doing: str, may_write: Gate | None = None) -> Awaitable[bytes]: ...
