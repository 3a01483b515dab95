"""One control module as its faceplate and its place in a drawing show it.

Called by   faceplates, drawings and group displays, which sample it at screen rate.
Knows       the station; no Qt. Checks an entry against limits before it is sent, so that the operator learns the limit
            at once; the controller checks again.
"""

import math
from dataclasses import dataclass

from dcs.bus.messages import AlarmInfo, ModuleInfo, TagInfo
from dcs.core.modes import MODE_NAMES
from dcs.core.status import describe_status, is_usable
from hmi.model.alarms import AlarmRow
from hmi.model.station import Station
from hmi.model.tags import Link

from .shown import NOT_SHOWN, Shown, fraction_of, number_text, show, unit_text, value_text

BIG_CHANGE = 0.10
"""Part of the span from which a change is asked for once more."""
SMALL_STEP, LARGE_STEP = 0.005, 0.05
"""Parts of the span of a key step."""
JOURNAL_LOOKBACK = 300
"""Events searched for the reason of a mode."""
LEVEL_KINDS = ("HIHI", "HI", "LO", "LOLO")
"""Alarms whose limit is a place on the measurement's range."""
MAIN_PARTS = ("PV", "OUT", "STATE")
"""The part that stands for a module, the first of these that it has."""
OWN_ENTRIES = ("SP", "OUT", "COMMAND", "MODE", "TARGET", "NORMAL")
"""Parts that a faceplate offers at their own places."""
FACTS_MAX = 6
BUTTON_MODES = ("OOS", "MAN", "AUTO", "CAS", "RCAS", "ROUT")


@dataclass(frozen=True, slots=True)
class ModeShown:
    """Actual and target mode; ``reason`` when they differ."""

    actual: str = ""
    target: str = ""
    pending: str = ""
    permitted: tuple[str, ...] = ()
    reason: str = ""
    known: bool = False
    normal: str = ""  # as configured; "" where the block says nothing of it

    @property
    def stands_out(self) -> bool:
        """True when an operator should notice the mode: not the one asked for, on its way, by hand unless normal."""
        by_hand = self.actual in ("MAN", "OOS") and self.actual.upper() != self.normal.upper()
        return self.known and (not self.agrees or bool(self.pending) or by_hand)

    @property
    def agrees(self) -> bool:
        """True when the block is in the mode that was asked of it."""
        return not self.target or self.actual.upper() == self.target.upper()


@dataclass(frozen=True, slots=True)
class LimitTick:
    """One alarm limit on an indicator."""

    info: AlarmInfo
    fraction: float
    high: bool


