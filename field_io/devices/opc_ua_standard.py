"""The standard nodes of OPC UA, loaded once in a process: servers of simulated devices copy them as they are touched.

Called by   ``devices.opc_ua_server``.
Knows       asyncua's address space. Nothing of devices.
"""

import copy
import functools
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.server.internal_server import InternalServer


@functools.cache
def _standard() -> dict[ua.NodeId, Any]:
    """The standard nodes of this process; nobody changes them once they are there."""
    return {}


class SharedSpaceServer(InternalServer):  # type: ignore[misc]
    async def load_standard_address_space(self, shelf_file: Path | None = None) -> None:
        if not _standard():
            builder = InternalServer()
            await builder.load_standard_address_space()
            _standard().update(builder.aspace._nodes)
        self.aspace._nodes = _OwnNodes(_standard())


class _OwnNodes(MutableMapping[ua.NodeId, Any]):
    """The standard nodes, copied as they are touched, and those of one server."""

    def __init__(self, standard: Mapping[ua.NodeId, Any]) -> None:
        self._standard = standard
        self._own: dict[ua.NodeId, Any] = {}

    def __getitem__(self, key: ua.NodeId) -> Any:
        found = self._own.get(key)
        if found is None:
            found = self._own[key] = copy.deepcopy(self._standard[key])
        return found

    def __setitem__(self, key: ua.NodeId, value: Any) -> None:
        self._own[key] = value

    def __delitem__(self, key: ua.NodeId) -> None:
        self._own.pop(key, None)

    def __contains__(self, key: object) -> bool:
        return key in self._own or key in self._standard

    def __iter__(self) -> Iterator[ua.NodeId]:
        yield from self._own
        yield from (key for key in self._standard if key not in self._own)

    def __len__(self) -> int:
        return sum(1 for _ in self)
