"""Requests and answers of Modbus, as a client makes and reads them.

Called by   ``links.link`` (every request of a driver), the tools that probe devices; ``modbus.service`` for codes.
Knows       the layout of function codes 1–6, 15, 16, 22, 23 and 43/14. Registers are bytes, two a register and the high
            one first, as they travel; bits are bytes of 0 and 1, one a bit.
Source      Modbus application protocol V1.1b3, sections 6 and 7.
"""

import struct
from collections.abc import Sequence

READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT = 1, 2, 3, 4
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
MASK_WRITE, READ_WRITE, ENCAPSULATED = 22, 23, 43
IDENTIFICATION = 14
"""MEI type of read device identification."""

READ_OF_TABLE = {"coil": READ_COILS, "discrete": READ_DISCRETE, "holding": READ_HOLDING, "input": READ_INPUT}
BIT_TABLES = ("coil", "discrete")

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4
BUSY, NO_PATH, NO_ANSWER = 6, 10, 11
EXCEPTION_NAMES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    7: "negative acknowledge",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target does not answer",
}
"""Exception codes, section 7."""

OBJECT_NAMES = {
    0: "vendor name",
    1: "product code",
    2: "revision",
    3: "vendor URL",
    4: "product name",
    5: "model name",
    6: "user application",
}
"""Objects of the device identification, section 6.21."""

_TO_DIGITS = bytes.maketrans(b"\x00\x01", b"01")
_FROM_DIGITS = bytes.maketrans(b"01", b"\x00\x01")


class Malformed(ValueError):
    """An answer that is none to the request: too short, of another function, of another length."""


class Refused(Exception):
    """The device answered with an exception code: the link is fine, the request is not."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"device answered exception {code} ({EXCEPTION_NAMES.get(code, 'unknown')})")


# --- registers and bits ------------------------------------------------------------------------------------
def words_of(data: bytes) -> list[int]:
    """Registers as numbers."""
    return list(struct.unpack(f">{len(data) // 2}H", data))


def bytes_of(words: Sequence[int]) -> bytes:
    """Numbers as registers; inverse of ``words_of``."""
    return struct.pack(f">{len(words)}H", *words)


def pack_bits(bits: bytes) -> bytes:
    """Bytes of 0 and 1 -> packed, the first bit lowest in the first byte."""
    return int(bits[::-1].translate(_TO_DIGITS), 2).to_bytes((len(bits) + 7) // 8, "little") if bits else b""


def unpack_bits(packed: bytes, count: int) -> bytes:
    """Inverse of ``pack_bits``; what is packed beyond ``count`` is ignored."""
    number = int.from_bytes(packed, "little") & ((1 << count) - 1)
    return f"{number:0{count}b}".encode()[::-1].translate(_FROM_DIGITS) if count else b""


# --- requests -----------------------------------------------------------------------------------------------
def read(table: str, address: int, count: int) -> bytes:
    """Read ``count`` addresses of a table (function codes 1 to 4)."""
    return struct.pack(">BHH", READ_OF_TABLE[table], address, count)


def write(table: str, address: int, data: bytes, single: bool = False) -> bytes:
    """Write registers or bits: function codes 15 and 16, or with ``single`` 5 and 6 (one address)."""
    if table == "coil":
        if single:
            return struct.pack(">BHH", WRITE_COIL, address, 0xFF00 if data[0] else 0)
        packed = pack_bits(data)
        return struct.pack(">BHHB", WRITE_COILS, address, len(data), len(packed)) + packed
    if single:
        return struct.pack(">BH", WRITE_REGISTER, address) + data
    return struct.pack(">BHHB", WRITE_REGISTERS, address, len(data) // 2, len(data)) + data


def mask_write(address: int, keep: int, put: int) -> bytes:
    """Change bits of one register (22): register = (register AND ``keep``) OR (``put`` AND NOT ``keep``)."""
    return struct.pack(">BHHH", MASK_WRITE, address, keep, put)


def read_write(address: int, count: int, write_address: int, data: bytes) -> bytes:
    """Write holding registers, then read some, in one request (23)."""
    return struct.pack(">BHHHHB", READ_WRITE, address, count, write_address, len(data) // 2, len(data)) + data


def identification(access: int = 1, first_object: int = 0) -> bytes:
    """Read device identification (43/14): access 1 basic, 2 regular, 3 extended, 4 one object."""
    return bytes((ENCAPSULATED, IDENTIFICATION, access, first_object))


# --- answers ------------------------------------------------------------------------------------------------
def data_of(request: bytes, answer: bytes) -> bytes:
    """What an answer carries: registers or bits of a read, b"" for a write that was done.

    Raises ``Refused`` for an exception and ``Malformed`` for what is no answer to ``request``.
    """
    code = request[0]
    if len(answer) >= 2 and answer[0] == code | 0x80:
        raise Refused(answer[1])
    if not answer or answer[0] != code:
        raise Malformed(f"asked function {code}, answered {answer[0] if answer else 'nothing'}")
    if code in (READ_HOLDING, READ_INPUT, READ_WRITE):
        size = 2 * (request[3] << 8 | request[4])
        if len(answer) != 2 + size or answer[1] != size:
            raise Malformed(f"asked for {size // 2} registers, the device sent {len(answer) - 2} bytes")
        return answer[2:]
    if code in (READ_COILS, READ_DISCRETE):
        count = request[3] << 8 | request[4]
        if len(answer) != 2 + (count + 7) // 8 or answer[1] != len(answer) - 2:
            raise Malformed(f"asked for {count} bits, the device sent {len(answer) - 2} bytes")
        return unpack_bits(answer[2:], count)
    if code == ENCAPSULATED:
        return answer[1:]
    echoed = request if code in (WRITE_COIL, WRITE_REGISTER, MASK_WRITE) else request[:5]
    if answer != echoed:
        raise Malformed(f"the device acknowledged another write than that of function {code}")
    return b""


def objects_of(data: bytes) -> tuple[dict[int, bytes], int]:
    """Objects of an identification answer (``data_of``), and the object to go on with (0 = that was all).

    Raises ``Malformed``.
    """
    if len(data) < 6 or data[0] != IDENTIFICATION:
        raise Malformed("this is no device identification")
    more, following, count = data[3], data[4], data[5]
    found: dict[int, bytes] = {}
    at = 6
    for _ in range(count):
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            raise Malformed("a device identification that ends within an object")
        found[data[at]] = data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    if more and (following == 0 or following in found):
        raise Malformed("a device identification that goes round in circles")
    return found, following if more else 0
