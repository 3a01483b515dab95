"""Promises of the analogue input block."""

import math

import pytest

from dcs.core.modes import AUTO, MAN, OOS
from dcs.core.status import (
    BAD,
    GOOD,
    LAST_USABLE,
    LIMIT_CONSTANT,
    LIMIT_HIGH,
    LIMIT_LOW,
    NO_COMM,
    OK,
    SENSOR_FAILURE,
    STATUS_GOOD,
    UNCERTAIN,
    limits_of,
    make_status,
    quality_of,
    sub_status_of,
)
from tests.unit.blocks.bench import OnBench
from tests.unit.blocks.hostile import nothing_comes_through


def level(**values: float) -> OnBench:
    """0–20 cm on 4–20 mA."""
    ranges = {"xd_scale_low": 4.0, "xd_scale_high": 20.0, "out_scale_low": 0.0, "out_scale_high": 20.0, "ne43": 1}
    return OnBench("AI", **ranges | {"raw": 12.0, "raw_status": STATUS_GOOD} | values)


@pytest.mark.parametrize(("raw_ma", "value"), [(4.0, 0.0), (12.0, 10.0), (20.0, 20.0), (3.8, -0.25), (20.5, 20.625)])
def test_linear_conversion(raw_ma, value):
    block = level(raw=raw_ma)
    assert block.step().out == pytest.approx(value, abs=1e-12)
    assert block.out_status == STATUS_GOOD


@pytest.mark.parametrize(
    ("raw_ma", "quality", "limits"),
    [
        (3.5, BAD, LIMIT_LOW),
        (3.6, BAD, LIMIT_LOW),
        (3.61, UNCERTAIN, LIMIT_LOW),
        (3.79, UNCERTAIN, LIMIT_LOW),
        (3.8, GOOD, 0),
        (20.5, GOOD, 0),
        (20.51, UNCERTAIN, LIMIT_HIGH),
        (20.99, UNCERTAIN, LIMIT_HIGH),
        (21.0, BAD, LIMIT_HIGH),
        (22.0, BAD, LIMIT_HIGH),
    ],
)
def test_ne43_limits(raw_ma, quality, limits):
    block = level(raw=raw_ma, fail_delay_s=0.0)
    block.step()
    assert (quality_of(block.out_status), limits_of(block.out_status)) == (quality, limits)


def test_a_flicker_is_bridged_but_never_as_good():
    """Promise: for ``fail_delay_s`` the last value stays Uncertain, then Bad; the value is held throughout."""
    block = level(fail_delay_s=2.0)
    block.step()
    seen = [(block.step(raw=0.0).out, block.out_status) for _ in range(4)]
    bridged = make_status(UNCERTAIN, LAST_USABLE, LIMIT_CONSTANT)
    failed = make_status(BAD, SENSOR_FAILURE, LIMIT_LOW)
    assert seen == [(10.0, bridged), (10.0, bridged), (10.0, failed), (10.0, failed)]


def test_a_bad_status_of_the_driver_is_passed_on_at_once():
    block = level()
    block.step()
    block.step(raw=math.nan, raw_status=make_status(BAD, NO_COMM))
    assert (block.out, quality_of(block.out_status), sub_status_of(block.out_status)) == (10.0, BAD, NO_COMM)


@pytest.mark.parametrize("raw", [math.nan, math.inf, -math.inf])
def test_no_nan_comes_out(raw):
    block = level()
    block.step()
    block.step(raw=raw)
    assert (block.out, quality_of(block.out_status)) == (10.0, BAD)


def test_filter_and_its_new_start_after_bad():
    block = level(filter_s=5.0, fail_delay_s=0.0)
    block.step(raw=4.0)
    assert block.step(raw=20.0).out == pytest.approx(20.0 * (1 - math.exp(-0.2)))
    block.step(raw=0.0)
    assert block.step(raw=20.0).out == 20.0


