"""What the safety blocks have in common: binary signals, bypasses of inputs with permit and time-out, journal lines.

Called by   the steps of ``dcs.blocks.safety``; compiled together with them.
Knows       the fields declared here, which each of those types has.
Source      IEC 61511-1:2016, 11.8 and 16.2 (bypasses: under authority, limited in time, shown as long as they stand).
"""

import math
from collections.abc import Mapping
from typing import Any

from dcs.alarms.machine import delay_over
from dcs.blocks.declare import FieldGroup, f8, i8, signal
from dcs.core.errors import ConfigError
from dcs.core.status import is_usable

ZERO_TRIPS, ONE_TRIPS = 0, 1
TRIP_CHOICES = (("ZERO", ZERO_TRIPS), ("ONE", ONE_TRIPS))

REMOVE, KEEP = 0, 1
TIME_OUT_CHOICES = (("REMOVE", REMOVE), ("ALARM", KEEP))

BYPASSED, BYPASS_ENDED, NO_PERMIT, ONE_ONLY, WITHDRAWN, OVER_REMOVED, OVER_KEPT, EXPIRES_SOON, REMINDER = range(1, 10)
"""Codes of the journal lines on bypasses; those of a type's own lines begin at ``OWN_EVENTS``."""
OWN_EVENTS = 20

BYPASS_EVENTS = {
    BYPASSED: "{name} bypassed",
    BYPASS_ENDED: "bypass of {name} ended",
    NO_PERMIT: "bypass of {name} refused: there is no permit",
    ONE_ONLY: "bypass of {name} refused: another one stands",
    WITHDRAWN: "bypass of {name} ended: the permit was withdrawn",
    OVER_REMOVED: "bypass of {name} ended: its time is over",
    OVER_KEPT: "bypass of {name} stands for longer than permitted",
    EXPIRES_SOON: "bypass of {name} comes to its time limit soon",
    REMINDER: "{name} is still bypassed",
}


def bypass_inputs() -> list[FieldGroup]:
    """Terminals for ``manage_bypasses``."""
    return [signal("permit", "", "key switch: 1 permits bypasses; not wired = permitted")]


def bypass_state(count: int) -> list[FieldGroup]:
    """State for ``manage_bypasses`` over ``count`` inputs."""
    return [
        i8("permit_linked", "1 when PERMIT is wired"),
        i8("standing", "1 while the bypass stands", count=count),
        f8("bypass_timer_s", "s", "how long it has stood", count=count),
    ]


def bypass_outputs() -> list[FieldGroup]:
    """What a bypass shows."""
    return [
        i8("bypassed", "how many inputs are bypassed"),
        i8("bypass_warning", "1 while a bypass is about to expire or has expired", low=0, high=1),
        i8("bypass_expired", "1 while a bypass stands for longer than permitted", low=0, high=1),
    ]


def bypass_params(count: int) -> list[FieldGroup]:
    """Parameters for ``manage_bypasses``; ``bypass`` is the operator's request, set back when it is refused."""
    return [
        i8("bypass", "1: take this input out of the decision", low=0, high=1, count=count),
        i8("one_at_a_time", "1: while one bypass stands another is refused", default=1, low=0, high=1),
        f8("bypass_time_s", "s", "how long a bypass may stand; 0 = any time", default=28800.0, low=0.0),
        f8("bypass_warn_s", "s", "warning before that time is over", default=900.0, low=0.0),
        f8("remind_s", "s", "time between reminders in the journal while a bypass stands; 0 = none", low=0.0),
        i8("bypass_end", "what happens when the time is over", default=REMOVE, choices=TIME_OUT_CHOICES),
    ]


def is_on(value: float, status: int) -> bool:
    """A binary signal that can be trusted and is 1."""
    return math.isfinite(value) and is_usable(status) and value >= 0.5


def says_trip(value: float, trip_on: int) -> int:
    """1 when a binary signal asks for the trip; by default 0 does (de-energise to trip)."""
    return 1 if (value >= 0.5) == (trip_on == ONE_TRIPS) else 0


def say(b: Any, code: int, value: int) -> None:
    """Put a line into the next free place for the journal; there are as many as one scan can need."""
    for slot in range(len(b.event)):
        if b.event[slot] == 0:
            b.event[slot] = code
            b.event_value[slot] = 1.0 * value
            return


