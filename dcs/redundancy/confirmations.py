"""Commands that wait for their answer until the scan that applied them is where it cannot be lost.

Called by   ``dcs.redundancy.runtime``. On the event loop.
Knows       numbers of scans.
"""

import asyncio


class Confirmations:
    """Of one term; ``seq`` is the last scan that is safe."""

    def __init__(self) -> None:
        self.seq = 0
        self._waiting: list[tuple[int, asyncio.Future[bool]]] = []

    async def wait(self, seq: int) -> bool:
        """True once that scan is safe; False when the authority is lost before."""
        if seq <= self.seq:
            return True
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((seq, future))
        return await future

    def reached(self, seq: int) -> None:
        """All scans up to this one are safe."""
        self.seq = max(self.seq, seq)
        if not self._waiting:
            return
        still_waiting = []
        for wanted_seq, future in self._waiting:
            if wanted_seq > seq:
                still_waiting.append((wanted_seq, future))
            elif not future.done():
                future.set_result(True)
        self._waiting = still_waiting

    def fail(self) -> None:
        """The authority is lost: nobody is told that his command survives."""
        waiting, self._waiting = self._waiting, []
        for _, future in waiting:
            if not future.done():
                future.set_result(False)
