"""What was found on an OPC UA server, as a list of points in the form of field.yaml.

Called by   ``dcs device probe opc.tcp://…``; filled by ``drivers.opc_ua.wire.browse``.
Knows       no library and no connection.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dcs.core.errors import ConfigError
from dcs.core.units import find_unit
from field_io.onboarding.map_text import quoted
from field_io.opc_ua.variants import OF_POINT, TEXTS
from field_io.specs import DeviceSpec, OpcUaAccess

_TYPE_OF = {name: type_name for type_name, name in OF_POINT.items()} | {"SByte": "int16", "Byte": "uint16"}


@dataclass(frozen=True, slots=True)
class FoundNode:
    """One variable of a server."""

    path: tuple[str, ...]  # browse names from the Objects folder down
    node: str  # with the URI of its namespace
    type: str  # built-in type, "" for one that is no number and no text
    writable: bool = False
    value: float | str | None = None
    bad: str = ""  # name of the status code that is not Good
    unit: str = ""  # as the server writes it (EngineeringUnits)
    low: float | None = None  # EURange, else InstrumentRange
    high: float | None = None
    description: str = ""

    @property
    def is_number(self) -> bool:
        """Can a controller take it?"""
        return self.type in _TYPE_OF and self.type not in TEXTS

    @property
    def unit_of_ours(self) -> str:
        """The unit by our name; "" for one that we do not know."""
        try:
            return find_unit(self.unit).name if self.unit else ""
        except ConfigError:
            return ""

    @property
    def value_text(self) -> str:
        """For people."""
        if self.bad:
            return "no single value" if not self.type else self.bad
        if isinstance(self.value, float):
            return f"{self.value:.6g}"
        return "—" if self.value is None else printable(self.value)

    @property
    def range_text(self) -> str:
        """``0 … 100``."""
        return "" if self.low is None or self.high is None else f"{self.low:g} … {self.high:g}"


def printable(text: str) -> str:
    """A text of the server that can do nothing to a terminal or to a file."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def point_names(nodes: Sequence[FoundNode]) -> list[str]:
    """A name that field.yaml takes for each node, none twice: as few parts of its path as tell it apart."""
    names: list[str] = []
    for parts in range(1, 9):
        names = [_clean("-".join(node.path[-parts:])) for node in nodes]
        if len(set(names)) == len(names):
            return names
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return unique


def _clean(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-")
    return name or "node"


def points_text(nodes: Sequence[FoundNode], spec: DeviceSpec, date: str, ended: str = "") -> str:
    """A device for field.yaml. Texts and what is no single value stand there as comments."""
    access = spec.opc_ua or OpcUaAccess()
    lines = [
        f"# Found by `dcs device probe` on {date}: {spec.url}. Give points their tags, delete what you do not need,",
        "# and write `direction: out` where the controller is to write. Tags must be unique in the whole plant.",
        *([f"# Not whole: {ended}."] if ended else []),
        "devices:",
        "  PROBED:",
        "    protocol: opc-ua",
        f"    host: {spec.host}",
        f"    port: {spec.port}",
        *_access(access),
        "    points:",
    ]
    count = 0
    for name, node in zip(point_names(nodes), nodes, strict=True):
        if not node.is_number:
            lines.append(
                f"      # {name}: {quoted(node.node)} is {node.type or 'of no type of ours'}: {node.value_text}"
            )
            continue
        count += 1
        keys = [f"node: {quoted(node.node)}", f"type: {_TYPE_OF[node.type]}", "direction: in"]
        if node.unit_of_ours:
            keys.append(f"unit: {quoted(node.unit_of_ours)}")
        lines.append(f"      {name}: {{{', '.join(keys)},")
        lines.append(f"        description: {quoted(_describe(node))}}}")
    if not count:
        lines[lines.index("    points:")] = "    points: {}"
    return "\n".join(lines) + "\n"


def _describe(node: FoundNode) -> str:
    parts = [node.description or " ".join(node.path), node.range_text and f"range {node.range_text}"]
    if node.unit and not node.unit_of_ours:
        parts.append(f"in {node.unit}")
    parts.append("writable" if node.writable else "")
    parts.append(f"was {node.value_text}")
    return ", ".join(part for part in parts if part)


def _access(access: OpcUaAccess) -> list[str]:
    given = {"path": access.path if access.path not in ("", "/") else "", "user": access.user}
    given |= {"password_env": access.password_env}
    if access.security != "none":
        given |= {"security": access.security, "policy": access.policy}
        given |= {"certificate": access.certificate, "key": access.key}
    body = ", ".join(f"{key}: {quoted(value)}" for key, value in given.items() if value)
    return [f"    opc_ua: {{{body}}}"] if body else []
