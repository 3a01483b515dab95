"""The block of a field device: states, condition, time without values."""

import pytest

from dcs.blocks.io.field_device import (
    COMMUNICATES,
    DEVICE_FAILED,
    DEVICE_GOOD,
    DEVICE_NEEDS_MAINTENANCE,
    NEVER_ANSWERED,
    NO_COMMUNICATION,
    NO_VALUES,
    SOME_VALUES,
)
from dcs.core.status import (
    BAD,
    DEVICE_FAILURE,
    STATUS_GOOD,
    STATUS_NO_COMM_LAST_USABLE,
    STATUS_NOT_CONNECTED,
    UNCERTAIN,
    make_status,
)
from tests.unit.blocks.bench import OnBench


@pytest.mark.parametrize(
    ("status", "state", "condition", "lost"),
    [
        (STATUS_GOOD, COMMUNICATES, DEVICE_GOOD, 0.0),
        (STATUS_NOT_CONNECTED, NEVER_ANSWERED, DEVICE_FAILED, 0.0),  # not yet reached
        (STATUS_NO_COMM_LAST_USABLE, NO_COMMUNICATION, DEVICE_FAILED, 1.0),
        (make_status(BAD, DEVICE_FAILURE), NO_VALUES, DEVICE_FAILED, 1.0),
        (make_status(UNCERTAIN), SOME_VALUES, DEVICE_NEEDS_MAINTENANCE, 0.0),
    ],
)
def test_what_the_link_says(status: int, state: int, condition: int, lost: float) -> None:
    b = OnBench("FIELD_DEVICE", link=100.0).step(link_status=status)
    assert (b.state, b.condition, b.lost) == (state, condition, lost)
    assert (b.state_status, b.condition_status, b.lost_status) == (STATUS_GOOD,) * 3


def test_the_time_without_values_counts_from_the_last_one_and_losses_are_counted() -> None:
    device = OnBench("FIELD_DEVICE", dt_s=0.5)
    silent = []
    for status in [STATUS_GOOD, *[STATUS_NO_COMM_LAST_USABLE] * 4, STATUS_GOOD, STATUS_NO_COMM_LAST_USABLE]:
        silent.append(device.step(link_status=status).silent_s)
    assert silent == [0.0, 0.0, 0.5, 1.0, 1.5, 0.0, 0.0]
    assert device.losses == 2


def test_a_device_that_was_never_reached_is_lost_after_a_bounded_time_and_one_that_was_at_once() -> None:
    device = OnBench("FIELD_DEVICE", dt_s=1.0)
    lost = [device.step(link_status=STATUS_NOT_CONNECTED).lost for _ in range(13)]
    assert lost == [0.0] * 10 + [1.0] * 3
    assert device.losses == 1
    assert device.step(link_status=STATUS_GOOD).lost == 0.0
    assert device.step(link_status=STATUS_NO_COMM_LAST_USABLE).lost == 1.0
    assert device.losses == 2


def test_a_late_device_is_no_loss() -> None:
    device = OnBench("FIELD_DEVICE", dt_s=1.0)
    for status in [*[STATUS_NOT_CONNECTED] * 5, STATUS_GOOD]:
        b = device.step(link_status=status)
    assert (b.lost, b.losses, b.silent_s) == (0.0, 0, 0.0)
