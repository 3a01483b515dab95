"""From words in the event ring to lines that a person reads.

Called by   the engine's ``take_events``. Knows the plan's names and units; changes nothing.
"""

import math
from typing import Any

from dcs.alarms.machine import (
    ACKNOWLEDGED,
    ALARM_KINDS,
    BAD_PV,
    NORMAL,
    OFF,
    ON,
    RETURNED,
    STATE_LETTERS,
    SUPPRESSED,
    UNACKNOWLEDGED,
)
from dcs.blocks.handshake import HOST_SILENT, REASON_TEXTS
from dcs.bus.messages import Event
from dcs.core.modes import mode_name
from dcs.engine import memory
from dcs.engine.plan import Plan, TagPlace
from dcs.engine.strategy import AlarmSpec, device_of

Author = tuple[str, str]
"""(user, station) of a command."""

_ALARM_TEXTS = {
    UNACKNOWLEDGED: "in alarm",
    RETURNED: "returned to normal, not acknowledged",
    NORMAL: "returned to normal",
    ACKNOWLEDGED: "in alarm, acknowledged",
    SUPPRESSED: "suppressed by design",
}
_KIND_WORDS = (
    "high high", "high", "low", "low low", "deviation high", "deviation low", "bad measurement", "on", "off", "change",
)  # fmt: skip
_KIND_TEXTS = dict(zip(ALARM_KINDS, _KIND_WORDS, strict=True))

_WITHOUT_LIMIT = tuple(ALARM_KINDS[code] for code in (BAD_PV, ON, OFF))


