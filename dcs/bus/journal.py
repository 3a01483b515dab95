"""What the durable journal holds, read by people: anybody may write there, also newer software, or a script.

Called by   ``dcs events``, ``dcs upload``.
Knows       the form of an event. An entry with more than we know is read without it; one that is no event is told of.
"""

import json
from collections.abc import Iterable
from dataclasses import MISSING, fields
from typing import Any, NamedTuple

from dcs.bus.messages import Event
from dcs.core.clock import NS_PER_S

_SHOWN = 60
"""Characters of a foreign entry that are shown."""
_LATEST_NS = 253_402_300_800 * NS_PER_S
"""The year 10000: no calendar goes further."""
_OPEN = ("old", "new")  # a number, a text or nothing


class Foreign(NamedTuple):
    """An entry that is no event: under which subject it stands, how it begins, and what is wrong with it."""

    subject: str
    beginning: str
    why: str


def understood(entries: Iterable[tuple[str, bytes]]) -> tuple[list[Event], list[Foreign]]:
    """Entries (subject, payload) in two heaps, each in the order given."""
    events: list[Event] = []
    foreign: list[Foreign] = []
    for subject, payload in entries:
        try:
            events.append(_event(payload))
        except ValueError as error:
            text = payload[:_SHOWN].decode("utf-8", "replace")
            beginning = "".join(c if c.isprintable() else "�" for c in text) + ("…" if len(payload) > _SHOWN else "")
            foreign.append(Foreign(subject, beginning, str(error)))
    return events, foreign


def _event(payload: bytes) -> Event:
    """Raises ``ValueError`` with the reason."""
    try:
        raw: Any = json.loads(payload)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(raw, dict):
        raise ValueError("it is not a JSON object")
    known = {}
    for one in fields(Event):
        if one.name not in raw:
            if one.default is MISSING:
                raise ValueError(f"it has no `{one.name}`")
            continue
        value, kind = raw[one.name], type(one.default) if one.default is not MISSING else str
        kind = int if one.name == "time_ns" else kind
        if one.name in _OPEN:
            is_right = value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))
        else:
            is_right = type(value) is kind
        if not is_right:
            raise ValueError(f"its `{one.name}` is {value!r:.40}")
        known[one.name] = value
    if not 0 <= known["time_ns"] < _LATEST_NS:
        raise ValueError(f"its time {known['time_ns']} is in no calendar")
    return Event(**known)
