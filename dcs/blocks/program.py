"""The virtual machine: executes the bytecode of a block's program inside its step.

Called by   steps of blocks with programs (CALC, SFC), with arrays of their record; compiled together with them.
Knows       instructions, numbers and status bytes. No names, no text: those stay in ``dcs.structured_text``.
Promise     it ends (jumps go forward only), it allocates nothing, it gives the same bits compiled and uncompiled, and
            no NaN or infinity is ever stored.
Source      expressions of IEC 61131-3; three-valued AND/OR: S. C. Kleene, Introduction to Metamathematics (1952), § 64.

Every value on the stack travels with a status byte. What is computed from two values has the worse status; what cannot
be computed (division by zero, square root of a negative number, overflow) is Bad. A Bad value is never stored: the
variable keeps what it had and is Bad for the rest of the scan. Where a condition is Bad, no branch is taken, and all
that a branch could have assigned is Bad; where it is Uncertain, they are at best Uncertain.

An instruction is one word, ``operation + 256 * operand``.
"""

import math
from typing import Any

from dcs.core.status import (
    BAD,
    GOOD,
    LAST_USABLE,
    SENSOR_FAILURE,
    STATUS_BAD,
    STATUS_GOOD,
    SUBSTITUTE,
    UNCERTAIN,
    make_status,
    quality_of,
)

# Operations that are treated alike stand side by side: a comparison of bounds compiles faster than a tuple.
# --- operations -----------------------------------------------------------------------------------------------
CONSTANT, LOAD, STORE, DROP = 1, 2, 3, 4
JUMP, JUMP_TRUE, JUMP_FALSE, ENTER, GUARD, JOIN, LEAVE = 5, 6, 7, 8, 9, 10, 11
IN_RANGE, SELECT, MULTIPLEX = 12, 13, 14
IS_GOOD, IS_BAD, IS_UNCERTAIN, AS_UNCERTAIN, AS_BAD = 15, 16, 17, 18, 19
# one operand
NEGATE, NOT, ABS, SQRT, LN, LOG, EXP, SIN, COS, TAN, ASIN, ACOS, ATAN = range(32, 45)
TRUNC, ROUND, CHECK_INT, CHECK_DINT, NOT_ZERO = range(45, 50)
# two operands
ADD, SUBTRACT, MULTIPLY, DIVIDE, DIVIDE_WHOLE, REMAINDER, POWER, MINIMUM, MAXIMUM = range(64, 73)
EQUAL, UNEQUAL, LESS, AT_MOST, GREATER, AT_LEAST, AND, OR, XOR = range(73, 82)

# --- faults ---------------------------------------------------------------------------------------------------
NO_FAULT, BY_ZERO, NOT_DEFINED, TOO_LARGE, NOT_IN_TYPE, NO_SUCH_CHOICE = 0, 1, 2, 3, 4, 5
FAULT_TEXTS = (
    "none",
    "division by zero",
    "argument outside of the function's domain",
    "result too large",
    "result outside of its integer type",
    "selector of MUX outside of its inputs",
)

UNTOUCHED = STATUS_GOOD + 1
"""Status word of a variable that nothing has been assigned to in this scan; reads as Good."""

BAD_INPUT = make_status(BAD, SENSOR_FAILURE)
EXP_MAX = 709.7
"""Above this the exponential function leaves the range of a double."""
WHOLE_MAX = 2147483648.0


def plain_status(value: float, status: int) -> int:
    """Status of an input as the machine keeps it: no limits, Good (cascade) as Good; Bad for what is no number."""
    quality = quality_of(status)
    if not math.isfinite(value) and quality != BAD:
        return BAD_INPUT
    if quality >= GOOD:
        return STATUS_GOOD
    return status & 0xFC


def worse(one: int, other: int) -> int:
    """The status of lower quality; the first of two equals."""
    if quality_of(other) < quality_of(one):
        return other
    return one


def whole(x: float) -> float:
    """Integer part, towards zero; for magnitudes up to 2^53."""
    if x < 0.0:
        return -float(math.floor(-x))
    return float(math.floor(x))


def nearest_whole(x: float) -> float:
    """Nearest integer, halves to the even one (IEC 60559); for magnitudes up to 2^52."""
    below = float(math.floor(x))
    rest = x - below
    if rest > 0.5 or (rest == 0.5 and below != 2.0 * float(math.floor(0.5 * below))):
        return below + 1.0
    return below


def repeated_product(x: float, exponent: float) -> float:
    """``x`` to a whole power by squaring and multiplying: the same bits on every machine. May be infinite."""
    rest = int(math.fabs(exponent))
    result, factor = 1.0, x
    while rest > 0:
        if rest & 1:
            result = result * factor
        factor = factor * factor
        rest = rest >> 1
    if exponent < 0.0:
        if result == 0.0:
            return math.inf
        return 1.0 / result
    return result


