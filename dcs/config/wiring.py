"""Wires between terminals: what each name means, whether both ends fit, what is missing.

Called by   ``dcs.config.control_check``.
Knows       blocks and field points. A link is a plain copy of value and status, so both ends must have one unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dcs.config.block_check import Block, wanted_cascade
from dcs.config.problems import Problems, did_you_mean
from dcs.core.errors import ConfigError, Place
from dcs.core.units import same_dimension
from dcs.engine.strategy import Link
from field_io.specs import PointSpec


@dataclass(frozen=True)
class Names:
    """Everything a wire can end at. ``broken``: names that have errors of their own, so no second complaint."""

    blocks: Mapping[str, Block]  # LIC-101.pid
    modules: Mapping[str, Mapping[str, Block]]  # LIC-101 -> pid
    main: Mapping[str, Block]  # main block of each module
    points: Mapping[str, PointSpec]
    broken: frozenset[str]
    complete: bool  # False when some block is broken: then nobody can say what is not wired to it


@dataclass(frozen=True)
class End:
    """One end of a wire: a terminal of a block, or a field point."""

    name: str  # LIC-101.pid.pv or LT-101
    unit: str | None
    block: Block | None = None
    terminal: str = ""
    point: PointSpec | None = None


class _Broken(Exception):
    """The other end has an error of its own."""


class Wiring:
    """Collects the links of all modules."""

    def __init__(self, names: Names, problems: Problems) -> None:
        self._names = names
        self._problems = problems
        self.links: list[Link] = []
        self._by_target: dict[str, Link] = {}
        self._tried: set[str] = set()  # inputs that are wired, if wrongly: not reported as missing as well
        self._misnamed: set[str] = set()  # blocks with a wire to a terminal that they do not have
        self._output_failed = False

    def wire_block(self, block: Block) -> None:
        """Everything below ``inputs`` and ``outputs`` of one block."""
        for terminal, text in block.section.inputs.items():
            self._wire(block, terminal, text, "input")
        for terminal, text in block.section.outputs.items():
            self._wire(block, terminal, text, "output")

    def _wire(self, block: Block, terminal: str, text: str, role: str) -> None:
        place = block.place(f"{role}s", terminal)
        self._tried.add(f"{block.name}.{terminal}")
        try:
            own = self._own_end(block, terminal, role)
            other = self._other_end(block, text, role)
            source, target = (other, own) if role == "input" else (own, other)
            if self._check_kinds(own, other, place) and self._check_units(own, other, role, place):
                self._add(source, target, place)
        except _Broken:
            self._output_failed |= role == "output"
        except ConfigError as exc:
            self._output_failed |= role == "output"
            self._problems.add(place, f"{block.label}: {exc.message}")

    def _own_end(self, block: Block, terminal: str, role: str) -> End:
        if not block.is_terminal(terminal, role):
            self._misnamed.add(block.name)
            other_role = "output" if role == "input" else "input"
            if block.is_terminal(terminal, other_role):
                raise ConfigError(f"`{terminal}` is an {other_role}. Write it below `{other_role}s`.")
            hint = did_you_mean(terminal, block.terminals(role), f"{role.capitalize()}s")
            raise ConfigError(f"there is no {role} `{terminal}`. {hint}")
        return self._block_end(block, terminal)

    def _block_end(self, block: Block, terminal: str) -> End:
        return End(f"{block.name}.{terminal}", block.unit_of(block.type.field(terminal)), block, terminal)

    def _other_end(self, block: Block, text: str, role: str) -> End:
        """What the name after the colon means, seen from ``block``."""
        wanted = "output" if role == "input" else "input"
        parts = text.strip().split(".")
        if len(parts) == 1:
            return self._point_end(text.strip(), role, block)
        if len(parts) == 2:
            own = self._names.modules[block.module].get(parts[0])
            if own is not None:
                return self._terminal_of(own, parts[1], wanted, text)
            if f"{block.module}.{parts[0]}" in self._names.broken or parts[0] in self._names.broken:
                raise _Broken
            main = self._names.main.get(parts[0])
            if main is not None and parts[1] in main.type.published:
                return self._terminal_of(main, main.type.published[parts[1]], wanted, text)
        if len(parts) == 3:
            full = f"{parts[0]}.{parts[1]}"
            if full in self._names.blocks:
                return self._terminal_of(self._names.blocks[full], parts[2], wanted, text)
            if full in self._names.broken or parts[0] in self._names.broken:
                raise _Broken
        raise ConfigError(f"`{text}` does not exist. {did_you_mean(text, self._all_ends(block, wanted), 'Write')}")

    def _terminal_of(self, block: Block, terminal: str, wanted: str, text: str) -> End:
        if block.is_terminal(terminal, wanted):
            return self._block_end(block, terminal)
        known = block.terminals(wanted)
        if block.type.has(terminal):
            raise ConfigError(
                f"`{text}` is no {wanted} of {block.label}. "
                + (f"Its {wanted}s: {', '.join(known)}." if known else f"It has no {wanted}s.")
            )
        hint = did_you_mean(terminal, known, f"Its {wanted}s")
        raise ConfigError(f"{block.label} has no {wanted} `{terminal}`. {hint}")

    def _point_end(self, tag: str, role: str, block: Block) -> End:
        point = self._names.points.get(tag)
        if point is None:
            if tag in self._names.broken:
                raise _Broken
            wanted = "output" if role == "input" else "input"
            hint = did_you_mean(tag, [*self._names.points, *self._all_ends(block, wanted)], "Field points")
            raise ConfigError(f"`{tag}` does not exist. {hint}")
        if role == "output" and point.direction != "out":
            raise ConfigError(f"{tag} is a point of direction in and cannot be written. Wire a point of direction out.")
        return End(tag, point.unit, point=point)

    def _all_ends(self, block: Block, wanted: str) -> list[str]:
        """Every name that could stand here, own module first."""
        own = [
            f"{name}.{terminal}"
            for name, other in self._names.modules[block.module].items()
            for terminal in other.terminals(wanted)
        ]
        others = [f"{name}.{terminal}" for name, b in self._names.blocks.items() for terminal in b.terminals(wanted)]
        return own + others

    # --- whole numbers ------------------------------------------------------------------------------------
    def _check_kinds(self, own: End, other: End, place: Place) -> bool:
        """A wire copies the word: a whole number must not be read as one with a fraction, nor the other way round."""
        if _is_whole(own) == _is_whole(other):
            return True
        assert own.block is not None
        words = {True: "a whole number", False: "a number with a fraction"}
        self._problems.add(
            place,
            f"{own.block.label}: terminal `{own.terminal}` is {words[_is_whole(own)]}, but {other.name} is "
            f"{words[_is_whole(other)]}; a wire copies and does not convert. Wire two ends of one kind.",
        )
        return False

    # --- units --------------------------------------------------------------------------------------------
    def _check_units(self, own: End, other: End, role: str, place: Place) -> bool:
        if own.unit == other.unit or own.unit is None or other.unit is None:
            return True
        assert own.block is not None
        verb = "needs" if role == "input" else "delivers"
        remedy = self._remedy(own, other, role)
        self._problems.add(
            place,
            f"{own.block.label}: terminal `{own.terminal}` {verb} {_unit_words(own.unit)}, but is wired to "
            f"{other.name} ({_unit_words(other.unit)}). {remedy}",
        )
        return False

    def _remedy(self, own: End, other: End, role: str) -> str:
        assert own.block is not None
        from_field = role == "input" and other.point is not None
        if from_field and own.block.type.name != "AI":
            return f"Put an AI block between them, or wire a terminal in {_unit_words(own.unit)}."
        scale = _scale_of(own)
        if scale is not None:
            return f"Give `{scale}` of {own.block.label} in {_unit_words(other.unit)}, or wire another terminal."
        other_scale = _scale_of(other)
        if other_scale is not None and other.block is not None:
            return f"Give `{other_scale}` of {other.block.label} in {_unit_words(own.unit)}, or wire another terminal."
        if own.unit is not None and other.unit is not None and same_dimension(own.unit, other.unit):
            return "Use one unit on both sides."
        return f"Wire a terminal in {_unit_words(own.unit)}."

    # --- counting -----------------------------------------------------------------------------------------
    def _add(self, source: End, target: End, place: Place) -> None:
        link = Link(source.name, target.name, place)
        first = self._by_target.get(target.name)
        if first is not None:
            if target.point is not None:
                sentence = (
                    f"{target.name} is already driven by {first.source} ({first.place}). An output has one driver."
                )
            else:
                sentence = f"{target.name} is already wired to {first.source} ({first.place}). An input takes one wire."
            self._problems.add(place, f"{sentence} Delete one of the two.")
            return
        self._by_target[target.name] = link
        self.links.append(link)

    def check_complete(self) -> None:
        """Inputs that must be wired, cascades that cannot close, outputs that nobody drives."""
        for block in self._names.blocks.values():
            if block.name in self._misnamed:
                continue
            for terminal in block.terminals("input"):
                name = f"{block.name}.{terminal}"
                if name in self._by_target or name in self._tried:
                    continue
                if not block.type.is_optional(terminal):
                    meaning = block.type.field(terminal).meaning
                    self._problems.add(
                        block.place("inputs"),
                        f"{block.label}: the input `{terminal}` ({meaning}) is not wired. "
                        f"Add `{terminal}: …` below `inputs`.",
                    )
            self._check_type(block)
            self._check_cascade(block)
            self._check_way_back(block)
        for point in self._names.points.values():
            if point.direction != "out" or point.name in self._by_target or self._named_as_output(point.name):
                continue
            if self._names.complete and not self._output_failed:
                self._problems.add(
                    point.place,
                    f"{point.name} is an output, but no block drives it. "
                    f"Wire it below `outputs` of {'a DO' if point.type == 'bool' else 'an AO'} block, "
                    "or delete the point.",
                )

    def _check_type(self, block: Block) -> None:
        """What the type of the block says of parameters and wires together."""
        if block.type.check is None or block.broken:
            return
        inputs = [terminal for terminal in block.terminals("input") if f"{block.name}.{terminal}" in self._tried]
        for sentence in block.type.check(block.full_params(), frozenset(inputs)):
            self._problems.add(block.place(), f"{block.label}: {sentence}")

    def _named_as_output(self, tag: str) -> bool:
        """True when some block names it as an output, if wrongly."""
        return any(tag in block.section.outputs.values() for block in self._names.blocks.values())

    def _check_way_back(self, block: Block) -> None:
        """What comes back must come from a block that takes what goes out, or the wrong loop would be held."""
        for output, way in block.type.below:
            back = self._by_target.get(f"{block.name}.{way}")
            if back is None:
                continue
            below = back.source.rpartition(".")[0]
            if below not in self._names.blocks or below in self._misnamed or block.name in self._misnamed:
                continue
            taken = any(
                link.source == f"{block.name}.{output}" and link.target.rpartition(".")[0] == below
                for link in self.links
            )
            if not taken and not any(name.startswith(f"{below}.") for name in self._tried - set(self._by_target)):
                inputs = [one for one, _ in self._names.blocks[below].type.above] or ["cas_in"]
                self._problems.add(
                    back.place,
                    f"{block.label}: `{way}` comes from {back.source}, but {below} takes nothing from {block.name}. "
                    f"Wire the block that takes its output, or wire `{below}.{inputs[0]}` to {block.name}.{output}.",
                )

    def _check_cascade(self, block: Block) -> None:
        """A block that is to run in Cas needs a setpoint, and every block above it a way back."""
        for terminal, back_output in block.type.above:
            link = self._by_target.get(f"{block.name}.{terminal}")
            if link is not None:
                self._check_heard(block, link, back_output)
                self._note_ranges(block, terminal, link)
            elif terminal == "cas_in" and f"{block.name}.cas_in" not in self._tried and wanted_cascade(block):
                key = "target" if "target" in block.params or "normal" not in block.params else "normal"
                default = "" if key in block.params else " by default"
                self._problems.add(
                    block.place(key),
                    f"{block.label}: {key} is CAS{default}, but `cas_in` is not wired, so it would never get there. "
                    f"Wire `cas_in`, or write `{key}: AUTO`.",
                )

    def _note_ranges(self, block: Block, terminal: str, link: Link) -> None:
        """Ranges that differ on the two sides of a cascade: allowed, but seldom meant."""
        above_name, _, output = link.source.rpartition(".")
        above = self._names.blocks.get(above_name)
        if above is None or output not in dict(above.type.below):
            return
        ends = (self._block_end(above, output), self._block_end(block, terminal))
        scales = [_scale_of(end) for end in ends]
        if None in scales or ends[0].unit is None or ends[0].unit != ends[1].unit:
            return
        (low, high), (to_low, to_high) = (
            (one.value(f"{scale}_low"), one.value(f"{scale}_high"))
            for one, scale in zip((above, block), scales, strict=True)
        )
        if (low, high) == (to_low, to_high):
            return
        happens = []
        if low < to_low or high > to_high:
            happens.append(
                "what is asked for beyond that is cut off (the limit is told back, so that nothing winds up)"
            )
        if low > to_low or high < to_high:
            happens.append("the rest of it is never asked for")
        unit = _unit_words(ends[0].unit)
        self._problems.note(
            above.place(scales[0]) if scales[0] in above.section.parameters else above.place(),
            f"{above.label}: `{output}` goes from {low:g} to {high:g} {unit} (`{scales[0]}`), but `{terminal}` of "
            f"{block.label} from {to_low:g} to {to_high:g} {unit} (`{scales[1]}`): {' and '.join(happens)}. "
            "Give both one range, unless this is meant.",
        )

    def _check_heard(self, block: Block, link: Link, back_output: str) -> None:
        """The block above must hear what this one accepts, or the cascade could never close."""
        above_name, _, output = link.source.rpartition(".")
        above = self._names.blocks.get(above_name)
        way = dict(above.type.below).get(output) if above is not None else None
        if above is None or way is None or f"{above.name}.{way}" in self._tried or above.name in self._misnamed:
            return
        if f"{above.name}.{way}" not in self._by_target:
            self._problems.add(
                above.place("inputs"),
                f"{above.label}: its output goes to {link.target}, but nothing comes back, so the cascade could "
                f"never close. Add `{way}: {block.name}.{back_output}` below `inputs`.",
            )


def _is_whole(end: End) -> bool:
    return end.block is not None and end.block.type.field(end.terminal).dtype == "i8"


def _scale_of(end: End) -> str | None:
    """The scale that gives a terminal its unit."""
    if end.block is None:
        return None
    unit = end.block.type.field(end.terminal).unit
    return unit[1:] if unit.startswith("@") else None


def _unit_words(unit: str | None) -> str:
    return unit or "a plain number"
