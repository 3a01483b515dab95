"""What faults do to the signal of one point, as a function of the plant's step.

Called by   ``signals``.
Knows       kinds of faults by name (``fault_kinds``), random numbers without memory. No plant, no clock: a fault counts
            from one step to another, so its effect does not depend on how often anybody looks.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from field_io.dice import normal, uniform

ALWAYS = 1 << 62

BIAS, DRIFT, NOISE, SPIKE, QUANTISE = "bias", "drift", "noise", "spike", "quantise"
STUCK, OPEN_CIRCUIT, SHORT_CIRCUIT, FAILURE = "stuck", "open_circuit", "short_circuit", "failure"
CHECK, OFF_SPEC, MAINTENANCE = "check_function", "out_of_specification", "maintenance_required"
SWAPPED_BYTES, SWAPPED_WORDS = "swapped_bytes", "swapped_words"

_ORDER = {kind: at for at, kind in enumerate((BIAS, DRIFT, NOISE, SPIKE, QUANTISE))}
_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class SignalFault:
    """One fault of one point, from ``from_step`` on and before ``to_step``."""

    kind: str
    value: float  # in the point's unit; of a drift per hour
    chance: float  # of a spike, in a step of the plant
    key: int
    from_step: int
    to_step: int = ALWAYS

    def active(self, step: int) -> bool:
        """Does it count when ``step`` steps have been taken?"""
        return self.from_step <= step < self.to_step


class SignalFaults:
    """Faults of the points of one bank, by place."""

    def __init__(self) -> None:
        self._faults: dict[int, dict[str, SignalFault]] = {}

    def __bool__(self) -> bool:
        return bool(self._faults)

    @property
    def places(self) -> tuple[int, ...]:
        """Points that have a fault, or had one that nobody has taken away."""
        return tuple(self._faults)

    def begin(self, at: int, fault: SignalFault) -> None:
        """A fault of one kind takes the place of an older one of the same kind."""
        self._faults.setdefault(at, {})[fault.kind] = fault

    def end(self, at: int, kind: str) -> None:
        """As if it had never been."""
        faults = self._faults.get(at, {})
        faults.pop(kind, None)
        if not faults:
            self._faults.pop(at, None)

    def at(self, at: int, step: int) -> dict[str, SignalFault]:
        """Those that count now, by kind."""
        return {kind: fault for kind, fault in self._faults.get(at, {}).items() if fault.active(step)}

    def snapshot(self) -> list[Any]:
        """JSON types."""
        return [[at, asdict(fault)] for at, faults in sorted(self._faults.items()) for fault in faults.values()]

    def restore(self, snapshot: Iterable[Any]) -> None:
        """Inverse of ``snapshot``."""
        self._faults = {}
        for at, fault in snapshot:
            self.begin(int(at), SignalFault(**fault))


def disturbed(value: float, faults: dict[str, SignalFault], step: int, step_s: float) -> float:
    """What an instrument with these faults says instead of ``value``; the order in which they began does not matter."""
    for fault in sorted((f for f in faults.values() if f.kind in _ORDER), key=lambda f: _ORDER[f.kind]):
        match fault.kind:
            case "bias":
                value += fault.value
            case "drift":
                value += fault.value * (step - fault.from_step) * step_s / _SECONDS_PER_HOUR
            case "noise":
                value += fault.value * normal(fault.key, step)
            case "spike":
                if uniform(fault.key, 2 * step) < fault.chance:
                    value += fault.value if uniform(fault.key, 2 * step + 1) < 0.5 else -fault.value
            case "quantise" if math.isfinite(value):
                value = round(value / fault.value) * fault.value
    return value
