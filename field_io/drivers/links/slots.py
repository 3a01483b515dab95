"""Who may have a request under way on a connection that several units share.

Called by   ``links.connection``.
Knows       unit numbers, how many requests may be under way at once, which units did not answer last time.
Promise     a dead unit never delays the others: a suspect has one slot at most and never the last one, and no unit has
            them all, for none is a suspect before its first time-out. Where there is only one slot (RTU) suspects let
            the others pass; the one that goes costs them its time-out, which is why the driver probes it rarely.
"""

import asyncio
from collections import deque
from typing import NamedTuple

PASSED_MAX = 64
"""Requests of others that a suspect lets pass on a line with one slot; then it has its turn."""


class _Waiter(NamedTuple):
    unit: int
    turn: "asyncio.Future[None]"


class Slots:
    """``count`` slots; first come, first served among units that answer."""

    def __init__(self, count: int) -> None:
        self.suspects: set[int] = set()
        self._count = count
        self._free = count
        self._of_suspects: set[int] = set()  # suspects that have a slot
        self._held: dict[int, int] = {}  # slots that each unit has; of all units so far
        self._waiting: deque[_Waiter] = deque()
        self._passed = 0  # requests that went while a suspect waited for the only slot

    def take(self, unit: int) -> bool:
        """A slot at once, or False: then ``wait``. Nobody who waits could have it: those that may go have gone."""
        return self._grant(unit)

    async def wait(self, unit: int) -> None:
        """Return when this unit has a slot; ``give`` it back in every case but cancellation."""
        waiter = _Waiter(unit, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if waiter.turn.done() and not waiter.turn.cancelled():
                self.give(unit)  # it was granted in the same moment
            elif waiter in self._waiting:
                self._waiting.remove(waiter)
            raise

    def give(self, unit: int) -> None:
        """The request is over, whatever became of it."""
        self._free += 1
        self._held[unit] -= 1
        self._of_suspects.discard(unit)
        if self._waiting:
            self._next()

    def _next(self) -> None:
        """Give free slots to those that wait: units that answer first."""
        for wants_suspects in (False, True):
            for waiter in list(self._waiting):
                if not self._free:
                    return
                suspect = waiter.unit in self.suspects
                starved = suspect and self._count == 1 and self._passed >= PASSED_MAX
                if waiter.turn.done():
                    self._waiting.remove(waiter)
                elif (suspect == wants_suspects or starved) and self._grant(waiter.unit):
                    self._waiting.remove(waiter)
                    waiter.turn.set_result(None)

    def _grant(self, unit: int) -> bool:
        if not self._may(unit):
            return False
        self._free -= 1
        self._held[unit] = self._held.get(unit, 0) + 1
        if self._count > 1 and unit in self.suspects:
            self._of_suspects.add(unit)
        if unit in self.suspects:
            self._passed = 0
        elif self._waiting:
            self._passed += 1
        return True

    def _may(self, unit: int) -> bool:
        if unit in self.suspects and self._count > 1:
            return self._free > 1 and unit not in self._of_suspects
        if self._free == 1 and self._count > 1 and self._held.get(unit, 0) == self._count - 1 and self._is_shared(unit):
            return False
        return self._free > 0

    def _is_shared(self, unit: int) -> bool:
        return len(self._held) > (unit in self._held)
