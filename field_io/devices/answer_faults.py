"""What a faulty device does to the bytes of its answers: late, lost, twice, garbled, a byte at a time.

Called by   ``devices.modbus_server`` for every answer of a unit that has such a fault (``AnswerPath``).
Knows       numbers and the loop's clock. An answer's fate depends on how many there were before it, on nothing else.
"""

import asyncio
from typing import Protocol
from weakref import WeakKeyDictionary

from field_io.dice import bits, uniform

_DRAWS = 4


class Connection(Protocol):
    """Where the answers go."""

    def send(self, data: bytes) -> None: ...


class AnswerFaults:
    """Faults of one device. Shares are 0 … 1; a fault is off at 0."""

    def __init__(self) -> None:
        self.jitter_s = 0.0
        self.drop = 0.0
        self.duplicate = 0.0
        self.garbage = 0.0
        self.per_byte_s = 0.0
        self.key = 0
        self.answers = 0
        self._free_at_s: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()

    def deliver(self, connection: Connection, frame: bytes) -> None:
        """Send it as the faults have it; answers of one connection keep their order."""
        number = _DRAWS * self.answers
        self.answers += 1
        if uniform(self.key, number) < self.drop:
            return
        if uniform(self.key, number + 1) < self.garbage:
            frame = self._garbled(frame, number)
        times = 2 if uniform(self.key, number + 2) < self.duplicate else 1
        delay_s = self.jitter_s * uniform(self.key, number + 3)
        for _ in range(times):
            self._send(connection, frame, delay_s)

    def _garbled(self, frame: bytes, number: int) -> bytes:
        stream = bits(self.key, number)
        return bytes(bits(stream, at) & 0xFF for at in range(len(frame)))

    def _send(self, connection: Connection, frame: bytes, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        due_s = max(now_s + delay_s, self._free_at_s.get(connection, 0.0))
        if self.per_byte_s > 0.0:
            for at in range(len(frame)):
                loop.call_at(due_s, connection.send, frame[at : at + 1])
                due_s += self.per_byte_s
        elif due_s > now_s:
            loop.call_at(due_s, connection.send, frame)
        else:
            connection.send(frame)
            return
        self._free_at_s[connection] = due_s
