"""What clients have written to the outputs of a simulated device, for checkers and tests.

Called by   ``devices.simulated`` and ``devices.opc_ua_device`` at every write, once ``record_writes`` was called.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """One output that a client has written, or tried to."""

    time_ns: int  # UTC, by the clock of the device
    point: str
    value: float  # as it stands in the register then, in the point's unit; a refused write has not changed it
    peer: str  # client's name (memory) or address:port (wire)
    epoch: int = 0  # that the request carried; 0 = none
    accepted: bool = True  # False: refused, by a device that checks epochs
    device_ns: int = 0  # monotonic, by the clock of the device
