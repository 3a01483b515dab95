"""Block modes: codes, names, and what a person may write.

Called by   blocks, engine, configuration checker, HMI.
Knows       the eight modes of the Foundation Fieldbus block model; a mask has bit ``1 << mode`` for each permitted one.
"""

from collections.abc import Iterable

OOS, IMAN, LO, MAN, AUTO, CAS, RCAS, ROUT = 0, 1, 2, 3, 4, 5, 6, 7
"""Out of service, initialisation manual, local override, manual, automatic, cascade, remote cascade, remote output."""

MODE_NAMES = ("OOS", "IMan", "LO", "Man", "Auto", "Cas", "RCas", "ROut")
MODE_CHOICES = tuple((name.upper(), code) for code, name in enumerate(MODE_NAMES))
"""Names in capitals with their codes, as a configuration writes them."""

TARGET_CHOICES = tuple((MODE_NAMES[code].upper(), code) for code in (OOS, MAN, AUTO, CAS))
"""What can be asked of a block; IMan and LO happen to it."""

LOCAL_TARGET_CHOICES = TARGET_CHOICES[:-1]
"""The same for a block with no block above it, such as an input."""

RCAS_TARGET_CHOICES = (*TARGET_CHOICES, ("RCAS", RCAS))
"""The same for a block that takes a setpoint from a host."""

HOST_TARGET_CHOICES = (*RCAS_TARGET_CHOICES, ("ROUT", ROUT))
"""The same for a block that takes a setpoint or an output from a host."""


def is_automatic(mode: int) -> bool:
    """True where the algorithm of the block makes the output: Auto, Cas, RCas."""
    return AUTO <= mode <= RCAS


def mode_name(code: float) -> str:
    """``Auto`` for 4; a code outside the table is shown as it is."""
    index = int(code)
    return MODE_NAMES[index] if 0 <= index < len(MODE_NAMES) else f"mode {index}"


def mode_code(name: str) -> int:
    """Code of a mode name in any case. Raises ``KeyError`` for a name that is none."""
    for code, known in enumerate(MODE_NAMES):
        if known.upper() == name.strip().upper():
            return code
    raise KeyError(name)


def mode_mask(codes: Iterable[int]) -> int:
    """Bit mask of modes."""
    mask = 0
    for code in codes:
        mask |= 1 << code
    return mask


def modes_in(mask: int) -> tuple[str, ...]:
    """Names of the modes in a mask, in order of their codes."""
    return tuple(name for code, name in enumerate(MODE_NAMES) if (mask >> code) & 1)
