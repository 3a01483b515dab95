"""A transmitter that shows what it measures in several ways.

Called by   ``devices.processes`` through the registry.
Knows       its declaration (``field_io.behaviours.TRANSMITTER``); NAMUR NE 43 for the current.
"""

from collections.abc import Mapping

from field_io.devices.behaviours.behaviour import Roles, State
from field_io.instruments import CURRENT_MAX_MA, CURRENT_MIN_MA
from field_io.signals import lag_share


class Transmitter:
    """Value, share of the range, current, flags, extremes."""

    def __init__(self, roles: Roles, numbers: Mapping[str, float], stream: int) -> None:
        self._roles, self._numbers = roles, numbers
        self._damped: float | None = None
        self._extremes = [0.0, 0.0]

    def step(self, values: list[float], dt_s: float) -> None:
        """One step on. The first value is taken as it is: damping begins where the plant stands."""
        roles, low = self._roles, self._numbers["low"]
        measured = roles.get(values, "measured", low if self._damped is None else self._damped)
        if self._damped is None:
            self._damped, self._extremes = measured, [measured, measured]
        self._damped += lag_share(dt_s, self._numbers["damping"]) * (measured - self._damped)
        damped = self._damped
        self._extremes = [min(self._extremes[0], damped), max(self._extremes[1], damped)]
        span = self._numbers["high"] - low
        share = (damped - low) / span if span else 0.0
        roles.put(values, "value", damped)
        roles.put(values, "percent", 100.0 * share)
        roles.put(values, "current", min(max(4.0 + 16.0 * share, CURRENT_MIN_MA), CURRENT_MAX_MA))
        roles.put(values, "out_of_range", 0.0 if 0.0 <= share <= 1.0 else 1.0)
        roles.put(values, "minimum", self._extremes[0])
        roles.put(values, "maximum", self._extremes[1])

    def driven(self, role: str) -> float:
        """Nothing."""
        raise KeyError(role)

    def snapshot(self) -> State:
        """Damped value and extremes; nothing before the first step."""
        return [] if self._damped is None else [self._damped, *self._extremes]

    def restore(self, state: State) -> None:
        """Inverse of ``snapshot``."""
        self._damped = state[0] if state else None
        self._extremes = state[1:] or [0.0, 0.0]
