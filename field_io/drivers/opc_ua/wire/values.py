"""asyncua's values and node identifiers <-> ours.

Called by   ``ua_wire.session``, ``ua_wire.publish``. Pure.
"""

import base64
import binascii
import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from asyncua import ua

from field_io.opc_ua import variants
from field_io.opc_ua.messages import NodeInfo, UaSample
from field_io.opc_ua.nodes import NodeName
from field_io.opc_ua.status import CODES, is_bad

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_LAST_BUILT_IN = 25  # data types 1 … 25 are the built-in types themselves
_DERIVED = {290: "Double", 294: "DateTime", 29: "Int32", 26: "Double", 27: "Int64", 28: "UInt64"}
"""Duration, UtcTime, Enumeration, Number, Integer, UInteger: what their nodes hold unless they say otherwise."""


def node_id(name: NodeName, namespaces: Sequence[str]) -> ua.NodeId | None:
    """The node by the number of its namespace on this server, today; None when the server has no such namespace."""
    if name.uri not in namespaces:
        return None
    index = namespaces.index(name.uri)
    try:
        identifier: Any = name.name
        if name.kind == "i":
            identifier = int(name.name)
        elif name.kind == "g":
            identifier = uuid.UUID(name.name)
        elif name.kind == "b":
            identifier = base64.b64decode(name.name, validate=True)
    except (ValueError, binascii.Error):
        return None
    return ua.NodeId(identifier, index)


def type_of(value: ua.DataValue, data_type: ua.DataValue) -> NodeInfo:
    """What a node holds: by its value, or by its data type while it has none."""
    code = 0 if value.StatusCode is None else int(value.StatusCode.value)
    variant = value.Value
    if variant is not None and variant.VariantType is not ua.VariantType.Null and variant.Value is not None:
        if variant.is_array:
            return NodeInfo(CODES["BadTypeMismatch"])
        return NodeInfo(0, _known(variant.VariantType.name))
    kind = data_type.Value.Value if data_type.Value is not None else None
    if not isinstance(kind, ua.NodeId):
        return NodeInfo(code if is_bad(code) else 0)
    number = kind.Identifier if kind.NamespaceIndex == 0 and isinstance(kind.Identifier, int) else 29
    name = ua.VariantType(number).name if number <= _LAST_BUILT_IN else _DERIVED.get(number, "Int32")
    return NodeInfo(0, _known(name))  # a Bad value now says nothing of the node: it may be Good later


def _known(name: str) -> str:
    return name if name in variants.NUMBERS or name in variants.TEXTS else ""


def sample_of(value: ua.DataValue) -> UaSample:
    """One data value. What is neither number nor text is a type mismatch."""
    code = 0 if value.StatusCode is None else int(value.StatusCode.value)
    source_ns = _utc_ns(value.SourceTimestamp)
    found = value.Value.Value if value.Value is not None else None
    if isinstance(found, ua.LocalizedText):
        found = found.Text or ""
    if found is not None and not isinstance(found, bool | int | float | str):
        return UaSample(None, code if is_bad(code) else CODES["BadTypeMismatch"], source_ns)
    return UaSample(found, code, source_ns)


def _utc_ns(time: datetime.datetime | None) -> int:
    if time is None:
        return 0
    if time.tzinfo is None:
        time = time.replace(tzinfo=datetime.UTC)
    return (time - _EPOCH) // _MICROSECOND * 1000
