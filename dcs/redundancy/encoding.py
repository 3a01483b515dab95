"""How the messages of a pair look on the wire.

Called by   dcs.redundancy.voter_node (``decode``), member_world and witness (``encode``).
Knows       bytes only. No clock, no socket.

Every message is ``version, type, pair name, sender name, body``; little endian. Bytes that are not such a message raise
``Malformed``; the runtime counts and drops them.
"""

import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from dcs.redundancy.messages import (
    REASON_TEXT,
    Ack,
    CopyBegin,
    CopySlice,
    FieldTold,
    Finding,
    Generation,
    Hello,
    Info,
    Measured,
    Message,
    Offer,
    Query,
    Record,
    Release,
    Request,
    Session,
    Verdict,
    Vote,
)

VERSION = 3
MAGIC = 0xDC


class Malformed(ValueError):
    """These bytes are not a message of this version."""


_SESSION = "QIQQQ"


_REQUEST = struct.Struct("<QQQQI?")
_VOTE = struct.Struct("<QQBQQIqQ")
_RELEASE = struct.Struct("<QQ")
_QUERY = struct.Struct("<q")
_INFO = struct.Struct("<qQQI?Q?")
_HELLO = struct.Struct("<QQIQ?QQ8s")  # the software follows
_BEGIN = struct.Struct(f"<{_SESSION}QQI")
_SLICE = struct.Struct(f"<{_SESSION}II")  # the last: CRC of the data
_RECORD = struct.Struct(f"<{_SESSION}QHI")  # the last: CRC of digest and data
_MEASURED = struct.Struct(f"<{_SESSION}I")  # the last: CRC of the data
_ACK = struct.Struct(f"<{_SESSION}QI???")
_FINDING = struct.Struct(f"<{_SESSION}Q?")
_OFFER = struct.Struct("<8sII")
_VERDICT = struct.Struct("<8s?")
_TOLD = struct.Struct("<QQQQQ8sH")
_HEAD = struct.Struct("<BBBBB")


@lru_cache(maxsize=256)
def _head(code: int, pair: str, sender: str) -> bytes:
    pair_bytes, sender_bytes = pair.encode(), sender.encode()
    return _HEAD.pack(MAGIC, VERSION, code, len(pair_bytes), len(sender_bytes)) + pair_bytes + sender_bytes


def _flat(session: Session) -> tuple[int, ...]:
    return (*session.generation, *session[1:])


def _pack_request(message: Request) -> bytes:
    incarnation, request_id, epoch, generation, cold, alone = message
    return _REQUEST.pack(incarnation, request_id, epoch, generation[0], generation[1], cold) + alone.encode()


def _pack_vote(message: Vote) -> bytes:
    incarnation, request_id, reason, epoch, (g_epoch, g_n), wait_ns, alone, alone_epoch = message
    body = _VOTE.pack(incarnation, request_id, reason, epoch, g_epoch, g_n, wait_ns, alone_epoch)
    return body + alone.encode()


def _pack_info(message: Info) -> bytes:
    sent_ns, epoch, generation, known, alone, alone_epoch, agreed = message
    return _INFO.pack(sent_ns, epoch, *generation, known, alone_epoch, agreed) + alone.encode()


def _pack_hello(message: Hello) -> bytes:
    return _HELLO.pack(message.incarnation, *message.generation, *message[2:7]) + message.software.encode()


def _pack_slice(message: CopySlice) -> bytes:
    session, number, data = message
    return b"".join((_SLICE.pack(*_flat(session), number, zlib.crc32(data)), data))


def _pack_record(message: Record) -> bytes:
    session, seq, digest, data = message
    crc = zlib.crc32(data, zlib.crc32(digest))
    return b"".join((_RECORD.pack(*_flat(session), seq, len(digest), crc), digest, data))


def _pack_measured(message: Measured) -> bytes:
    session, data = message
    return b"".join((_MEASURED.pack(*_flat(session), zlib.crc32(data)), data))


def _pack_told(message: FieldTold) -> bytes:
    masks = message[6:]
    size = (max(mask.bit_length() for mask in masks) + 7) // 8
    return _TOLD.pack(*message[:6], size) + b"".join(mask.to_bytes(size, "little") for mask in masks)


_ENCODERS: dict[type, tuple[int, Callable[[Any], bytes]]] = {
    Request: (0, _pack_request),
    Vote: (1, _pack_vote),
    Release: (2, lambda message: _RELEASE.pack(*message)),
    Query: (3, lambda message: _QUERY.pack(*message)),
    Info: (4, _pack_info),
    Hello: (5, _pack_hello),
    CopyBegin: (6, lambda message: _BEGIN.pack(*_flat(message.session), *message[1:])),
    CopySlice: (7, _pack_slice),
    Record: (8, _pack_record),
    Ack: (9, lambda message: _ACK.pack(*_flat(message.session), *message[1:])),
    Offer: (10, lambda message: _OFFER.pack(message.key, message.number, message.slices) + message.data),
    Verdict: (11, lambda message: _VERDICT.pack(message.key, message.ok) + message.text.encode()),
    Finding: (12, lambda message: _FINDING.pack(*_flat(message.session), *message[1:])),
    FieldTold: (13, _pack_told),
    Measured: (14, _pack_measured),
}


def encode(pair: str, sender: str, message: Message) -> bytes:
    """One message as bytes. Names have at most 255 bytes."""
    code, pack = _ENCODERS[type(message)]
    return _head(code, pair, sender) + pack(message)


