"""Promises that every safety block keeps whatever comes in: no NaN stays, both paths give one memory."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dcs.blocks.declare import BLOCK_TYPES
from dcs.blocks.safety.matrix import translate_matrix
from dcs.core.status import BAD, quality_of
from dcs.engine.strategy import BlockSpec, Channel
from tests.unit.engine.strategies import Bench, any_bits, strategy

MATRIX = translate_matrix(
    {
        "matrix": [
            ["cause", "XV-1", "P-1", "K-1"],
            ["PSHH-1", "T", "T 3 s", None],
            ["LSLL-1", "V2", "V2 B 2 s", "T"],
            ["LSLL-2", "V2", "V2 B 2 s", None],
        ],
        "auto_reset": ["K-1"],
    }
)
PARAMS = {
    "VOTER_D": {"m": 2.0, "latch": 1.0, "degraded_time_s": 3.0, "degraded_end": 1.0, "bypass_time_s": 4.0},
    "VOTER_A": {"m": 2.0, "trip_limit": 50.0, "trip_deadband": 1.0, "deviation_limit": 5.0, "deviation_delay_s": 1.0},
    "INTERLOCK": {"latch": 1.0, "bypass_time_s": 3.0},
    "CAUSE_EFFECT": {**MATRIX.params, "bypass_time_s": 5.0, "bypass_warn_s": 2.0, "one_at_a_time": 0.0},
    "BYPASS": {"time_s": 3.0, "warn_s": 1.0, "substitute": 1.0},
    "RESET_STATION": {"pulse_s": 2.0},
}
MAY_BE_BAD = {("VOTER_A", "pv"), ("BYPASS", "out"), *(("CAUSE_EFFECT", f"effect_{k}") for k in range(4, 17))}
"""A decision is never Bad because of an input; what passes a measurement on is, and a column that is not there."""
COUNT = {"VOTER_D": 3, "VOTER_A": 4, "INTERLOCK": 4, "CAUSE_EFFECT": 3, "RESET_STATION": 2}
SIGNALS = st.tuples(
    st.sampled_from([0.0, 1.0, 0.5, math.nan, math.inf, -math.inf, 1.7e308, -1.7e308, 49.9, 50.1]),
    st.sampled_from([128, 128, 128, 0, 16, 64, 192, 255]),
)


def bench(name: str, compiled: bool) -> Bench:
    kind = BLOCK_TYPES[name]
    terminals = [
        terminal
        for terminal in kind.terminals("input")
        if not terminal.rpartition("_")[2].isdecimal() or int(terminal.rpartition("_")[2]) <= COUNT.get(name, 16)
    ]
    channels = tuple(Channel(terminal.upper(), "in", "") for terminal in terminals)
    links = [(terminal.upper(), f"S.b.{terminal}") for terminal in terminals]
    return Bench.of(strategy((BlockSpec("S.b", name, "loops", PARAMS[name]),), links, channels), compiled)


def test_every_safety_block_is_tried():
    group = {kind.name for kind in BLOCK_TYPES.values() if kind.step.__module__.startswith("dcs.blocks.safety.")}
    assert group == set(PARAMS)


@pytest.mark.parametrize("name", PARAMS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_comes_in(name, data):
    """Promise: no output or state holds NaN or infinity, no decision is Bad, compiled = uncompiled."""
    both = [bench(name, True), bench(name, False)]
    kind = BLOCK_TYPES[name]
    channels = both[0].engine.plan.input_channels
    for _ in range(data.draw(st.integers(2, 12))):
        signals = {channel: data.draw(SIGNALS) for channel in channels}
        slips = data.draw(st.integers(0, 2))
        part = data.draw(st.sampled_from((None, *kind.writable)))
        value = data.draw(st.integers(0, 1))
        for at in both:
            at.reads = {channel: signal[0] for channel, signal in signals.items()}
            at.status = {channel: signal[1] for channel, signal in signals.items()}
            if part is not None:
                at.must_set(f"S.b.{part}", value)
            at.scan(slips=slips)
        assert any_bits(both[0].engine.memory) == any_bits(both[1].engine.memory)
        for f in kind.fields:
            if f.role == "input" or f.dtype != "f8":
                continue
            names = [f.name] if f.count == 1 else [f"{f.name}_{number + 1}" for number in range(f.count)]
            values = np.array([both[0][f"S.b.{one}"] for one in names])
            assert np.isfinite(values).all(), (f.name, values)
        for terminal in kind.terminals("output"):
            status = int(both[0][f"S.b.{kind.companion(terminal, 'status')}"])
            assert 0 <= status <= 255
            assert quality_of(status) != BAD or (name, terminal) in MAY_BE_BAD
