"""Everything that a server shows, found by browsing: its variables with types, units and ranges.

Called by   ``dcs device probe opc.tcp://…``.
Knows       the browse and read services (OPC 10000-4, 5.8 and 5.10), EURange and EngineeringUnits of analog items
            (OPC 10000-8, 5.3.2). Begins at the Objects folder and leaves the server's own object out. Reads only.
Promise     no more than ``nodes_most`` nodes are looked at, a node once however many ways lead to it, one request at a
            time with ``spacing_s`` between them.
"""

import asyncio
import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from asyncua import ua

from field_io.drivers.opc_ua.wire.session import WireUaSession
from field_io.drivers.opc_ua.wire.values import sample_of, type_of
from field_io.onboarding.ua_points import FoundNode, printable
from field_io.opc_ua.nodes import CORE, NodeName
from field_io.opc_ua.status import code_name, is_bad

BATCH = 50
_RANGES = ("EURange", "InstrumentRange")
_UNITS = "EngineeringUnits"
_KIND = {
    ua.NodeIdType.TwoByte: "i",
    ua.NodeIdType.FourByte: "i",
    ua.NodeIdType.Numeric: "i",
    ua.NodeIdType.String: "s",
    ua.NodeIdType.Guid: "g",
    ua.NodeIdType.ByteString: "b",
}


@dataclass(slots=True)
class Browsed:
    """What was found. ``ended``: why it is not whole."""

    nodes: list[FoundNode] = field(default_factory=list)
    looked_at: int = 0
    ended: str = ""
    server: str = ""  # product and maker, as it says


@dataclass(frozen=True, slots=True)
class _Variable:
    id: ua.NodeId
    path: tuple[str, ...]
    properties: dict[str, ua.NodeId]


