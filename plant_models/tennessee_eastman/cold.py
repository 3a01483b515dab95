r"""How far down the plant can be taken: from the base case to cold, nearly empty and nearly without pressure.

Called by   tests, and by hand where ``cold_state`` is made anew.
Knows       a plant and its demands.

Feeds and steam are shut, cooling is opened, the purge takes the gas away, separator and stripper are drained. When the
separator is down to 200 kPa gauge, everything is closed and the plant is left standing. What binds:

- temperature: nothing in the model is colder than its cooling water, 35 degC at the reactor; vessels end at 32 … 36;
- pressure: the flows go with the root of small pressure differences, and the compressor's with the cube of a ratio, so
  the fastest time constant falls with the pressure: 1.8 s at base, 0.55 s at 200 kPa. Below 165 kPa explicit Euler with
  1 s oscillates; RK4 goes on to atmospheric pressure;
- reactor: its liquid has no drain, it leaves as vapour alone; and the compressor cannot be stopped. Its heat is taken
  from the separator and given to the gas that goes to the reactor, so about 1 m3/h of liquid moves from the reactor to
  the separator. From 7.1 m3 the lower limit of 2 m3 is five hours away;
- separator and stripper: lower limits of 1 m3; both stand at 1.5 m3.
"""

from plant_models.model import PlantModel

PRESSURE_KPA = 200.0
HEEL_M3 = 1.5
_GAIN = 40.0  # % of valve per m3
_CLOSED = ("xmv1", "xmv2", "xmv3", "xmv4", "xmv5", "xmv9")
_OPEN = ("xmv6", "xmv10", "xmv11")
_STEPS = 20  # of 1 s between two looks
_LOOKS_MAX = 5000
_STANDING_S = 600


def cool_down(plant: PlantModel, pressure_kpa: float = PRESSURE_KPA) -> None:
    """Take a plant from the base case to its coldest state. Raises ``ArithmeticError`` if it trips on the way."""
    for name in _CLOSED:
        plant.set(name, 0.0)
    for name in _OPEN:
        plant.set(name, 100.0)
    for _ in range(_LOOKS_MAX):
        for valve, volume in (("xmv7", "separator_volume"), ("xmv8", "stripper_volume")):
            plant.set(valve, min(max(_GAIN * (plant.get(volume) - HEEL_M3), 0.0), 100.0))
        plant.advance(1.0, _STEPS)
        if plant.active_conditions():
            raise ArithmeticError(f"the plant tripped while it was cooled: {', '.join(plant.active_conditions())}")
        if plant.get("xmeas13") < pressure_kpa:
            break
    for name in ("xmv6", "xmv7", "xmv8"):
        plant.set(name, 0.0)
    plant.advance(1.0, _STANDING_S)
