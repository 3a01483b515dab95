"""How a node is named: ``nsu=URI;s=NAME``, the namespace by its URI.

Called by   the check of the configuration, both peers of a session, simulated devices.
Knows       the text form of node identifiers (OPC 10000-6, 5.3.1.10). A number in place of the URI is refused,
            because a server may number its namespaces anew when it restarts; 0, OPC UA's own namespace, needs none.
"""

import re
from typing import NamedTuple

CORE = "http://opcfoundation.org/UA/"
"""URI of namespace 0."""

_FORM = re.compile(r"(?:nsu=(?P<uri>[^;]+);|ns=(?P<index>\d+);)?(?P<kind>[isgb])=(?P<name>.+)", re.DOTALL)


class NodeName(NamedTuple):
    """A node as configuration files name it."""

    uri: str
    kind: str  # i: number | s: string | g: GUID | b: base64
    name: str

    def __str__(self) -> str:
        return f"{self.kind}={self.name}" if self.uri == CORE else f"nsu={self.uri};{self.kind}={self.name}"

    def below(self, name: str) -> "NodeName":
        """Another node of the same namespace, with a string for a name."""
        return NodeName(self.uri, "s", name)


def parse_node(text: str) -> NodeName:
    """``nsu=urn:maker:device;s=PV.Value`` in its parts. Raises ``ValueError`` with what is wrong and what to write."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"`{text}` is no node identifier. Write it as `nsu=urn:maker:device;s=PV.Value`")
    uri, index, kind, name = found.group("uri", "index", "kind", "name")
    if index and int(index):
        raise ValueError(
            f"`{text}` names its namespace by the number {index}, which the server may change when it restarts. "
            f"Write its URI: `nsu=URI;{kind}={name}`"
        )
    if kind == "i" and not name.isdigit():
        raise ValueError(f"`{text}` is no node identifier: after `i=` stands a number")
    return NodeName(uri or CORE, kind, name)


def node_problems(text: str) -> list[str]:
    """What is wrong with the text, as a sentence without its full stop; [] when it names a node."""
    try:
        parse_node(text)
    except ValueError as exc:
        return [str(exc)]
    return []
