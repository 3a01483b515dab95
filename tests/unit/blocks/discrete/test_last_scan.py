"""Promises of the loop breaker."""

import pytest

from dcs.core.errors import ConfigError
from dcs.core.status import STATUS_BAD, STATUS_GOOD
from tests.unit.blocks.hostile import nothing_comes_through
from tests.unit.engine.strategies import Bench, BlockSpec, Channel, strategy

INVERTER = BlockSpec("X.n", "NOT", "loops")


def test_a_loop_of_logic_can_be_computed():
    """Promise: an inverter fed back through it toggles every scan; without it the loop is refused."""
    with pytest.raises(ConfigError, match="loop"):
        Bench.of(strategy((INVERTER,), [("X.n.out", "X.n.inp")]))
    links = [("X.n.out", "X.l.inp"), ("X.l.out", "X.n.inp")]
    at = Bench.of(strategy((INVERTER, BlockSpec("X.l", "LAST_SCAN", "loops")), links))
    seen = []
    for _ in range(6):
        at.scan()
        seen.append(at["X.n.out"])
    assert seen in ([1, 0, 1, 0, 1, 0], [0, 1, 0, 1, 0, 1])


def test_a_loop_recovers_from_a_bad_input():
    """Promise: trouble that came in from outside leaves the loop when it ends."""
    gate = BlockSpec("X.g", "LOGIC", "loops")
    links = [("A", "X.g.inp_1"), ("X.l.out", "X.g.inp_2"), ("X.g.out", "X.n.inp"), ("X.n.out", "X.l.inp")]
    spec = strategy((gate, INVERTER, BlockSpec("X.l", "LAST_SCAN", "loops")), links, (Channel("A", "in", ""),))
    at = Bench.of(spec)
    at.reads["A"] = 1.0
    at.scan(count=3)
    assert at["X.g.out_status"] == STATUS_GOOD
    at.status["A"] = STATUS_BAD
    at.scan(count=3)
    assert at["X.g.out_status"] != STATUS_GOOD
    at.status["A"] = STATUS_GOOD
    at.scan(count=3)
    assert at["X.g.out_status"] == STATUS_GOOD


def test_nothing_comes_through():
    nothing_comes_through("LAST_SCAN")
