"""The blocks of redundancy: what is said of a pair and of a device with two ways."""

import pytest

from dcs.blocks.io.controller_pair import MISSING, OUT, READY, SUSPENDED, SYNCHRONISING
from dcs.core.status import BAD, STATUS_GOOD, STATUS_NO_COMM_LAST_USABLE, STATUS_NOT_CONNECTED, quality_of
from tests.unit.blocks.bench import OnBench

GOOD = dict.fromkeys(("standby_status", "witness_status", "behind_status"), STATUS_GOOD)


@pytest.mark.parametrize(
    ("standby", "witness", "behind", "said"),
    [  # not ready, taken out, no witness, fewer paths
        (READY, 1.0, 0.0, (0, 0, 0, 0)),
        (SYNCHRONISING, 1.0, 0.0, (1, 0, 0, 0)),
        (MISSING, 1.0, 0.0, (1, 0, 0, 0)),
        (SUSPENDED, 1.0, 0.0, (1, 0, 0, 0)),
        (OUT, 0.0, 3.0, (0, 1, 0, 0)),  # a lone controller needs no witness
        (READY, 0.0, 0.0, (0, 0, 1, 0)),
        (READY, 1.0, 2.0, (0, 0, 0, 1)),
        (MISSING, 1.0, 2.0, (1, 0, 0, 0)),  # who is missing reaches nothing: that is no alarm of its own
    ],
)
def test_each_loss_is_said_once(standby: int, witness: float, behind: float, said: tuple[int, ...]) -> None:
    b = OnBench("CONTROLLER_PAIR").step(standby=1.0 * standby, witness=witness, behind=behind, **GOOD)
    assert (b.not_ready, b.taken_out, b.no_witness, b.fewer_paths) == said
    assert b.state == standby


def test_time_alone_and_losses_are_counted_and_maintenance_is_no_loss() -> None:
    pair = OnBench("CONTROLLER_PAIR", dt_s=0.5)
    alone = [
        pair.step(standby=1.0 * standby, witness=1.0, behind=0.0, **GOOD).alone_s
        for standby in (MISSING, READY, MISSING, SYNCHRONISING, READY, OUT, OUT, READY)
    ]
    assert alone == [0.5, 0.0, 0.5, 1.0, 0.0, 0.5, 1.0, 0.0]
    assert pair.step(standby=1.0 * READY, witness=1.0, behind=0.0, **GOOD).losses == 1


def test_what_is_not_known_changes_nothing() -> None:
    """Promise: an alarm that stands neither goes nor comes while nobody knows how the pair is."""
    pair = OnBench("CONTROLLER_PAIR")
    pair.step(standby=1.0 * MISSING, witness=1.0, behind=0.0, **GOOD)
    unknown = dict.fromkeys(GOOD, STATUS_NOT_CONNECTED)
    b = pair.step(standby=float("nan"), witness=float("nan"), behind=float("nan"), **unknown)
    assert b.not_ready == 1.0
    assert quality_of(b.not_ready_status) == BAD


def test_redundancy_of_a_device_stands_while_it_gives_no_values() -> None:
    device = OnBench("DEVICE_REDUNDANCY")
    assert device.step(whole=1.0, whole_status=STATUS_GOOD).lost == 0.0
    assert device.step(whole=0.0, whole_status=STATUS_GOOD).lost == 1.0
    b = device.step(whole=1.0, whole_status=STATUS_NO_COMM_LAST_USABLE)
    assert (b.lost, quality_of(b.lost_status)) == (1.0, BAD)
    assert device.step(whole=1.0, whole_status=STATUS_GOOD).lost == 0.0
    assert device.step(whole=0.0, whole_status=STATUS_GOOD).losses == 2