class Browser:
    """One pass through one server."""

    def __init__(
        self, session: WireUaSession, nodes_most: int, spacing_s: float, tell: Callable[[int, int], None]
    ) -> None:
        self._session = session
        self._nodes_most, self._spacing_s = nodes_most, spacing_s
        self._tell = tell
        self._namespaces: list[str] = [CORE]
        self.found = Browsed()

    async def run(self) -> Browsed:
        """Raises ``LinkDown`` or ``ServiceRefused`` only before anything was found."""
        limits = ua.ObjectIds
        array, product, maker = await self._read(
            [
                ua.NodeId(limits.Server_NamespaceArray),
                ua.NodeId(limits.Server_ServerStatus_BuildInfo_ProductName),
                ua.NodeId(limits.Server_ServerStatus_BuildInfo_ManufacturerName),
            ]
        )
        self._namespaces = list(_plain(array) or [CORE])
        self.found.server = " ".join(printable(str(text)) for text in (_plain(maker), _plain(product)) if text)
        variables: list[_Variable] = []
        try:
            await self._walk(variables)
        finally:
            for first in range(0, len(variables), BATCH):
                self.found.nodes += await self._describe(variables[first : first + BATCH])
                self._tell(self.found.looked_at, len(self.found.nodes))
        return self.found

    async def _walk(self, variables: list[_Variable]) -> None:
        waiting: list[tuple[ua.NodeId, tuple[str, ...], bool]] = [(ua.NodeId(ua.ObjectIds.ObjectsFolder), (), False)]
        seen: set[ua.NodeId] = {waiting[0][0], ua.NodeId(ua.ObjectIds.Server)}
        while waiting:
            batch, waiting = waiting[:BATCH], waiting[BATCH:]
            for (node, path, is_variable), references in zip(
                batch, await self._browse([node for node, _, _ in batch]), strict=True
            ):
                properties: dict[str, ua.NodeId] = {}
                for reference in references:
                    target = _local(reference.NodeId)
                    name = printable(reference.BrowseName.Name or "?")
                    if target is None:
                        continue
                    if reference.ReferenceTypeId == ua.NodeId(ua.ObjectIds.HasProperty):
                        properties[name] = target
                    elif target not in seen and len(seen) <= self._nodes_most:
                        seen.add(target)
                        waiting.append((target, (*path, name), reference.NodeClass == ua.NodeClass.Variable))
                    elif target not in seen:
                        self.found.ended = f"{self._nodes_most} nodes were looked at; there are more"
                if is_variable:
                    variables.append(_Variable(node, path, properties))
            self.found.looked_at = len(seen)
            self._tell(len(seen), len(variables))

    async def _browse(self, nodes: Sequence[ua.NodeId]) -> list[list[Any]]:
        request = ua.BrowseRequest()
        request.Parameters.View = ua.ViewDescription()
        request.Parameters.NodesToBrowse = [_description(node) for node in nodes]
        answer = await self._call(request, ua.BrowseResponse)
        out = []
        for result in answer.Results:
            references = list(result.References or [])
            point = result.ContinuationPoint
            while point:
                following = ua.BrowseNextRequest()
                following.Parameters.ContinuationPoints = [point]
                part = (await self._call(following, ua.BrowseNextResponse)).Results[0]
                references += part.References or []
                point = part.ContinuationPoint
            out.append(references)
        return out

    async def _describe(self, variables: Sequence[_Variable]) -> list[FoundNode]:
        ids = [one.id for one in variables]
        values = await self._read(ids)
        types = await self._read(ids, ua.AttributeIds.DataType)
        levels = await self._read(ids, ua.AttributeIds.UserAccessLevel)
        texts = await self._read(ids, ua.AttributeIds.Description)
        wanted = [(at, name, node) for at, one in enumerate(variables) for name, node in one.properties.items()
                  if name in (*_RANGES, _UNITS)]  # fmt: skip
        read = await self._read([node for _, _, node in wanted]) if wanted else []
        facts: list[dict[str, Any]] = [{} for _ in variables]
        for (at, name, _), value in zip(wanted, read, strict=True):
            facts[at][name] = _plain(value)
        return [
            self._node(one, *row)
            for one, row in zip(variables, zip(values, types, levels, texts, facts, strict=True), strict=True)
        ]

    def _node(self, one: _Variable, value: Any, kind: Any, level: Any, text: Any, facts: dict[str, Any]) -> FoundNode:
        info, sample = type_of(value, kind), sample_of(value)
        span = next((facts[name] for name in _RANGES if facts.get(name) is not None), None)
        units, access, about = facts.get(_UNITS), _plain(level), _plain(text)
        shown = float(sample.value) if isinstance(sample.value, int | float) else sample.value
        return FoundNode(
            one.path,
            str(self._name(one.id)),
            info.type,
            isinstance(access, int) and bool(access & 2),  # bit 1: CurrentWrite
            shown,
            code_name(sample.code) if is_bad(sample.code) else "",
            printable(getattr(getattr(units, "DisplayName", None), "Text", "") or ""),
            getattr(span, "Low", None),
            getattr(span, "High", None),
            printable(getattr(about, "Text", "") or ""),
        )

    def _name(self, node: ua.NodeId) -> NodeName:
        uri = self._namespaces[node.NamespaceIndex] if node.NamespaceIndex < len(self._namespaces) else CORE
        kind = _KIND[node.NodeIdType]
        name = node.Identifier
        if kind == "b":
            name = base64.b64encode(name).decode()
        return NodeName(uri, kind, str(name))

    async def _read(self, nodes: Sequence[ua.NodeId], attribute: int = ua.AttributeIds.Value) -> list[Any]:
        request = ua.ReadRequest()
        request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Source
        request.Parameters.NodesToRead = [ua.ReadValueId(NodeId=node, AttributeId=attribute) for node in nodes]
        return list((await self._call(request, ua.ReadResponse)).Results)

    async def _call(self, request: Any, answer: Any) -> Any:
        await asyncio.sleep(self._spacing_s)
        return await self._session.call(request, answer, "browsing")


def _description(node: ua.NodeId) -> ua.BrowseDescription:
    wanted = ua.BrowseDescription()
    wanted.NodeId = node
    wanted.BrowseDirection = ua.BrowseDirection.Forward
    wanted.ReferenceTypeId = ua.NodeId(ua.ObjectIds.HierarchicalReferences)
    wanted.IncludeSubtypes = True
    wanted.NodeClassMask = ua.NodeClass.Object | ua.NodeClass.Variable
    wanted.ResultMask = ua.BrowseResultMask.All
    return wanted


def _local(node: Any) -> ua.NodeId | None:
    """A node of this server; None for one of another."""
    if getattr(node, "ServerIndex", 0):
        return None
    return ua.NodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType)


def _plain(value: Any) -> Any:
    return value.Value.Value if value.Value is not None else None