def power(x: float, exponent: float) -> tuple[float, int]:
    """``x ** exponent`` and a fault: whole exponents by multiplication, others as exp(exponent · ln x)."""
    if math.fabs(exponent) < WHOLE_MAX and exponent == float(math.floor(exponent)):
        if x == 0.0 and exponent < 0.0:
            return 0.0, BY_ZERO
        return repeated_product(x, exponent), NO_FAULT
    if x > 0.0:
        argument = exponent * math.log(x)
        if argument > EXP_MAX:
            return 0.0, TOO_LARGE
        return math.exp(argument), NO_FAULT
    if x == 0.0 and exponent > 0.0:
        return 0.0, NO_FAULT
    return 0.0, NOT_DEFINED


def one_operand(op: int, x: float) -> tuple[float, int]:
    """Result and fault of an operation with one operand."""
    if op == NEGATE:
        return -x, NO_FAULT
    if op == NOT:
        return 1.0 - x, NO_FAULT
    if op == NOT_ZERO:
        return (1.0 if x != 0.0 else 0.0), NO_FAULT
    if op == ABS:
        return math.fabs(x), NO_FAULT
    if CHECK_INT <= op <= CHECK_DINT:
        most = 32767.0 if op == CHECK_INT else 2147483647.0
        return (x + 0.0, NO_FAULT) if -most - 1.0 <= x <= most else (0.0, NOT_IN_TYPE)  # no integer is -0.0
    if TRUNC <= op <= ROUND:
        if math.fabs(x) > WHOLE_MAX:
            return 0.0, NOT_IN_TYPE
        return (whole(x) if op == TRUNC else nearest_whole(x)), NO_FAULT
    if op == SQRT:
        return (math.sqrt(x), NO_FAULT) if x >= 0.0 else (0.0, NOT_DEFINED)
    if op == LN:
        return (math.log(x), NO_FAULT) if x > 0.0 else (0.0, NOT_DEFINED)
    if op == LOG:
        return (math.log10(x), NO_FAULT) if x > 0.0 else (0.0, NOT_DEFINED)
    if op == EXP:
        return (math.exp(x), NO_FAULT) if x <= EXP_MAX else (0.0, TOO_LARGE)
    if op == SIN:
        return math.sin(x), NO_FAULT
    if op == COS:
        return math.cos(x), NO_FAULT
    if op == TAN:
        return math.tan(x), NO_FAULT
    if op == ATAN:
        return math.atan(x), NO_FAULT
    if not -1.0 <= x <= 1.0:
        return 0.0, NOT_DEFINED
    return (math.asin(x) if op == ASIN else math.acos(x)), NO_FAULT


def two_operands(op: int, x: float, y: float) -> tuple[float, int]:
    """Result and fault of an operation with two operands."""
    if op == ADD:
        return x + y, NO_FAULT
    if op == SUBTRACT:
        return x - y, NO_FAULT
    if op == MULTIPLY:
        return x * y, NO_FAULT
    if DIVIDE <= op <= REMAINDER:
        if y == 0.0:
            return 0.0, BY_ZERO
        if op == DIVIDE:
            return x / y, NO_FAULT
        quotient = whole(x / y)  # exact: both are integers below 2^32
        return (quotient if op == DIVIDE_WHOLE else x - quotient * y), NO_FAULT
    if op == POWER:
        return power(x, y)
    if op == MINIMUM:
        return (y if y < x else x), NO_FAULT
    if op == MAXIMUM:
        return (y if y > x else x), NO_FAULT
    if op == EQUAL:
        return (1.0 if x == y else 0.0), NO_FAULT
    if op == UNEQUAL:
        return (1.0 if x != y else 0.0), NO_FAULT
    if op == LESS:
        return (1.0 if x < y else 0.0), NO_FAULT
    if op == AT_MOST:
        return (1.0 if x <= y else 0.0), NO_FAULT
    if op == GREATER:
        return (1.0 if x > y else 0.0), NO_FAULT
    if op == AT_LEAST:
        return (1.0 if x >= y else 0.0), NO_FAULT
    if op == AND:
        return x * y, NO_FAULT
    if op == OR:
        return x + y - x * y, NO_FAULT
    return (1.0 if x != y else 0.0), NO_FAULT


def logic_status(op: int, x: float, x_status: int, y: float, y_status: int) -> int:
    """Status of AND and OR: an operand that decides alone (FALSE for AND, TRUE for OR) answers with its own."""
    deciding = 0.0 if op == AND else 1.0
    x_decides = x == deciding and quality_of(x_status) != BAD
    y_decides = y == deciding and quality_of(y_status) != BAD
    if x_decides and y_decides:
        return x_status if quality_of(x_status) >= quality_of(y_status) else y_status
    if x_decides:
        return x_status
    return y_status if y_decides else worse(x_status, y_status)


