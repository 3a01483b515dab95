"""alarms.yaml against the modules: limits in the unit of the measurement, in order, and inside its range.

Called by   ``dcs.config.control_check``.
Knows       the main block of a module, whose PV is watched.
"""

from collections.abc import Mapping
from itertools import pairwise

from dcs.config.block_check import Block
from dcs.config.problems import Problems
from dcs.config.publish import tag_range
from dcs.config.schema import AlarmSection
from dcs.config.source import Document
from dcs.core.errors import ConfigError
from dcs.core.units import parse_quantity
from dcs.engine.strategy import AlarmSpec

NS_PER_S = 1_000_000_000
LIMIT_KINDS = ("LOLO", "LO", "HI", "HIHI")
"""Kinds that compare with a limit, in the order in which their limits must stand."""
DEVIATION_KINDS = ("DEV_HI", "DEV_LO")

_WORDS = {
    "HIHI": "very high",
    "HI": "high",
    "LO": "low",
    "LOLO": "very low",
    "DEV_HI": "far above the setpoint",
    "DEV_LO": "far below the setpoint",
    "BAD_PV": "measurement bad",
}


def check_alarms(
    module: str,
    sections: Mapping[str, AlarmSection],
    main: Block | None,
    about: str,
    document: Document | None,
    problems: Problems,
) -> tuple[AlarmSpec, ...]:
    """The alarms of one module, which ``about`` describes; what is wrong goes to ``problems``."""
    if not sections or main is None or document is None:
        return ()
    if "PV" not in main.type.published:
        problems.add(
            document.place(("alarms", module)),
            f"{module} has no PV to watch: its main block is {main.label}. Name another block as `main`.",
        )
        return ()
    if main.depends_on_broken(main.type.field(main.type.published["PV"])):
        return ()
    check = _AlarmCheck(module, main, about or module, document, problems)
    specs = [spec for kind, section in sections.items() if (spec := check.one(kind, section)) is not None]
    check.order(specs)
    return tuple(specs)


class _AlarmCheck:
    def __init__(self, module: str, main: Block, about: str, document: Document, problems: Problems) -> None:
        self._module = module
        self._main = main
        self._about = about
        self._document = document
        self._problems = problems
        self._pv = main.type.field(main.type.published["PV"])
        self._unit = main.unit_text(self._pv)
        self._low, self._high = tag_range(main, self._pv)

    def one(self, kind: str, section: AlarmSection) -> AlarmSpec | None:
        """One alarm, or None when it cannot be used."""
        limit = self._limit(kind, section)
        deadband = self._quantity(kind, "deadband", section.deadband, difference=True)
        if limit is None or deadband is None:
            return None
        self._check_deadband(kind, deadband)
        reference = ""
        if kind in DEVIATION_KINDS:
            if "SP" not in self._main.type.published:
                self._say(kind, "", f"{self._module} has no setpoint to deviate from. Use HI or LO.")
                return None
            reference = f"{self._main.name}.{self._main.type.published['SP']}"
        return AlarmSpec(
            name=f"{self._module}.{kind}",
            module=self._module,
            source=f"{self._main.name}.{self._pv.name}",
            kind=kind,
            priority=section.priority,
            limit=limit,
            deadband=deadband,
            on_delay_s=section.on_delay / NS_PER_S,
            off_delay_s=section.off_delay / NS_PER_S,
            reference=reference,
            description=section.description or f"{self._about}: {_WORDS[kind]}",
            consequence=section.consequence,
            cause=section.cause,
            action=section.action,
            place=self._document.place(("alarms", self._module, kind)),
        )

    def _say(self, kind: str, key: str, sentence: str) -> None:
        path = ("alarms", self._module, kind, key) if key else ("alarms", self._module, kind)
        self._problems.add(self._document.place(path), f"{self._module}.{kind}: {sentence}")

    def _quantity(self, kind: str, key: str, value: float | str, *, difference: bool) -> float | None:
        if not isinstance(value, str):
            return value
        try:
            return parse_quantity(value, self._unit, difference=difference)
        except ConfigError as exc:
            self._say(kind, key, f"{key} {exc.message}")
            return None

    def _limit(self, kind: str, section: AlarmSection) -> float | None:
        if kind == "BAD_PV":
            if section.limit is not None:
                self._say(kind, "limit", "a bad measurement has no limit. Delete the key.")
            return 0.0
        if section.limit is None:
            self._say(kind, "", f"the key `limit` is missing. Add it, in {self._unit or 'plain numbers'}.")
            return None
        limit = self._quantity(kind, "limit", section.limit, difference=kind in DEVIATION_KINDS)
        if limit is None:
            return None
        span = f"{self._low:g} to {self._high:g} {self._unit}".strip()
        if kind in DEVIATION_KINDS:
            if not 0.0 < limit <= self._high - self._low:
                self._say(
                    kind,
                    "limit",
                    f"a deviation of {limit:g} {self._unit} never comes with a range of {span}. Correct it.",
                )
                return None
        elif not self._low <= limit <= self._high:
            self._say(
                kind,
                "limit",
                f"the limit {limit:g} {self._unit} lies outside of the range {span}, so it never comes. Correct it.",
            )
            return None
        return limit

    def _check_deadband(self, kind: str, deadband: float) -> None:
        if deadband < 0.0:
            self._say(kind, "deadband", f"deadband {deadband:g} is negative. Write how far the value must come back.")
        elif deadband >= self._high - self._low:
            self._say(
                kind,
                "deadband",
                f"the deadband {deadband:g} {self._unit} is as wide as the range of the measurement, so the alarm "
                "would never go. Make it smaller.",
            )

    def order(self, specs: list[AlarmSpec]) -> None:
        """LOLO < LO < HI < HIHI, with deadbands that leave a band between low and high."""
        by_kind = {spec.kind: spec for spec in specs}
        present = [by_kind[kind] for kind in LIMIT_KINDS if kind in by_kind]
        for lower, higher in pairwise(present):
            if lower.limit >= higher.limit:
                self._say(
                    higher.kind,
                    "limit",
                    f"the limit {higher.limit:g} {self._unit} is not above that of {lower.kind} ({lower.limit:g} "
                    f"{self._unit}). Limits must rise in the order {', '.join(LIMIT_KINDS)}.",
                )
                continue
            if lower.kind in ("LOLO", "LO") and higher.kind in ("HI", "HIHI"):
                band = higher.limit - lower.limit
                for spec in (lower, higher):
                    if band <= spec.deadband < self._high - self._low:
                        self._say(
                            spec.kind,
                            "deadband",
                            f"the deadband {spec.deadband:g} {self._unit} is as wide as the band between {lower.kind} "
                            f"and {higher.kind} ({band:g} {self._unit}), so the alarm might never go. Make it smaller.",
                        )
