"""What every type of block in the library promises, from its declaration alone.

One plan holds every type twice: with every input wired, and with only those that must be. Each input has a channel of
its own, through which NaN, infinities, huge numbers and every status byte come in, while operators write whatever they
may. A seed makes the whole run; it is printed by Hypothesis when a promise breaks.
"""

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dcs.blocks.declare import BLOCK_TYPES, BlockType, Field, ParamValue
from dcs.blocks.handshake import AS_ASKED
from dcs.blocks.library import LIBRARY
from dcs.bus.messages import Command
from dcs.core.errors import ConfigError, Place
from dcs.core.modes import AUTO, CAS, IMAN, MAN, OOS, RCAS, ROUT, mode_mask
from dcs.core.status import STATUS_BAD, STATUS_GOOD, make_status
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine
from dcs.engine.image import initial_values
from dcs.engine.plan import Plan
from dcs.engine.strategy import BlockSpec, Channel, ScanClass
from tests.unit.blocks.sequence.charts import BATCH
from tests.unit.engine.strategies import published, strategy

TYPES = tuple(kind for kind in LIBRARY if kind.name in BLOCK_TYPES)
PROGRAM = """
VAR held : REAL := 1.0; END_VAR
IF IN1 > IN2 AND IS_GOOD(IN3) THEN held := held + SQRT(IN4) / IN5; ELSE held := 0.5 * held; END_IF;
OUT1 := held;
OUT2 := EXP(IN6) - LN(IN7);
OUT3 := SEL(IN8 > 0.0, IN1, IN2);
"""
TEXTS: dict[str, dict[str, Any]] = {
    "CALC": {"program": PROGRAM},
    "SFC": BATCH,
    "UNIT_STATE": {"states": ["stopped", "starting", "running", "tripped"]},
    "CAUSE_EFFECT": {
        "matrix": [["cause", "XV-1", "P-1"], *([f"PSHH-{k}", "T" if k % 3 else "", f"T {k} s"] for k in range(1, 17))]
    },
}
"""Text parameters for types that need some, as they would stand in a configuration."""

PERIODS_NS = (25_000_000, 1_000_000_000, 60_000_000_000)
STRANGE = (
    math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 100.0, 1e308, -1e308, 1e155, -1e155, 1e-308, 5e-324, 1e9,
)  # fmt: skip
WHOLE_NUMBER = "PID.all.mode"
"""What inputs that take a whole number are wired to: a channel carries none."""
GOODS = (STATUS_GOOD, make_status(3), make_status(3, 1), make_status(3, 2), make_status(3, 3), make_status(1))


# --- a plan of everything ---------------------------------------------------------------------------------------


def random_value(f: Field, rng: random.Random) -> float:
    """A value within the declared range of a parameter."""
    if f.choices:
        return float(rng.choice([code for _, code in f.choices]))
    if f.dtype == "i8":
        low, high = max(f.low, -3.0), min(f.high, 100.0)
        return float(rng.randint(int(low), int(high)))
    low = f.low if f.low > -math.inf else -100.0
    high = f.high if f.high < math.inf else low + 300.0
    return rng.choice([low, high, rng.uniform(low, high), rng.uniform(low, high), min(high, max(low, 1.0))])


def random_params(kind: BlockType, rng: random.Random, wired: frozenset[str]) -> dict[str, ParamValue] | None:
    """Parameters that the configuration would accept with these wires; None where no luck is had."""
    translated: Mapping[str, ParamValue] = {}
    if kind.translate is not None:
        translated = kind.translate(TEXTS.get(kind.name, {})).params
    for attempt in range(30):
        given = {**(draw(kind, rng) if attempt < 29 else {}), **translated}
        try:
            initial_values(kind, kind.name, given, Place(), wired)
        except ConfigError:
            continue
        return given
    return None