@pytest.mark.parametrize("on_the_way", [3.7, 20.8])
def test_the_filter_does_not_start_from_a_saturated_signal(on_the_way):
    """Promise: a signal that comes back through the saturated range is right from its first Good value on."""
    block = level(filter_s=30.0)
    block.step(count=3)
    block.step(raw=2.0, count=5)
    assert quality_of(block.out_status) == BAD
    block.step(raw=on_the_way)
    assert (quality_of(block.out_status), block.out) == (UNCERTAIN, pytest.approx(20.0 * (on_the_way - 4.0) / 16.0))
    block.step(raw=12.0)
    assert (block.out_status, block.out) == (STATUS_GOOD, 10.0)
    block.step(raw=14.0)
    assert 10.0 < block.out < 10.2  # now it is filtered


LIMITED = [({"raw": 20.8}, LIMIT_HIGH), ({"raw": 3.7}, LIMIT_LOW),
           ({"raw": 12.0, "raw_status": make_status(GOOD, OK, LIMIT_HIGH)}, LIMIT_HIGH)]  # fmt: skip


@pytest.mark.parametrize(("said", "limits"), LIMITED)
def test_bad_if_limited(said, limits):
    """Promise: at the end of what the transmitter can say the last good value stands, as Bad, once it is no flicker."""
    block = level(bad_if_limited=1, fail_delay_s=2.0)
    block.step(count=3, raw=10.0)
    assert (block.step(**said).out, quality_of(block.out_status)) == (7.5, UNCERTAIN)
    block.step(count=5)
    assert (block.out, quality_of(block.out_status), limits_of(block.out_status)) == (7.5, BAD, limits)
    assert block.step(raw=12.0, raw_status=STATUS_GOOD).out_status == STATUS_GOOD


@pytest.mark.parametrize(("said", "limits"), LIMITED)
def test_uncertain_if_limited(said, limits):
    block = level(uncertain_if_limited=1)
    block.step(count=3)
    block.step(**said)
    assert (quality_of(block.out_status), limits_of(block.out_status)) == (UNCERTAIN, limits)
    assert block.out == pytest.approx(20.0 * (said["raw"] - 4.0) / 16.0)
    assert block.step(raw=12.0, raw_status=STATUS_GOOD).out_status == STATUS_GOOD


def test_limits_are_passed_on_without_these_options():
    block = level(raw_status=make_status(GOOD, OK, LIMIT_HIGH))
    assert block.step().out_status == make_status(GOOD, OK, LIMIT_HIGH)


def test_bad_if_limited_holds_what_was_beyond_its_range_too():
    block = level(bad_if_limited=1, ne43=0)
    block.step(count=2)
    block.step(raw=25.0)
    assert (block.out, quality_of(block.out_status), limits_of(block.out_status)) == (10.0, BAD, LIMIT_HIGH)


def test_low_cut():
    block = level(low_cut=1.0)
    assert block.step(raw=4.4).out == 0.0
    assert block.step(raw=5.0).out == pytest.approx(1.25)


def test_manual_holds_out_while_pv_goes_on():
    block = level(target=MAN)
    block.step(count=2, out=7.0, raw=20.0)
    assert (block.out, block.pv, block.mode) == (7.0, 20.0, MAN)
    assert limits_of(block.out_status) == LIMIT_CONSTANT


def test_out_of_service_and_back():
    block = level(target=OOS)
    block.step()
    assert quality_of(block.out_status) == BAD
    block.step(target=AUTO)
    assert block.mode == MAN
    block.step()
    assert (block.mode, block.out_status) == (AUTO, STATUS_GOOD)


# --- conversion ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("raw_ma", "flow"), [(4.0, 0.0), (8.0, 10.0), (20.0, 20.0), (5.0, 5.0), (3.9, 0.0)])
def test_square_root_of_a_differential_pressure(raw_ma, flow):
    """Promise: a quarter of the pressure is half of the flow; below zero pressure is zero flow, not NaN."""
    assert level(linearisation=1, raw=raw_ma).step().out == pytest.approx(flow, abs=1e-12)


