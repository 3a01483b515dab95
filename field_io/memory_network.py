"""The cables of the box: which simulated device answers at which address, without a socket.

Called by   the memory peers of ``drivers.modbus_client`` (connects) and ``devices.modbus_server`` (listens).
Knows       that pymodbus pairs the two ends of its null modem by one number per process, so that every address
            needs a number of its own; nothing of what is sent.
"""

import errno
import os
from itertools import count

from pymodbus.transport.transport import NullModem


class MemoryNetwork:
    """One network; addresses are (host, port) as in the configuration, invisible to every other network."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, int], int] = {}

    def listen(self, host: str, port: int) -> int:
        """Number for a new listener at this address. Raises ``OSError`` as a socket does when it is taken."""
        if (host, port) in self._numbers:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        number = next(number for number in count(1) if number not in NullModem.listeners)
        self._numbers[host, port] = number
        return number

    def forget(self, host: str, port: int) -> None:
        """The listener at this address has closed."""
        self._numbers.pop((host, port), None)

    def number_of(self, host: str, port: int) -> int:
        """Number to connect to; one that nobody listens on when there is no such device."""
        return self._numbers.get((host, port), -1)
