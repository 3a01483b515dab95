"""Promises of the discrete output block."""

import math

import pytest

from dcs.blocks.handshake import REASON_TEXTS
from dcs.core.errors import ConfigError
from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN, OOS
from dcs.core.status import BAD, FSA, GOOD_CASCADE, IFS, IR, NI, OK, STATUS_BAD, STATUS_GOOD, make_status, quality_of
from dcs.core.status import LO as LOCAL_OVERRIDE
from dcs.core.status import sub_status_of as sub
from tests.unit.blocks.bench import CASCADE_IA, CASCADE_OK, OnBench
from tests.unit.blocks.hostile import nothing_comes_through
from tests.unit.engine.strategies import Bench as Engine
from tests.unit.engine.strategies import BlockSpec, Channel, strategy


def coil(**values: float) -> OnBench:
    """Driven by logic in Auto."""
    logic = {"target": AUTO, "mode": AUTO, "demand_linked": 1, "demand_status": STATUS_GOOD}
    return OnBench("DO", **logic | values)


def cascade(**values: float) -> OnBench:
    above = {"mode": CAS, "cas_in_linked": 1, "cas_in_status": CASCADE_OK}
    return OnBench("DO", **above | values)


def trace(block: OnBench, demands: str) -> str:
    return "".join(str(int(block.step(demand=float(demand)).out)) for demand in demands)


@pytest.mark.parametrize(
    ("options", "demand", "out"),
    [
        ({}, "01101", "01101"),
        ({"invert": 1}, "01101", "10010"),
        ({"pulse_s": 2.0}, "0111110110", "0110000110"),
        ({"pulse_s": 3.0}, "0100000", "0100000"),
        ({"pulse_s": 2.0, "invert": 1}, "011110", "100111"),
    ],
)
def test_demand_becomes_output(options, demand, out):
    """Promise: held or as a pulse from the rise on; a demand that ceases ends the pulse."""
    assert trace(coil(**options), demand) == out


def test_the_handshake_of_a_cascade():
    """Promise: as for the analogue output: entered with an acknowledged value only, and without moving the coil."""
    block = cascade(mode=AUTO, sp=1, out=1.0, bkcal_out=1.0, cas_in=0.0)
    block.step(cas_in_status=CASCADE_IA)
    assert (block.mode, block.out, sub(block.bkcal_out_status)) == (AUTO, 1.0, IR)
    block.step(cas_in=1.0)
    assert (block.mode, block.out, sub(block.bkcal_out_status)) == (CAS, 1.0, OK)
    assert block.step(cas_in=0.0, cas_in_status=CASCADE_OK).out == 0.0


def test_nothing_is_sent_before_the_field_has_been_read():
    block = coil(mode=IMAN, readback_linked=1, readback=math.nan, readback_status=STATUS_BAD, demand=0.0)
    for _ in range(3):
        block.step()
        assert (block.output_valid, block.mode, quality_of(block.out_status)) == (0, IMAN, BAD)
    assert sub(block.bkcal_out_status) == NI
    block.step(readback=1.0, readback_status=STATUS_GOOD, demand_status=STATUS_BAD)
    assert (block.output_valid, block.out) == (1, 1.0)
    assert block.step(demand_status=STATUS_GOOD).out == 0.0


@pytest.mark.parametrize(("kind", "after"), [(0, 1.0), (1, 1.0), (2, 0.0)])
def test_fault_state_of_a_bad_demand(kind, after):
    """Promise: none and hold keep the coil, value moves it, each after the time; back at once when it is Good."""
    block = coil(fault_state=kind, fault_value=0, fault_time_s=2.0, demand=1.0)
    block.step()
    block.step(count=2, demand_status=STATUS_BAD)
    assert (block.mode, block.out) == (AUTO, 1.0)
    block.step()
    assert (block.mode, block.out) == (AUTO if kind == 0 else LO, after)
    block.step(demand_status=STATUS_GOOD)
    assert (block.mode, block.out) == (AUTO, 1.0)


