"""One block of control.yaml against the declaration of its type: parameters, scales, units.

Called by   ``dcs.config.control_check``.
Knows       ``dcs.blocks.declare``; nothing of wires.
"""

from dataclasses import dataclass, field
from typing import Any

from pydantic_core import PydanticCustomError

from dcs.blocks.declare import BlockType, Field, ParamValue
from dcs.config.fields import Range, found, range_of
from dcs.config.problems import Problems, did_you_mean, listed
from dcs.config.schema import BlockSection
from dcs.config.source import Document, KeyPath
from dcs.core.errors import ConfigError, Place
from dcs.core.modes import CAS, MODE_NAMES, OOS, mode_code, mode_mask, modes_in
from dcs.core.units import find_unit, is_difference, parse_quantity

DEFAULT_SCALE_UNIT = "%"
"""Unit of a scale that is not given; its ends are then those of the declaration, 0 … 100."""


@dataclass
class Block:
    """A block while it is being checked."""

    module: str
    short_name: str
    type: BlockType
    section: BlockSection
    path: KeyPath
    document: Document
    params: dict[str, float] = field(default_factory=dict)
    arrays: dict[str, tuple[float, ...]] = field(default_factory=dict)  # parameters that are lists
    translated: dict[str, ParamValue] = field(default_factory=dict)  # what the text parameters mean
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)  # names of codes, from the text parameters
    scale_units: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)  # scales and parameters with errors: no second complaint

    @property
    def name(self) -> str:
        """``LIC-101.pid``."""
        return f"{self.module}.{self.short_name}"

    @property
    def label(self) -> str:
        """How messages call it: ``LIC-101.pid (PID)``."""
        return f"{self.name} ({self.type.name})"

    def place(self, *path: str) -> Place:
        """Where something of this block stands."""
        return self.document.place((*self.path, *path))

    def unit_of(self, item: Field) -> str | None:
        """Unit of a field with the scales of this block filled in; None when nobody can say it."""
        if item.unit == "*" or self.depends_on_broken(item):
            return None
        unit = item.unit
        for scale in sorted(self.type.scales, key=len, reverse=True):
            unit = unit.replace(f"@{scale}", self.scale_units.get(scale, DEFAULT_SCALE_UNIT))
        try:
            return find_unit(unit).name
        except ConfigError:
            return None

    def depends_on_broken(self, item: Field) -> bool:
        """True when its unit comes from a scale that has an error."""
        return any(f"@{scale}" in item.unit for scale in self.broken)

    def unit_text(self, item: Field) -> str:
        """The same for people and labels, also for units that the table does not know."""
        unit = self.unit_of(item)
        if unit is not None or item.unit == "*":
            return unit or ""
        text = item.unit
        for scale in sorted(self.type.scales, key=len, reverse=True):
            text = text.replace(f"@{scale}", self.scale_units.get(scale, DEFAULT_SCALE_UNIT))
        return text

    def value(self, name: str) -> float:
        """A parameter as configured, or by its default."""
        if name in self.params:
            return self.params[name]
        item = self.type.field(name)
        return self.value(item.default_from) if item.default_from else item.default

    def is_terminal(self, name: str, role: str) -> bool:
        """True for a wire's end: a signal that carries its status."""
        return self.type.is_terminal(name, role)

    def terminals(self, role: str) -> list[str]:
        """Names of all wires' ends of one role."""
        return list(self.type.terminals(role))

    def full_params(self) -> dict[str, ParamValue]:
        """Every parameter with its default filled in, arrays at full length."""
        values: dict[str, ParamValue] = {}
        for item in self.type.of_role("param"):
            if item.count > 1:
                given = self.arrays.get(item.name, ())
                values[item.name] = (*given, *[item.default] * (item.count - len(given)))
            else:
                values[item.name] = self.value(item.name)
        return {**values, **self.translated}

    @property
    def all_params(self) -> dict[str, ParamValue]:
        """Everything that differs from the declaration's defaults, for the engine."""
        return {**self.params, **self.arrays, **self.translated}


def check_parameters(block: Block, problems: Problems) -> None:
    """Fill ``block.params`` and ``block.scale_units``; what is wrong goes to ``problems``."""
    given = block.section.parameters
    for name in block.type.scales:
        if name in given:
            _take_scale(block, name, given[name], problems)
    texts = {text.name: given[text.name] for text in block.type.texts if text.name in given}
    for name, value in given.items():
        if name not in block.type.scales and name not in texts:
            try:
                _take_parameter(block, name, value)
            except ConfigError as exc:
                block.broken.add(name)
                problems.add(block.place(name), f"{block.label}: {exc.message}")
    if "target" in block.params and "normal" not in given and block.type.has("normal"):
        block.params["normal"] = block.params["target"]  # a block that starts in Man is meant to be there
    _translate(block, texts, problems)
    _check_pairs(block, problems)
    _check_modes(block, problems)


