"""The faults of one simulated point, begun and ended by kind.

Called by   ``devices.simulation``, which hands it to ``field_io.faults`` as a target.
Knows       the bank of instruments or actuators that the point is in, and its device, whose registers may be swapped.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from field_io.fault_kinds import point_subject
from field_io.faults import ActiveFault, with_value
from field_io.signal_faults import ALWAYS, SWAPPED_BYTES, SWAPPED_WORDS, SignalFault
from field_io.specs import PointSpec

_SWAPS = (SWAPPED_BYTES, SWAPPED_WORDS)


class Bank(Protocol):
    """``signals.Transmitters`` or ``signals.Actuators``."""

    def begin(self, at: int, fault: SignalFault) -> None: ...
    def end(self, at: int, kind: str) -> None: ...
    def value(self, at: int) -> float:
        """Where the point stands now, in its unit."""
        ...


class Registers(Protocol):
    """The device of the point."""

    def swap(self, name: str, kinds: tuple[str, ...]) -> None:
        """Bytes or words of this point change places from now on."""
        ...


class Steps(Protocol):
    """The time of the plant."""

    def advance(self) -> int: ...
    @property
    def steps(self) -> int: ...


class PointTarget:
    """One point as a target of faults (``field_io.faults.FaultTarget``)."""

    def __init__(
        self,
        point: PointSpec,
        bank: Bank,
        at: int,
        device: Registers,
        time: Steps,
        step_ns: int,
        changed: Callable[[], None],
    ) -> None:
        """``changed`` is called when the registers must be written anew though the plant has not moved."""
        self.subject = point_subject(point)
        self._point = point
        self._bank = bank
        self._at = at
        self._device = device
        self._time = time
        self._step_ns = step_ns
        self._changed = changed
        self._active: dict[str, ActiveFault] = {}

    @property
    def active(self) -> Mapping[str, ActiveFault]:
        return self._active

    def begin(self, fault: ActiveFault) -> ActiveFault:
        """See ``FaultTarget``."""
        self._time.advance()
        kind = fault.fault.kind
        if fault.fault.value is None and kind in ("stuck", "check_function"):
            fault = with_value(fault, self._bank.value(self._at))
        self._active[kind] = fault
        if kind in _SWAPS:
            self._swap()
        else:
            now, for_ns = self._time.steps, fault.fault.for_ns
            last = now + -(-for_ns // self._step_ns) if for_ns else ALWAYS
            value, chance = fault.fault.value or 0.0, fault.fault.chance_pct / 100.0
            self._bank.begin(self._at, SignalFault(kind, value, chance, fault.key, now, last))
        self._changed()
        return fault

    def end(self, kind: str) -> None:
        """See ``FaultTarget``."""
        if self._active.pop(kind, None) is None:
            return
        self._time.advance()
        if kind in _SWAPS:
            self._swap()
        else:
            self._bank.end(self._at, kind)
        self._changed()

    def restore(self, faults: Mapping[str, ActiveFault]) -> None:
        """These and no others; what they do to the signal is in the snapshot of the bank."""
        self._active = dict(faults)
        self._swap()

    def _swap(self) -> None:
        self._device.swap(self._point.name, tuple(kind for kind in _SWAPS if kind in self._active))
