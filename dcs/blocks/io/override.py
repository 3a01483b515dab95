"""Simulate and force: how an engineer takes an input or an output away from the field, and how everybody sees it.

Called by   the declarations of the I/O blocks.
Knows       names of fields and parts. What they do is in the steps.
Promise     SIMULATE replaces what comes from the field, FORCE what the block puts out; while they are off, SIM_VALUE
            and FORCE_VALUE follow the field and the output, so that switching them on moves nothing. A forced output
            has the limit bits "constant". The parts SIMULATE and FORCE are what ``dcs abnormal`` looks for.
Source      FF-891, simulate parameter.
"""

from dcs.blocks.declare import Field, Refusal, f8, flag

NOT_SIMULATED = Refusal(
    "the input is not simulated, so the value would not count. Set SIMULATE to 1 first.", unless="simulate"
)
NOT_FORCED = Refusal("the output is not forced, so the value would not count. Set FORCE to 1 first.", unless="force")

SIMULATE_PARTS = {"SIMULATE": "simulate", "SIM_VALUE": "sim_value"}
FORCE_PARTS = {"FORCE": "force", "FORCE_VALUE": "force_value"}


def simulated(unit: str, count: int = 1) -> tuple[Field, Field]:
    """``simulate`` and ``sim_value`` of an analogue input in the unit of the raw signal."""
    return (
        flag("simulate", "1: SIM_VALUE is taken instead of the signal from the field", count=count),
        f8(
            "sim_value",
            unit,
            "signal while simulated; else follows the field",
            count=count,
            refused_if=(NOT_SIMULATED,),
        ),
    )


def simulated_discrete(count: int = 1) -> tuple[Field, Field]:
    """The same for a discrete input."""
    return (
        flag("simulate", "1: SIM_VALUE is taken instead of the signal from the field", count=count),
        flag("sim_value", "signal while simulated; else follows the field", count=count, refused_if=(NOT_SIMULATED,)),
    )


def forced(unit: str, count: int = 1) -> tuple[Field, Field]:
    """``force`` and ``force_value`` of an analogue output, in its unit."""
    return (
        flag("force", "1: OUT is held at FORCE_VALUE, whatever the mode", count=count),
        f8("force_value", unit, "OUT while forced; else follows it", count=count, refused_if=(NOT_FORCED,)),
    )


def forced_discrete(count: int = 1) -> tuple[Field, Field]:
    """The same for a discrete output."""
    return (
        flag("force", "1: OUT is held at FORCE_VALUE, whatever the mode", count=count),
        flag("force_value", "OUT while forced; else follows it", count=count, refused_if=(NOT_FORCED,)),
    )


def numbered(parts: dict[str, str], count: int) -> dict[str, str]:
    """Parts of every channel of a multiplexed block: ``OUT`` becomes ``OUT_1`` …, ``force`` becomes ``force_1`` …"""
    return {f"{part}_{n}": f"{name}_{n}" for n in range(1, count + 1) for part, name in parts.items()}
