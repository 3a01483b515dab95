"""What a member tells the other one of the field devices that it reaches, and how it looks on the wire.

Called by   dcs.redundancy.messages, whose message it is; dcs.redundancy.protocol.field_choice.
Knows       bytes only.
"""

import struct
from typing import NamedTuple


class FieldTold(NamedTuple):
    """Which field devices a member reaches; masks over a list of devices that both know."""

    incarnation: int
    number: int  # of this message; the newest counts
    look: int  # ask your devices now, and answer with this number; 0 = nothing is asked
    answers_incarnation: int  # the look of the other one that this answers
    answers: int
    devices: bytes  # key of the list
    reached: int
    lost: int
    degraded: int


_HEAD = struct.Struct("<QQQQQ8sH")  # the last: bytes of each mask


def pack_told(message: FieldTold) -> bytes:
    """The body of the message."""
    masks = message[6:]
    size = (max(mask.bit_length() for mask in masks) + 7) // 8
    return _HEAD.pack(*message[:6], size) + b"".join(mask.to_bytes(size, "little") for mask in masks)


def unpack_told(body: bytes) -> FieldTold:
    """Inverse of ``pack_told``. Raises ``struct.error`` on anything else."""
    *head, size = _HEAD.unpack_from(body)
    if len(body) != _HEAD.size + 3 * size:
        raise struct.error(f"three masks of {size} bytes, but {len(body) - _HEAD.size} bytes came")
    masks = [int.from_bytes(body[at : at + size], "little") for at in range(_HEAD.size, len(body), size or 1)]
    return FieldTold(*head, *(masks or (0, 0, 0)))
