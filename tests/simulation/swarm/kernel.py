"""The operating system between a controller and a device: what was given to it may leave, or arrive, a little later.

Called by   tests.simulation.swarm.run, for the time of one run.
Knows       the cables of the box. A packet that is lost once is sent again by the system, also while its process
            stands still; not after the connection was aborted. It gives up after ``LATEST_S`` (TCP_USER_TIMEOUT).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

from dcs.core.clock import NS_PER_S
from dcs.core.simulated_nodes import NOBODY
from field_io.memory_network import MemoryTransport

LATEST_S = 0.08


class Kernel:
    """``chance``: share of what controllers send that has to be sent again. Off until ``on`` is set."""

    def __init__(self, chance: float, rng: Random) -> None:
        self.on = False
        self.repeated = 0
        self._chance = chance
        self._rng = rng
        self._free_s = WeakKeyDictionary[MemoryTransport, float]()  # when its last byte arrives: nothing overtakes it

    def takes(self, end: MemoryTransport, data: bytes) -> bool:
        """Whether it keeps these bytes for a moment."""
        loop: Any = end._loop
        free_s = self._free_s.get(end, 0.0)
        is_lost = self.on and self._rng.random() < self._chance
        if not is_lost and free_s <= loop.time():
            return False
        due_s = max(free_s, loop.time() + (self._rng.uniform(0.001, LATEST_S) if is_lost else 0.0))
        self._free_s[end] = due_s
        self.repeated += is_lost
        loop.call_at(round(due_s * NS_PER_S) / NS_PER_S, _arrive, end, data, context=NOBODY)
        return True


def _arrive(end: MemoryTransport, data: bytes) -> None:
    other = end._other
    if not end._closing and other is not None and not other._closing:
        other._arrive(data)


@contextmanager
def repeats(kernel: Kernel, nodes: tuple[str, ...]) -> Iterator[None]:
    """While this lasts it stands between the controllers ``nodes`` and their devices."""
    if not kernel._chance:
        yield
        return
    write = MemoryTransport.write

    def through(end: MemoryTransport, data: bytes) -> None:
        if end._node not in nodes or not kernel.takes(end, bytes(data)):
            write(end, data)

    with patch.object(MemoryTransport, "write", through):
        yield
