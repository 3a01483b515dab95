"""What is to be drawn of a module: boxes with terminals and parameters, flags for what lies outside, wires.

Called by   ``dcs.drawing.picture``.
Knows       the checked strategy and the declarations of block types; nothing of places on paper.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dcs.blocks.declare import BLOCK_TYPES, BlockType
from dcs.core.errors import ConfigError
from dcs.core.modes import mode_name, modes_in
from dcs.engine.strategy import BlockSpec, Strategy

PARAMETERS_MAX = 14
"""Lines of parameters in one box."""


@dataclass
class Box:
    """A block, or a flag (``kind`` in, out) for a terminal of another module or for a field point."""

    name: str
    kind: str  # block | in | out
    title: str
    subtitle: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wire:
    """From a terminal of one box to one of another; ``back``: it carries the value of the last scan."""

    source: str
    source_terminal: str
    target: str
    target_terminal: str
    back: bool = False


@dataclass
class Graph:
    """Everything of one module."""

    boxes: dict[str, Box] = field(default_factory=dict)
    wires: list[Wire] = field(default_factory=list)


def graph_of(strategy: Strategy, module: str) -> Graph:
    """Boxes and wires of a module. Raises ``ConfigError`` when the strategy has no such module."""
    graph = Graph()
    blocks = {block.name: block for block in strategy.blocks if block.name.partition(".")[0] == module}
    if not blocks:
        raise ConfigError(f"there is no module `{module}`.")
    for name, block in blocks.items():
        graph.boxes[name] = Box(name, "block", name.partition(".")[2], block.type, lines=_parameters(block))
    for link in strategy.links:
        source, _, source_terminal = link.source.rpartition(".")
        target, _, target_terminal = link.target.rpartition(".")
        if source not in blocks and target not in blocks:
            continue
        back = False
        if target in blocks:
            back = BLOCK_TYPES[blocks[target].type].is_feedback(target_terminal)
        if source not in blocks:
            source, source_terminal = f"in {link.source}", "out"
            graph.boxes.setdefault(source, Box(source, "in", link.source, outputs=["out"]))
            back = False
        if target not in blocks:
            target, target_terminal = f"out {link.target}", "in"
            graph.boxes.setdefault(target, Box(target, "out", link.target, inputs=["in"]))
        graph.wires.append(Wire(source, source_terminal, target, target_terminal, back))
    for wire in graph.wires:
        for terminals, terminal in (
            (graph.boxes[wire.source].outputs, wire.source_terminal),
            (graph.boxes[wire.target].inputs, wire.target_terminal),
        ):
            if terminal not in terminals:
                terminals.append(terminal)
    for name, block in blocks.items():
        kind = BLOCK_TYPES[block.type]
        graph.boxes[name].inputs.sort(key=lambda terminal, kind=kind: kind.index.get(terminal, 0))  # type: ignore[misc]
        graph.boxes[name].outputs.sort(key=lambda terminal, kind=kind: kind.index.get(terminal, 0))  # type: ignore[misc]
    return graph


def _parameters(block: BlockSpec) -> list[str]:
    """``gain = 2``, for what differs from the declaration's defaults; scales on one line each."""
    kind = BLOCK_TYPES[block.type]
    lines = []
    for scale in kind.scales:
        low, high = (block.params.get(f"{scale}_{end}") for end in ("low", "high"))
        if low is not None and high is not None:
            lines.append(f"{scale} = {_number(low)} … {_number(high)} {block.units.get(scale, '')}".rstrip())
    for name, value in block.params.items():
        item = kind.field(name)
        if item.scale_of or name in kind.by_texts:
            continue
        lines.append(f"{name} = {_shown(kind, block, name, value)}")
    if len(lines) > PARAMETERS_MAX:
        lines = [*lines[: PARAMETERS_MAX - 1], f"… {len(lines) - PARAMETERS_MAX + 1} more"]
    return lines


def _shown(kind: BlockType, block: BlockSpec, name: str, value: float | tuple[float, ...]) -> str:
    item = kind.field(name)
    if isinstance(value, tuple):
        return "[" + ", ".join(_number(one) for one in value) + "]"
    if name == "permitted":
        return ", ".join(modes_in(int(value)))
    if name in ("target", "normal"):
        return mode_name(value)
    chosen = next((choice for choice, code in item.choices if code == value), None)
    if chosen is not None:
        return chosen
    unit = block.units.get(item.unit[1:], "") if item.unit.startswith("@") else item.unit
    return f"{_number(value)} {unit if unit != '*' else ''}".rstrip()


def _number(value: float | tuple[float, ...]) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


Values = Mapping[str, str]
"""Text of a value by terminal: ``LIC-101.pid.out`` -> ``37.5 %``."""