def draw(kind: BlockType, rng: random.Random) -> dict[str, ParamValue]:
    given: dict[str, ParamValue] = {}
    count = rng.randint(0, 6)  # one count for all lists of a block: curves have as many x as y
    for f in kind.of_role("param"):
        made_from_text = kind.translate is not None and (f.count > 1 or f.name.endswith("_count"))
        if f.name == "permitted" and rng.random() < 0.5:  # a host as well
            given[f.name] = float(mode_mask(code for _, code in kind.field("target").choices))
        elif f.name == "permitted" or made_from_text or rng.random() < 0.3:
            continue
        if f.count > 1:
            values = [random_value(f, rng) for _ in range(f.count)]
            given[f.name] = tuple(sorted(values) if rng.random() < 0.8 else values)
        elif f.name.endswith("_count") and kind.has(f.name.removesuffix("_count")):
            given[f.name] = float(min(count, f.high))
        else:
            given[f.name] = random_value(f, rng)
    for f in kind.of_role("param"):
        ends = f.limited_by or ((f.name, f.name.removesuffix("_low") + "_high") if f.name.endswith("_low") else ())
        if f.name.endswith("_count") and kind.has(f.name.removesuffix("_count")) and count:
            given[f.name] = float(min(count, f.high))
        if len(ends) == 2 and all(isinstance(given.get(end), float) for end in ends):
            low, high = sorted(float(given[end]) for end in ends)  # type: ignore[arg-type]
            if not f.limited_by:
                given[ends[0]], given[ends[1]] = low, high
            elif isinstance(given.get(f.name), float):
                given[f.name] = min(high, max(low, float(given[f.name])))  # type: ignore[arg-type]
    return given


def plan_of_everything(rng: random.Random) -> Plan:
    """Every type twice, with random parameters, in one scan class of a random period."""
    blocks: list[BlockSpec] = []
    links: list[tuple[str, str]] = []
    channels: list[Channel] = []
    for kind in TYPES:
        for name in ("all", "few"):
            block = f"{kind.name}.{name}"
            terminals = kind.terminals("input")
            if name == "few":
                terminals = tuple(t for t in terminals if not kind.is_optional(t))
            params = random_params(kind, rng, frozenset(terminals))
            if params is None:  # a type that makes no sense with so few wires, such as a voter without votes
                terminals = kind.terminals("input")
                params = random_params(kind, rng, frozenset(terminals))
            assert params is not None, f"no parameters of {kind.name} are accepted"
            blocks.append(BlockSpec(block, kind.name, "loops", params))
            for terminal in terminals:
                if kind.field(terminal).dtype == "i8":
                    links.append((WHOLE_NUMBER, f"{block}.{terminal}"))
                    continue
                links.append((f"ch.{block}.{terminal}", f"{block}.{terminal}"))
                channels.append(Channel(links[-1][0], "in", ""))
    classes = (ScanClass("loops", rng.choice(PERIODS_NS)),)
    return compile_strategy(strategy(tuple(blocks), links, tuple(channels), (), classes))


@dataclass
class Weather:
    """What comes in at the channels: calm stretches, so that blocks get going, and storms."""

    rng: random.Random
    values: np.ndarray[Any, Any]
    statuses: np.ndarray[Any, Any]

    def blow(self, storm: bool) -> None:
        for k in range(len(self.values)):
            if not storm:
                self.values[k] = self.rng.choice([0.0, 1.0, self.rng.uniform(-20.0, 120.0)])
                self.statuses[k] = self.rng.choice(GOODS)
            elif self.rng.random() < 0.3:
                self.values[k] = self.rng.choice(STRANGE)
                self.statuses[k] = self.rng.choice([STATUS_BAD, STATUS_GOOD, self.rng.randrange(256)])


def scripts(plan: Plan, rng: random.Random, scans: int) -> Iterator[tuple[Any, Any, list[Command], int]]:
    """Inputs, operators' writes and slips of each scan."""
    count = len(plan.input_channels)
    weather = Weather(rng, np.zeros(count), np.zeros(count, np.int64))
    writable = [place for place in plan.tags if place.tag.writable]
    for scan in range(scans):
        weather.blow(storm=scan % 6 > 2)
        commands = []
        for place in rng.sample(writable, min(len(writable), 12)):
            f = plan.records[place.record].type.field("target" if place.field == "mode" else place.field)
            value = random_value(f, rng) if rng.random() < 0.9 else rng.choice(STRANGE)
            commands.append(Command(f"c{scan}.{place.tag.name}", "set", place.tag.name, value, "anna", "OS1"))
        yield weather.values.copy(), weather.statuses.copy(), commands, rng.choice([0, 0, 0, 1, 7])


def run(engine: Engine, script: list[tuple[Any, Any, list[Command], int]], watch: bool = False) -> list[bytes]:
    """The memory after each scan."""
    seen = []
    time_ns = 1_700_000_000_000_000_000
    checked = Checked(engine) if watch else None
    for values, statuses, commands, slips in script:
        for command in commands:
            engine.apply(command, time_ns)
        engine.set_inputs(values, statuses, np.full(len(values), time_ns, np.int64))
        time_ns += engine.plan.period_ns[0] * (1 + slips)
        engine.scan(0, time_ns, slips)
        if checked is not None:
            checked.check()
        seen.append(engine.snapshot())
    return seen


