"""Whether a device is reached, and who is told when that changes.

Called by   the drivers, at every answer and every failure.
Knows       nothing of the device: ``failing`` says whether the last attempt had no answer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from field_io.drivers.backoff import FIRST_NS


class Contact:
    """``changed`` is called when ``is_lost`` changes, and with every answer or failure while somebody is looking."""

    def __init__(self, failing: Callable[[], bool]) -> None:
        self.changed: Callable[[], None] = lambda: None
        self._failing = failing
        self._was_lost = False
        self._looks = 0  # under way
        self._reopening = False  # the connection ended, and nothing is known of a new one yet
        self._reopened_ns = -(2**62)

    @property
    def is_lost(self) -> bool:
        """The connection ended, or the last attempt had no answer."""
        return self._reopening or self._failing()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Somebody wants to know now."""
        self._looks += 1
        try:
            yield
        finally:
            self._looks -= 1

    def connection_ended(self, now_ns: int) -> bool:
        """By itself. Many a device closes it when it is idle: True when a new one is to be tried at once."""
        if self._failing() or now_ns - self._reopened_ns < FIRST_NS:
            return False
        self._reopened_ns = now_ns
        self._reopening = True
        self._tell()
        return True

    def attempt_over(self) -> None:
        """There was an answer, or none."""
        self._reopening = False
        self._tell()

    def _tell(self) -> None:
        if self._looks or self.is_lost != self._was_lost:
            self._was_lost = self.is_lost
            self.changed()
