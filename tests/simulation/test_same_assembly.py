"""``dcs run`` and ``dcs simulate`` build the same plant: what they build differs only in peers.

Every node is built twice, with the peers of a real run and with those of the box, and the two object trees are held
side by side, attribute by attribute.
"""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dcs.config.find import find_config
from dcs.core.simulated_time import SimulatedLoop, run_simulated
from dcs.node.assembly import build_node, load_configuration
from dcs.node.box import memory_endpoints
from dcs.node.memory_peers import MemoryPeers
from dcs.node.wire_peers import WirePeers

PEERS = {
    ("WallClock", "SimulatedClock"),
    ("NatsBus", "MemoryBus"),
    ("ThreadSchedule", "TaskSchedule"),
    ("WireNetwork", "MemoryEndpoint"),
    ("FileStore", "MemoryStore"),
    ("FileKeep", "MemoryKeep"),
    ("TcpListener", "MemoryListener"),  # a simulated device listens on TCP, or on the box's network
}
"""(real run, box): the only pairs of classes that may stand in the same place."""
OF_THE_RUN = {
    "pid",
    "on_loop",
    "time_ns",
    "_started_ns",
    "_due",
    "_origin_ns",
    "_phase_ns",
    "_last_tick_ns",
    "_base",
    "_utc_minus_monotonic_ns",
    "utc_minus_monotonic_ns",
}
"""Attributes that hold a time, a process id, a memory address or a function of the peers."""
OURS = ("dcs.", "field_io.", "plant_models.")


def tree(value: Any, path: str, seen: dict[int, str], into: dict[str, str]) -> dict[str, str]:
    """Path -> what stands there, for everything reachable from ``value`` that is ours."""
    kind = type(value)
    if kind.__name__ in {name for pair in PEERS for name in pair}:
        into[path] = kind.__name__
    elif isinstance(value, np.ndarray):
        into[path] = f"array {value.dtype} {value.shape}"
    elif isinstance(value, str | int | float | bool | bytes | None):
        into[path] = f"{kind.__name__}" if value is None else f"{kind.__name__} {value!r}"
    elif isinstance(value, dict):
        for key in value:
            tree(
                value[key],
                f"{path}[{key!r}]" if isinstance(key, str | int) else f"{path}[{type(key).__name__}]",
                seen,
                into,
            )
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            tree(item, f"{path}[{index}]", seen, into)
    elif kind.__module__.startswith(OURS) and id(value) not in seen:
        seen[id(value)] = path
        into[path] = kind.__name__
        names = [*getattr(value, "__dict__", {}), *(s for c in kind.__mro__ for s in getattr(c, "__slots__", ()))]
        for name in names:
            if name not in OF_THE_RUN and hasattr(value, name):
                tree(getattr(value, name), f"{path}.{name}", seen, into)
    else:
        into.setdefault(path, kind.__name__)
    return into


@pytest.mark.system
def test_what_they_build_differs_only_in_peers(tmp_path: Path) -> None:
    config = load_configuration(find_config("quadruple_tank"))
    endpoints = memory_endpoints(config)
    names = [name for name in config.nodes if name != "bus"]

    async def build(peers: Any) -> dict[str, dict[str, str]]:
        return {name: tree(await build_node(config, endpoints, name, peers), name, {}, {}) for name in names}

    async def real() -> dict[str, dict[str, str]]:
        peers = WirePeers(endpoints, tmp_path, config.model.seed)
        try:
            return await build(peers)
        finally:
            await peers.close()

    async def boxed(loop: SimulatedLoop) -> dict[str, dict[str, str]]:
        return await build(MemoryPeers(loop, config.model.seed))

    in_reality, in_the_box = asyncio.run(real()), run_simulated(boxed)
    assert set(in_reality) == set(in_the_box) == {"field", "C1A", "C1B", "W1"}
    peers_met = set()
    for name in names:
        assert len(in_reality[name]) > 20, "the trees must be deep enough to tell"
        assert in_reality[name].keys() == in_the_box[name].keys()
        for path, kind in in_reality[name].items():
            other = in_the_box[name][path]
            if kind != other:
                assert (kind, other) in PEERS, f"{path}: {kind} in a real run, {other} in the box"
                peers_met.add((kind, other))
    assert peers_met == PEERS