@dataclass(frozen=True, slots=True)
class LoopShown:
    """Everything a faceplate paints, comparable: equal means nothing to repaint."""

    name: str
    description: str
    kind: str
    pv: Shown = NOT_SHOWN
    sp: Shown = NOT_SHOWN
    out: Shown = NOT_SHOWN
    has_sp: bool = False
    has_out: bool = False
    sp_pending: str = ""
    out_pending: str = ""
    mode: ModeShown = ModeShown()
    marks: tuple[str, ...] = ()
    alarm: AlarmRow | None = None
    ticks: tuple[LimitTick, ...] = ()
    band: tuple[float, float] | None = None
    is_state: bool = False  # the main part is a state with a name: a motor, a valve, a sequence
    facts: tuple[tuple[str, Shown], ...] = ()  # of such a module: what else it reports


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of an entry: refused with the limit, to be confirmed, or ready to send."""

    value: float = math.nan
    refused: str = ""
    confirm: str = ""


class LoopView:
    """A module under an operator's eyes."""

    def __init__(self, station: Station, module: str) -> None:
        self._station = station
        self.module = module

    @property
    def info(self) -> ModuleInfo | None:
        """What the layout says of the module; None until it has arrived."""
        return self._station.tags.modules.get(self.module)

    def tag(self, part: str) -> str:
        """Full name of a part (``PV`` → ``LIC-101.PV``), "" when the module has none."""
        info = self.info
        return info.parts.get(part, "") if info else ""

    def tag_info(self, part: str) -> TagInfo | None:
        """Range, unit and decimals of a part."""
        return self._station.tags.info(self.tag(part))

    def part(self, part: str) -> Shown:
        """One part as shown."""
        name = self.tag(part)
        return show(self._station.tags.read(name), self._station.tags.info(name))

    @property
    def main_part(self) -> str:
        """PV where there is one, else OUT, else STATE, else the first part."""
        parts = list(self.info.parts) if self.info else []
        return next((part for part in MAIN_PARTS if part in parts), parts[0] if parts else "OUT")

    @property
    def adjustable(self) -> tuple[str, ...]:
        """Parts that an operator may write, apart from those with a place of their own; in declared order."""
        info = self.info
        if info is None:
            return ()
        found = ((part, self._station.tags.info(tag)) for part, tag in info.parts.items() if part not in OWN_ENTRIES)
        return tuple(part for part, tag in found if tag is not None and tag.writable)

    def sample(self) -> LoopShown:
        """The module now."""
        info = self.info
        if info is None:
            return LoopShown(self.module, "", "")
        sp_part = "SP_WRK" if self.tag("SP_WRK") else "SP"
        out = self.part("OUT")
        rows = self._station.alarms.of_module(self.module)
        ticks = self.ticks()
        is_state = self._is_state(self.main_part)
        return LoopShown(
            self.module,
            info.description,
            info.kind,
            pv=self.part(self.main_part),
            sp=self.part(sp_part) if self.tag(sp_part) else NOT_SHOWN,
            out=out if self.tag("OUT") else NOT_SHOWN,
            has_sp=bool(self.tag(sp_part)),
            has_out=info.kind != "indicator" and bool(self.tag("OUT")) and bool(self.tag("PV")) and not is_state,
            sp_pending=self.pending("SP"),
            out_pending=self.pending("OUT"),
            mode=self.mode(),
            marks=self._marks(out),
            alarm=next((row for row in rows if not row.hidden), None),
            ticks=ticks,
            band=self._band(ticks),
            is_state=is_state,
            facts=self._facts() if is_state else (),
        )

    def choices(self, part: str) -> tuple[str, ...]:
        """The words that a part may be; () for a number."""
        info = self.tag_info(part)
        if info is None:
            return ()
        return ("off", "on") if info.kind == "bool" else info.choices

    def _is_state(self, part: str) -> bool:
        return bool(self.choices(part))

    def _facts(self) -> tuple[tuple[str, Shown], ...]:
        """What a module with a state reports beside it: its first parts that nobody writes."""
        info = self.info
        known = [part for part in info.parts if part not in (*OWN_ENTRIES, self.main_part)] if info else []
        read_only = [part for part in known if not getattr(self.tag_info(part), "writable", True)]
        return tuple((part, self.part(part)) for part in read_only[:FACTS_MAX])

    # --- mode ---------------------------------------------------------------------------------------------
    def mode(self) -> ModeShown:
        """Actual mode, target mode and why they differ."""
        info = self.info
        if info is None or not self.tag("MODE"):
            return ModeShown()
        reading = self._station.tags.read(self.tag("MODE"))
        known = reading.believable and math.isfinite(reading.value)
        actual = _mode_text(reading.value) if known else ""
        target_tag = self.tag("TARGET")
        target_reading = self._station.tags.read(target_tag) if target_tag else reading
        target = _mode_text(target_reading.value) if target_reading.believable else ""
        permitted = tuple(mode.upper() for mode in info.permitted_modes) or ("MAN", "AUTO")
        shown = tuple(mode for mode in BUTTON_MODES if mode in permitted)
        reason = self._reason(actual, target) if known and target and actual != target else ""
        normal = self._station.tags.read(self.tag("NORMAL")) if self.tag("NORMAL") else None
        normal_text = _mode_text(normal.value) if normal is not None and normal.believable else ""
        return ModeShown(actual, target, self.pending("MODE"), shown, reason, known, normal_text)

    def _reason(self, actual: str, target: str) -> str:
        """Why the block is not in its target: the plant's own words from the journal, else what can be seen."""
        for event in reversed(self._station.events.events[-JOURNAL_LOOKBACK:]):
            if event.subject == self.tag("MODE") and event.kind == "system":
                if str(event.new).upper() == actual and ": " in event.text:
                    return event.text.partition(": ")[2]
                break
        if actual == "IMAN":
            return "the block below does not follow"
        if actual == "LO":
            return "a local override holds the output"
        pv = self._station.tags.read(self.tag("PV"))
        if self.tag("PV") and not is_usable(pv.pv.status):
            return f"PV is {describe_status(pv.pv.status)}"
        if target in ("CAS", "RCAS"):
            return "the cascade above is not ready"
        return "the block cannot reach its target"

    # --- entries ------------------------------------------------------------------------------------------
    def check(self, part: str, text: str) -> Entry:
        """Check a typed number against the tag's range and the size of the change."""
        info = self.tag_info(part)
        if info is None:
            return Entry(refused=f"{self.module} has no {part}")
        for code, name in enumerate(self.choices(part)):
            if name and name.upper() == text.strip().upper():
                return Entry(float(code))
        try:
            value = float(text.strip().replace("\u2212", "-").replace(",", "."))
        except ValueError:
            return Entry(refused=f"“{text.strip()}” is not a number")
        if not math.isfinite(value):
            return Entry(refused=f"“{text.strip()}” is not a number")
        unit = unit_text(info.unit)
        low, high = self.limits(part)
        if value < low:
            return Entry(refused=f"{part} limit: at least {number_text(low, info.decimals)} {unit}".rstrip())
        if value > high:
            return Entry(refused=f"{part} limit: at most {number_text(high, info.decimals)} {unit}".rstrip())
        now, span = self._station.tags.read(info.name).value, info.high - info.low
        if part in ("SP", "OUT") and math.isfinite(now) and abs(value - now) > BIG_CHANGE * span:
            change = f"{number_text(now, info.decimals)} → {number_text(value, info.decimals)} {unit}".rstrip()
            return Entry(value, confirm=f"Big change {change}: Enter again")
        return Entry(value)

    def limits(self, part: str) -> tuple[float, float]:
        """What may be entered: the tag's range, narrowed by the limits in force (``SP_LO`` … ``OUT_HI``)."""
        info = self.tag_info(part)
        if info is None:
            return -math.inf, math.inf
        low, high = info.low, info.high
        for name, is_low in ((f"{part}_LO", True), (f"{part}_HI", False)):
            reading = self._station.tags.read(self.tag(name))
            if self.tag(name) and reading.believable and math.isfinite(reading.value):
                low, high = (max(low, reading.value), high) if is_low else (low, min(high, reading.value))
        return low, high

    def step(self, part: str, from_text: str, steps: float) -> str:
        """The entry after a key step; ``steps`` in small steps, held inside the range."""
        info = self.tag_info(part)
        if info is None:
            return from_text
        checked = self.check(part, from_text).value
        start = checked if math.isfinite(checked) else self._station.tags.read(info.name).value
        if not math.isfinite(start):
            return from_text
        size = max((info.high - info.low) * SMALL_STEP, 10.0 ** -max(info.decimals, 0))
        low, high = self.limits(part)
        value = min(max(start + steps * size, low), high)
        return number_text(value, info.decimals).replace("\u2212", "-")

    def may_write(self, part: str) -> str:
        """Why a part cannot be written now; "" when it can."""
        info = self.tag_info(part)
        if info is None or not info.writable:
            return f"{part} cannot be written"
        if self._station.tags.read(info.name).link is Link.COMM:
            return "no communication with the controller"
        mode = self.mode()
        if part == "SP" and mode.actual in ("CAS", "RCAS"):
            return f"SP comes from the cascade in {mode.actual}"
        if part == "OUT" and mode.known and self.tag("PV") and self.tag("SP") and mode.actual not in ("MAN", "OOS"):
            return "OUT can be set in MAN"
        return ""

    # --- small parts --------------------------------------------------------------------------------------
    def ticks(self) -> tuple[LimitTick, ...]:
        """Alarm limits in force on the main value, as places on its range."""
        main = self.tag_info(self.main_part)
        if main is None:
            return ()
        ticks = []
        for alarm in self._station.alarms.configured.values():
            if alarm.tag != main.name or alarm.kind not in LEVEL_KINDS:
                continue
            limit = self.limit_of(alarm)
            fraction = fraction_of(limit, main.low, main.high)
            if fraction is not None:
                ticks.append(LimitTick(alarm, fraction, "HI" in alarm.kind))
        return tuple(ticks)

    def limit_of(self, alarm: AlarmInfo) -> float:
        """The limit in force."""
        if alarm.limit_tag:
            reading = self._station.tags.read(alarm.limit_tag)
            if reading.believable:
                return reading.value
        return alarm.limit

    def _band(self, ticks: tuple[LimitTick, ...]) -> tuple[float, float] | None:
        lows = [tick.fraction for tick in ticks if not tick.high]
        highs = [tick.fraction for tick in ticks if tick.high]
        if not lows and not highs:
            return None
        return max(lows, default=0.0), min(highs, default=1.0)

    def _marks(self, out: Shown) -> tuple[str, ...]:
        marks = []
        if self.tag("OUT") and out.limited:
            marks.append(f"OUT {out.limited} limited")
        if self.mode().actual == "LO":
            marks.append("Tracking")
        for part, text in (("SIMULATE", "Simulated"), ("BYPASS", "Bypassed"), ("INTERLOCK", "Interlocked")):
            reading = self._station.tags.read(self.tag(part))
            if self.tag(part) and reading.believable and reading.value:
                marks.append(text)
        return tuple(marks)

    def pending(self, part: str) -> str:
        """What was asked for and has not come about yet, as it would be shown; "" when nothing is."""
        request = self._station.desk.pending(self.tag(part)) if self.tag(part) else None
        if request is None:
            return ""
        value = request.command.value
        info = self.tag_info(part)
        if isinstance(value, str) or info is None:
            return str(value)
        return value_text(float(value or 0.0), info)


def _mode_text(code: float) -> str:
    index = int(code)
    return MODE_NAMES[index].upper() if 0 <= index < len(MODE_NAMES) else f"MODE {index}"