def _request(body: bytes) -> Message:
    incarnation, request_id, epoch, g_epoch, g_n, cold = _REQUEST.unpack_from(body)
    alone = body[_REQUEST.size :].decode()
    return Request(incarnation, request_id, epoch, Generation(g_epoch, g_n), cold, alone)


def _vote(body: bytes) -> Message:
    incarnation, request_id, reason, epoch, g_epoch, g_n, wait_ns, alone_epoch = _VOTE.unpack_from(body)
    if reason >= len(REASON_TEXT):
        raise Malformed(f"vote with reason {reason}; known are 0–{len(REASON_TEXT) - 1}")
    alone = body[_VOTE.size :].decode()
    return Vote(incarnation, request_id, reason, epoch, Generation(g_epoch, g_n), wait_ns, alone, alone_epoch)


def _info(body: bytes) -> Message:
    sent_ns, epoch, g_epoch, g_n, known, alone_epoch, agreed = _INFO.unpack_from(body)
    return Info(sent_ns, epoch, Generation(g_epoch, g_n), known, body[_INFO.size :].decode(), alone_epoch, agreed)


def _hello(body: bytes) -> Message:
    incarnation, g_epoch, g_n, *rest = _HELLO.unpack_from(body)
    return Hello(incarnation, Generation(g_epoch, g_n), *rest)._replace(software=body[_HELLO.size :].decode())


def _in_session(fields: tuple[Any, ...]) -> tuple[Session, tuple[Any, ...]]:
    return Session(Generation(fields[0], fields[1]), *fields[2:5]), fields[5:]


def _begin(body: bytes) -> Message:
    session, rest = _in_session(_BEGIN.unpack(body))
    return CopyBegin(session, *rest)


def _slice(body: bytes) -> Message:
    session, (number, crc) = _in_session(_SLICE.unpack_from(body))
    data = body[_SLICE.size :]
    if zlib.crc32(data) != crc:
        raise Malformed(f"slice {number} of a copy was damaged on its way")
    return CopySlice(session, number, data)


def _record(body: bytes) -> Message:
    session, (seq, digest_size, crc) = _in_session(_RECORD.unpack_from(body))
    digest_end = _RECORD.size + digest_size
    if digest_end > len(body):
        raise Malformed(f"record with a digest of {digest_size} bytes, only {len(body) - _RECORD.size} came")
    if zlib.crc32(memoryview(body)[_RECORD.size :]) != crc:
        raise Malformed(f"the record of scan {seq} was damaged on its way")
    return Record(session, seq, body[_RECORD.size : digest_end], body[digest_end:])


def _ack(body: bytes) -> Message:
    session, rest = _in_session(_ACK.unpack(body))
    return Ack(session, *rest)


def _finding(body: bytes) -> Message:
    session, rest = _in_session(_FINDING.unpack(body))
    return Finding(session, *rest)


def _offer(body: bytes) -> Message:
    key, number, slices = _OFFER.unpack_from(body)
    return Offer(key, number, slices, body[_OFFER.size :])


def _verdict(body: bytes) -> Message:
    key, ok = _VERDICT.unpack_from(body)
    return Verdict(key, ok, body[_VERDICT.size :].decode())


def _measured(body: bytes) -> Message:
    session, (crc,) = _in_session(_MEASURED.unpack_from(body))
    data = body[_MEASURED.size :]
    if zlib.crc32(data) != crc:
        raise Malformed("what the active has measured was damaged on its way")
    return Measured(session, data)


def _told(body: bytes) -> Message:
    *head, size = _TOLD.unpack_from(body)
    if len(body) != _TOLD.size + 3 * size:
        raise Malformed(f"three masks of {size} bytes, but {len(body) - _TOLD.size} bytes came")
    masks = [int.from_bytes(body[at : at + size], "little") for at in range(_TOLD.size, len(body), size or 1)]
    return FieldTold(*head, *(masks or (0, 0, 0)))


_DECODERS: tuple[Callable[[bytes], Message], ...] = (
    _request,
    _vote,
    lambda body: Release(*_RELEASE.unpack(body)),
    lambda body: Query(*_QUERY.unpack(body)),
    _info,
    _hello,
    _begin,
    _slice,
    _record,
    _ack,
    _offer,
    _verdict,
    _finding,
    _told,
    _measured,
)


@lru_cache(maxsize=256)
def _names(head: bytes) -> tuple[str, str, Callable[[bytes], Message]]:
    magic, version, code, pair_size, _ = _HEAD.unpack_from(head)
    if magic != MAGIC or version != VERSION:
        raise Malformed(f"not a redundancy message of version {VERSION}: {head[:8]!r}")
    pair_end = _HEAD.size + pair_size
    return head[_HEAD.size : pair_end].decode(), head[pair_end:].decode(), _DECODERS[code]


def decode(payload: bytes) -> tuple[str, str, Message]:
    """(pair, sender, message). Raises ``Malformed`` on anything else."""
    try:
        body_at = _HEAD.size + payload[3] + payload[4]
        pair, sender, unpack = _names(payload[:body_at])
        return pair, sender, unpack(payload[body_at:])
    except (struct.error, IndexError, UnicodeDecodeError) as exc:
        raise Malformed(f"{len(payload)} bytes that are no redundancy message: {exc}") from exc
