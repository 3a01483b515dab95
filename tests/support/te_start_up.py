"""A start-up of the Tennessee Eastman plant from its coldest state, to show that there is a way.

Used by     the tests of the cold state. It looks at true compositions, which an operator's analysers show later.

1. Warm up: the compressor's bypass open (its heat goes to the reactor), steam on, E, A and A+C fed to 2600 kPa with
   42 % of E in the gas, a little purge; no cooling. The reaction of E begins to carry itself at 75 degC, with 9 m3 in
   the reactor, so that its coil is covered.
2. Ramp: cooling holds the temperature on a ramp of 0.5 K/min to 120.4 degC, while the load rises to 100 % in 3.5 hours.
"""

from dataclasses import dataclass

from plant_models.model import PlantModel

PRESSURE_KPA, E_SHARE, A_SHARE = 2600.0, 0.42, 0.34
LIGHT_OFF_C, FINAL_C = 75.0, 120.4
RAMP_C_MIN, LOAD_PER_S = 0.5, 0.85 / 10800.0
BASE = {1: 63.053, 2: 53.98, 3: 24.644, 4: 61.302, 5: 22.21, 6: 40.064, 7: 38.1, 8: 46.534, 9: 47.446, 11: 18.114}


def clipped(value: float) -> float:
    return min(max(value, 0.0), 100.0)


@dataclass
class StartUp:
    """One start-up; ``second`` is called once per second."""

    plant: PlantModel
    load: float = 0.15
    setpoint_c: float = 0.0
    cooling: float = 0.0
    last_c: float = 0.0

    def gas(self, component: int) -> float:
        """Mole fraction in the reactor's feed; A = 0."""
        holdups = self.plant.states[27:35]
        return float(holdups[component] / holdups.sum())

    def move(self, valve: int, demand: float) -> None:
        self.plant.inputs[valve - 1] = clipped(demand)

    def levels(self, separator_m3: float, stripper_m3: float, separator: float, stripper: float) -> None:
        self.move(7, separator + 10.0 * (self.plant.get("separator_volume") - separator_m3))
        self.move(8, stripper + 10.0 * (self.plant.get("stripper_volume") - stripper_m3))

    def second(self) -> bool:
        """One second; True while the plant is being started."""
        pressure, temperature = self.plant.get("xmeas7"), self.plant.get("xmeas9")
        if self.setpoint_c == 0.0:
            self._warm_up(pressure)
            if temperature > LIGHT_OFF_C:
                self.setpoint_c = temperature
        else:
            self._ramp(pressure, temperature)
        self.last_c = temperature
        self.plant.advance(1.0)
        return self.load < 1.0 or abs(temperature - FINAL_C) > 0.5

    def _warm_up(self, pressure: float) -> None:
        self.levels(2.5, 2.5, 5.0, 5.0)
        for valve, demand in ((1, 0.0), (5, 100.0), (9, 100.0), (10, 0.0), (11, 0.0)):
            self.move(valve, demand)
        self.move(4, min(0.1 * (PRESSURE_KPA - pressure), 60.0))
        self.move(3, 60.0 if self.gas(0) < A_SHARE and pressure < PRESSURE_KPA + 30.0 else 0.0)
        self.move(2, 800.0 * (E_SHARE - self.gas(4)) if pressure < PRESSURE_KPA + 60.0 else 0.0)
        self.move(6, 100.0 if pressure > PRESSURE_KPA - 20.0 else 0.0)

    def _ramp(self, pressure: float, temperature: float) -> None:
        if temperature > self.setpoint_c - 3.0:
            self.setpoint_c = min(self.setpoint_c + RAMP_C_MIN / 60.0, FINAL_C)
        error = temperature - self.setpoint_c
        self.cooling = clipped(self.cooling + 0.002 * error)
        self.move(10, self.cooling + 2.0 * error + 360.0 * (temperature - self.last_c))
        if abs(error) < 5.0 and pressure < 2800.0:
            self.load = min(self.load + LOAD_PER_S, 1.0)
        load, room = self.load, min(max((2800.0 - pressure) / 100.0, 0.0), 1.0)
        self.levels(4.5, 4.4, BASE[7] * load, BASE[8] * load)
        self.move(1, room * clipped(BASE[1] * load + 400.0 * (0.069 - self.gas(3))))
        self.move(2, room * clipped(BASE[2] * load + 200.0 * (0.188 - self.gas(4))))
        self.move(3, room * clipped(BASE[3] * load + 200.0 * (0.322 - self.gas(0))))
        more = (
            200.0 * (0.264 - self.gas(2)) + 0.03 * (2650.0 - pressure) + 0.25 * load * (75.0 - self.plant.get("xmeas8"))
        )
        self.move(4, room * clipped(BASE[4] * load + more))
        self.move(6, BASE[6] * load + 0.15 * (pressure - 2705.0))
        self.move(11, BASE[11] * load)
        self.move(5, 100.0 + (BASE[5] - 100.0) * load)
        self.move(9, 100.0 + (BASE[9] - 100.0) * load)
