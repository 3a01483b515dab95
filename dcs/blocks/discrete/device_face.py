"""What every controlled device declares: terminals, parts, parameters, refusals, names of its conditions.

Called by   the declarations of MOTOR and VALVE.
Knows       fields and sentences. What they do is in ``dcs.blocks.discrete.device_control``.
"""

from collections.abc import Mapping
from typing import Any

from dcs.blocks.declare import Field, Refusal, Text, Translation, coded, discrete, f8, flag, i8
from dcs.blocks.discrete.device_control import (
    CONDITIONS,
    FAILED,
    HELD_BACK,
    HOLD,
    RESET_DONE,
    TRIPPED,
)
from dcs.blocks.handshake import REASON_CHOICES
from dcs.core.errors import ConfigError
from dcs.core.modes import AUTO, CAS, MAN, MODE_CHOICES, OOS, TARGET_CHOICES, mode_mask

EVENTS = {
    TRIPPED: "tripped: {name}",
    FAILED: "failed: {name}",
    HELD_BACK: "does not start: {name} is missing",
    RESET_DONE: "reset",
}

TEXTS = (
    Text("interlocks", "names of the interlocks, in the order of their inputs"),
    Text("permissives", "names of the permissives, in the order of their inputs"),
)


def inputs() -> list[tuple[Field, Field]]:
    """Terminals beside the feedback."""
    return [
        discrete("cas_in", "command of a sequence, taken in Cas"),
        discrete("demand", "command of logic, taken in Auto"),
        discrete("bkcal_in", "what the output block below has accepted"),
        discrete("local", "TRUE: the device is driven from the field"),
        discrete("reset_in", "a rise resets a trip or a failure"),
        discrete("interlock", "TRUE trips, always", count=CONDITIONS),
        discrete("permissive", "must be TRUE at a start, and only then", count=CONDITIONS),
    ]


OPTIONAL_INPUTS = ("cas_in", "demand", "bkcal_in", "local", "reset_in", "interlock", "permissive")


def state() -> list[Field]:
    """Memory between scans."""
    return [
        i8("demand_linked", "1 when DEMAND is wired"),
        i8("cas_in_linked", "1 when CAS_IN is wired"),
        i8("bkcal_in_linked", "1 when BKCAL_IN is wired"),
        i8("interlock_linked", "1 when wired", count=CONDITIONS),
        i8("permissive_linked", "1 when wired", count=CONDITIONS),
        i8("started", "1 once the command has its first value"),
        i8("restarted", "1 after a restart of the controller, until the position is known"),
        i8("position", "0 rest, 1 on, 2 between, 3 not known, 4 both"),
        i8("settled", "1 once the feedback has confirmed the command"),
        i8("local_before", "last usable value of LOCAL"),
        i8("reset_before", "last usable value of RESET_IN"),
        i8("pulsing", "1 while a pulse lasts"),
        i8("held_back", "1 while a start waits for a permissive"),
        f8("travel_timer_s", "s", "time since the command"),
        f8("stray_timer_s", "s", "how long the feedback has left the command"),
        f8("elapsed_s", "s", "period plus declared slips"),
        i8("event", "what the journal hears"),
        f8("event_value", "", "who did it"),
    ]


def outputs(states: tuple[str, ...], fails: tuple[str, ...]) -> list[Field | tuple[Field, ...]]:
    """What the device reports; ``states`` and ``fails`` are its names of PV and FAIL."""
    return [
        coded("pv", "state of the device", _numbered(states)),
        discrete("out", "command, held"),
        discrete("out_on", "pulse at a command to go on"),
        discrete("out_rest", "pulse at a command to go to rest"),
        discrete("bkcal_out", "command accepted, for the block above"),
        discrete("at_on", "the feedback says on"),
        discrete("at_rest", "the feedback says rest"),
        discrete("failed", "TRUE while FAIL is not NONE"),
        discrete("tripped_out", "TRUE while TRIPPED"),
        i8("command", "0 rest, 1 on", low=0, high=1),
        i8("fail", "what has failed, until RESET", choices=_numbered(fails)),
        flag("tripped", "1 from an interlock that acted until RESET"),
        flag("interlocked", "1 while an interlock stands"),
        flag("permit", "1 when every permissive is TRUE"),
        i8("first_out", "interlock that came first", low=0, high=CONDITIONS),
        i8("standing", "first interlock that stands now", low=0, high=CONDITIONS),
        i8("missing", "first permissive that is missing now", low=0, high=CONDITIONS),
        i8("starts", "how often it was started", low=0),
        f8("hours", "h", "how long it has been on", low=0.0),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ]


