"""What a loop check strokes, and what it looks at: found from what a module publishes.

Called by   ``dcs.cli.device_loop_check`` and the operator station.
Knows       the layout of a controller. The demand and the position come from the output block where there is one
            (``FIC-101.ao.OUT``, ``FIC-101.ao.PV``); a module that is an output block has them itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dcs.bus.messages import TagInfo
from dcs.core.errors import ConfigError

UP_AND_DOWN = (0.0, 25.0, 50.0, 75.0, 100.0, 75.0, 50.0, 25.0, 0.0)
UP = UP_AND_DOWN[:5]


@dataclass(frozen=True, slots=True)
class Observed:
    """One tag that is recorded at every step."""

    tag: str
    role: str  # demand | position | measurement
    unit: str = ""
    low: float = 0.0
    high: float = 100.0
    decimals: int = 2

    @property
    def span(self) -> float:
        """Never 0."""
        return self.high - self.low or 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One loop check. Steps are in % of the range of the output."""

    module: str
    output: Observed
    mode: str  # tags
    target: str
    observed: tuple[Observed, ...]
    limits: tuple[str, str] = ("", "")  # tags of the lowest and the highest output
    description: str = ""
    steps: tuple[float, ...] = UP_AND_DOWN
    tolerance_pct: float = 2.0  # of span, between demand and position
    band_pct: float = 0.5  # of span: settled when nothing moves more than this …
    hold_s: float = 5.0  # … for so long
    wait_s: float = 60.0  # no longer than this for one step
    take_to_man: bool = False  # may the check put the loop in Man and give it back?

    @property
    def tags(self) -> tuple[str, ...]:
        """Everything that must be read."""
        own = (self.output.tag, self.mode, self.target, *(tag for tag in self.limits if tag))
        return tuple(dict.fromkeys((*own, *(one.tag for one in self.observed))))


def make_plan(module: str, tags: Mapping[str, TagInfo], readbacks: Sequence[str] = ()) -> Plan:
    """The plan of a module, from all that is published. ``readbacks``: tags of positions besides those that are found.

    Raises ``ConfigError`` for a module that cannot be stroked.
    """
    module = module.removesuffix(".OUT")
    output, mode = tags.get(f"{module}.OUT"), tags.get(f"{module}.MODE")
    if output is None or mode is None or not (output.writable and mode.writable):
        if not any(name.startswith(f"{module}.") for name in tags):
            raise ConfigError(f"There is no module {module}. `dcs tags` lists what there is.")
        raise ConfigError(f"{module} has no output that can be set by hand: it needs OUT and MODE, both writable.")
    found: list[Observed] = []
    blocks = [module] if f"{module}.MISMATCH" in tags else _output_blocks(module, tags)
    if not blocks and f"{module}.SP" not in tags:
        raise ConfigError(f"{module} shows a measurement and strokes no output. Name the module that drives it.")
    for block in blocks:
        if block != module:
            found.append(_observed(tags[f"{block}.OUT"], "demand"))
        found.append(_observed(tags[f"{block}.PV"], "position"))
    for name in readbacks:
        if name not in tags:
            raise ConfigError(f"There is no tag {name} to read back. `dcs tags` lists what there is.")
        if all(one.tag != name for one in found):
            found.append(_observed(tags[name], "position"))
    measured = tags.get(f"{module}.PV")
    if measured is not None and all(one.tag != measured.name for one in found):
        found.append(_observed(measured, "measurement"))
    limits = tuple(name if (name := f"{module}.OUT_{end}") in tags else "" for end in ("LO", "HI"))
    text = measured.description if measured is not None else output.description
    return Plan(
        module,
        _observed(output, "output"),
        mode.name,
        f"{module}.TARGET" if f"{module}.TARGET" in tags else mode.name,
        tuple(found),
        (limits[0], limits[1]),
        text.partition(":")[0],
    )


def _output_blocks(module: str, tags: Mapping[str, TagInfo]) -> list[str]:
    """Output blocks in the module: those that compare a demand with a position."""
    head = f"{module}."
    names = [name.removesuffix(".MISMATCH") for name in tags if name.startswith(head) and name.endswith(".MISMATCH")]
    return [name for name in names if f"{name}.OUT" in tags and f"{name}.PV" in tags]


def _observed(info: TagInfo, role: str) -> Observed:
    return Observed(info.name, role, info.unit, info.low, info.high, info.decimals)
