"""Reset station: one button resets many, if its conditions are fulfilled.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     a button that hangs, or a Bad signal, resets nothing.
Source      IEC 61511-1:2016, 10.3 (reset after a trip); IEC 60204-1, 9.2 (a reset starts nothing by itself).
"""

from collections.abc import Mapping
from typing import Any

from dcs.alarms.machine import delay_over
from dcs.blocks.declare import Text, Translation, block_type, f8, i8, signal, signals, step
from dcs.blocks.safety.maintenance import is_on, label_texts, reset_asked
from dcs.core.status import STATUS_GOOD

CONDITIONS = 8
DONE, REFUSED = 1, 2


def translate_labels(given: Mapping[str, Any]) -> Translation:
    """``labels: [area clear, key]``."""
    names = label_texts(given, CONDITIONS, "condition")
    return Translation({}, {"missing": names, "event": names})


RESET_STATION = block_type(
    "RESET_STATION",
    "Reset station",
    inputs=[
        signal("reset_in", "", "button: resets when it goes to 1"),
        signals("cond", CONDITIONS, "", "condition: 1 permits the reset"),
    ],
    state=[
        i8("cond_linked", "1 when the condition is wired", count=CONDITIONS),
        i8("reset_before", "RESET_IN when it was last good", default=1),
        f8("timer_s", "s", "how long the pulse has stood"),
        f8("elapsed_s", "s", "period plus declared slips"),
        i8("event", "line for the journal"),
        f8("event_value", "", "missing condition"),
    ],
    outputs=[
        signal("out", "", "1 for the time of the pulse, to RESET_IN of the blocks to reset"),
        i8("missing", "first condition that is not fulfilled"),
        i8("uses", "how often it has reset"),
    ],
    params=[
        i8("reset", "1: reset, by the operator", low=0, high=1),
        f8("pulse_s", "s", "length of the pulse, at least one scan", default=1.0, low=0.0),
    ],
    optional_inputs=("reset_in", "cond"),
    published={"PV": "out", "MISSING": "missing", "USES": "uses", "RESET": "reset"},
    writable=("RESET",),
    texts=[Text("labels", "names of the conditions, in order, for MISSING and the journal")],
    translate=translate_labels,
    events={DONE: "reset", REFUSED: "reset refused: {name} is not fulfilled"},
)


@step(RESET_STATION)
def reset_station(b: Any, dt_s: float) -> None:
    """A pulse on `out` when the button goes to 1 or the operator writes `RESET`, while every wired condition is 1.

    A Bad condition is not fulfilled. What is pressed while the pulse stands makes no second one. Reset inputs act on
    their edge, so one station may be wired to any number of blocks.
    """
    b.missing = 0
    for i in range(CONDITIONS):
        if b.cond_linked[i] != 0 and not is_on(b.cond[i], b.cond_status[i]) and b.missing == 0:
            b.missing = i + 1
    asked = reset_asked(b)
    if b.out != 0.0:
        b.timer_s = b.timer_s + b.elapsed_s
        if delay_over(b.timer_s, b.pulse_s, dt_s):
            b.out = 0.0
    elif asked:
        b.event_value = 1.0 * b.missing
        if b.missing == 0:
            b.event = DONE
            b.out = 1.0
            b.timer_s = 0.0
            b.uses += 1
        else:
            b.event = REFUSED
    b.out_status = STATUS_GOOD
