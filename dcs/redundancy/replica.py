"""What redundancy needs of the controller whose state it mirrors.

Called by   dcs.redundancy.runtime; implemented by dcs.node.controller and by the tests' toy.
Knows       scan numbers and bytes.
"""

from typing import Protocol


class Replica(Protocol):
    """What redundancy needs of a controller. All calls come on the event loop and return at once."""

    def snapshot(self) -> tuple[int, bytes | memoryview] | None:
        """(number of the last scan, whole state after it), which stays as it is until the next call.

        None: it is taken after the next scan, and given to ``copy_taken``.
        """
        ...

    def restore(self, seq: int, state: bytes | memoryview) -> None:
        """Become the state after scan ``seq``; the next record is ``seq + 1``."""
        ...

    def execute(self, seq: int, record: bytes) -> bytes:
        """As the standby: repeat scan ``seq`` of the active, without writing to the field; return the digest."""
        ...

    def look(self, devices: int) -> None:
        """Ask these field devices now (a mask); ``set_field`` at once and with each answer."""
        ...

    def became_active(self, epoch: int, reason: str, cold: bool) -> None:
        """The outputs are ours. The first writes go out at once, unless ``cold``: then the field comes first."""
        ...

    def became_standby(self, reason: str) -> None:
        """The outputs are no longer ours: abort what is on its way, stop scanning."""
        ...

    def event(self, text: str, kind: str) -> None:
        """One line for the journal; kind is ``redundancy``."""
        ...
