"""The times of a lease cannot be set so that two controllers write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.errors import ConfigError
from dcs.redundancy.protocol import PairConfig
from dcs.redundancy.timing import LeaseTiming


def test_fast_scans_get_the_figures_of_the_reference() -> None:
    timing = LeaseTiming.for_period(100 * NS_PER_MS)
    assert (timing.renewal_ns, timing.hold_ns, timing.promise_ns) == (15 * NS_PER_MS, 90 * NS_PER_MS, 100 * NS_PER_MS)
    assert timing.mirror_ns == 60 * NS_PER_MS


def test_slow_scans_get_fewer_messages() -> None:
    timing = LeaseTiming.for_period(NS_PER_S)
    assert timing.renewal_ns > 3 * LeaseTiming.for_period(100 * NS_PER_MS).renewal_ns


def test_however_slow_the_scans_a_takeover_comes_before_the_plant_has_moved_far() -> None:
    assert LeaseTiming.for_period(NS_PER_S).promise_ns == 250 * NS_PER_MS
    assert LeaseTiming.for_period(60 * NS_PER_S).promise_ns == 250 * NS_PER_MS


@given(st.integers(NS_PER_MS, 100 * NS_PER_S))
def test_every_period_gives_times_that_keep_the_inequalities(period_ns: int) -> None:
    timing = LeaseTiming.for_period(period_ns)
    assert timing.hold_ns / (1 - timing.drift) < timing.promise_ns / (1 + timing.drift)
    assert 4 * timing.renewal_ns <= timing.hold_ns
    assert timing.mirror_ns <= max(2 * period_ns, 20 * NS_PER_MS), "declared not ready within two scans"


def test_a_hold_time_that_clocks_could_stretch_over_the_promise_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"the holder may write for 99\.0 ms.*promise may end after 98\.0 ms; two contr"
    ):
        LeaseTiming(hold_ns=97 * NS_PER_MS)


def test_too_rare_renewals_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"renewed every 23 ms, at most a quarter of the hold time \(22\.5 ms\)"):
        LeaseTiming(renewal_ns=23 * NS_PER_MS)


def test_a_pair_without_a_witness_of_its_own_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"controller C1: two members need a witness of their own as third voter"):
        PairConfig("C1", ("A", "B"), "B")
    assert not PairConfig("C1", ("A",)).paired


def test_a_longer_promise_is_patient_with_the_standby_and_knows_the_scans() -> None:
    """Promise: who configures a longer lease, for a slow network, does not lose the standby to two scans of 10 ms."""
    asked = LeaseTiming.for_period(10 * NS_PER_MS, NS_PER_S)
    assert (asked.promise_ns, asked.scan_ns) == (NS_PER_S, 10 * NS_PER_MS)
    assert asked.mirror_ns > 10 * LeaseTiming.for_period(10 * NS_PER_MS).mirror_ns
