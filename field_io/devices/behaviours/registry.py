"""Which class computes which type of behaviour.

Called by   ``devices.processes``. A test holds it beside the declarations (``field_io.behaviours.KINDS``).
"""

from collections.abc import Callable, Mapping

from field_io.devices.behaviours.behaviour import Behaviour, Roles
from field_io.devices.behaviours.motor_starter import MotorStarter
from field_io.devices.behaviours.positioner import Positioner
from field_io.devices.behaviours.power_meter import PowerMeter
from field_io.devices.behaviours.sources import Constant, Follow, Noise, Ramp, Sine, Total
from field_io.devices.behaviours.transmitter import Transmitter

MAKERS: dict[str, Callable[[Roles, Mapping[str, float], int], Behaviour]] = {
    "constant": Constant,
    "follow": Follow,
    "ramp": Ramp,
    "sine": Sine,
    "noise": Noise,
    "total": Total,
    "transmitter": Transmitter,
    "positioner": Positioner,
    "motor_starter": MotorStarter,
    "power_meter": PowerMeter,
}
"""(roles, parameters, stream of random numbers) -> the behaviour."""
