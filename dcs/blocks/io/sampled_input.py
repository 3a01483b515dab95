"""SAMPLED_INPUT block: a measurement that comes now and then, such as that of a chromatograph.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     a value is new when the device has counted another sample, and only then; in between it is held. A device
            that counts no further goes on showing its last values: after ``missed_max`` samples that did not come the
            value is Bad, whatever the device says. The first value counts as a new one; its age is not known and
            begins at 0.
Source      function blocks for sampled analysers: Shinskey, Process Control Systems (sampled-data control).
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.regulation.transfer import bad_status_of, plain_status, usable
from dcs.core.status import BAD, GOOD, STATUS_GOOD, STATUS_NO_COMM_LAST_USABLE, quality_of

SAMPLED_INPUT = block_type(
    "SAMPLED_INPUT",
    "Sampled input",
    inputs=[
        signal("inp", "@scale", "what the device shows"),
        signal("samples", "", "how many samples it has counted; it may start again from 0"),
    ],
    state=[
        f8("counted", "", "count of the device at the last sample"),
        f8("elapsed_s", "s", "period plus declared slips"),
        i8("seeded", "1 once there is a sample"),
    ],
    outputs=[
        signal("out", "@scale", "value of the last sample"),
        signal("sample", "", "changes with every new sample: the trigger of a PID"),
        f8("age_s", "s", "time since the last sample came"),
        f8("next_s", "s", "time until the next one is due; below 0 it is late"),
        i8("stale", "1 while too many samples are missing", low=0, high=1),
    ],
    params=[
        scale("scale", "range of the value"),
        f8("sample_s", "s", "time between two samples", default=360.0, low=0.1),
        f8("missed_max", "", "how many samples may fail to come before the value is Bad", default=3.0, low=1.0),
    ],
    published={
        "PV": "out",
        "IN": "inp",
        "SAMPLE": "sample",
        "AGE": "age_s",
        "NEXT": "next_s",
        "STALE": "stale",
        "PERIOD": "sample_s",
    },
)  # fmt: skip


@step(SAMPLED_INPUT)
def sampled_input(b: Any, dt_s: float) -> None:
    r""":math:`out_k = in(t_k)`, where :math:`t_k` are the scans in which SAMPLES has changed.

    A sample whose value is Bad, or a count that cannot be read, is no sample: OUT stays, and grows older.
    """
    counts = usable(b.samples, b.samples_status) and quality_of(b.samples_status) >= GOOD
    b.age_s = b.age_s + b.elapsed_s
    if usable(b.inp, b.inp_status) and counts and (b.seeded == 0 or b.samples != b.counted):
        b.out = b.inp
        b.out_status = plain_status(b.inp_status)
        b.counted = b.samples
        b.sample = b.sample + 1.0 if b.sample < 1e9 else 1.0
        b.age_s = 0.0
        b.seeded = 1
    b.stale = 1 if b.seeded != 0 and b.age_s > b.missed_max * b.sample_s + 0.5 * dt_s else 0
    if b.stale != 0:
        b.out_status = STATUS_NO_COMM_LAST_USABLE
    elif b.seeded == 0:
        b.out_status = bad_status_of(b.inp_status)
    b.sample_status = b.out_status & 0xFC if quality_of(b.out_status) == BAD else STATUS_GOOD
    next_s = b.sample_s - b.age_s
    if math.isfinite(next_s):
        b.next_s = next_s
