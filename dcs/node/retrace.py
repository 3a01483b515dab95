"""What a controller needs to find out whether its last results can be repeated.

Called by   ``dcs.node.execution``; fed from the scan of the active and from the repeated scans of the standby.
Knows       a state that both controllers had agreed on, the records since, and the own digest of each.
Bounds      two copies of the memory; records of about ``KEEP_EVERY + AGREED_AFTER`` scans, at most ``RECORDS_MAX``.

A state counts as agreed when both have had the same digests for ``AGREED_AFTER`` scans from it on: by then every part
of the memory has been compared once. Until then the older one is the one to start from.
"""

import threading
from collections.abc import Callable
from dataclasses import replace

from dcs.engine.engine import Engine
from dcs.node.program import Program
from dcs.node.replica import DIGEST_PARTS, Replica
from dcs.node.scan_record import ScanRecord
from dcs.node.state_copy import StateCopy

KEEP_EVERY = 32
"""Scans between two kept states: copying one costs as much as some scans."""
AGREED_AFTER = DIGEST_PARTS
RECORDS_MAX = 256


class Retrace:
    """The two ends of the last stretch of scans, and all in between."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._copies = [StateCopy(), StateCopy()]  # the agreed one, and a newer one that is not agreed yet
        self._program: Program | None = None  # of the agreed one
        self._has_newer = False
        self._is_open = False
        self._is_repeating = False  # in another thread: the copies must stay as they are
        self._steps: dict[int, tuple[bytes, bytes]] = {}  # scan -> (record, own digest)
        self._lock = threading.Lock()  # held for an instant: the scan keeps, the event loop notes, a thread repeats

    def make_room(self) -> None:
        """Find the room now, and not when the scan waits."""
        for copy in self._copies:
            copy.make_room(len(self._replica.engine.memory))

    def begin(self) -> StateCopy:
        """From the state of now on. The caller holds the replica's lock. Returns the copy of it."""
        with self._lock:
            room = StateCopy() if self._is_repeating else self._copies[0]  # its copy is left to who repeats from it
            self._close()
        self._start_from(room)
        return room

    def _start_from(self, room: StateCopy) -> None:
        """The agreed state is the one of now. To copy it takes long, and ``note`` must not wait for that.

        What is noted meanwhile is of scans that the copy contains: the caller holds the replica's lock.
        """
        self._replica.freeze(room)
        with self._lock:
            self._copies[0] = room
            self._program = self._replica.program
            self._has_newer = False
            self._is_open = True

    def end(self) -> None:
        """Nobody follows, or we follow nobody: nothing is kept."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        self._is_open = False
        self._steps.clear()

    def note(self, scan: int, record: bytes, digest: bytes) -> None:
        """One scan was executed from this record, with this result."""
        with self._lock:
            if not self._is_open or scan <= self._copies[0].scan:
                return
            self._steps[scan] = (record, digest)
            if len(self._steps) > RECORDS_MAX:  # nobody agrees for long: from here on nothing can be told
                self._close()

    def keep(self, agreed: int) -> None:
        """After a scan, with the replica's lock: a newer state now and then. ``agreed``: scan with equal results."""
        with self._lock:
            if not self._is_open or self._is_repeating:
                return
            agreed_copy, newer = self._copies
            room = None
            is_changed = self._replica.program is not self._program
            if is_changed:
                self._close()
            elif self._has_newer and agreed >= newer.scan + AGREED_AFTER:
                self._copies = [newer, agreed_copy]
                self._has_newer = False
                self._steps = {scan: step for scan, step in self._steps.items() if scan > newer.scan}
            elif not self._has_newer and self._replica.scan % KEEP_EVERY == 0:
                room = newer  # nobody repeats from this one
        if is_changed:  # its memory has another shape, and the old one may be on its way to the standby
            self._start_from(StateCopy())
        elif room is not None:
            self._replica.freeze(room)
            self._has_newer = True

    def repeats(self, scan: int, make_engine: Callable[[Program], Engine]) -> bool:
        """Does repeating end in the own digests, up to this scan? True when it cannot be told.

        Takes as long as the scans did, and an engine of its own: call it apart from scan and event loop.
        """
        with self._lock:
            copy, program = self._copies[0], self._program
            steps = [self._steps.get(number) for number in range(copy.scan + 1, scan + 1)]
            if not self._is_open or program is None or not steps or None in steps:
                return True
            self._is_repeating = True
        try:
            again = Replica(replace(program, engine=make_engine(program)))
            again.restore(copy.packed())
            for step in steps:
                assert step is not None
                record, digest = step
                if again.execute(ScanRecord.from_bytes(record)).digest != digest:
                    return False
            return True
        finally:
            self._is_repeating = False
