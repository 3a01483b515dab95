"""How a PDU travels: MBAP over TCP and TLS, RTU over serial lines and over TCP.

Called by   ``links.connection`` (client side) and ``devices.modbus_server`` (server side), one object a connection.
Knows       where a frame ends. Bytes come in as they arrive, cut anywhere; whole frames go out, in order.
Source      Modbus messaging on TCP/IP V1.0b, section 3.1.3; Modbus over serial line V1.02, section 2.5.1.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from field_io.modbus.pdu import (
    ENCAPSULATED,
    IDENTIFICATION,
    MASK_WRITE,
    READ_WRITE,
    WRITE_COILS,
    WRITE_REGISTERS,
)

PDU_MAX = 253
MBAP_HEADER = 7
RTU_MAX = 256
RTU_AT_ONCE_MAX = 8192
"""Bytes looked at in one go: a CRC at every place of a flood of rubbish would hold up everybody else."""


class Frame(NamedTuple):
    """One message as it arrived."""

    transaction: int  # RTU has none: 0
    unit: int
    pdu: bytes


class FramingLost(ValueError):
    """The stream of bytes is not Modbus and cannot be resynchronised: the connection must be closed."""

    def __init__(self, text: str, frames: Sequence[Frame] = ()) -> None:
        """``frames``: whole ones that came before the damage."""
        self.frames = frames
        super().__init__(text)


class Framing(Protocol):
    """One direction-aware framer with the bytes that are not a whole frame yet."""

    pipelines: bool  # may several requests be under way? (answers name theirs)
    rejected: int  # frames dropped so far because they were damaged

    def frame(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        """The bytes to send."""
        ...

    def feed(self, data: bytes) -> Sequence[Frame]:
        """Whole frames that are there now. Raises ``FramingLost``."""
        ...

    @property
    def begun(self) -> bool:
        """True while a frame has begun to arrive and is not whole."""
        ...

    def silence(self) -> Sequence[Frame]:
        """What has begun will not be completed. Whole frames that stand behind it, if it was none at all."""
        ...

    def reset(self) -> None:
        """Forget what is not whole (a new request)."""
        ...


class Mbap:
    """Header of seven bytes: transaction, protocol 0, length, unit."""

    pipelines = True

    def __init__(self) -> None:
        self.rejected = 0
        self._rest = b""

    def frame(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        length = len(pdu) + 1
        return bytes((transaction >> 8, transaction & 255, 0, 0, length >> 8, length & 255, unit)) + pdu

    def feed(self, data: bytes) -> Sequence[Frame]:
        if self._rest:
            data = self._rest + data
        frames: list[Frame] = []
        at, size = 0, len(data)
        while size - at >= MBAP_HEADER:
            length = data[at + 4] << 8 | data[at + 5]
            if data[at + 2] or data[at + 3] or not 2 <= length <= PDU_MAX + 1:
                self._rest = b""
                self.rejected += 1
                raise FramingLost("not Modbus TCP: wrong protocol or length in the header", frames)
            end = at + 6 + length
            if end > size:
                break
            frames.append(Frame(data[at] << 8 | data[at + 1], data[at + 6], data[at + 7 : end]))
            at = end
        self._rest = data[at:]
        return frames

    @property
    def begun(self) -> bool:
        return bool(self._rest)

    def silence(self) -> Sequence[Frame]:
        self.rejected += bool(self._rest)
        self._rest = b""
        return ()

    def reset(self) -> None:
        self._rest = b""


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC = _table()


def crc16(data: bytes | memoryview) -> int:
    """CRC of an RTU frame; the low byte travels first (serial line V1.02, section 6.2.2)."""
    crc, table = 0xFFFF, _CRC
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return crc


_FIXED_REQUEST = {1: 5, 2: 5, 3: 5, 4: 5, 5: 5, 6: 5, MASK_WRITE: 7, ENCAPSULATED: 4, 7: 1, 8: 5, 11: 1, 12: 1, 17: 1}
_FIXED_ANSWER = {5: 5, 6: 5, WRITE_COILS: 5, WRITE_REGISTERS: 5, MASK_WRITE: 7, 7: 2, 8: 5, 11: 5}
_UNKNOWN = -1


def request_length(pdu: bytes | memoryview) -> int:
    """Length of a request's PDU from its beginning; 0 = more bytes are needed to say, -1 = no function that we know."""
    code = pdu[0]
    if code == ENCAPSULATED and len(pdu) > 1 and pdu[1] != IDENTIFICATION:
        return _UNKNOWN  # another transport, such as CANopen: of any length
    if code in _FIXED_REQUEST:
        return _FIXED_REQUEST[code]
    if code in (WRITE_COILS, WRITE_REGISTERS):
        return 6 + pdu[5] if len(pdu) > 5 else 0
    if code == READ_WRITE:
        return 10 + pdu[9] if len(pdu) > 9 else 0
    return _UNKNOWN


