"""The plant under the published controllers, many seconds in one compiled call.

Called by   ``reference.py`` users: command line, studies, ``batch``.
Knows       ``stepping`` and ``reference_control``.
"""

from plant_models.integrators import stages_of
from plant_models.kernel import Ends, kernel, parts_of
from plant_models.model import Vector
from plant_models.tennessee_eastman.reference_control import SEEN, clip_demands, control_second
from plant_models.tennessee_eastman.stepping import finish, measure, step


@kernel
def run_seconds(memory: Vector, ends: Ends, control: Vector, seconds: int, per_second: int, method: int) -> None:
    """``seconds`` seconds of closed loop with ``per_second`` steps of the integrator each."""
    p = parts_of(memory, ends)
    start_s = p.clock[0]
    dt_s = 1.0 / per_second
    stages = stages_of(method, p.states.shape[0])
    seen = control[SEEN:]
    for second in range(seconds):
        control_second(control, p.inputs)
        for number in range(per_second):
            if number == 0:
                step(p, seen, dt_s, method, stages)
            else:
                step(p, p.outputs, dt_s, method, stages)
            finish(p, start_s + second + (number + 1) * dt_s, dt_s)
        clip_demands(p.inputs)
    measure(p)
