"""The types that a value of OPC UA has, and what a number becomes in them.

Called by   the driver (writes in the node's own type), both peers of a session, simulated devices.
Knows       names, numbers and ranges of the built-in types (OPC 10000-6, 5.1.2).
"""

import struct

from dcs.core.status import LIMIT_HIGH, LIMIT_LOW, LIMIT_NONE

BOOLEAN, FLOAT, DOUBLE, STRING = "Boolean", "Float", "Double", "String"
LOCALIZED_TEXT = "LocalizedText"

INTEGERS = {
    "SByte": (-(2**7), 2**7 - 1),
    "Byte": (0, 2**8 - 1),
    "Int16": (-(2**15), 2**15 - 1),
    "UInt16": (0, 2**16 - 1),
    "Int32": (-(2**31), 2**31 - 1),
    "UInt32": (0, 2**32 - 1),
    "Int64": (-(2**63), 2**63 - 1),
    "UInt64": (0, 2**64 - 1),
}
FLOAT_MAX = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]

NUMBERS = (BOOLEAN, *INTEGERS, FLOAT, DOUBLE)
"""Types that a point can carry as a number."""

TEXTS = (STRING, LOCALIZED_TEXT)

OF_POINT = {
    "bool": BOOLEAN,
    "int16": "Int16",
    "uint16": "UInt16",
    "int32": "Int32",
    "uint32": "UInt32",
    "int64": "Int64",
    "uint64": "UInt64",
    "float32": FLOAT,
    "float64": DOUBLE,
    "string": STRING,
}
"""Type of a point -> type of the node that a simulated device has for it."""


def to_variant(type_name: str, number: float) -> tuple[bool | int | float, int]:
    """A number as a value of that type, and the limit (``LIMIT_LOW``, ``LIMIT_HIGH``) at which it was clamped.

    Raises ``ValueError`` for NaN and for a type that holds no number.
    """
    if number != number:
        raise ValueError("it is not a number")
    if type_name == BOOLEAN:
        return number >= 0.5, LIMIT_NONE
    if type_name == DOUBLE:
        return number, LIMIT_NONE
    if type_name == FLOAT:
        low: float = -FLOAT_MAX
        high: float = FLOAT_MAX
    elif type_name in INTEGERS:
        low, high = INTEGERS[type_name]
    else:
        raise ValueError(f"a node of type {type_name or 'unknown'} takes no number")
    if number > high:
        return high, LIMIT_HIGH
    if number < low:
        return low, LIMIT_LOW
    if type_name == FLOAT:
        return struct.unpack("<f", struct.pack("<f", number))[0], LIMIT_NONE
    return min(round(number), int(high)), LIMIT_NONE
