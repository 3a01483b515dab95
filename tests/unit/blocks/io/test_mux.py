"""Promises of the multiplexed inputs: each channel is as the single block."""

import random

import pytest

from dcs.blocks.io import mux_ai, mux_di
from dcs.core.modes import AUTO, MAN
from dcs.core.status import (
    BAD,
    LIMIT_CONSTANT,
    LIMIT_HIGH,
    LIMIT_LOW,
    STATUS_BAD,
    STATUS_GOOD,
    STATUS_NOT_CONNECTED,
    limits_of,
    quality_of,
)
from tests.unit.blocks.bench import OnBench
from tests.unit.blocks.hostile import QUALITIES, VALUES, nothing_comes_through
from tests.unit.engine.strategies import Bench, BlockSpec, Channel, strategy


@pytest.mark.parametrize(
    ("mux", "single", "count", "options"),
    [
        ("MUX_AI", "AI", mux_ai.CHANNELS, {"ne43": 1, "xd_scale_low": 4.0, "xd_scale_high": 20.0, "filter_s": 2.0}),
        ("MUX_AI", "AI", mux_ai.CHANNELS, {"linearisation": 1, "low_cut": 3.0}),
        ("MUX_AI", "AI", mux_ai.CHANNELS, {"ne43": 1, "bad_if_limited": 1, "filter_s": 2.0}),
        ("MUX_AI", "AI", mux_ai.CHANNELS, {"uncertain_if_limited": 1, "xd_scale_low": -50.0}),
        ("MUX_DI", "DI", mux_di.CHANNELS, {"on_delay_s": 1.0, "off_delay_s": 2.0}),
    ],
)
def test_every_channel_is_as_the_single_block(mux, single, count, options):
    """Promise: the same signals, modes, simulation and force give the same output and status, scan by scan."""
    dice = random.Random(1)
    many = OnBench(mux, **options)
    ones = [OnBench(single, **options) for _ in range(count)]
    for scan in range(200):
        mode = MAN if 90 < scan < 100 else AUTO
        many.record.target = mode
        for i, one in enumerate(ones):
            raw, status = dice.choice(VALUES), dice.choice(QUALITIES) << 6 | dice.choice((0, 0, LIMIT_LOW, LIMIT_HIGH))
            many.raw[i], many.raw_status[i] = raw, status
            one.record.raw, one.record.raw_status, one.record.target = raw, status, mode
            if dice.random() < 0.1:
                name, value = dice.choice(("simulate", "force")), dice.choice((0, 1))
                getattr(many, name)[i] = value
                setattr(one.record, name, value)
        many.step()
        for i, one in enumerate(ones):
            one.step()
            assert (many.out[i], many.out_status[i]) == (one.out, one.out_status), f"scan {scan}, channel {i + 1}"


@pytest.mark.parametrize("mux", ["MUX_AI", "MUX_DI"])
def test_channels_by_number_from_the_wire_to_the_tag(mux):
    """Promise: a channel is wired, simulated and forced by its number; a refusal looks at its own channel."""
    spec = strategy((BlockSpec("X.m", mux, "loops"),), [("A", "X.m.raw_2")], (Channel("A", "in", ""),))
    at = Bench.of(spec, compiled=False)
    at.reads["A"] = 1.0
    at.scan(count=2)
    assert at["X.m.out_2"] == 1.0
    assert at["X.m.out_status_2"] == STATUS_GOOD
    assert at["X.m.out_status_3"] == STATUS_NOT_CONNECTED
    at.must_set("X.m.FORCE_3", 1.0)
    ok, text = at.set("X.m.FORCE_VALUE_2", 1.0)
    assert not ok
    assert "Set FORCE to 1 first" in text
    at.must_set("X.m.FORCE_VALUE_3", 1.0)
    at.scan()
    assert at["X.m.out_3"] == 1.0
    assert limits_of(int(at["X.m.out_status_3"])) == LIMIT_CONSTANT
    at.status["A"] = STATUS_BAD
    at.scan()
    assert at["X.m.out_2"] == 1.0
    assert quality_of(int(at["X.m.out_status_2"])) == BAD


def test_each_contact_has_its_own_inversion():
    block = OnBench("MUX_DI")
    block.invert[1] = 1
    block.raw_status[0] = block.raw_status[1] = STATUS_GOOD
    assert block.step().out[:2] == [0.0, 1.0]


@pytest.mark.parametrize("mux", ["MUX_AI", "MUX_DI"])
def test_nothing_comes_through(mux):
    nothing_comes_through(mux, seeds=2)
