"""A block in an engine whose every terminal is fed what no block should believe; what the property tests stand on."""

import math
import random
from collections.abc import Mapping

from dcs.blocks.declare import BLOCK_TYPES, BlockType, ParamValue
from dcs.core.status import BAD, GOOD, GOOD_CASCADE, UNCERTAIN, make_status, quality_of
from dcs.engine.engine import Engine
from dcs.engine.strategy import BlockSpec, Channel
from tests.unit.engine.strategies import Bench, any_bits, strategy

VALUES = (math.nan, math.inf, -math.inf, 1e300, -1e300, 0.0, 1.0, 0.5, 3.5, 12.0, 22.0, 50.0, -7.0, 65535.0)
QUALITIES = (BAD, UNCERTAIN, GOOD, GOOD_CASCADE)


def wired(kind: BlockType, params: Mapping[str, ParamValue], compiled: bool) -> Bench:
    """One block, every input wired to a channel of its own; back-calculation inputs too."""
    inputs = kind.terminals("input")
    channels = tuple(Channel(name, "in", "") for name in inputs)
    blocks = (BlockSpec("X.b", kind.name, "loops", dict(params)),)
    return Bench.of(strategy(blocks, [(name, f"X.b.{name}") for name in inputs], channels), compiled)


def run(name: str, params: Mapping[str, ParamValue], seed: int, compiled: bool, scans: int = 60) -> Engine:
    """``scans`` scans of nonsense on every terminal and in every part that may be written, with slips."""
    kind = BLOCK_TYPES[name]
    dice = random.Random(seed)
    at = wired(kind, params, compiled)
    for _ in range(scans):
        for channel in at.engine.plan.input_channels:
            at.reads[channel] = dice.choice(VALUES)
            at.status[channel] = make_status(dice.choice(QUALITIES), dice.randrange(9), dice.randrange(4))
        if kind.writable and dice.random() < 0.5:
            at.set(f"X.b.{dice.choice(kind.writable)}", dice.choice((0.0, 1.0, 3.0, 4.0, 5.0, 50.0, 1e300)))
        at.scan(slips=dice.choice((0, 0, 0, 1, 5)))
        check(kind, at)
    return at.engine


def check(kind: BlockType, at: Bench) -> None:
    """State and outputs are numbers; a discrete output is 0 or 1; no status is more than a byte."""
    for field in kind.fields:
        if field.role == "input":
            continue
        for name in [field.name] if field.count == 1 else [f"{field.name}_{n + 1}" for n in range(field.count)]:
            value = at[f"X.b.{name}"]
            assert math.isfinite(value), f"{kind.name}.{name} is {value}"
            if field.discrete:
                assert value in (0.0, 1.0), f"{kind.name}.{name} is {value}"
            if field.status_of:
                assert 0 <= value <= 255
                assert 0 <= quality_of(int(value)) <= GOOD_CASCADE


def nothing_comes_through(name: str, params: Mapping[str, ParamValue] | None = None, seeds: int = 3) -> None:
    """Promise: NaN, infinity, any status and slips on every terminal leave numbers only; the same bits compiled."""
    for seed in range(seeds):
        images = [any_bits(run(name, params or {}, seed, compiled).memory) for compiled in (True, False)]
        assert images[0] == images[1], f"{name}: compiled and uncompiled differ (seed {seed})"
