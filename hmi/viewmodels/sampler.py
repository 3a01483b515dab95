"""One timer looks at the model and tells the views what has changed.

Called by   every view (connects to its signals). Runs in the Qt thread.
Knows       version counters and link states; compares numbers, so that an idle screen costs next to nothing.
Rates       values 10 Hz at most, trends 2 Hz at most, clock 1 Hz, blinking 1 Hz while something is unacknowledged.
"""

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from dcs.core.clock import NS_PER_MS
from hmi.model.station import Station
from hmi.model.tags import Link

TICK_MS = 100
TREND_TICKS = 5
BLINK_TICKS = 5


class Sampler(QObject):
    """Signals at eye speed; each is emitted only when there is something new."""

    values = Signal()
    layout = Signal()
    alarms = Signal()
    nodes = Signal()
    events = Signal()
    commands = Signal()
    trends = Signal()
    second = Signal()
    blink = Signal(bool)

    def __init__(self, station: Station, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.station = station
        self.blink_on = True
        self._seen: dict[str, object] = {}
        self._ticks = 0
        self._second_seen = -1
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.CoarseTimer)
        self._timer.timeout.connect(self.tick)

    def start(self) -> None:
        """Begin sampling."""
        self._timer.start(TICK_MS)

    def stop(self) -> None:
        """Stop sampling; nothing is emitted after this."""
        self._timer.stop()

    def tick(self) -> None:
        """Look once; called by the timer (and by tests)."""
        station = self.station
        self._ticks += 1
        links = tuple(station.tags.link(group) for group in station.tags.groups)
        is_second = self._is_new_second()
        if self._changed("layout", station.tags.layout_version):
            self.layout.emit()
        # A stale value shows its age, so it is repainted once a second although nothing arrives.
        ageing = is_second and any(link is Link.STALE for link in links)
        if self._changed("values", (station.tags.version, links)) or ageing:
            self.values.emit()
        if self._changed("alarms", station.alarms.version):
            self.alarms.emit()
        if self._changed("nodes", (station.nodes.version, station.link_text)) or is_second:
            self.nodes.emit()
        if self._changed("events", station.events.version):
            self.events.emit()
        if self._changed("commands", station.desk.version):
            self.commands.emit()
        if self._ticks % TREND_TICKS == 0 and self._changed("trends", station.trends.version):
            self.trends.emit()
        if is_second:
            self.second.emit()
        if self._ticks % BLINK_TICKS == 0:
            self._blink()

    def _blink(self) -> None:
        waiting = any(row.unacknowledged for row in self.station.alarms.rows)
        wanted = not self.blink_on if waiting else True
        if wanted != self.blink_on:
            self.blink_on = wanted
            self.blink.emit(wanted)

    def _is_new_second(self) -> bool:
        second = self.station.clock.monotonic_ns() // (1000 * NS_PER_MS)
        if second == self._second_seen:
            return False
        self._second_seen = second
        return True

    def _changed(self, what: str, value: object) -> bool:
        if self._seen.get(what) == value:
            return False
        self._seen[what] = value
        return True
