"""The machine, compiled and uncompiled, behind one call."""

import math
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from dcs.blocks import program
from dcs.blocks.maths.calc import LIMITS, SYMBOLS, VARIABLES_AT, WORDS
from dcs.engine.kernels import _jitted
from dcs.structured_text.compiler import Compiler, Section


@cache
def _compiled() -> Any:
    inner = _jitted(program.execute, {})

    @njit(error_model="numpy")
    def call(code, start, end, consts, memory, memory_status, stack, stack_status):
        return inner(code, start, end, consts, memory, memory_status, stack, stack_status)

    return call


def compiler() -> Compiler:
    """With the names of a CALC block."""
    return Compiler(SYMBOLS, VARIABLES_AT, LIMITS)


class Run:
    """One execution of a program of a CALC block; inputs are (value, status)."""

    def __init__(self, made: Compiler, section: Section, inputs: list[tuple[float, int]], compiled: bool) -> None:
        memory = [0.0] * WORDS
        statuses = [program.UNTOUCHED] * WORDS
        for slot, (value, status) in enumerate(inputs):
            memory[slot] = value if math.isfinite(value) else 0.0
            statuses[slot] = program.plain_status(value, status)
        for offset, value in enumerate(made.initial):
            memory[VARIABLES_AT + offset] = value
        code, consts = [int(word) for word in made.code], list(made.consts)
        stack, stack_status = [0.0] * LIMITS.stack, [0] * LIMITS.stack
        if compiled:
            arrays = (
                np.array(memory), np.array(statuses, np.int64), np.array(stack), np.array(stack_status, np.int64),
            )  # fmt: skip
            self.fault = int(
                _compiled()(np.array(code, np.int64), section.start, section.end, np.array(consts or [0.0]), *arrays)
            )
            memory, statuses, stack, stack_status = (array.tolist() for array in arrays)
        else:
            self.fault = program.execute(
                code, section.start, section.end, consts, memory, statuses, stack, stack_status
            )
        self.memory, self.statuses, self.stack, self.stack_status = memory, statuses, stack, stack_status

    @property
    def everything(self) -> str:
        """All that it left behind, to the bit."""
        return repr((self.fault, self.memory, self.statuses, self.stack, self.stack_status))


def value_of(text: str, *inputs: float, compiled: bool = False) -> tuple[float, int]:
    """Value and status of an expression; the inputs are Good."""
    made = compiler()
    section = made.program_or_expression(text, "OUT1")
    run = Run(made, section, [(value, program.STATUS_GOOD) for value in inputs], compiled)
    at = SYMBOLS[8].slot
    return run.memory[at], run.statuses[at]
