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
    SENSOR_FAILURE,
    STATUS_GOOD,
    UNCERTAIN,
    limits_of,
    make_status,
    quality_of,
    sub_status_of,
)
from tests.unit.blocks.bench import OnBench


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
