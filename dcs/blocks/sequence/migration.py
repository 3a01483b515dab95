"""An online change in mid-step: carry a running sequence over to a new chart, by the names of its steps.

Called by   the online change, for every SFC block whose chart differs.
Knows       the labels of both translations (``step``, ``use``, ``variable``) and the state of the old record. Pure: it
            returns what the new record is to hold, and what speaks against it; nothing is written here.
Promise     an active step stays active with its timer, stored actions stay stored, variables keep their values,
            wherever their names are still there. Where an active step is gone, or would be active with a step that the
            new chart never lets it be with, the sentence says so and nothing should be applied.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dcs.blocks.declare import Translation
from dcs.blocks.sequence.sizes import OUTPUTS, OUTPUTS_AT, STEPS, USES, VARIABLES_AT

_KEPT = ("started", "state", "command", "seq_mode", "out", "out_status", "timeout", "timeout_status")


@dataclass(frozen=True, slots=True)
class Migration:
    """``fields``: what the new record is to hold (arrays whole); ``problems``: why it should not be done."""

    fields: Mapping[str, Any]
    problems: tuple[str, ...]


def new_codes(old: Sequence[str], new: Sequence[str]) -> list[int]:
    """For every old code the new code of the same name, -1 where the name is gone; upper and lower case are one."""
    place = {name.upper(): code for code, name in enumerate(new)}
    return [place.get(name.upper(), -1) for name in old]


def migrate(old: Mapping[str, Any], before: Translation, after: Translation) -> Migration:
    """State of the new record from the old one. ``old`` holds its fields by name, arrays as sequences."""
    steps = new_codes(before.labels["step"][1:], after.labels["step"][1:])
    uses = new_codes(before.labels["use"], after.labels["use"])
    variables = new_codes(before.labels["variable"], after.labels["variable"])
    fields: dict[str, Any] = {name: old[name] for name in _KEPT if name in old}
    problems: list[str] = []
    for mask in ("active", "suspended"):
        fields[mask] = _moved(old[mask], steps)
        gone = [before.labels["step"][code + 1] for code, new in enumerate(steps) if new < 0 and old[mask] >> code & 1]
        problems += [f"the step {name} is active, but the new chart has no such step." for name in gone]
        problems += _strangers(fields[mask], after)
    fields["step_ns"] = _rearranged(old["step_ns"], steps, [0] * STEPS)
    fields["latched"] = _rearranged(old["latched"], uses, [0] * USES)
    fields["latched_ns"] = _rearranged(old["latched_ns"], uses, [0] * USES)
    memory = [0.0] * len(old["memory"])
    initial = after.params["initial"]
    assert isinstance(initial, tuple)
    memory[: OUTPUTS_AT + OUTPUTS] = old["memory"][: OUTPUTS_AT + OUTPUTS]
    memory[VARIABLES_AT : VARIABLES_AT + len(initial)] = initial
    for code, new in enumerate(variables):
        if new >= 0:
            memory[VARIABLES_AT + new] = old["memory"][VARIABLES_AT + code]
    fields["memory"] = memory
    return Migration(fields, tuple(problems))


def _moved(mask: int, codes: list[int]) -> int:
    """A mask with its bits in their new places."""
    found = 0
    for code, new in enumerate(codes):
        if new >= 0 and mask >> code & 1:
            found |= 1 << new
    return found


def _rearranged(values: Sequence[int], codes: list[int], empty: list[int]) -> list[int]:
    """Elements in their new places."""
    found = list(empty)
    for code, new in enumerate(codes):
        if new >= 0:
            found[new] = values[code]
    return found


def _strangers(mask: int, after: Translation) -> list[str]:
    """Steps that would be active together although the new chart keeps them apart."""
    partners = after.params["partners"]
    assert isinstance(partners, tuple)
    names = after.labels["step"][1:]
    active = [code for code in range(len(names)) if mask >> code & 1]
    return [
        f"{names[one]} and {names[other]} are active together, which the new chart does not allow."
        for one in active
        for other in active
        if one < other and not int(partners[one]) >> other & 1
    ]