def test_fault_state_on_demand_of_the_block_above():
    block = cascade(fault_state=2, fault_value=0, cas_in=1.0)
    block.step()
    block.step(cas_in_status=make_status(GOOD_CASCADE, IFS))
    assert (block.mode, block.out, sub(block.bkcal_out_status)) == (LO, 0.0, FSA)


@pytest.mark.parametrize(("use_fault_value", "expected"), [(0, 1.0), (1, 0.0)])
def test_after_a_restart_the_coil_is_where_the_field_is_or_at_the_fault_value(use_fault_value, expected):
    block = coil(target=MAN, mode=MAN, fault_restart=use_fault_value, readback_linked=1, readback=0.0)
    block.step(readback_status=STATUS_GOOD)
    block.step(restarted=1, readback_status=STATUS_BAD)
    assert block.mode == IMAN
    block.step(readback=1.0, readback_status=STATUS_GOOD)
    assert (block.mode, block.out, block.restarted) == (MAN, expected, 0)


def test_force_and_mismatch():
    block = coil(readback_linked=1, readback=0.0, readback_status=STATUS_GOOD, travel_s=2.0)
    block.step()
    block.step(force=1, force_value=1, demand=0.0)
    assert (block.mode, block.out, sub(block.bkcal_out_status)) == (LO, 1.0, LOCAL_OVERRIDE)
    assert REASON_TEXTS[block.reason] == "forced"
    block.step(count=2)
    assert (block.mismatch, block.event) == (1, 1)
    block.step(readback=1.0, event=0)
    assert (block.mismatch, block.event) == (0, 2)


def test_out_of_service_sends_nothing():
    block = coil(demand=1.0)
    block.step()
    block.step(target=OOS)
    assert (block.output_valid, block.out) == (0, 1.0)


def test_after_out_of_service_the_coil_starts_where_the_field_is():
    """Promise: what was switched by hand while nothing was sent is not switched back by the first output that is."""
    block = coil(target=MAN, readback_linked=1, readback=0.0, readback_status=STATUS_GOOD)
    block.step(count=2)
    block.step(count=2, target=OOS, readback=1.0)
    assert (block.out, block.output_valid) == (0.0, 0)
    block.step(count=2, target=MAN)
    assert (block.mode, block.out, block.output_valid) == (MAN, 1.0, 1)


def test_manual_out_is_a_zero_or_a_one():
    """Promise: commands write whole values, in Man only; while logic drives the coil SP is refused with the reason."""
    spec = strategy(
        (BlockSpec("X.do", "DO", "loops", {"target": float(AUTO)}),),
        [("A", "X.do.demand"), ("X.do.out", "P")],
        (Channel("A", "in", ""), Channel("P", "out", "")),
    )
    at = Engine.of(spec, compiled=False)
    at.reads["A"] = 1.0
    at.scan(count=2)
    assert at.out() == 1.0
    assert at.set("X.do.SP", 0.0)[1] == (
        "X.do.SP: the setpoint comes from the wired `demand`. Set the mode to Man and write OUT."
    )
    assert not at.set("X.do.OUT", 0.0)[0]
    at.must_set("X.do.MODE", "MAN")
    at.scan()
    assert "whole number" in at.set("X.do.OUT", 0.5)[1]
    assert "limit" in at.set("X.do.OUT", 2.0)[1]
    at.must_set("X.do.OUT", 0.0)
    at.scan()
    assert at.out() == 0.0


@pytest.mark.parametrize(
    "params", [{}, {"target": float(AUTO), "fault_state": 2.0, "travel_s": 1.0}, {"pulse_s": 2.0, "invert": 1.0}]
)
def test_nothing_comes_through(params):
    nothing_comes_through("DO", params)


def test_logic_is_wired_to_the_demand_and_not_to_the_cascade():
    """Promise: who wires a gate to CAS_IN, where it would never be taken, is told which input takes it."""
    blocks = (BlockSpec("X.do", "DO", "loops"), BlockSpec("X.g", "LOGIC", "loops"))
    with pytest.raises(ConfigError, match="Wire its input `demand` instead"):
        Engine.of(strategy(blocks, [("X.g.out", "X.do.cas_in")]))
