"""Simple sources of values: constant, follow, ramp, sine, noise, total.

Called by   ``devices.processes`` through the registry.
Knows       their declarations are in ``field_io.behaviours``.
"""

import math
from collections.abc import Mapping

from dcs.core.units import find_unit
from field_io.behaviours import TOTALS
from field_io.devices.behaviours.behaviour import Roles, State, Stateless
from field_io.devices.behaviours.chance import gaussian
from field_io.signals import lag_share

Numbers = Mapping[str, float]


class Constant(Stateless):
    """A number that never changes."""

    def __init__(self, roles: Roles, numbers: Numbers, stream: int) -> None:
        super().__init__()
        self._roles, self._is = roles, numbers["is"]

    def step(self, values: list[float], dt_s: float) -> None:
        """The same again."""
        self._roles.put(values, "value", self._is)


class Follow(Stateless):
    """factor × source + offset."""

    def __init__(self, roles: Roles, numbers: Numbers, stream: int) -> None:
        super().__init__()
        self._roles, self._factor, self._offset = roles, numbers["factor"], numbers["offset"]

    def step(self, values: list[float], dt_s: float) -> None:
        """As the source is now."""
        self._roles.put(values, "value", self._factor * self._roles.get(values, "source") + self._offset)


class Ramp(Stateless):
    """A saw-tooth."""

    def __init__(self, roles: Roles, numbers: Numbers, stream: int) -> None:
        super().__init__()
        self._roles, self._low, self._period_s = roles, numbers["low"], numbers["period"]
        self._span = numbers["high"] - numbers["low"]

    def step(self, values: list[float], dt_s: float) -> None:
        """On by a step."""
        self.time_s += dt_s
        self._roles.put(
            values, "value", self._low + self._span * math.fmod(self.time_s, self._period_s) / self._period_s
        )


class Sine(Stateless):
    """mean + amplitude × sin."""

    def __init__(self, roles: Roles, numbers: Numbers, stream: int) -> None:
        super().__init__()
        self._roles, self._numbers = roles, numbers

    def step(self, values: list[float], dt_s: float) -> None:
        """On by a step."""
        self.time_s += dt_s
        n = self._numbers
        turns = self.time_s / n["period"] + n["phase"] / 100.0
        self._roles.put(values, "value", n["mean"] + n["amplitude"] * math.sin(2.0 * math.pi * math.fmod(turns, 1.0)))


class Noise:
    r"""White noise behind a first-order lag, :math:`x_{k+1} = x_k + a(w_k - x_k)`; its variance is that of the white
    noise times :math:`a/(2-a)`, which is made up for."""

    def __init__(self, roles: Roles, numbers: Numbers, stream: int) -> None:
        self._roles, self._numbers, self._stream = roles, numbers, stream
        self._lagged = 0.0
        self._count = 0

    def step(self, values: list[float], dt_s: float) -> None:
        """The next number."""
        share = lag_share(dt_s, self._numbers["lag"])
        if share > 0.0:
            white = gaussian(self._stream, self._count) * math.sqrt((2.0 - share) / share)
            self._lagged += share * (white - self._lagged)
            self._count += 1
        self._roles.put(values, "value", self._numbers["mean"] + self._numbers["deviation"] * self._lagged)

    def driven(self, role: str) -> float:
        """Nothing."""
        raise KeyError(role)

    def snapshot(self) -> State:
        """Where it is, and how many numbers were drawn."""
        return [self._lagged, float(self._count)]

    def restore(self, state: State) -> None:
        """Inverse of ``snapshot``."""
        self._lagged, self._count = state[0], int(state[1])


class Total:
    """The integral of a point over time, in the unit of the total."""

    def __init__(self, roles: Roles, numbers: Numbers, stream: int) -> None:
        self._roles = roles
        source, total = find_unit(roles.unit("source")), find_unit(roles.unit("value"))
        self._per_s = float(source.factor / total.factor) / TOTALS[source.dimension][1]
        self._total = numbers["begin"]

    def step(self, values: list[float], dt_s: float) -> None:
        """More by a step."""
        self._total += self._roles.get(values, "source") * self._per_s * dt_s
        self._roles.put(values, "value", self._total)

    def driven(self, role: str) -> float:
        """Nothing."""
        raise KeyError(role)

    def snapshot(self) -> State:
        """The total."""
        return [self._total]

    def restore(self, state: State) -> None:
        """Inverse of ``snapshot``."""
        (self._total,) = state