class Journal:
    """Reads events out of the ring of one engine."""

    def __init__(self, plan: Plan, words: Any, numbers: Any) -> None:
        self._plan = plan
        self._words = words
        self._numbers = numbers
        self._mode_tags = {(p.record, p.field): p.tag.name for p in plan.tags if p.field == "mode"}
        self._tag_of_source = {place.tag.source: place for place in plan.tags}
        self._hosts: dict[int, Author] = {}

    def note_author(self, tag: str, author: Author) -> None:
        """Remember who writes as a host, to be named when nothing comes any more. Not part of the memory: after a start
        or a takeover without commands the line goes without a name."""
        place = self._plan.tag_by_name.get(tag)
        if place is not None and place.field in ("rcas_in", "rout_in"):
            self._hosts[place.record] = author

    def event(self, sequence: int, author: Author) -> Event:
        """The event of that sequence number, which must still be in the ring."""
        at = int(self._words[memory.RING_AT] + sequence % self._words[memory.RING_SIZE] * memory.EVENT_WORDS)
        time_ns, kind, subject, code = (int(self._words[at + offset]) for offset in range(1, 5))
        old, new = float(self._numbers[at + memory.AT_OLD]), float(self._numbers[at + memory.AT_NEW])
        identity = f"{self._plan.strategy.name}:{sequence}"
        if kind == memory.ALARM_EVENT:
            return self._alarm(identity, time_ns, subject, code, new)
        if kind == memory.ACK_EVENT:
            return self._ack(identity, time_ns, subject, code, author)
        if kind == memory.BLOCK_EVENT:
            return self._block(identity, time_ns, subject, code, new)
        if kind == memory.MODE_EVENT:
            return self._mode(identity, time_ns, subject, code, int(old), int(new))
        return self._command(identity, time_ns, subject, old, new, author)

    def lost(self, sequence: int, count: int, time_ns: int) -> Event:
        """What is said when the ring was too small."""
        text = f"{count} events could not be kept: more came at once than the event ring holds"
        name = self._plan.strategy.name
        return Event(f"{name}:{sequence}-lost-{count}", time_ns, name, "system", name, text)

    def _alarm(self, identity: str, time_ns: int, subject: int, code: int, value: float) -> Event:
        spec = self._plan.alarm_of_record[subject].spec
        before, now = divmod(code, 16)
        text = f"{spec.module} {_called(spec)}: {_ALARM_TEXTS[now]}"
        if now == SUPPRESSED:
            text += f", no values from {' and '.join(device_of(channel) for channel in spec.causes)}"
        if spec.kind not in _WITHOUT_LIMIT:
            tag = self._tag_of_source.get(spec.source)
            text += f", {show(value, tag)} (limit {show(spec.limit, tag)})"
        if spec.description:
            text += f" – {spec.description}"
        return Event(
            identity, time_ns, self._plan.strategy.name, "alarm", spec.name, text, spec.priority,
            old=STATE_LETTERS[before], new=STATE_LETTERS[now],
        )  # fmt: skip

    def _ack(self, identity: str, time_ns: int, subject: int, code: int, author: Author) -> Event:
        spec = self._plan.alarm_of_record[subject].spec
        before, now = divmod(code, 16)
        text = f"{spec.module} {_called(spec)}: acknowledged"
        return Event(
            identity, time_ns, self._plan.strategy.name, "alarm", spec.name, text, spec.priority, *author,
            old=STATE_LETTERS[before], new=STATE_LETTERS[now],
        )  # fmt: skip

    def _mode(self, identity: str, time_ns: int, subject: int, code: int, reason_before: int, reason: int) -> Event:
        name = self._mode_tags.get((subject, "mode"), self._plan.records[subject].name)
        before, now = (mode_name(mode) for mode in divmod(code, 16))
        why = (
            f": {self._reason(subject, reason)}" if reason else f", as asked again (was: {REASON_TEXTS[reason_before]})"
        )
        return Event(
            identity, time_ns, self._plan.strategy.name, "system", name, f"{name} {before} → {now}{why}",
            old=before, new=now,
        )  # fmt: skip

    def _reason(self, record: int, reason: int) -> str:
        if reason == HOST_SILENT and record in self._hosts:
            user, station = self._hosts[record]
            return f"{REASON_TEXTS[reason]} ({user} at {station} was the last)"
        return REASON_TEXTS[reason]

    def _block(self, identity: str, time_ns: int, subject: int, code: int, value: float) -> Event:
        """What a block has to say for itself: the sentence of its declaration, with the name of the value."""
        record = self._plan.records[subject]
        labels = self._plan.labels_of(record.name).get("event", ())
        name = labels[int(value)] if 0 <= value < len(labels) else f"{value:g}"
        text = record.type.events.get(code, f"event {code}").format(value=f"{value:g}", name=name)
        return Event(identity, time_ns, self._plan.strategy.name, "process", record.name, f"{record.name} {text}")

    def _command(self, identity: str, time_ns: int, subject: int, old: float, new: float, author: Author) -> Event:
        place = self._plan.tags[subject]
        before, after = name_or_number(self._plan, place, old), name_or_number(self._plan, place, new)
        text = f"{place.tag.name} {show(before, place)} → {show(after, place)}"
        return Event(
            identity, time_ns, self._plan.strategy.name, "operator", place.tag.name, text, 0, *author,
            old=before, new=after,
        )  # fmt: skip


def _called(spec: AlarmSpec) -> str:
    """Words for the kind, or the alarm's own name where it has one."""
    name = spec.name.rpartition(".")[2]
    return _KIND_TEXTS[spec.kind] if name == spec.kind and spec.kind not in ("ON", "OFF") else name


def name_or_number(plan: Plan, place: TagPlace, value: float) -> float | str | None:
    """A choice by its name, a mode as people write it, anything else as the number; None for what is no number."""
    if place.field in ("mode", "target", "normal"):
        return mode_name(value)
    if place.tag.choices and 0 <= value < len(place.tag.choices) and place.tag.choices[int(value)]:
        return place.tag.choices[int(value)]
    if place.record >= 0:
        for name, code in plan.records[place.record].type.field(place.field).choices:
            if code == value:
                return name
    return value if math.isfinite(value) else None


def show(value: float | str | None, place: TagPlace | None) -> str:
    """A value with its unit and decimals."""
    if value is None:
        return "no number"
    if isinstance(value, str):
        return value
    if place is None:
        return f"{value:g}"
    text = f"{value:.{place.tag.decimals}f}" if not place.integer else f"{value:g}"
    return f"{text} {place.tag.unit}".strip()
