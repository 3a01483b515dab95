"""What is forced, simulated, bypassed, in Man or in another mode than the normal one: the list of a whole plant.

Called by   ``dcs abnormal`` and the operator station's model.
Knows       layouts and the values that go with them; nothing of blocks. A block takes part by the names of its parts:
            FORCE, SIMULATE and BYPASS (or BYPASSED) are not 0 while somebody has taken something away from the process,
            also as FORCE_1, FORCE_2 …; MODE is the actual mode and NORMAL, beside it, the one of normal operation.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dcs.bus.messages import Frame, Layout, TagInfo
from dcs.core.modes import MAN, mode_name

FORCED, SIMULATED, BYPASSED, MODE, MANUAL = "forced", "simulated", "bypassed", "mode", "manual"
KINDS = (FORCED, SIMULATED, BYPASSED, MODE, MANUAL)
"""In the order of the list: what hides the process from the operator first, what is meant to be so last."""

_PARTS = {"FORCE": FORCED, "SIMULATE": SIMULATED, "BYPASS": BYPASSED, "BYPASSED": BYPASSED}
_VALUE_OF = {"FORCE": "FORCE_VALUE", "SIMULATE": "SIM_VALUE"}
_NUMBER = re.compile(r"_\d+$")


@dataclass(frozen=True, slots=True)
class Abnormal:
    """One thing that is not as in normal operation; ``tag`` says so and, mostly, is where to change it."""

    tag: str  # FIC-101.MODE
    subject: str  # what it is about: FIC-101, or FIC-101.ai
    kind: str  # one of KINDS
    text: str  # Man, normally Cas
    pair: str
    description: str = ""


def abnormal(sampled: Iterable[tuple[Layout, Frame]]) -> list[Abnormal]:
    """Everything that is not as in normal operation, by kind and then by name.

    A block in Man is listed even where Man is its normal mode (kind ``manual``): nobody controls there.
    """
    found = [entry for layout, frame in sampled for entry in _of_class(layout, frame.values.tolist())]
    return sorted(found, key=lambda entry: (KINDS.index(entry.kind), entry.tag))


def _of_class(layout: Layout, values: Sequence[float]) -> Iterable[Abnormal]:
    about = {module.name: module.description for module in layout.modules}
    by_name = {info.name: (info, value) for info, value in zip(layout.tags, values, strict=True)}
    for name, (_, value) in by_name.items():
        subject, _, part = name.rpartition(".")
        if part == "MODE":
            normal = by_name.get(f"{subject}.NORMAL")
            judged = _judge_mode(value, None if normal is None else normal[1])
            if judged is not None:
                yield Abnormal(name, subject, *judged, layout.pair, about.get(subject.partition(".")[0], ""))
            continue
        kind = _PARTS.get(_NUMBER.sub("", part))
        if kind is not None and value != 0.0:
            text = _taken_away(kind, part, subject, by_name)
            yield Abnormal(name, subject, kind, text, layout.pair, about.get(subject.partition(".")[0], ""))


def _judge_mode(mode: float, normal: float | None) -> tuple[str, str] | None:
    """Kind and text; None for a mode that is as it should be, or not known yet."""
    if mode != mode:
        return None
    if normal is not None and mode != normal:
        return MODE, f"{mode_name(mode)}, normally {mode_name(normal)}"
    return (MANUAL, mode_name(mode)) if mode == MAN else None


def _taken_away(kind: str, part: str, subject: str, by_name: dict[str, tuple[TagInfo, float]]) -> str:
    """``forced to 7.00 cm``, ``simulated: 12.0 mA``, ``bypassed``."""
    base = _NUMBER.sub("", part)
    held = by_name.get(f"{subject}.{_VALUE_OF.get(base, '')}{part.removeprefix(base)}")
    if held is None:
        return kind
    info, value = held
    shown = f"{value:.{info.decimals}f} {info.unit}".strip()
    return f"forced to {shown}" if kind == FORCED else f"simulated: {shown}"
