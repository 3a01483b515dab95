"""Charts for the tests of sequences, and a sequence in an engine."""

from typing import Any

from dcs.blocks.sequence.chart_code import translate
from dcs.blocks.sequence.procedure import COMMAND_NAMES
from dcs.engine.strategy import BlockSpec, Channel
from tests.unit.blocks.programs import Programmed
from tests.unit.engine.strategies import NS, Bench, strategy


def chain(steps: dict[str, Any], *conditions: str) -> dict[str, Any]:
    """Steps one after the other and END after the last."""
    names = [*steps, "END"]
    return {
        "steps": steps,
        "transitions": [
            {"from": names[n], "to": names[n + 1], "when": condition} for n, condition in enumerate(conditions)
        ],
    }


def arrow(sources: Any, targets: Any, when: str) -> dict[str, Any]:
    return {"from": sources, "to": targets, "when": when}


BATCH: dict[str, Any] = {
    "variables": "VAR rounds : INT; hot : BOOL; level : REAL; END_VAR",
    "actions": {"COUNT": "rounds := rounds + 1;", "RAMP": "level := level + IN4 * DT; OUT4 := level;"},
    "steps": {
        "CHARGE": {"max_time": "4 s", "actions": ["N OUT1", "S OUT2", {"P1": "COUNT"}]},
        "HEAT": {"min_time": "2 s", "actions": ["D hot 1 s", "N RAMP"]},
        "STIR": {"actions": ["L OUT3 2 s"]},
        "SAMPLE": {"actions": [{"P0": "OUT5 := STIR.T / T#1s;"}]},
        "REACT": {"actions": ["SD OUT6 3 s", {"SL": "OUT7", "time": "2 s"}]},
        "DRAIN": {"actions": ["R OUT2", "DS OUT8 2 s", "R OUT6"]},
        "RINSE": {},
    },
    "transitions": [
        arrow("CHARGE", ["HEAT", "STIR"], "IN1 > 1.0"),
        arrow("CHARGE", "DRAIN", "IN2 > 1.0"),
        arrow("STIR", "SAMPLE", "IN3 > 1.0"),
        arrow("SAMPLE", "STIR", "IN3 < -1.0"),
        arrow(["HEAT", "SAMPLE"], "REACT", "IN1 < 0.5 AND hot"),
        arrow("REACT", "CHARGE", "IN2 < -1.0 AND rounds < 3"),
        arrow("REACT", "DRAIN", "REACT.T >= T#3s"),
        arrow("DRAIN", "RINSE", "DRAIN.T > T#1s"),
        arrow("RINSE", "END", "SQRT(IN4) > 1.0"),
    ],
    "holding": chain({"COOL": {"actions": ["N OUT9"]}}, "COOL.T >= T#2s OR IN1 > 3.0"),
    "restarting": chain({"WARM": {}, "WARMER": {}}, "WARM.X", "WARMER.T >= T#1s"),
    "aborting": chain({"DUMP": {"actions": ["N OUT10", "S OUT11"]}}, "IN2 > -3.0"),
    "commands": {"ABORT": "IN4 > 90.0", "HOLD": "IS_BAD(IN4)"},
}
"""A bit of everything: alternatives, parallel branches, a jump back, every kind of qualifier, three more charts."""


def sequence(texts: dict[str, Any], dt_s: float = 1.0, start: bool = True) -> Programmed:
    """On the bench; started in its first scan unless ``start`` is False."""
    block = Programmed("SFC", texts, dt_s)
    block.reads(*[0.0] * 16)
    if start:
        give(block, "START")
    return block


def give(block: Programmed, command: str) -> Programmed:
    block.record.command = COMMAND_NAMES.index(command)
    return block


def active(block: Programmed) -> list[str]:
    """Names of the active steps."""
    names = block.translation.labels["step"][1:]
    return [name for bit, name in enumerate(names) if block.record.active >> bit & 1]


def in_engine(texts: dict[str, Any], compiled: bool, inputs: int = 4, period_ns: int = NS) -> Bench:
    """The same in an engine, its first inputs wired to the channels I1 …"""
    made = translate(texts)
    block = BlockSpec("Q.s", "SFC", "loops", dict(made.params), {}, dict(made.labels))
    links = [(f"I{n}", f"Q.s.inp_{n}") for n in range(1, inputs + 1)]
    channels = tuple(Channel(f"I{n}", "in", "%") for n in range(1, inputs + 1))
    return Bench.of(strategy((block,), links, channels), compiled)
