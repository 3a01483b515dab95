"""A bystander at a device: reads the demand of pump 1 from the drive itself and notes every change.

Used by     the system test of a kill. Judges by what the device holds, not by what a
            controller says of itself.
"""

import socket
import struct
import threading
import time

Change = tuple[float, float]
"""(time of the monotonic clock in s, demand in %)."""

_UNIT, _READ_HOLDING, _WORDS = 2, 3, 2
_PERIOD_S = 0.005


class RegisterWatch:
    """Samples ``P-101`` of the quadruple tank's drive cabinet every 5 ms in a thread, from start to ``stop``."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("modbus://").rpartition(":")
        self._samples: list[Change] = []
        self._socket = socket.create_connection((host, int(port)), timeout=2.0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> list[Change]:
        """The first sample and every change after it, in order."""
        self._stop.set()
        self._thread.join()
        self._socket.close()
        changes = self._samples[:1]
        for sample in self._samples:
            if sample[1] != changes[-1][1]:
                changes.append(sample)
        return changes

    def _watch(self) -> None:
        request = struct.pack(">HHHBBHH", 1, 0, 6, _UNIT, _READ_HOLDING, 0, _WORDS)
        while not self._stop.wait(_PERIOD_S):
            self._socket.sendall(request)
            low, high = struct.unpack(">HH", self._socket.recv(256)[9:13])  # the drive sends the low word first
            demand_pct = struct.unpack(">f", struct.pack(">HH", high, low))[0]
            self._samples.append((time.monotonic(), demand_pct))