def judged(op: int, status: int) -> float:
    """Truth value of IS_GOOD, IS_BAD, IS_UNCERTAIN."""
    quality = quality_of(status)
    if op == IS_GOOD:
        return 1.0 if quality >= GOOD else 0.0
    if op == IS_BAD:
        return 1.0 if quality == BAD else 0.0
    return 1.0 if quality == UNCERTAIN else 0.0


def execute(
    code: Any, start: int, end: int, consts: Any, memory: Any, memory_status: Any, stack: Any, stack_status: Any
) -> int:
    """Run the instructions ``start`` … ``end`` - 1; returns the first fault as ``kind + 256 * (its place + 1)``, or 0.

    ``code`` (whole numbers) and ``consts`` are the program. ``memory`` holds the variables, ``memory_status`` (whole
    numbers) their status bytes. ``stack`` and ``stack_status`` are scratch, as deep as the compiler found the program
    to need; an expression leaves its value at their element 0.
    """
    at, top = start, -1  # top: index of the uppermost value
    context = STATUS_GOOD  # worst status of the conditions that led here
    fault = 0
    while at < end:
        op, operand = code[at] & 255, code[at] >> 8
        at += 1
        if op == CONSTANT:
            top += 1
            stack[top], stack_status[top] = consts[operand], STATUS_GOOD
        elif op == LOAD:
            top += 1
            stack[top], stack_status[top] = memory[operand], memory_status[operand] & 0xFC
        elif op == STORE:
            memory_status[operand] = worse(context, stack_status[top])
            if quality_of(memory_status[operand]) != BAD:
                memory[operand] = stack[top]
            top -= 1
        elif op >= NEGATE:
            if op >= ADD:
                x, x_status, y_status = stack[top - 1], stack_status[top - 1], stack_status[top]
                if AND <= op <= OR:
                    stack_status[top - 1] = logic_status(op, x, x_status, stack[top], y_status)
                else:
                    stack_status[top - 1] = worse(x_status, y_status)
                value, kind = two_operands(op, x, stack[top])
                top -= 1
            else:
                value, kind = one_operand(op, stack[top])
            if kind == NO_FAULT and not math.isfinite(value):
                value, kind = 0.0, TOO_LARGE
            # What is Bad anyway was computed from numbers that mean nothing: no news.
            if kind != NO_FAULT and quality_of(stack_status[top]) != BAD:
                stack_status[top] = STATUS_BAD
                if fault == 0:
                    fault = kind + 256 * at
            stack[top] = value
        elif op == JUMP:
            if operand > at:
                at = operand
        elif JUMP_TRUE <= op <= JUMP_FALSE:
            if (stack[top] != 0.0) == (op == JUMP_TRUE) and operand > at:
                at = operand
            top -= 1
        elif op == ENTER:
            top += 1
            stack[top], stack_status[top] = 0.0, context
        elif op == GUARD:
            context = worse(context, stack_status[top])
            if quality_of(context) == BAD:
                top -= 1
                at = operand
        elif op == JOIN:
            memory_status[operand] = worse(memory_status[operand], context)
        elif op == LEAVE:
            context = stack_status[top]
            top -= 1
        elif op == IN_RANGE:
            x = stack[top]
            top += 1
            stack[top] = 1.0 if consts[operand] <= x <= consts[operand + 1] else 0.0
            stack_status[top] = STATUS_GOOD
        elif op == SELECT:
            chosen = top if stack[top - 2] != 0.0 else top - 1
            stack[top - 2] = stack[chosen]
            stack_status[top - 2] = worse(stack_status[top - 2], stack_status[chosen])
            top -= 2
        elif op == MULTIPLEX:
            first = top - operand  # the selector; its inputs lie above it
            index = stack[first]
            if 0.0 <= index < operand:
                chosen = first + 1 + int(index)
                stack[first] = stack[chosen]
                stack_status[first] = worse(stack_status[first], stack_status[chosen])
            else:
                stack[first] = 0.0
                if quality_of(stack_status[first]) != BAD:
                    stack_status[first] = STATUS_BAD
                    if fault == 0:
                        fault = NO_SUCH_CHOICE + 256 * at
            top = first
        elif op == AS_UNCERTAIN:
            if quality_of(stack_status[top]) == BAD:
                stack_status[top] = make_status(UNCERTAIN, LAST_USABLE)
            elif quality_of(stack_status[top]) >= GOOD:
                stack_status[top] = make_status(UNCERTAIN, SUBSTITUTE)
        elif op == AS_BAD:
            stack_status[top] = STATUS_BAD
        elif op == DROP:
            top -= 1
        else:
            stack[top], stack_status[top] = judged(op, stack_status[top]), STATUS_GOOD
    return fault
