"""alarms.yaml against the modules: what each alarm watches, limits in its unit, in order, and inside its range.

Called by   ``dcs.config.control_check``.
Knows       the blocks of a module and their published parts; an alarm watches the main block's PV unless it says `of:`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from dcs.blocks.declare import Field
from dcs.config.block_check import Block
from dcs.config.problems import Problems, did_you_mean
from dcs.config.publish import tag_kind, tag_range
from dcs.config.schema import ALARM_KINDS, AlarmSection
from dcs.config.source import Document
from dcs.core.errors import ConfigError
from dcs.core.units import parse_quantity
from dcs.engine.strategy import AlarmSpec

NS_PER_S = 1_000_000_000
LIMIT_KINDS = ("LOLO", "LO", "HI", "HIHI")
"""Kinds that compare with a limit, in the order in which their limits must stand."""
DEVIATION_KINDS = ("DEV_HI", "DEV_LO")
STATE_KINDS = ("ON", "OFF")
WITHOUT_LIMIT = {"BAD_PV": "a bad measurement has no limit", "ON": "on is no limit", "OFF": "off is no limit"}

_WORDS = {
    "HIHI": "very high",
    "HI": "high",
    "LO": "low",
    "LOLO": "very low",
    "DEV_HI": "far above the setpoint",
    "DEV_LO": "far below the setpoint",
    "BAD_PV": "measurement bad",
    "ON": "on",
    "OFF": "off",
    "ROC": "changes too fast",
}


def check_alarms(
    module: str,
    sections: Mapping[str, AlarmSection],
    main: Block | None,
    blocks: Mapping[str, Block],
    about: str,
    document: Document | None,
    problems: Problems,
) -> tuple[AlarmSpec, ...]:
    """The alarms of one module, which ``about`` describes; what is wrong goes to ``problems``."""
    if not sections or main is None or document is None:
        return ()
    if "PV" not in main.type.published and any(section.of == "PV" for section in sections.values()):
        problems.add(
            document.place(("alarms", module)),
            f"{module} has no PV to watch: its main block is {main.label}. Name another block as `main`.",
        )
        return ()
    check = _AlarmCheck(module, main, blocks, about or module, document, problems)
    specs = [spec for name, section in sections.items() if (spec := check.one(name, section)) is not None]
    for source in dict.fromkeys(spec.source for spec in specs):
        check.order([spec for spec in specs if spec.source == source])
    return tuple(specs)


@dataclass(frozen=True)
class _Watched:
    """What an alarm watches."""

    text: str  # as the file says it: FAIL, ai.PV
    block: Block
    item: Field
    name: str  # of the field or of the element: reset, inp_3

    @property
    def source(self) -> str:
        return f"{self.block.name}.{self.name}"

    @property
    def unit(self) -> str:
        return self.block.unit_text(self.item)

    @property
    def range(self) -> tuple[float, float]:
        return tag_range(self.block, self.item)

    @property
    def is_state(self) -> bool:
        """May it be on or off?"""
        return tag_kind(self.item) in ("bool", "int") or self.item.unit == ""


class _AlarmCheck:
    def __init__(
        self,
        module: str,
        main: Block,
        blocks: Mapping[str, Block],
        about: str,
        document: Document,
        problems: Problems,
    ) -> None:
        self._module = module
        self._main = main
        self._blocks = blocks
        self._about = about
        self._document = document
        self._problems = problems

    def one(self, name: str, section: AlarmSection) -> AlarmSpec | None:
        """One alarm, or None when it cannot be used."""
        kind = section.kind or name
        if kind not in ALARM_KINDS:
            hint = did_you_mean(name, ALARM_KINDS, "Write one of")
            self._problems.add(
                self._document.place(("alarms", self._module, name)),
                f"alarms.{self._module}.{name}: `{name}` is not one of the choices. {hint}",
            )
            return None
        watched = self._watched(name, section.of)
        if watched is None or watched.block.depends_on_broken(watched.item):
            return None
        if kind in STATE_KINDS and not watched.is_state:
            self._say(name, "of", f"{watched.text} is a measurement, which is neither on nor off. Use HI or LO.")
            return None
        limit = self._limit(name, kind, section, watched)
        deadband = self._quantity(name, "deadband", section.deadband, watched, difference=True)
        if limit is None or deadband is None:
            return None
        self._check_deadband(name, deadband, watched)
        self._check_times(name, kind, section)
        reference = ""
        if kind in DEVIATION_KINDS:
            setpoint = _setpoint_of(watched.block)
            if not setpoint:
                owner = self._module if watched.block is self._main else watched.block.name
                self._say(name, "", f"{owner} has no setpoint to deviate from. Use HI or LO.")
                return None
            reference = f"{watched.block.name}.{setpoint}"
        return AlarmSpec(
            name=f"{self._module}.{name}",
            module=self._module,
            source=watched.source,
            kind=kind,
            priority=section.priority,
            limit=limit,
            deadband=deadband,
            on_delay_s=section.on_delay / NS_PER_S,
            off_delay_s=section.off_delay / NS_PER_S,
            after_sp_s=section.after_sp / NS_PER_S,
            window_s=section.window / NS_PER_S,
            reference=reference,
            description=section.description or self._description(kind, watched),
            consequence=section.consequence,
            cause=section.cause,
            action=section.action,
            place=self._document.place(("alarms", self._module, name)),
        )

    def _description(self, kind: str, watched: _Watched) -> str:
        what = "" if watched.text == "PV" else f"{watched.text} "
        return f"{self._about}: {what}{_WORDS[kind]}"

    def _watched(self, name: str, text: str) -> _Watched | None:
        """``FAIL`` of the main block, ``ai.PV`` of another one."""
        block_name, dot, part = text.rpartition(".")
        block = self._blocks.get(block_name) if dot else self._main
        if block is None:
            if block_name not in self._document_blocks():
                hint = did_you_mean(block_name, self._blocks, "Its blocks")
                self._say(name, "of", f"{self._module} has no block `{block_name}`. {hint}")
            return None
        if part not in block.type.published:
            hint = did_you_mean(part, block.type.published, "Its parts")
            self._say(name, "of", f"{block.label} has no published part `{part}`. {hint}")
            return None
        field = block.type.published[part]
        return _Watched(text, block, block.type.field(field), field)

    def _document_blocks(self) -> list[str]:
        """Blocks of the module that stand in the file, also those with errors of their own."""
        return self._main.document.names(("modules", self._module, "blocks"))

    def _say(self, name: str, key: str, sentence: str) -> None:
        path = ("alarms", self._module, name, key) if key else ("alarms", self._module, name)
        self._problems.add(self._document.place(path), f"{self._module}.{name}: {sentence}")

    def _quantity(
        self, name: str, key: str, value: float | str, watched: _Watched, *, difference: bool
    ) -> float | None:
        if not isinstance(value, str):
            return value
        try:
            return parse_quantity(value, watched.unit, difference=difference)
        except ConfigError as exc:
            self._say(name, key, f"{key} {exc.message}")
            return None

    def _limit(self, name: str, kind: str, section: AlarmSection, watched: _Watched) -> float | None:
        if kind in WITHOUT_LIMIT:
            if section.limit is not None:
                self._say(name, "limit", f"{WITHOUT_LIMIT[kind]}. Delete the key.")
            return 0.0
        unit = watched.unit
        if section.limit is None:
            self._say(name, "", f"the key `limit` is missing. Add it, in {unit or 'plain numbers'}.")
            return None
        is_distance = kind in (*DEVIATION_KINDS, "ROC")
        limit = self._quantity(name, "limit", section.limit, watched, difference=is_distance)
        if limit is None:
            return None
        low, high = watched.range
        span = f"{low:g} to {high:g} {unit}".strip()
        if is_distance:
            if not 0.0 < limit <= high - low:
                what = "change" if kind == "ROC" else "deviation"
                self._say(
                    name, "limit", f"a {what} of {limit:g} {unit} never comes with a range of {span}. Correct it."
                )
                return None
        elif not low <= limit <= high:
            self._say(
                name,
                "limit",
                f"the limit {limit:g} {unit} lies outside of the range {span}, so it never comes. Correct it.",
            )
            return None
        return limit

    def _check_times(self, name: str, kind: str, section: AlarmSection) -> None:
        if kind == "ROC" and section.window <= 0:
            self._say(name, "", "the key `window` is missing. Add the time over which the change is judged: `1 min`.")
        elif kind != "ROC" and section.window > 0:
            self._say(name, "window", f"{kind} has no window. Delete the key, or write `kind: ROC`.")
        if section.after_sp > 0 and kind not in DEVIATION_KINDS:
            self._say(name, "after_sp", f"{kind} does not depend on the setpoint. Delete the key.")

    def _check_deadband(self, name: str, deadband: float, watched: _Watched) -> None:
        low, high = watched.range
        if deadband < 0.0:
            self._say(name, "deadband", f"deadband {deadband:g} is negative. Write how far the value must come back.")
        elif deadband >= high - low:
            self._say(
                name,
                "deadband",
                f"the deadband {deadband:g} {watched.unit} is as wide as the range of the measurement, so the alarm "
                "would never go. Make it smaller.",
            )

    def order(self, specs: list[AlarmSpec]) -> None:
        """LOLO < LO < HI < HIHI of one source, with deadbands that leave a band between low and high."""
        present = [spec for kind in LIMIT_KINDS for spec in specs if spec.kind == kind]
        if not present:
            return
        watched = self._watched_again(present[0])
        low, high = watched.range
        unit = watched.unit
        for lower, higher in pairwise(present):
            if lower.kind == higher.kind:
                continue
            if lower.limit >= higher.limit:
                self._say(
                    _own(higher),
                    "limit",
                    f"the limit {higher.limit:g} {unit} is not above that of {_own(lower)} ({lower.limit:g} "
                    f"{unit}). Limits must rise in the order {', '.join(LIMIT_KINDS)}.",
                )
                continue
            if lower.kind in ("LOLO", "LO") and higher.kind in ("HI", "HIHI"):
                band = higher.limit - lower.limit
                for spec in (lower, higher):
                    if band <= spec.deadband < high - low:
                        self._say(
                            _own(spec),
                            "deadband",
                            f"the deadband {spec.deadband:g} {unit} is as wide as the band between {_own(lower)} "
                            f"and {_own(higher)} ({band:g} {unit}), so the alarm might never go. Make it smaller.",
                        )

    def _watched_again(self, spec: AlarmSpec) -> _Watched:
        block_name, _, field = spec.source.rpartition(".")
        block = next(block for block in self._blocks.values() if block.name == block_name)
        return _Watched("", block, block.type.field(field), field)


def _setpoint_of(block: Block) -> str:
    """What a deviation is taken from: the working setpoint, so that one on its way up a ramp is no deviation yet."""
    parts = block.type.published
    return parts.get("SP_WRK") or parts.get("SP") or ""


def _own(spec: AlarmSpec) -> str:
    """The alarm's own name, ``HI``."""
    return spec.name.rpartition(".")[2]