def params(commands: tuple[str, str], fail_direction: int) -> list[Field]:
    """Settings; ``commands`` are the names of SP 0 and 1."""
    start = commands[1].lower()
    return [
        i8("sp", "command of the operator", choices=_numbered(commands), write_in=(MAN,), refused_if=[
            Refusal("it has tripped: {first_out}. Remove the cause, then write RESET.", when="tripped", value=1),
            Refusal("it has failed: {fail}. Look at the device, then write RESET.", when="fail", value=1),
            Refusal("an interlock stands: {standing}. Remove the cause first.", when="interlocked", value=1),
            Refusal(f"a permissive is missing: {{missing}}. It is needed to {start}.", unless="permit", value=1),
        ]),
        flag("reset", "1: reset a trip or a failure; goes back to 0 by itself", refused_if=[
            Refusal("an interlock still stands: {standing}. Remove the cause first.", when="interlocked", value=1)
        ]),
        f8("travel_on_s", "s", "time to go on; 0 = not checked", default=10.0, low=0.0),
        f8("travel_rest_s", "s", "time to go to rest; 0 = not checked", default=10.0, low=0.0),
        f8("flicker_s", "s", "how long the feedback may leave the command", default=1.0, low=0.0),
        f8("pulse_s", "s", "length of the pulses OUT_ON and OUT_REST", default=1.0, low=0.0),
        i8("fail_direction", "command after a failure", default=fail_direction,
           choices=(*_numbered(commands), ("HOLD", HOLD))),
        i8("trip_to", "command after a trip", choices=_numbered(commands)),
        flag("trip_if_bad", "1: a Bad interlock trips", default=1),
        flag("reset_required", "0: a trip is over when no interlock stands any more", default=1),
        flag("simulate", "1: the feedback is taken to follow the command at once"),
        i8("target", "mode asked for", default=MAN, choices=TARGET_CHOICES),
        i8("normal", "mode in normal operation", default=MAN, choices=TARGET_CHOICES),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO, CAS))),
    ]  # fmt: skip


PUBLISHED = {
    "PV": "pv",
    "SP": "sp",
    "OUT": "out",
    "MODE": "mode",
    "TARGET": "target",
    "NORMAL": "normal",
    "FAIL": "fail",
    "FAILED": "failed",
    "TRIPPED": "tripped_out",
    "FIRST_OUT": "first_out",
    "INTERLOCK": "standing",
    "PERMIT": "permit",
    "MISSING": "missing",
    "RESET": "reset",
    "STARTS": "starts",
    "HOURS": "hours",
    "SIMULATE": "simulate",
}
WRITABLE = ("SP", "MODE", "TARGET", "RESET", "STARTS", "HOURS", "SIMULATE")


def translator(fails: tuple[str, ...]) -> Any:
    """``translate`` of a device type: labels of first-out and permissives from the configured names."""

    def translate(given: Mapping[str, Any]) -> Translation:
        interlocks = _names(given, "interlocks", "interlock")
        permissives = _names(given, "permissives", "permissive")
        return Translation(
            {},
            {
                "first_out": ("NONE", *interlocks),
                "standing": ("NONE", *interlocks),
                "missing": ("NONE", *permissives),
                "event": ("", *interlocks, *fails, *permissives),
            },
        )

    return translate


def _names(given: Mapping[str, Any], key: str, word: str) -> list[str]:
    names = given.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names):
        raise ConfigError(f"{key} must be a list of names, such as `{key}: [low level, high pressure]`.")
    if len(names) > CONDITIONS:
        raise ConfigError(
            f"{key} has {len(names)} names, but {CONDITIONS} are possible. Combine some by a LOGIC block."
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"{key}: the name `{twice}` stands twice. Rename one.")
    return [*names, *(f"{word} {n}" for n in range(len(names) + 1, CONDITIONS + 1))]


def _numbered(names: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    return tuple((name, code) for code, name in enumerate(names))