def _translate(block: Block, texts: dict[str, Any], problems: Problems) -> None:
    """What the text parameters mean in numbers; a type that has some is asked even when none is given."""
    if block.type.translate is None:
        return
    try:
        translation = block.type.translate(texts)
    except ConfigError as exc:
        block.broken.update(texts)
        place = block.place(next(iter(texts))) if len(texts) == 1 else block.place()
        problems.add(place, f"{block.label}: {exc.message}")
        return
    block.translated.update(translation.params)
    block.labels.update(translation.labels)


def _take_scale(block: Block, name: str, value: Any, problems: Problems) -> None:
    try:
        low, high, unit = read_range(value)
        # The default of the other scales is %, so a scale in plain numbers must say so by an empty unit.
        block.scale_units[name] = unit
        block.params[f"{name}_low"], block.params[f"{name}_high"] = low, high
    except ConfigError as exc:
        block.broken.add(name)
        problems.add(block.place(name), f"{block.label}: {name}: {exc.message}")


def read_range(value: Any) -> Range:
    """``[0, 20, cm]``. Raises ``ConfigError``."""
    try:
        return range_of(value)
    except PydanticCustomError as exc:
        raise ConfigError(exc.message()) from None


def _take_parameter(block: Block, name: str, value: Any) -> None:
    kind = block.type
    known = [
        *kind.scales,
        *(text.name for text in kind.texts),
        *(f.name for f in kind.of_role("param") if not f.scale_of),
    ]
    if not kind.has(name) or kind.field(name).status_of:
        if name in block.terminals("input") or name in block.terminals("output"):
            raise ConfigError(f"`{name}` is a terminal, not a parameter. Write it below `inputs` or `outputs`.")
        hint = did_you_mean(name, known, "Parameters")
        raise ConfigError(f"there is no parameter `{name}`. {hint}")
    item = kind.field(name)
    if block.depends_on_broken(item):
        return
    if item.scale_of:
        raise ConfigError(f"`{name}` belongs to a scale. Write `{item.scale_of}: [low, high, unit]`.")
    if item.role in ("input", "output") and block.is_terminal(name, item.role):
        raise ConfigError(f"`{name}` is a terminal, not a parameter. Wire it below `{item.role}s`.")
    if name in kind.by_texts:
        texts = listed([text.name for text in kind.texts])
        raise ConfigError(f"`{name}` comes from {texts}. Delete it.")
    if item.role != "param":
        raise ConfigError(f"`{name}` ({item.meaning}) is set by the block itself. Delete it.")
    if item.count > 1:
        _take_array(block, item, name, value)
    elif name == "permitted" and isinstance(value, list):
        block.params[name] = _mode_mask(value)
    else:
        block.params[name] = _inside(block, item, _number(block, item, value))


def _take_array(block: Block, item: Field, name: str, value: Any) -> None:
    """A list; its length is the parameter ``<name>_count`` where the type has one."""
    if name != item.name or not isinstance(value, list):
        raise ConfigError(f"{item.name} is {found(value)}, but a list is needed. Write `{item.name}: [1, 2, …]`.")
    if len(value) > item.count:
        raise ConfigError(f"{name} has {len(value)} elements, but {item.count} are possible. Shorten the list.")
    block.arrays[name] = tuple(_inside(block, item, _number(block, item, element)) for element in value)
    if block.type.has(f"{name}_count") and f"{name}_count" not in block.section.parameters:
        block.params[f"{name}_count"] = float(len(value))


def _inside(block: Block, item: Field, number: float) -> float:
    if not item.low <= number <= item.high:
        unit = block.unit_text(item)
        raise ConfigError(
            f"{item.name} is {number:g}{_spaced(unit)}, but must be {_limits(item, unit)}. Correct the value."
        )
    return number


def _spaced(unit: str) -> str:
    return f" {unit}" if unit else ""


def _limits(item: Field, unit: str) -> str:
    low, high = f"{item.low:g}", f"{item.high:g}"
    if high == "inf":
        return f"at least {low}{_spaced(unit)}"
    if low == "-inf":
        return f"at most {high}{_spaced(unit)}"
    return f"from {low} to {high}{_spaced(unit)}"


