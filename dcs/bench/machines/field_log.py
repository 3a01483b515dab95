"""The bystander at the field: every write request that reached a device, whose it was, and what the device answered.

Called by   ``dcs.bench.machines.plant`` (its ears are on the cables between controllers and devices).
Knows       Modbus TCP as bytes; nothing of what controllers say of themselves. Times are of the monotonic clock, taken
            when a request is handed to the device.
"""

import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dcs.bench.machines.cables import Ears

_HEADER = 7
_WRITES = (5, 6, 15, 16)
_REFUSED = 0x80
_WRITE_MULTIPLE = 16

_DRIVE = "DRV-1"
_OUTPUTS = {"P-101": 2, "P-102": 2, "V-101": 1, "V-102": 1}
"""Its outputs and their registers, from address 0 on: float32, low word first, or int16."""
_STEPS_PER_PERCENT = 100
WINDOW = 100
"""Where the drive cabinet has its epoch when it checks epochs: two words, a mask, then the outputs, pump 1 first."""


@dataclass(slots=True)
class Write:
    """One write request. ``accepted``: None = not answered (yet)."""

    time_s: float
    node: str
    device: str
    function: int
    address: int
    data: bytes
    accepted: bool | None = None


class FieldLog:
    """All writes of one run, in the order in which they reached the devices."""

    def __init__(self) -> None:
        self.writes: list[Write] = []
        self.requests: dict[str, int] = {}
        """Requests of any kind, by node."""

    def ears(self, node: str, device: str) -> Ears:
        """For one new connection of a node to a device."""
        listener = _Listener(self, node, device)
        return Ears(listener.asked, listener.answered)

    def since(self, time_s: float) -> list[Write]:
        """The writes from a time on."""
        found = []
        for write in reversed(self.writes):
            if write.time_s < time_s:
                break
            found.append(write)
        return found[::-1]


class _Listener:
    def __init__(self, log: FieldLog, node: str, device: str) -> None:
        self._log = log
        self._node = node
        self._device = device
        self._asked = b""
        self._answered = b""
        self._open: dict[int, Write] = {}

    def asked(self, data: bytes) -> None:
        frames, self._asked = _frames(self._asked + data)
        for number, body in frames:
            self._log.requests[self._node] = self._log.requests.get(self._node, 0) + 1
            if body[0] in _WRITES:
                address = struct.unpack_from(">H", body, 1)[0]
                write = Write(time.monotonic(), self._node, self._device, body[0], address, body[3:])
                self._open[number] = write
                self._log.writes.append(write)

    def answered(self, data: bytes) -> None:
        frames, self._answered = _frames(self._answered + data)
        for number, body in frames:
            write = self._open.pop(number, None)
            if write is not None:
                write.accepted = not body[0] & _REFUSED


def _frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """(transaction, function code and what follows) of every whole frame, and the rest."""
    found = []
    while len(data) >= _HEADER:
        number, _, length = struct.unpack_from(">HHH", data)
        end = 6 + length
        if len(data) < end:
            break
        if length > 1:
            found.append((number, data[_HEADER:end]))
        data = data[end:]
    return found, data


def words_written(write: Write) -> tuple[int, ...]:
    """The registers of a request that writes several, from its address on."""
    words = write.data[3:]  # after the count of registers and of bytes
    return struct.unpack(f">{len(words) // 2}H", words)


def outputs_written(write: Write) -> dict[str, float]:
    """The outputs of the quadruple tank's drive cabinet that a request moves, in %, by point.

    By their own registers, or in the window of one that checks epochs, where a mask says which ones count.
    """
    if write.device != _DRIVE or write.function != _WRITE_MULTIPLE:
        return {}
    words, at = words_written(write), write.address
    mask = -1
    if at >= WINDOW:
        mask, words, at = words[2], words[3:], 0
    found, place = {}, 0
    for number, (point, size) in enumerate(_OUTPUTS.items()):
        mine = words[place - at : place - at + size] if place >= at else ()
        place += size
        if len(mine) == size and mask >> number & 1:
            found[point] = _float32(*mine) if size == 2 else mine[0] / _STEPS_PER_PERCENT
    return found


def _float32(low: int, high: int) -> float:
    return float(struct.unpack(">f", struct.pack(">HH", high, low))[0])


def pump_demand(write: Write) -> float | None:
    """Demand of pump 1 of the quadruple tank in %, when a request moves it."""
    return outputs_written(write).get("P-101")


def first_of_another(writes: Sequence[Write], node: str) -> Write | None:
    """The first write that the device took from somebody else."""
    return next((w for w in writes if w.node != node and w.accepted is not False), None)


def late_writes(writes: Sequence[Write]) -> list[Write]:
    """Writes of one who had been followed by another one: the device took them, so there were two writers.

    Judged per device over a time in which the authority changes at most once.
    """
    found = []
    for device in dict.fromkeys(write.device for write in writes):
        seen: list[str] = []
        for write in (w for w in writes if w.device == device and w.accepted is not False):
            if write.node not in seen:
                seen.append(write.node)
            elif write.node != seen[-1]:
                found.append(write)
    return found


def largest_step(values: Sequence[float]) -> float:
    """Between neighbours; 0 for fewer than two."""
    return max((abs(later - earlier) for earlier, later in pairwise(values)), default=0.0)
