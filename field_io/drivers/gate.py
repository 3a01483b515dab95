"""The gate of the outputs, as whoever sends them asks it.

Called by   the drivers and their links; made by ``dcs.node.controller``.
Behaviour   DESIGN, rule 6: it is asked at the very send call, with nothing queued behind it. Where a device checks
            epochs, the epoch stands in the request before it is sent; ``at_epoch`` closes the gate for a request whose
            epoch is not the present one any more.
"""

from collections.abc import Callable

from dcs.core.errors import DcsError

Gate = Callable[[], int]
"""The epoch that a write may carry at this instant; 0 (or False): nothing may be sent."""

CLOSED = "not sent: this controller has no authority over the outputs"


class GateClosed(DcsError):
    """The write was not sent: at the moment of sending the gate was closed."""


class StaleEpoch(DcsError):
    """The device refused a write: it has accepted a higher epoch before."""

    def __init__(self, known: int, sent: int) -> None:
        self.known = known
        super().__init__(f"the device refused epoch {sent}: it has accepted epoch {known} before")


def at_epoch(gate: Gate, epoch: int) -> Gate:
    """The gate of one request that carries ``epoch``."""
    return lambda: gate() == epoch
