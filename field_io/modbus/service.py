"""A request served from the registers of a unit: Modbus as a server does it.

Called by   ``devices.modbus_server``.
Knows       what each function code does, which limits it has, and which exception says what is wrong.
Source      Modbus application protocol V1.1b3, section 6 (the state diagrams give the order of the checks).
"""

import struct
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from field_io.modbus import pdu as codes
from field_io.modbus.pdu import (
    BIT_TABLES,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    Refused,
    pack_bits,
    unpack_bits,
)

_TABLE_OF_READ = {code: table for table, code in codes.READ_OF_TABLE.items()}
_IDENTITY_BYTES_MAX = 244


class Registers(Protocol):
    """The four tables of a unit; both raise ``Refused`` for addresses that do not exist."""

    def read(self, table: str, address: int, count: int) -> bytes:
        """Registers as bytes, high one first; bits as bytes of 0 and 1."""
        ...

    def write(self, table: str, address: int, data: bytes) -> None:
        """The same, inverse."""
        ...


class Written(NamedTuple):
    """Addresses that a request has written."""

    table: str
    address: int
    addresses: int  # how many


def serve(request: bytes, registers: Registers, identity: Mapping[int, bytes]) -> tuple[bytes, Written | None]:
    """(answer, what was written). Whatever the bytes are, there is an answer: at worst an exception."""
    code = request[0]
    try:
        return _serve(code, request, registers, identity)
    except Refused as refused:
        return bytes((code | 0x80, refused.code)), None
    except (struct.error, IndexError):  # shorter than its function needs
        return bytes((code | 0x80, ILLEGAL_VALUE)), None


def _serve(
    code: int, request: bytes, registers: Registers, identity: Mapping[int, bytes]
) -> tuple[bytes, Written | None]:
    table = _TABLE_OF_READ.get(code)
    if table is not None:
        return _read(code, table, request, registers), None
    if code in (codes.WRITE_COIL, codes.WRITE_REGISTER):
        return _write_single(code, request, registers)
    if code in (codes.WRITE_COILS, codes.WRITE_REGISTERS):
        return _write_multiple(code, request, registers)
    if code == codes.MASK_WRITE:
        return _mask(request, registers)
    if code == codes.READ_WRITE:
        return _read_write(request, registers)
    if code == codes.ENCAPSULATED and len(request) == 4 and request[1] == codes.IDENTIFICATION:
        return _identify(request, identity), None
    raise Refused(ILLEGAL_FUNCTION)


def _read(code: int, table: str, request: bytes, registers: Registers) -> bytes:
    if len(request) != 5:
        raise Refused(ILLEGAL_VALUE)
    address, count = request[1] << 8 | request[2], request[3] << 8 | request[4]
    if table in BIT_TABLES:
        if not 1 <= count <= 2000:
            raise Refused(ILLEGAL_VALUE)
        data = pack_bits(registers.read(table, address, count))
    else:
        if not 1 <= count <= 125:
            raise Refused(ILLEGAL_VALUE)
        data = registers.read(table, address, count)
    return bytes((code, len(data))) + data


def _write_single(code: int, request: bytes, registers: Registers) -> tuple[bytes, Written]:
    if len(request) != 5:
        raise Refused(ILLEGAL_VALUE)
    address = request[1] << 8 | request[2]
    if code == codes.WRITE_REGISTER:
        registers.write("holding", address, request[3:])
        return request, Written("holding", address, 1)
    if request[3:] not in (b"\xff\x00", b"\x00\x00"):
        raise Refused(ILLEGAL_VALUE)
    registers.write("coil", address, b"\x01" if request[3] else b"\x00")
    return request, Written("coil", address, 1)


def _write_multiple(code: int, request: bytes, registers: Registers) -> tuple[bytes, Written]:
    address, count, size = struct.unpack_from(">HHB", request, 1)
    data = request[6:]
    if code == codes.WRITE_COILS:
        if not 1 <= count <= 1968 or size != (count + 7) // 8 or len(data) != size:
            raise Refused(ILLEGAL_VALUE)
        registers.write("coil", address, unpack_bits(data, count))
        return request[:5], Written("coil", address, count)
    if not 1 <= count <= 123 or size != 2 * count or len(data) != size:
        raise Refused(ILLEGAL_VALUE)
    registers.write("holding", address, data)
    return request[:5], Written("holding", address, count)


def _mask(request: bytes, registers: Registers) -> tuple[bytes, Written]:
    if len(request) != 7:
        raise Refused(ILLEGAL_VALUE)
    address, keep, put = struct.unpack_from(">HHH", request, 1)
    old = int.from_bytes(registers.read("holding", address, 1), "big")
    new = (old & keep) | (put & ~keep & 0xFFFF)
    registers.write("holding", address, new.to_bytes(2, "big"))
    return request, Written("holding", address, 1)


def _read_write(request: bytes, registers: Registers) -> tuple[bytes, Written]:
    address, count, write_address, write_count, size = struct.unpack_from(">HHHHB", request, 1)
    data = request[10:]
    if not (1 <= count <= 125 and 1 <= write_count <= 121) or size != 2 * write_count or len(data) != size:
        raise Refused(ILLEGAL_VALUE)
    registers.read("holding", address, count)  # refused as a whole, before anything is written
    registers.write("holding", write_address, data)
    answer = registers.read("holding", address, count)
    return bytes((codes.READ_WRITE, len(answer))) + answer, Written("holding", write_address, write_count)


def _identify(request: bytes, identity: Mapping[int, bytes]) -> bytes:
    access, first = request[2], request[3]
    if not 1 <= access <= 4:
        raise Refused(ILLEGAL_VALUE)
    last = {1: 2, 2: 127, 3: 255}.get(access, first)
    wanted = [number for number in sorted(identity) if number <= last]
    if access == 4 and first not in identity:
        raise Refused(ILLEGAL_ADDRESS)
    if access != 4 and first not in wanted:
        first = 0  # an object that is not there: from the beginning again (section 6.21)
    conformity = 0x80 | (1 if max(identity, default=0) <= 2 else 2 if max(identity) <= 127 else 3)
    body, count, following = b"", 0, 0
    for number in wanted:
        if number < first:
            continue
        text = identity[number][:_IDENTITY_BYTES_MAX]
        if len(body) + 2 + len(text) > _IDENTITY_BYTES_MAX + 2:
            following = number
            break
        body += bytes((number, len(text))) + text
        count += 1
    more = 0xFF if following else 0
    head = bytes((codes.ENCAPSULATED, codes.IDENTIFICATION, access, conformity, more, following, count))
    return head + body