def manage_bypasses(b: Any, count: int, dt_s: float) -> None:
    """Accept, refuse, time and end the bypasses of inputs 1 … ``count``; ``standing`` is what counts."""
    allowed = b.permit_linked == 0 or is_on(b.permit, b.permit_status)
    b.bypassed = 0
    b.bypass_warning = 0
    b.bypass_expired = 0
    for i in range(count):  # first those that end, so that one may follow another in one scan
        if b.standing[i] != 0:
            carry_bypass(b, i, allowed, dt_s)
    for i in range(count):
        if b.bypass[i] != 0 and b.standing[i] == 0:
            if not allowed:
                b.bypass[i] = 0
                say(b, NO_PERMIT, i + 1)
            elif b.one_at_a_time != 0 and b.bypassed > 0:
                b.bypass[i] = 0
                say(b, ONE_ONLY, i + 1)
            else:
                b.standing[i] = 1
                b.bypass_timer_s[i] = 0.0
                b.bypassed += 1
                say(b, BYPASSED, i + 1)


def carry_bypass(b: Any, i: int, allowed: bool, dt_s: float) -> None:
    """One scan of a bypass that stands."""
    before_s = b.bypass_timer_s[i]
    now_s = before_s + b.elapsed_s
    b.bypass_timer_s[i] = now_s
    limited = b.bypass_time_s > 0.0
    over = limited and delay_over(now_s, b.bypass_time_s, dt_s)
    over_before = limited and delay_over(before_s, b.bypass_time_s, dt_s)
    code = 0
    if b.bypass[i] == 0:
        code = BYPASS_ENDED
    elif not allowed:
        code = WITHDRAWN
    elif over and b.bypass_end == REMOVE:
        code = OVER_REMOVED
    if code != 0:
        b.bypass[i] = 0
        b.standing[i] = 0
        say(b, code, i + 1)
        return
    b.bypassed += 1
    warn_at_s = b.bypass_time_s - b.bypass_warn_s
    if limited and delay_over(now_s, warn_at_s, dt_s):
        b.bypass_warning = 1
        if over and not over_before:
            say(b, OVER_KEPT, i + 1)
        elif not over and not delay_over(before_s, warn_at_s, dt_s):
            say(b, EXPIRES_SOON, i + 1)
    if over:
        b.bypass_expired = 1
    if b.remind_s > 0.0 and math.floor(now_s / b.remind_s) > math.floor(before_s / b.remind_s):
        say(b, REMINDER, i + 1)


def reset_asked(b: Any) -> bool:
    """Has somebody asked for the reset in this scan: by RESET_IN going to 1, or by the operator's RESET?"""
    usable = math.isfinite(b.reset_in) and is_usable(b.reset_in_status)
    now = 1 if usable and b.reset_in >= 0.5 else 0
    asked: bool = (now != 0 and b.reset_before == 0) or b.reset != 0
    if usable:  # a button that hangs while its signal comes and goes is not pressed anew
        b.reset_before = now
    b.reset = 0
    return asked


def labels_of(given: Any, count: int, what: str) -> tuple[str, ...]:
    """Names of inputs 1 … ``count`` with ``none`` for 0, from the list of the file; raises ``ConfigError``."""
    if given is None:
        given = []
    if not isinstance(given, list) or not all(isinstance(name, str) and name.strip() for name in given):
        raise ConfigError(f"labels: the names of the {what}s must be a list of texts. Write `labels: [PT-1A, PT-1B]`.")
    if len(given) > count:
        raise ConfigError(f"labels: {len(given)} names, but there are {count} {what}s. Shorten the list.")
    twice = [name for name in given if given.count(name) > 1]
    if twice:
        raise ConfigError(f"labels: the name `{twice[0]}` stands twice. Rename one.")
    return ("none", *given, *(f"{what} {number + 1}" for number in range(len(given), count)))


def label_texts(given: Mapping[str, Any], count: int, what: str) -> tuple[str, ...]:
    """``labels_of`` for the text parameters of a block."""
    return labels_of(given.get("labels"), count, what)
