"""Calculation block: the user's own formula or program in structured text (IEC 61131-3).

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its variables, its program as numbers. ``translate`` makes those from the text, once, when
            the configuration is checked. No clock, no I/O, no log.
Behaviour   docs/how-to/write-a-calculation.md; how statuses travel through a program: ``dcs.blocks.program``.
Source      IEC 61131-3, structured text.

Memory of the program: IN1 … IN8, OUT1 … OUT4, DT, then its own variables.
"""

import math
from collections.abc import Mapping
from typing import Any

from dcs.blocks.declare import Named, Text, Translation, block_type, f8, i8, scale, signals, step
from dcs.blocks.program import FAULT_TEXTS, UNTOUCHED, execute, plain_status
from dcs.core.errors import ConfigError
from dcs.core.status import BAD, CONFIGURATION_ERROR, INITIAL_VALUE, STATUS_GOOD, UNCERTAIN, make_status
from dcs.structured_text.compiler import Compiler
from dcs.structured_text.generator import Limits
from dcs.structured_text.scope import INPUT, OUTPUT, READ_ONLY, Symbol

INPUTS, OUTPUTS, VARIABLES = 8, 4, 32
OUTPUTS_AT = INPUTS
DT_AT = OUTPUTS_AT + OUTPUTS
VARIABLES_AT = DT_AT + 1
WORDS = VARIABLES_AT + VARIABLES
LIMITS = Limits(code=256, consts=32, stack=16, variables=VARIABLES)

SYMBOLS = (
    *(Symbol(f"IN{n + 1}", n, "REAL", INPUT) for n in range(INPUTS)),
    *(Symbol(f"OUT{n + 1}", OUTPUTS_AT + n, "REAL", OUTPUT) for n in range(OUTPUTS)),
    Symbol("DT", DT_AT, "REAL", READ_ONLY),
)


def translate(given: Mapping[str, Any]) -> Translation:
    """The program as numbers. Raises ``ConfigError`` with line and column in the text."""
    text = given.get("program")
    if text is None:
        raise ConfigError("there is no program. Write `program: IN1 + IN2`, or statements below `program: |`.")
    if isinstance(text, bool | int | float):
        text = str(text).upper()
    if not isinstance(text, str):
        raise ConfigError("program must be a text: an expression, or statements below `program: |`.")
    compiler = Compiler(SYMBOLS, VARIABLES_AT, LIMITS)
    section = compiler.program_or_expression(text, "OUT1")
    assigned = tuple(float(OUTPUTS_AT + n in section.assigns) for n in range(OUTPUTS))
    if not any(assigned):
        raise ConfigError("the program assigns nothing that leaves the block. Assign to OUT1.")
    return Translation(
        {
            "code": compiler.code,
            "code_end": float(section.end),
            "consts": compiler.consts,
            "initial": tuple(compiler.initial),
            "assigned": assigned,
        },
        {"event": compiler.places, "fault_at": compiler.places, "variable": compiler.variable_names},
    )


CALC = block_type(
    "CALC",
    "Calculation",
    inputs=[signals("inp", INPUTS, "*", "input")],
    state=[
        i8("started", "1 once the variables have their initial values", low=0, high=1),
        f8("memory", "", "values of the program: inputs, outputs, period, variables", count=WORDS),
        i8("memory_status", "their status bytes in this scan", count=WORDS),
        f8("stack", "", "intermediate values", count=LIMITS.stack),
        i8("stack_status", "their status bytes", count=LIMITS.stack),
        i8("event", "code of what is to be journalled"),
        f8("event_value", "", "where in the program"),
    ],
    outputs=[
        signals("out", OUTPUTS, "@out_scale", "result"),
        i8("fault", "what could not be computed", choices=[(text, code) for code, text in enumerate(FAULT_TEXTS)]),
        i8("fault_at", "where in the program that was"),
    ],
    params=[
        scale("out_scale", "range of the outputs"),
        i8("code_end", "instructions of the program", high=LIMITS.code),
        i8("code", "the program", count=LIMITS.code),
        f8("consts", "", "numbers of the program", count=LIMITS.consts),
        f8("initial", "", "initial values of the variables", count=VARIABLES),
        i8("assigned", "1 for an output that the program assigns", count=OUTPUTS),
    ],
    texts=[Text("program", "an expression, which is OUT1, or statements of structured text")],
    translate=translate,
    by_texts=("code_end", "code", "consts", "initial", "assigned"),
    named=[Named("memory", "variable", VARIABLES_AT, "initial")],
    optional_inputs=("inp",),
    published={"PV": "out_1", "OUT2": "out_2", "OUT3": "out_3", "OUT4": "out_4", "FAULT": "fault"},
    events={code: f"could not be computed: {text}, {{name}}" for code, text in enumerate(FAULT_TEXTS) if code},
)


@step(CALC)
def calc(b: Any, dt_s: float) -> None:
    """One execution of the program; outputs get the worst status of what they were computed from.

    An output that the program did not assign in this scan keeps value and status.
    """
    if b.started == 0:
        b.started = 1
        for i in range(VARIABLES):
            b.memory[VARIABLES_AT + i] = b.initial[i]
        for i in range(OUTPUTS):
            b.out_status[i] = make_status(BAD, CONFIGURATION_ERROR)
            if b.assigned[i] != 0:
                b.out_status[i] = make_status(UNCERTAIN, INITIAL_VALUE)
    for i in range(INPUTS):
        b.memory_status[i] = plain_status(b.inp[i], b.inp_status[i])
        if math.isfinite(b.inp[i]):
            b.memory[i] = b.inp[i]
    b.memory[DT_AT] = dt_s
    for i in range(OUTPUTS_AT, WORDS):
        b.memory_status[i] = UNTOUCHED
    b.memory_status[DT_AT] = STATUS_GOOD

    found = execute(b.code, 0, b.code_end, b.consts, b.memory, b.memory_status, b.stack, b.stack_status)

    for i in range(OUTPUTS):
        if b.memory_status[OUTPUTS_AT + i] != UNTOUCHED:
            b.out[i] = b.memory[OUTPUTS_AT + i]
            b.out_status[i] = b.memory_status[OUTPUTS_AT + i]
    fault, at = found & 255, found >> 8
    if fault != 0 and (fault != b.fault or at != b.fault_at):
        b.event = fault
        b.event_value = 1.0 * at
    b.fault = fault
    b.fault_at = at