def test_the_cut_off_acts_after_the_root_and_before_the_filter():
    """Promise: 0.4 % of pressure is 6.3 % of flow, cut to zero by a cut-off of 10 %; the filter then decays to zero."""
    block = level(linearisation=1, low_cut=2.0, filter_s=5.0, raw=20.0)
    block.step()
    assert block.step(raw=4.064).out == pytest.approx(20.0 * math.exp(-0.2))
    assert level(linearisation=0, low_cut=2.0, raw=8.0).step().out == 5.0


@pytest.mark.parametrize(
    ("raw", "quality", "limits"),
    [(104.9, GOOD, 0), (105.1, UNCERTAIN, LIMIT_HIGH), (-4.9, GOOD, 0), (-5.1, UNCERTAIN, LIMIT_LOW)],
)
def test_a_value_beyond_its_range_is_uncertain(raw, quality, limits):
    block = OnBench("AI", raw=raw, raw_status=STATUS_GOOD)
    block.step()
    assert (quality_of(block.out_status), limits_of(block.out_status)) == (quality, limits)
    assert block.out == pytest.approx(raw)


def test_slips_count_in_the_hold_against_flicker():
    block = level(fail_delay_s=4.0)
    block.step()
    block.step(raw=0.0, elapsed_s=5.0)
    assert quality_of(block.out_status) == BAD


# --- simulate and force ----------------------------------------------------------------------------------------
def test_switching_simulation_on_moves_nothing_and_what_is_simulated_is_judged_like_a_signal():
    block = level(raw=12.0)
    block.step(count=2)
    assert block.step(simulate=1, raw=18.0).out == 10.0
    assert block.step(sim_value=16.0).out == 15.0
    block.step(count=4, sim_value=3.5)
    assert (quality_of(block.out_status), block.out) == (BAD, 15.0)
    assert block.step(simulate=0, raw=20.0).out == 20.0


def test_simulation_works_without_any_field():
    block = level(raw=math.nan, raw_status=make_status(BAD, NO_COMM), sim_value=8.0, simulate=1)
    assert (block.step().out, block.out_status) == (5.0, STATUS_GOOD)


def test_force_holds_the_output_in_every_mode_and_shows_as_constant():
    block = level(raw=12.0)
    block.step(count=2)
    block.step(force=1, raw=20.0)
    assert (block.out, block.pv, limits_of(block.out_status)) == (10.0, 20.0, LIMIT_CONSTANT)
    block.step(force_value=7.0, raw_status=make_status(BAD, NO_COMM))
    assert (block.out, quality_of(block.out_status)) == (7.0, GOOD)
    block.step(target=MAN, out=3.0)
    assert block.out == 7.0
    block.step(target=OOS)
    assert quality_of(block.out_status) == BAD, "out of service is stronger than a force"
    block.step(count=2, target=AUTO, force=0, raw_status=STATUS_GOOD)
    assert (block.out, block.out_status) == (20.0, STATUS_GOOD)


@pytest.mark.parametrize("params", [{}, {"linearisation": 1.0, "low_cut": 5.0}, {"ne43": 1.0, "filter_s": 3.0}])
def test_nothing_comes_through(params):
    nothing_comes_through("AI", params)


@pytest.mark.parametrize("raw", [1e308, -1e308, 1e12])
def test_a_value_that_no_transmitter_can_mean_is_bad_and_leaves_the_filter_alone(raw):
    block = level(ne43=0, filter_s=10.0)
    block.step(count=3)
    assert block.step(raw=raw).out == 10.0
    assert (quality_of(block.out_status), sub_status_of(block.out_status)) == (BAD, SENSOR_FAILURE)
    assert block.step(raw=20.0).out == 20.0  # seeded anew
