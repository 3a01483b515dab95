"""How this controller executes, for the pair: by which software, by copy or not, and whether it can repeat itself.

Called by   the pair protocol (``ExecutionPorts``), and the controller around every scan.
Knows       the replica and the stretch of scans that can be repeated.
"""

import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from dcs.engine import kernels
from dcs.engine.engine import Engine
from dcs.node.program import Program
from dcs.node.replica import Replica
from dcs.node.retrace import Retrace
from dcs.node.state_copy import StateCopy
from dcs.redundancy.runtime import RedundantMember

SMALL_BYTES = 4 << 20
"""A memory of this size is copied within half a millisecond."""
REPEAT_S = 0.2
"""How long repeating takes in simulated time."""
Apart = Callable[..., Awaitable[Any]]


class Execution:
    """One controller's."""

    def __init__(self, replica: Replica, apart: Apart, start: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        self._replica = replica
        self._apart = apart
        self._start = start
        self._retrace = Retrace(replica)
        self.software_here = kernels.software()
        self._by_copy = False
        self._mirror: bool | None = None  # has one begun or ended, and the scan has not heard of it yet?
        self._is_wanted = False
        self.on_measured: Callable[[bytes], None] = lambda data: None  # as the standby
        self._asked = 0  # how often a copy was asked for, or was not wanted any more
        self._member: RedundantMember | None = None

    def belongs_to(self, member: RedundantMember) -> None:
        """Each needs the other. For a pair, room is found for what is kept to repeat."""
        self._member = member
        if member.config.paired:
            self._retrace.make_room()

    # --- what the pair protocol asks (event loop) ---------------------------------------------------------------
    def software(self) -> str:
        """What the bits of a result depend on beside the program."""
        return self.software_here

    def mirror_begins(self, by_copy: bool) -> None:
        """A standby is given a copy: see ``copy``. ``by_copy``: records carry their results from then on."""
        self._by_copy = by_copy
        self._mirror = True

    def mirror_ends(self) -> None:
        """Nobody follows."""
        self._is_wanted = False
        self._asked += 1
        self._mirror = False

    def _hear_of_mirror(self) -> None:
        """What began or ended is settled with the lock, which the event loop must not wait for: a large scan and its
        copy hold it for longer than a lease may wait."""
        mirror, self._mirror = self._mirror, None
        if mirror is not None:
            self._replica.show_results(mirror and self._by_copy)
            if not mirror:
                self._retrace.end()

    def measured(self, data: bytes) -> None:
        """What the active has measured for its next scan."""
        self.on_measured(data)

    def recheck(self, seq: int) -> None:
        """Repeat the scans up to this one, apart."""
        self._start(self._recheck(seq))

    async def _recheck(self, seq: int) -> None:
        assert self._member is not None
        repeats = await self._apart(functools.partial(self._retrace.repeats, seq, self._engine), REPEAT_S)
        self._member.rechecked(seq, repeats)

    def _engine(self, program: Program) -> Engine:
        return Engine(program.plan, program.engine.compiled)

    # --- around the scans -----------------------------------------------------------------------------------------
    def snapshot(self) -> tuple[int, memoryview] | None:
        """A small state is copied at once; for a large one the end of the next scan is waited for (``copy_wanted``).

        The event loop would wait for a scan under way, and the next scan for the copy: the lease could end meanwhile.
        """
        if len(self._replica.engine.memory) > SMALL_BYTES:
            self._asked += 1
            self._is_wanted = True
            return None
        with self._replica.lock:
            copy = self.copy()
        return copy.scan, copy.packed()

    def copy_wanted(self) -> tuple[int, StateCopy] | None:
        """After a scan and with the lock: (for which question, the copy); None when none was asked for."""
        if not self._is_wanted:
            return None
        asked = self._asked
        self._is_wanted = False
        return asked, self.copy()

    def packed(self, asked: int, copy: StateCopy) -> memoryview | None:
        """A copy that was asked for, as bytes; None when it is not wanted any more: its room may be in use again."""
        return copy.packed() if asked == self._asked else None

    def copy(self) -> StateCopy:
        """The state of now, for the standby; it is also where repeating begins. The caller holds the lock."""
        self._hear_of_mirror()
        copy = self._retrace.begin()
        if self._by_copy:
            self._retrace.end()
        return copy

    def scanned(self, agreed: int) -> None:
        """A scan was executed, here or after the active; ``agreed``: with equal results up to that one.

        The caller holds the lock.
        """
        self._hear_of_mirror()
        self._retrace.keep(agreed)

    def note(self, scan: int, record: bytes, digest: bytes) -> None:
        """Its record and its result."""
        self._retrace.note(scan, record, digest)
