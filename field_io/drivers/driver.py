"""What a controller needs of a field device, whatever it speaks and wherever it is.

Called by   ``dcs.node.field_side``; built by the assembly.
Peers       ``drivers.modbus`` over wire or memory links, ``drivers.opc_ua``, ``links.direct`` (no messages at all),
            ``drivers.replay``; one contract suite runs on all (tests/contracts/test_drivers.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dcs.bus.messages import LinkReport
from dcs.core.value import ProcessValue
from field_io.drivers.contact import Contact
from field_io.drivers.gate import Gate
from field_io.specs import DeviceSpec


class Image(NamedTuple):
    """All points of a device at one instant, in the order of ``DeviceSpec.points``; copies, yours to keep."""

    values: NDArray[np.float64]  # (points,) in the points' units; NaN before the first answer, and for a string
    statuses: NDArray[np.uint8]  # (points,)
    times_ns: NDArray[np.int64]  # (points,) UTC at which the device was asked, or its own source time


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """What became of one ``write``."""

    state: str  # written | refused (the gate was closed, nothing further was sent) | failed (see text)
    text: str = ""
    written: tuple[str, ...] = ()  # points the device acknowledged
    limited: tuple[str, ...] = ()  # points whose value did not fit their type and was clamped
    stale_epoch: int = 0  # the device refused: it has accepted this higher epoch before

    @property
    def ok(self) -> bool:
        """True when every point was acknowledged."""
        return self.state == "written"


class FieldDriver(Protocol):
    """One field device as a controller sees it. Field trouble becomes status; nothing here raises for it."""

    spec: DeviceSpec
    names: tuple[str, ...]  # points, in the order of every image

    @property
    def requests(self) -> int:
        """Sent so far."""
        ...

    @property
    def errors(self) -> int:
        """Refused or unanswered so far."""
        ...

    def image(self, now_ns: int) -> Image:
        """All points; ``now_ns`` is ``clock.monotonic_ns()`` and decides what is stale, and stale is Bad."""
        ...

    def read(self, name: str, now_ns: int) -> ProcessValue:
        """One point; Bad, no communication, last usable value once it is too old."""
        ...

    def reached(self, now_ns: int) -> bool:
        """True while the device keeps answering, polled or only asked for its health."""
        ...

    @property
    def state(self) -> str:
        """``up``, ``down`` or ``backing off``."""
        ...

    contact: Contact
    """Whether it is lost. Lost or answered lately; otherwise it is unknown."""

    @property
    def answered_ns(self) -> int:
        """Monotonic time of the last answer; far in the past before the first."""
        ...

    @property
    def degraded(self) -> bool:
        """It has two links, and one of them is lost."""
        ...

    def look(self) -> None:
        """Ask the device now, whatever is due: is it reached?"""
        ...

    def report(self) -> LinkReport:
        """The link as ``dcs status`` and the HMI show it."""
        ...

    def set_polling(self, polling: bool) -> None:
        """False (standby): health reads only. True: poll at once, then on schedule."""
        ...

    def abort(self) -> None:
        """Drop the connection at once (authority lost): a write in flight is not repeated."""
        ...

    async def run(self) -> None:
        """Connect and poll until cancelled; leaves no connection behind."""
        ...

    async def write(self, values: Mapping[str, float], may_write: Gate) -> WriteOutcome:
        """Send outputs in the points' units. ``may_write`` is asked at every send call, with nothing queued behind it.

        Raises ``KeyError`` for a name that is no output of this device.
        """
        ...
