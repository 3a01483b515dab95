"""A takeover leaves no hole of two scans in the history, whatever the active dies of and when."""

import pytest

from tests.simulation.takeover_history import FAULTS, config_of, takeovers


@pytest.mark.parametrize(("period_ms", "seeds", "count"), [(100, 5, 8), (1000, 2, 6)])
def test_at_a_takeover_fewer_than_two_scans_have_no_sample(period_ms: int, seeds: int, count: int) -> None:
    """Promise: one scan at most is missing, even if the last frames of the dead active never reached the bus."""
    config = config_of(period_ms)
    found = [one for seed in range(seeds) for one in takeovers(config, seed, count)]
    worst = max(found, key=lambda one: one.gap_periods)
    assert worst.gap_periods <= 2, worst
    assert all(one.lost <= 1 for one in found)
    assert {one.fault for one in found} == set(FAULTS), "a fault that never struck proves nothing"


def test_each_sample_is_marked_with_the_epoch_that_ran_its_scan() -> None:
    """Promise: two epochs about each takeover, the old one first; nobody else has written."""
    config = config_of(100)
    for one in takeovers(config, 11, 8):
        assert len(one.epochs) == 2, one
        assert list(one.epochs) == sorted(one.epochs), one