def answer_length(pdu: bytes | memoryview) -> int:
    """Length of an answer's PDU from its beginning; 0 and -1 as in ``request_length``."""
    code = pdu[0]
    if code & 0x80:
        return 2
    if code in _FIXED_ANSWER:
        return _FIXED_ANSWER[code]
    if code in (1, 2, 3, 4, READ_WRITE, 12, 17):
        return 2 + pdu[1] if len(pdu) > 1 else 0
    if code == ENCAPSULATED and len(pdu) > 1 and pdu[1] == IDENTIFICATION:
        if len(pdu) < 7:
            return 0
        at = 7
        for _ in range(pdu[6]):
            if at + 1 >= len(pdu):
                return 0
            at += 2 + pdu[at + 1]
        return at
    return 0 if code == ENCAPSULATED and len(pdu) < 2 else _UNKNOWN


class Rtu:
    """Unit, PDU, CRC; where a frame ends follows from its function code, so that RTU also works over TCP.

    A damaged frame costs itself and not the ones behind it: the framer looks for the next place at which a whole frame
    with a right CRC begins.
    """

    pipelines = False

    def __init__(self, serves: bool) -> None:
        """``serves``: it reads requests; else answers."""
        self.rejected = 0
        self._length = request_length if serves else answer_length
        self._rest = b""
        self._damaged = False

    def frame(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        body = bytes((unit,)) + pdu
        return body + crc16(body).to_bytes(2, "little")

    def feed(self, data: bytes) -> Sequence[Frame]:
        data = self._rest + data
        if len(data) > RTU_AT_ONCE_MAX:  # a line cannot bring so much: its device is overrun
            data = data[-RTU_AT_ONCE_MAX:]
            self._reject()
        frames: list[Frame] = []
        self._rest = data[self._find(data, 0, frames) :]
        return frames

    def _find(self, data: bytes, at: int, frames: list[Frame]) -> int:
        """Put the whole frames from ``at`` on into ``frames``; returns where one begins that is not whole."""
        size, view, length_of = len(data), memoryview(data), self._length
        unknown = -1  # where bytes begin that may be a request of a function that we do not know: silence will tell
        while size - at >= 4:
            length = length_of(view[at + 1 :])
            end = at + length + 3
            if length == 0 and size - at < RTU_MAX:
                break
            if length > 0 and end > size and end - at <= RTU_MAX:
                break
            if length > 0 and end <= size and crc16(view[at : end - 2]) == (data[end - 2] | data[end - 1] << 8):
                frames.append(Frame(0, data[at], data[at + 1 : end - 2]))
                at, self._damaged, unknown = end, False, -1
                continue
            if length < 0 and unknown < 0 and not self._damaged:
                unknown = at
            at += 1
            if unknown < 0 or size - unknown > RTU_MAX:
                self._reject()
        return unknown if unknown >= 0 and size - unknown <= RTU_MAX else at

    def _reject(self) -> None:
        if not self._damaged:  # count a run of rubbish once
            self.rejected += 1
            self._damaged = True

    @property
    def begun(self) -> bool:
        return bool(self._rest)

    def silence(self) -> Sequence[Frame]:
        data, at = self._rest, 0
        frames: list[Frame] = []
        if 4 <= len(data) <= RTU_MAX and crc16(data[:-2]) == (data[-2] | data[-1] << 8):
            frames.append(Frame(0, data[0], data[1:-2]))  # of a function that we do not know; its end is the silence
            data = b""
        if data:
            self._reject()
        self._damaged = True
        while len(data) - at >= 4:  # what seemed to begin there was none: look one byte further on
            at = self._find(data, at + 1, frames)
        self._rest = b""
        self._damaged = False
        return frames

    def reset(self) -> None:
        self._rest = b""
        self._damaged = False