def _number(block: Block, item: Field, value: Any) -> float:
    if item.choices:
        return _choice(item, value)
    if isinstance(value, bool):
        if item.dtype == "i8" and (item.low, item.high) == (0, 1):
            return float(value)
        raise ConfigError(f"{item.name} is {found(value)}, but a number is needed. Write a number.")
    if isinstance(value, str):
        value = _quantity(block, item, value)
    if not isinstance(value, (int, float)) or value != value or value in (float("inf"), float("-inf")):
        raise ConfigError(f"{item.name} is {found(value)}, but a number is needed. Write a number.")
    if item.dtype == "i8" and value != int(value):
        raise ConfigError(f"{item.name} is {found(value)}, but a whole number is needed. Write one.")
    return float(value)


def _choice(item: Field, value: Any) -> float:
    names = dict(item.choices)
    if isinstance(value, str):
        for name, code in item.choices:
            if name.upper() == value.upper():
                return float(code)
    raise ConfigError(
        f"{item.name} is {found(value)}, but must be one of {listed(names)}. "
        f"{did_you_mean(value, names, 'Write one of') if isinstance(value, str) else 'Write one of these words.'}"
    )


def _quantity(block: Block, item: Field, text: str) -> float:
    unit = block.unit_of(item)
    if unit is None:
        plain = block.unit_text(item)
        number = text.removesuffix(plain).strip()
        try:
            return float(number)
        except ValueError:
            raise ConfigError(
                f"{item.name} is `{text}`, but a number of {plain} is needed. Write the number alone."
            ) from None
    try:
        return parse_quantity(text, unit, difference=is_difference(item.name))
    except ConfigError as exc:
        raise ConfigError(f"{item.name}: {exc.message}") from None


def _mode_mask(value: list[Any]) -> float:
    codes = [OOS]
    for name in value:
        try:
            codes.append(mode_code(name))
        except (KeyError, AttributeError):
            raise ConfigError(
                f"permitted holds {found(name)}, which is not a mode. "
                f"Modes: {', '.join(m.upper() for m in MODE_NAMES)}."
            ) from None
    return float(mode_mask(codes))


def _check_pairs(block: Block, problems: Problems) -> None:
    """Siblings ``x_low``, ``x_high`` in their order; then each value between the fields that limit it."""
    crossed: set[str] = set()
    for low in block.type.of_role("param"):
        high_name = low.name.removesuffix("_low") + "_high"
        if low.scale_of or not low.name.endswith("_low") or not block.type.has(high_name):
            continue
        if block.depends_on_broken(low):
            continue
        if block.value(low.name) > block.value(high_name) and {low.name, high_name} & set(block.params):
            crossed |= {low.name, high_name}
            problems.add(
                block.place(low.name if low.name in block.params else high_name),
                f"{block.label}: {low.name} ({block.value(low.name):g}) is above {high_name} "
                f"({block.value(high_name):g}). Exchange or correct them.",
            )
    for item in block.type.of_role("param"):
        if item.name not in block.params or item.name in crossed or not item.limited_by:
            continue
        low_name, high_name = item.limited_by
        low_value, high_value = block.value(low_name), block.value(high_name)
        if not low_value <= block.params[item.name] <= high_value and not crossed & {low_name, high_name}:
            unit = _spaced(block.unit_text(item))
            problems.add(
                block.place(item.name),
                f"{block.label}: {item.name} is {block.params[item.name]:g}{unit}, but must be from {low_value:g} "
                f"({low_name}) to {high_value:g}{unit} ({high_name}). Correct the value or the limits.",
            )


def _check_modes(block: Block, problems: Problems) -> None:
    if not block.type.has("permitted") or "permitted" in block.broken:
        return
    mask = int(block.value("permitted"))
    permitted = [name.upper() for name in modes_in(mask)]
    possible = [name for name, _ in block.type.field("target").choices] if block.type.has("target") else permitted
    if impossible := [name for name in permitted if name not in possible]:
        problems.add(
            block.place("permitted"),
            f"{block.label}: permitted holds {', '.join(impossible)}, which a {block.type.name} cannot be asked for. "
            f"It can be {', '.join(possible)}.",
        )
    for key in ("target", "normal"):
        if not block.type.has(key) or (key == "normal" and "normal" not in block.section.parameters):
            continue
        code = int(block.value(key))
        if not (mask >> code) & 1:
            problems.add(
                block.place(key if key in block.params else "permitted"),
                f"{block.label}: {key} is {MODE_NAMES[code].upper()}, but the permitted modes are "
                f"{', '.join(permitted)}. "
                "Choose one of them, or add it to `permitted`.",
            )


def wanted_cascade(block: Block) -> bool:
    """True when its configured target or normal mode is Cas."""
    return any(block.type.has(key) and int(block.value(key)) == CAS for key in ("target", "normal"))
