"""Samples, and whether the notifications of a subscription have come in full.

Called by   both peers of a session, the driver, simulated devices. Pure.
"""

from typing import NamedTuple

_SEQUENCE_MAX = 2**32 - 1


class UaSample(NamedTuple):
    """One value as the server gave it."""

    value: bool | int | float | str | None  # None: the server gave no value, or one that is neither number nor text
    code: int = 0
    source_ns: int = 0  # UTC by the clock of the device; 0: it gave none


class NodeInfo(NamedTuple):
    """What was found out about a node when the session began."""

    code: int
    type: str = ""  # ``variants``; "" = it holds neither numbers nor texts


class Sequence:
    """The numbers of a subscription's notification messages: 1, 2, 3 …; a keep-alive announces the next one."""

    def __init__(self) -> None:
        self._next = 0

    def gap(self, number: int, keep_alive: bool) -> str:
        """A message has come; a sentence when messages before it have not, otherwise "". 0 says nothing."""
        expected, lost = self._next, ""
        if expected and number and number != expected:
            lost = f"notification {number} came where {expected} was due"
        if number:
            self._next = number if keep_alive else number % _SEQUENCE_MAX + 1
        return lost
