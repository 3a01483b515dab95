"""Which pens a trend shows, over which window.

Called by   trend page and embedded trends. Knows no Qt.
Behaviour   live: the right edge is now. Dragged or shifted: the window stays where the operator put it.
"""

from dataclasses import dataclass

import numpy as np

from dcs.core.clock import NS_PER_S
from hmi.model.decimate import Line
from hmi.model.station import Station
from hmi.model.trends import Figures

from .clock import PlantClock

PENS_MAX = 8
WINDOWS_S = (600.0, 3600.0, 8 * 3600.0)
SHORTEST_S, LONGEST_S = 30.0, 24 * 3600.0
AHEAD = 0.04
"""Part of a live window that is kept empty after now, so that the newest point is not glued to the edge."""


@dataclass(frozen=True, slots=True)
class TakeoverMark:
    """From this time on another epoch writes: ``text`` says whose."""

    time_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Pen:
    """One line; drawn in percent of ``low`` … ``high``."""

    tag: str
    low: float
    high: float
    unit: str
    description: str
    decimals: int

    def percent(self, values: np.ndarray) -> np.ndarray:
        """Values on the shared 0–100 % axis."""
        return (values - self.low) / (self.high - self.low or 1.0) * 100.0

    def value(self, percent: float) -> float:
        """Inverse of ``percent`` for one number."""
        return self.low + percent / 100.0 * (self.high - self.low)


class TrendView:
    """Pens and time window of one trend."""

    def __init__(self, station: Station, tags: tuple[str, ...] = (), span_s: float = WINDOWS_S[0]) -> None:
        self._station = station
        self._clock = PlantClock(station)
        self.tags: list[str] = list(tags)[:PENS_MAX]
        self.span_s = span_s
        self._end_s: float | None = None  # None: live

    # --- window -------------------------------------------------------------------------------------------
    @property
    def live(self) -> bool:
        """True while the right edge follows the plant's time."""
        return self._end_s is None

    def now_s(self) -> float:
        """Time of the newest sample; the plant's clock before the first."""
        newest_ns = self._station.tags.plant_time_ns()
        return (newest_ns or self._clock.now_ns()) / NS_PER_S

    def window(self) -> tuple[float, float]:
        """Start and end, s since 1970."""
        end_s = self.now_s() + AHEAD * self.span_s if self._end_s is None else self._end_s
        return end_s - self.span_s, end_s

    def go_live(self) -> None:
        """Follow the plant's time again."""
        self._end_s = None

    def pan(self, seconds: float) -> None:
        """Move the window; reaching now makes it live again."""
        end_s = self.window()[1] + seconds
        self._end_s = end_s if end_s < self.now_s() + AHEAD * self.span_s else None

    def zoom(self, factor: float, around_s: float | None = None) -> None:
        """Scale the span about a time (live: about now, and it stays live)."""
        start_s, end_s = self.window()
        span_s = min(max(self.span_s * factor, SHORTEST_S), LONGEST_S)
        if self._end_s is not None or (around_s is not None and around_s < self.now_s() - 0.3 * self.span_s):
            centre_s = (start_s + end_s) / 2.0 if around_s is None else around_s
            ahead = (end_s - centre_s) / self.span_s
            self._end_s = centre_s + ahead * span_s
        self.span_s = span_s

    def set_span(self, span_s: float) -> None:
        """Another window length, right edge kept."""
        self.span_s = min(max(span_s, SHORTEST_S), LONGEST_S)

    # --- pens ---------------------------------------------------------------------------------------------
    def pens(self) -> list[Pen]:
        """The pens whose tags are known."""
        pens = []
        for tag in self.tags:
            info = self._station.tags.info(tag)
            if info is not None:
                text = self._description(tag, info.description)
                pens.append(Pen(tag, info.low, info.high, info.unit, text, info.decimals))
        return pens

    def add(self, tag: str) -> bool:
        """Add a pen; False when it is there or there is no room."""
        if tag in self.tags or len(self.tags) >= PENS_MAX:
            return False
        self.tags.append(tag)
        return True

    def remove(self, tag: str) -> None:
        """Take a pen off."""
        if tag in self.tags:
            self.tags.remove(tag)

    def line(self, pen: Pen, pixels: int) -> Line:
        """Points of a pen in the window."""
        start_s, end_s = self.window()
        return self._station.trends.line(pen.tag, start_s, end_s, pixels)

    def figures(self, pen: Pen) -> Figures:
        """Min, mean, max of a pen in the window."""
        start_s, end_s = self.window()
        return self._station.trends.figures(pen.tag, start_s, end_s)

    def value_at(self, pen: Pen, time_s: float) -> float:
        """Value of a pen at a time."""
        return self._station.trends.value_at(pen.tag, time_s)

    # --- beside the lines ---------------------------------------------------------------------------------
    def gaps(self) -> list[tuple[float, float]]:
        """Where samples of a pen are missing in the window, oldest first."""
        start_s, end_s = self.window()
        found = {gap for tag in self.tags for gap in self._station.trends.marks(tag, start_s, end_s).gaps}
        return sorted((max(gap[0], start_s), min(gap[1], end_s)) for gap in found)

    def takeovers(self) -> list[TakeoverMark]:
        """Where another controller, or another term of the same one, began to write in the window."""
        start_s, end_s = self.window()
        found: dict[tuple[str, int], float] = {}
        for tag in self.tags:
            pair = self._station.tags.pair_of(tag) or ""
            for time_s, epoch in self._station.trends.marks(tag, start_s, end_s).takeovers():
                if time_s > start_s:
                    found.setdefault((pair, epoch), time_s)
        marks = [TakeoverMark(time_s, self._succession(pair, epoch)) for (pair, epoch), time_s in found.items()]
        return sorted(marks, key=lambda mark: mark.time_s)

    def _succession(self, pair: str, epoch: int) -> str:
        members = self._station.nodes.members(pair)
        holder, before = (self._station.events.holder(members, one) for one in (epoch, epoch - 1))
        if not holder:
            return f"takeover in {pair}, epoch {epoch}"
        return f"{holder} {'again' if holder == before else 'takes over'}, epoch {epoch}"

    def source_at(self, pen: Pen, time_s: float) -> str:
        """Who wrote the sample of a pen at a time: ``C1B, epoch 2``; or that there is none."""
        marks = self._station.trends.marks(pen.tag, time_s - self.span_s, time_s)
        gap = marks.gap_at(time_s) or self._station.trends.marks(pen.tag, *self.window()).gap_at(time_s)
        if gap is not None:
            return "no data"
        epoch = marks.epoch_at(time_s)
        return self._writer(self._station.tags.pair_of(pen.tag) or "", epoch) if epoch else ""

    def _writer(self, pair: str, epoch: int) -> str:
        holder = self._station.events.holder(self._station.nodes.members(pair), epoch)
        return f"{holder or pair}, epoch {epoch}"

    def _description(self, tag: str, text: str) -> str:
        module_name, _, part = tag.rpartition(".")
        module = self._station.tags.modules.get(module_name)
        if module is None or part == "PV" or text.startswith(module.description):
            return text or (module.description if module else "")
        return f"{module.description}: {text}" if text else module.description


def pens_of(station: Station, module: str) -> tuple[str, ...]:
    """The tags a loop is judged by: PV, SP, OUT."""
    info = station.tags.modules.get(module)
    if info is None:
        return ()
    setpoint = "SP_WRK" if "SP_WRK" in info.parts else "SP"
    return tuple(info.parts[part] for part in ("PV", setpoint, "OUT") if part in info.parts)