class Checked:
    """Which words of a memory must be finite, a status or one of the choices."""

    def __init__(self, engine: Engine) -> None:
        self.words = engine.memory.view(np.int64)
        self.numbers = engine.memory.view(np.float64)
        self.finite: dict[int, str] = {}
        self.statuses: dict[int, str] = {}
        self.choices: list[tuple[Any, int, str, set[int]]] = []
        for record in engine.plan.records:
            for f in record.type.fields:
                for k in range(f.count):
                    word = record.at + record.type.index[f.name] + k
                    name = f"{record.name}.{f.name}[{k}]"
                    if f.role != "input" and f.dtype == "f8":
                        self.finite[word] = name
                    if f.status_of and f.role == "output":
                        self.statuses[word] = name
                    if f.choices and f.role != "input":
                        memory = self.words if f.dtype == "i8" else self.numbers
                        self.choices.append((memory, word, name, {code for _, code in f.choices}))
        self.finite_words = np.array(list(self.finite), np.intp)
        self.status_words = np.array(list(self.statuses), np.intp)

    def check(self) -> None:
        broken = self.finite_words[~np.isfinite(self.numbers[self.finite_words])]
        assert not len(broken), {self.finite[word]: self.numbers[word] for word in broken.tolist()}
        values = self.words[self.status_words]
        outside = self.status_words[(values < 0) | (values > 255)]
        assert not len(outside), {self.statuses[word]: int(self.words[word]) for word in outside.tolist()}
        strangers = {name: memory[word] for memory, word, name, codes in self.choices if memory[word] not in codes}
        assert not strangers


def differences(plan: Plan, one: bytes, other: bytes) -> list[str]:
    """Names of the fields in which two memories differ."""
    words = np.flatnonzero(np.frombuffer(one, np.int64) != np.frombuffer(other, np.int64)).tolist()
    found = []
    for record in plan.records:
        for f in record.type.fields:
            at = record.at + record.type.index[f.name]
            found += [f"{record.name}.{f.name}" for word in words if at <= word < at + f.count]
    return found or [f"word {word}" for word in words]


# --- promises ---------------------------------------------------------------------------------------------------


@pytest.mark.timeout(900)  # all types are compiled where the cache has none of them
@given(seed=st.integers(0, 2**32 - 1))
@example(seed=2231535826)  # a simulated rate that no total can hold
@example(seed=3628801)  # a ramp in a time too short to be divided by
@settings(max_examples=25, deadline=None)
def test_nothing_that_is_no_number_gets_in_and_the_bits_are_always_the_same(seed):
    """Promise: whatever comes in at any terminal, whatever an operator writes, with any period and any slips: states
    and outputs stay finite, statuses are status bytes, and compiled, uncompiled and repeated runs agree to the bit."""
    rng = random.Random(seed)
    plan = plan_of_everything(rng)
    script = list(scripts(plan, rng, 18))
    compiled = run(Engine(plan), script, watch=True)
    for scan, (one, other) in enumerate(zip(compiled, run(Engine(plan, compiled=False), script), strict=True)):
        assert one == other, f"scan {scan}, compiled and uncompiled: {differences(plan, one, other)}"
    assert compiled == run(Engine(plan), script)


def with_bad_inputs(kind: BlockType, wired: tuple[str, ...], params: dict[str, ParamValue]) -> Engine:
    """A block ``X`` after some scans with each of these inputs Bad; a whole number comes as it is."""
    links, channels, blocks = [], [], []
    for terminal in wired:
        if kind.field(terminal).dtype == "i8":
            links += [("P.mode", f"X.{terminal}"), ("ch.P", "P.pv")]
            blocks, channels = [BlockSpec("P", "PID", "loops")], [*channels, Channel("ch.P", "in", "")]
            continue
        links.append((f"ch.{terminal}", f"X.{terminal}"))
        channels.append(Channel(links[-1][0], "in", ""))
    if kind.translate is not None:
        params = dict(kind.translate(TEXTS.get(kind.name, {})).params) | params
    blocks.append(BlockSpec("X", kind.name, "loops", params))
    links, channels = list(dict.fromkeys(links)), list(dict.fromkeys(channels))
    engine = Engine(compile_strategy(strategy(tuple(blocks), links, tuple(channels))), compiled=False)
    count = len(channels)
    for scan in range(12):
        engine.set_inputs(np.full(count, 7.0), np.full(count, STATUS_BAD, np.int64), np.zeros(count, np.int64))
        engine.scan(0, scan)
    return engine


