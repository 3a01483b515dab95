"""All unit types.

Called by   the flowsheet's reader, the manual, tests.
"""

from plant_models.units import boundary, exchanger, mixer, motor, pipe, pump, separator, tank, transmitter, valve
from plant_models.units.declare import UnitType

UNIT_TYPES: dict[str, UnitType] = {
    one.name: one
    for one in (
        boundary.SOURCE,
        boundary.SINK,
        tank.TANK,
        valve.VALVE,
        pump.PUMP,
        pipe.PIPE,
        exchanger.EXCHANGER,
        mixer.MIXER,
        separator.SEPARATOR,
        motor.MOTOR,
        transmitter.TRANSMITTER,
    )
}
"""Every unit type by the name that a file uses."""
