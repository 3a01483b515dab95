"""A recorded device answers again: which answer a request gets, and after how long.

Called by   ``devices.replayed`` (a simulated device whose answers come from a file).
Knows       one recording (``field_io.recording``) and the time since the replay began. Answers are those that stood at
            that time in the recording; a request that was never recorded is put together from the registers that were
            read until then, so that another poll plan finds the same values. A write is acknowledged as it was then and
            changes nothing: what the device did is in the recording.
"""

from collections.abc import Iterator
from pathlib import Path

from dcs.core.clock import NS_PER_S
from field_io.modbus import pdu as codes
from field_io.modbus.pdu import ILLEGAL_ADDRESS, Malformed, Refused, data_of, pack_bits
from field_io.recording import Exchange, read_exchanges, read_head

ENDS = ("hold", "loop", "silent")
"""What comes behind the end: the last answers stay, it begins anew, nobody answers."""

_READS = {code: table for table, code in codes.READ_OF_TABLE.items()}
_WRITES = (codes.WRITE_COIL, codes.WRITE_REGISTER, codes.WRITE_COILS, codes.WRITE_REGISTERS, codes.MASK_WRITE)
_LOOP_GAP_NS = 1_000_000


class Player:
    """One recording on its way. Time goes forward only."""

    def __init__(self, path: Path, end: str = "hold") -> None:
        """Raises ``Missing`` when there is no such recording. ``end``: see ``ENDS``."""
        read_head(path)
        self._path = path
        self._end = end
        self._began_ns = 0  # of this round, in the time of the replay
        self._length_ns = 0  # from the start of the recording to its last answer, as far as was read
        self._rewind()
        self._first_ns = self._ahead.asked_ns if self._ahead else 0

    def _rewind(self) -> None:
        self._exchanges: Iterator[Exchange] = read_exchanges(self._path)
        self._ahead = next(self._exchanges, None)
        self._outcomes: dict[bytes, Exchange] = {}
        self._cells: dict[str, dict[int, bytes]] = {table: {} for table in codes.READ_OF_TABLE}
        self._away = False  # nobody accepted a connection

    def answer(self, request: bytes, now_ns: int) -> tuple[bytes | None, float]:
        """(answer or None for silence, seconds until it comes). ``now_ns``: since the first request of the replay."""
        over = self._advance(now_ns)
        if self._away or (over and self._end == "silent"):
            return None, 0.0
        outcome = self._outcomes.get(_key(request))
        if outcome is None:
            return self._composed(request), 0.0
        answer = outcome.answer
        if answer is not None and request[0] in _WRITES and not answer[0] & 0x80:
            answer = _acknowledged(request)
        return answer, outcome.took_ns / NS_PER_S

    def _advance(self, now_ns: int) -> bool:
        """Bring everything up to ``now_ns``; True when the recording is over."""
        if self._play(now_ns) and self._end == "loop":
            round_ns = self._length_ns - self._first_ns + _LOOP_GAP_NS
            rounds = (now_ns - self._began_ns) // round_ns
            if rounds:
                self._began_ns += rounds * round_ns
                self._rewind()
                self._play(now_ns)
            return False
        return self._ahead is None and now_ns - self._began_ns + self._first_ns > self._length_ns

    def _play(self, now_ns: int) -> bool:
        at_ns = now_ns - self._began_ns + self._first_ns
        while self._ahead is not None and self._ahead.asked_ns <= at_ns:
            self._apply(self._ahead)
            self._ahead = next(self._exchanges, None)
        return self._ahead is None

    def _apply(self, exchange: Exchange) -> None:
        self._length_ns = max(self._length_ns, exchange.asked_ns + exchange.took_ns)
        request, answer = exchange.request, exchange.answer
        self._away = request is None
        if request is None:
            return
        self._outcomes[_key(request)] = exchange
        table = _READS.get(request[0])
        if table is None or answer is None:
            return
        try:
            data = data_of(request, answer)
        except (Refused, Malformed):
            return
        width = 1 if table in codes.BIT_TABLES else 2
        first = int.from_bytes(request[1:3], "big")
        cells = self._cells[table]
        for at in range(len(data) // width):
            cells[first + at] = data[width * at : width * (at + 1)]

    def _composed(self, request: bytes) -> bytes:
        table = _READS.get(request[0])
        if request[0] in _WRITES and len(request) >= 5:
            return _acknowledged(request)
        if table is not None and len(request) == 5:
            first, count = int.from_bytes(request[1:3], "big"), int.from_bytes(request[3:], "big")
            found = [self._cells[table].get(first + at) for at in range(min(count, 2000))]
            data = b"".join(cell for cell in found if cell is not None)
            if found and None not in found:
                data = pack_bits(data) if table in codes.BIT_TABLES else data
                if len(data) <= 250:
                    return bytes((request[0], len(data))) + data
        return bytes((request[0] | 0x80, ILLEGAL_ADDRESS))


def _key(request: bytes) -> bytes:
    """What requests have in common that get the same answer: of a write the addresses, not the values."""
    if request[0] in (codes.WRITE_COIL, codes.WRITE_REGISTER, codes.MASK_WRITE):
        return request[:3]
    return request[:5] if request[0] in _WRITES else request


def _acknowledged(request: bytes) -> bytes:
    return request if request[0] in (codes.WRITE_COIL, codes.WRITE_REGISTER, codes.MASK_WRITE) else request[:5]
