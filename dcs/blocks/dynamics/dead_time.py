"""DEAD_TIME block: the input as it was some time ago.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     62 scans of dead time are held sample by sample; a longer ``dead_time_max_s`` keeps every k-th one and reads
            between them. A changed dead time does not make OUT jump. A Bad input stops the line: OUT holds.
Source      transport delay; see ``dcs.blocks.dynamics.delay_line``.
"""

from typing import Any

from dcs.blocks.declare import block_type, f8, scale, signal, step
from dcs.blocks.dynamics.delay_line import delay_state, delayed
from dcs.blocks.regulation.transfer import bad_status_of, usable

DEAD_TIME = block_type(
    "DEAD_TIME",
    "Dead time",
    inputs=[signal("signal_in", "@signal_scale", "signal to delay")],
    state=[*delay_state("@signal_scale")],
    outputs=[signal("out", "@signal_scale", "delayed signal")],
    params=[
        scale("signal_scale", "range of input and output"),
        f8("dead_time_s", "s", "dead time", low=0.0, limited_by=("dead_time_min_s", "dead_time_max_s")),
        f8("dead_time_min_s", "s", "shortest dead time that an operator may write", low=0.0),
        f8("dead_time_max_s", "s", "longest dead time; it decides how often a sample is kept", default=60.0, low=0.0),
    ],
    published={"IN": "signal_in", "OUT": "out", "DEAD_TIME": "dead_time_s"},
    writable=("DEAD_TIME",),
)


@step(DEAD_TIME)
def dead_time(b: Any, dt_s: float) -> None:
    r""":math:`out(t) = in(t - T_d)`; a changed :math:`T_d` is approached at half a second (or minus one) per second."""
    if not usable(b.signal_in, b.signal_in_status):
        b.out_status = bad_status_of(b.signal_in_status)
        return
    b.out = delayed(b, b.signal_in, dt_s, b.dead_time_s, b.dead_time_max_s)
    b.out_status = b.signal_in_status & 0xFF
