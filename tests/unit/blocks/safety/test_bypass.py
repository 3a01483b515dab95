"""Promises of the maintenance bypass."""

import math

import pytest

from dcs.blocks.safety import bypass
from dcs.blocks.safety.maintenance import KEEP
from dcs.core.status import LIMIT_CONSTANT, STATUS_BAD, STATUS_GOOD, SUBSTITUTE, UNCERTAIN, make_status
from tests.unit.blocks.bench import OnBench

SUBSTITUTED = make_status(UNCERTAIN, SUBSTITUTE, LIMIT_CONSTANT)


def block(**values) -> OnBench:
    return OnBench("BYPASS", **{"elapsed_s": 1.0, "inp": 0.0, "inp_status": STATUS_GOOD, "value": 1.0} | values)


def codes(made: OnBench, count: int) -> list[int]:
    found = []
    for _ in range(count):
        made.step()
        found.append(made.event)
        made.event = 0
    return [code for code in found if code]


@pytest.mark.parametrize(("value", "status"), [(0.0, STATUS_GOOD), (0.7, STATUS_BAD), (5.0, make_status(UNCERTAIN))])
def test_passes_the_signal_on_with_its_status(value, status):
    made = block().step(inp=value, inp_status=status)
    assert (made.out, made.out_status, made.bypassed) == (value, status, 0)


def test_substitute_is_never_shown_as_good():
    made = block(inp=7.0)
    made.step()
    made.step(request=1)
    assert (made.out, made.out_status, made.bypassed, made.uses) == (1.0, SUBSTITUTED, 1, 1)
    made.step(request=0)
    assert (made.out, made.out_status, made.bypassed) == (7.0, STATUS_GOOD, 0)


def test_hold_puts_out_the_last_good_value():
    made = block(inp=7.0, substitute=bypass.USE_HOLD)
    made.step()
    made.step(inp=9.0, inp_status=STATUS_BAD)
    made.step(inp=math.nan, request=1)
    assert (made.out, made.out_status) == (7.0, SUBSTITUTED)


@pytest.mark.parametrize(("permit", "status"), [(0.0, STATUS_GOOD), (1.0, STATUS_BAD), (math.nan, STATUS_GOOD)])
def test_needs_the_permit_and_ends_with_it(permit, status):
    made = block(permit_linked=1, permit=permit, permit_status=status)
    made.step(request=1)
    assert (made.bypassed, made.request, made.event) == (0, 0, bypass.REFUSED)
    made.step(request=1, permit=1.0, permit_status=STATUS_GOOD)
    assert made.bypassed == 1
    made.step(permit=permit, permit_status=status)
    assert (made.bypassed, made.request, made.event) == (0, 0, bypass.WITHDRAWN)


def test_warns_then_ends_by_itself():
    """Promise: 10 s with a warning 3 s before; what is left is shown."""
    made = block(time_s=10.0, warn_s=3.0, request=1)
    assert codes(made, 7) == [bypass.SET]
    assert (made.warning, made.remaining_s) == (0, 4.0)
    assert codes(made, 1) == [bypass.EXPIRES_SOON]
    assert (made.warning, made.expired) == (1, 0)
    assert codes(made, 5) == [bypass.OVER_REMOVED]
    assert (made.bypassed, made.request, made.warning, made.remaining_s) == (0, 0, 0, 0.0)


def test_alarm_only_stays_and_is_flagged():
    made = block(time_s=5.0, warn_s=1.0, time_end=KEEP, request=1)
    assert codes(made, 20) == [bypass.SET, bypass.EXPIRES_SOON, bypass.OVER_KEPT]
    assert (made.bypassed, made.expired, made.warning) == (1, 1, 1)


def test_without_a_limit_it_stands_for_any_time():
    made = block(time_s=0.0, request=1)
    assert codes(made, 50) == [bypass.SET]
    assert (made.bypassed, made.warning, made.expired) == (1, 0, 0)


def test_a_slipped_scan_counts():
    made = block(time_s=10.0, request=1)
    made.step()
    made.step(elapsed_s=10.0)
    assert made.bypassed == 0
