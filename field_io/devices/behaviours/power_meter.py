r"""A meter in a three-phase network.

Called by   ``devices.processes`` through the registry.
Knows       its declaration (``field_io.behaviours.POWER_METER``).
Model       each phase: :math:`S = VI`, :math:`P = S\cos\varphi`, :math:`Q = S\sin\varphi`; totals are sums, energies
            are integrals; voltages between phases by the law of cosines at 120°,
            :math:`V_{12} = \sqrt{V_1^2 + V_2^2 + V_1V_2}`.
Promise     at every step S² = P² + Q² in each phase, totals are the sums of phases, and an energy grows by the power.
"""

import math
from collections.abc import Mapping

from field_io.devices.behaviours.behaviour import Roles, State
from field_io.devices.behaviours.chance import gaussian

_PHASES = ("l1", "l2", "l3")
_PAIRS = (("l1_l2", 0, 1), ("l2_l3", 1, 2), ("l3_l1", 2, 0))
_WS_PER_KWH = 3.6e6
_FREQUENCY_DEVIATION = 1e-4


class PowerMeter:
    """Voltages, currents, powers and energies that agree."""

    def __init__(self, roles: Roles, numbers: Mapping[str, float], stream: int) -> None:
        self._roles, self._numbers, self._stream = roles, numbers, stream
        self._time_s = 0.0
        self._second = -1
        self._noise: list[float] = []  # of this second: three voltages, the load, the frequency; without unit
        self._taken = [0.0, 0.0, 0.0]  # Ws a phase
        self._given = [0.0, 0.0, 0.0]
        self._reactive = [0.0, 0.0]  # vars: taken, given

    def _draw(self) -> None:
        """New noise every second, as a meter measures: the numbers follow from the time."""
        second = int(self._time_s)
        if second != self._second:
            self._second = second
            white = [gaussian(self._stream, 5 * second + number) for number in range(5)]
            self._noise = [1.0 + self._numbers["noise"] / 100.0 * one for one in white[:4]]
            self._noise.append(1.0 + _FREQUENCY_DEVIATION * white[4])

    def step(self, values: list[float], dt_s: float) -> None:
        """One step on."""
        n = self._numbers
        self._time_s += dt_s
        self._draw()
        voltages = [n["voltage"] * noise for noise in self._noise[:3]]
        cosine = min(n["power_factor"], 1.0)
        shares = [1.0 + n["unbalance"] / 100.0, 1.0, 1.0 - n["unbalance"] / 100.0]
        if "load" in self._roles:
            load_w = self._roles.get(values, "load")
            currents = [
                share * load_w / (3.0 * cosine * voltages[at]) if voltages[at] else 0.0
                for at, share in enumerate(shares)
            ]
        else:
            swing = math.sin(2.0 * math.pi * math.fmod(self._time_s / n["period"], 1.0))
            factor = (1.0 + n["swing"] / 100.0 * swing) * self._noise[3]
            currents = [n["current"] * factor * share for share in shares]
        apparent = [v * i for v, i in zip(voltages, currents, strict=True)]
        active = [s * cosine for s in apparent]
        reactive = [abs(s) * math.sqrt(1.0 - cosine * cosine) for s in apparent]
        self._count_energy(active, reactive, dt_s)
        self._show(values, voltages, [abs(i) for i in currents], active, reactive, [abs(s) for s in apparent])

    def _count_energy(self, active: list[float], reactive: list[float], dt_s: float) -> None:
        for at, power in enumerate(active):
            (self._taken if power >= 0.0 else self._given)[at] += abs(power) * dt_s
        total = sum(reactive)
        self._reactive[0 if total >= 0.0 else 1] += abs(total) * dt_s

    def _show(
        self,
        values: list[float],
        voltages: list[float],
        currents: list[float],
        active: list[float],
        reactive: list[float],
        apparent: list[float],
    ) -> None:
        put = self._roles.put
        for at, phase in enumerate(_PHASES):
            put(values, f"voltage_{phase}", voltages[at])
            put(values, f"current_{phase}", currents[at])
            put(values, f"power_{phase}", active[at])
            put(values, f"reactive_power_{phase}", reactive[at])
            put(values, f"apparent_power_{phase}", apparent[at])
            put(values, f"power_factor_{phase}", active[at] / apparent[at] if apparent[at] else 1.0)
            put(values, f"energy_import_{phase}", self._taken[at] / _WS_PER_KWH)
            put(values, f"energy_export_{phase}", self._given[at] / _WS_PER_KWH)
        between = [math.sqrt(voltages[a] ** 2 + voltages[b] ** 2 + voltages[a] * voltages[b]) for _, a, b in _PAIRS]
        for (pair, _, _), voltage in zip(_PAIRS, between, strict=True):
            put(values, f"voltage_{pair}", voltage)
        put(values, "voltage_average", sum(voltages) / 3.0)
        put(values, "voltage_ll_average", sum(between) / 3.0)
        put(values, "current_average", sum(currents) / 3.0)
        put(values, "current_sum", sum(currents))
        put(values, "power_total", sum(active))
        put(values, "reactive_power_total", sum(reactive))
        put(values, "apparent_power_total", sum(apparent))
        put(values, "power_factor_total", sum(active) / sum(apparent) if sum(apparent) else 1.0)
        put(values, "frequency", self._numbers["frequency"] * self._noise[4])
        put(values, "energy_import", sum(self._taken) / _WS_PER_KWH)
        put(values, "energy_export", sum(self._given) / _WS_PER_KWH)
        put(values, "energy_total", (sum(self._taken) + sum(self._given)) / _WS_PER_KWH)
        put(values, "reactive_energy_import", self._reactive[0] / _WS_PER_KWH)
        put(values, "reactive_energy_export", self._reactive[1] / _WS_PER_KWH)

    def driven(self, role: str) -> float:
        """Nothing."""
        raise KeyError(role)

    def snapshot(self) -> State:
        """Time and energies."""
        return [self._time_s, *self._taken, *self._given, *self._reactive]

    def restore(self, state: State) -> None:
        """Inverse of ``snapshot``."""
        self._time_s, self._second = state[0], -1
        self._taken, self._given, self._reactive = state[1:4], state[4:7], state[7:9]