def good_outputs(engine: Engine, kind: BlockType) -> set[str]:
    return {name for name in kind.terminals("output") if engine.field("X", kind.companion(name, "status")) >= 128}


NO_INPUT_NEEDED: dict[str, set[str]] = {
    "CALC": {"out_1", "out_2", "out_3", "out_4"},  # as the program says
    "SFC": {name for name in BLOCK_TYPES["SFC"].terminals("output") if name.startswith("out_") or name == "timeout"},
    "RESET_STATION": {"out"},  # the operator's button
    "TOTALISER": {"last_total"},  # the one before the last reset
    "FLOW_COMP": {"factor"},  # of pressure and temperature, which may stay unwired
    "FIELD_DEVICE": {"state", "condition", "lost"},  # they tell that the input is Bad
}
"""Outputs that are by their nature independent of the inputs."""
NEEDED: dict[str, dict[str, ParamValue]] = {"GAIN_SCHEDULER": {"points": (0.0, 50.0), "points_count": 2.0}}
"""Parameters without which a type does not look at its inputs."""
MODELESS = [
    kind
    for kind in TYPES
    if not kind.has("mode") and set(kind.terminals("output")) - NO_INPUT_NEEDED.get(kind.name, set())
]
MODED = [
    pytest.param(kind, code, id=f"{kind.name}-{name}")
    for kind in TYPES
    if kind.has("mode")
    for name, code in kind.field("target").choices
]
SETPOINTS = ("sp", "end_value")
MEASURED = {"pv", "ratio", "total", "deviation", "deviates"}


@pytest.mark.parametrize("kind", MODELESS, ids=lambda kind: kind.name)
def test_a_bad_input_shows(kind):
    """Promise: with every input Bad (of those that must be wired, where there are such), no output says Good, unless it
    is by its nature independent of them. (A way back belongs to the block below.)"""
    must = tuple(name for name in kind.terminals("input") if not kind.is_optional(name))
    engine = with_bad_inputs(kind, must or kind.terminals("input"), NEEDED.get(kind.name, {}))
    assert not good_outputs(engine, kind) - NO_INPUT_NEEDED.get(kind.name, set()) - {"bkcal_out"}


@pytest.mark.parametrize(("kind", "target"), MODED)
def test_a_bad_input_shows_in_every_mode(kind, target):
    """Promise: no block lives from a Bad input: it never is in Cas, RCas or ROut; in Auto its outputs are Good only if
    the operator's setpoint makes them; a block that is not in its target says why; in Man only what a hand gives is
    Good."""
    forward = tuple(name for name in kind.terminals("input") if not kind.is_feedback(name))
    params = {"target": float(target), "permitted": float(mode_mask(code for _, code in kind.field("target").choices))}
    engine = with_bad_inputs(kind, forward, params)
    mode, good = int(engine.field("X", "mode")), good_outputs(engine, kind)
    assert mode not in (CAS, RCAS, ROUT)
    assert (engine.field("X", "reason") == AS_ASKED) <= (mode == target)
    if mode == OOS:
        assert not good - {"sp_wrk"}
    if mode == AUTO:
        assert not good or any(kind.has(name) for name in SETPOINTS)
    if mode == MAN and not any(kind.is_feedback(name) for name in kind.terminals("input")):
        assert not good & MEASURED


@pytest.mark.parametrize(
    "kind", [kind for kind in TYPES if kind.has("mode") and kind.feedback_inputs], ids=lambda kind: kind.name
)
def test_a_bad_way_back_stops_a_block(kind):
    """Promise: with the ways back Bad as well the mode is IMan, nothing goes to the field, no measurement is Good."""
    engine = with_bad_inputs(kind, kind.terminals("input"), {})
    assert engine.field("X", "mode") == IMAN
    assert not good_outputs(engine, kind) & MEASURED
    if kind.has("output_valid"):
        assert engine.field("X", "output_valid") == 0


def test_the_plan_holds_every_type_of_the_library():
    """Promise: a type that is added to the library is under test without a line here."""
    plan = plan_of_everything(random.Random(1))
    assert set(plan.types) == set(TYPES)
    assert len(plan.records) == 2 * len(TYPES)
    assert len(published(plan.strategy.blocks)) == len(plan.tags)
