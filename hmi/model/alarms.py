"""The alarms of the plant as its controllers report them.

Called by   ``hmi.model.session`` (writes); banner, alarm page, navigation tree and faceplates (read).
Knows       the states of ISA-18.2 (A–I) and the order in which an operator needs them. Decides nothing itself:
            every state comes from the controller's frame.
"""

from dataclasses import dataclass

from dcs.bus.messages import AlarmInfo, Frame, Layout

LETTERS = "ABCDEFGHI"
STATE_TEXT = (
    "normal",
    "unacknowledged",
    "acknowledged",
    "returned, unacknowledged",
    "latched, unacknowledged",
    "latched",
    "shelved",
    "suppressed",
    "out of service",
)
_UNACKNOWLEDGED = frozenset((1, 3, 4))
_ACTIVE = frozenset((1, 2))
_HIDDEN = frozenset((6, 7, 8))


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One alarm that is not normal. ``time_ns`` and ``value`` belong to its last transition into alarm."""

    info: AlarmInfo
    pair: str
    state: int
    time_ns: int
    value: float

    @property
    def name(self) -> str:
        """``LIC-101.HI``."""
        return self.info.name

    @property
    def module(self) -> str:
        """``LIC-101``."""
        return self.info.name.rpartition(".")[0] or self.info.name

    @property
    def letter(self) -> str:
        """State letter of ISA-18.2."""
        return LETTERS[self.state] if self.state < len(LETTERS) else "?"

    @property
    def state_text(self) -> str:
        """The state in words."""
        return STATE_TEXT[self.state] if self.state < len(STATE_TEXT) else f"state {self.state}"

    @property
    def unacknowledged(self) -> bool:
        """True while it waits for an acknowledgement."""
        return self.state in _UNACKNOWLEDGED

    @property
    def active(self) -> bool:
        """True while the process is in alarm."""
        return self.state in _ACTIVE

    @property
    def hidden(self) -> bool:
        """Shelved, suppressed or out of service: listed, but not in the banner."""
        return self.state in _HIDDEN


def urgency(row: AlarmRow) -> tuple[int, int, int, str]:
    """Sort key: unacknowledged first, then priority, newest first; the name settles a tie."""
    return (0 if row.unacknowledged else 2 if row.hidden else 1, row.info.priority, -row.time_ns, row.name)


class AlarmList:
    """Every alarm that is not normal, most urgent first."""

    def __init__(self) -> None:
        self._rows_of: dict[tuple[str, str], tuple[AlarmRow, ...]] = {}
        self._seen: dict[tuple[str, str], bytes] = {}
        self.rows: tuple[AlarmRow, ...] = ()
        self._configured: dict[tuple[str, str], tuple[AlarmInfo, ...]] = {}
        self.configured: dict[str, AlarmInfo] = {}
        self.horn = False
        """Sounding: a new alarm came after the last silence."""
        self.version = 0

    def put_layout(self, layout: Layout) -> None:
        """Learn the configured alarms of a scan class; their states follow with the next frame."""
        key = (layout.pair, layout.scan_class)
        self._seen.pop(key, None)
        self._configured[key] = layout.alarms  # those that an online change has removed go
        self.configured = {alarm.name: alarm for alarms in self._configured.values() for alarm in alarms}

    def put_frame(self, layout: Layout, frame: Frame) -> bool:
        """Take the alarm states of one scan; True when any changed."""
        key = (layout.pair, layout.scan_class)
        raw = frame.alarms.tobytes()
        if self._seen.get(key) == raw:
            return False
        self._seen[key] = raw
        before = {row.name: row for row in self._rows_of.get(key, ())}
        rows = tuple(
            AlarmRow(info, layout.pair, int(entry["state"]), int(entry["time_ns"]), float(entry["value"]))
            for info, entry in zip(layout.alarms, frame.alarms, strict=False)
            if entry["state"]
        )
        if any(row.state == 1 and _is_new(before.get(row.name), row) for row in rows):
            self.horn = True
        self._rows_of[key] = rows
        self.rows = tuple(sorted((row for part in self._rows_of.values() for row in part), key=urgency))
        if not any(row.state == 1 for row in self.rows):
            self.horn = False
        self.version += 1
        return True

    def silence(self) -> None:
        """Stop the horn until the next new alarm."""
        if self.horn:
            self.horn = False
            self.version += 1

    def banner(self, count: int) -> tuple[AlarmRow, ...]:
        """The most urgent rows that are not hidden."""
        return tuple(row for row in self.rows if not row.hidden)[:count]

    def of_module(self, module: str) -> tuple[AlarmRow, ...]:
        """Rows of one control module, most urgent first."""
        return tuple(row for row in self.rows if row.module == module)

    def worst(self, modules: frozenset[str] | None = None) -> AlarmRow | None:
        """The most urgent row of these modules (of all): what a tree entry or a display shows of them."""
        for row in self.rows:
            if not row.hidden and (modules is None or row.module in modules):
                return row
        return None

    def counts(self) -> dict[tuple[int, str], int]:
        """How many rows per (priority, state letter)."""
        counted: dict[tuple[int, str], int] = {}
        for row in self.rows:
            key = (row.info.priority, row.letter)
            counted[key] = counted.get(key, 0) + 1
        return counted


def _is_new(before: AlarmRow | None, row: AlarmRow) -> bool:
    return before is None or before.state != 1 or before.time_ns != row.time_ns
