"""When somebody who says nothing is called down."""

import pytest

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.redundancy.messages import Message
from dcs.redundancy.protocol.neighbours import Neighbours, query_ns, silent_after_ns
from dcs.redundancy.timing import LeaseTiming


@pytest.mark.parametrize("period_ms", [10, 50, 100, 250, 500, 1000, 5000])
def test_who_is_silent_is_down_within_two_seconds_and_two_lost_questions_are_needed(period_ms: int) -> None:
    timing = LeaseTiming.for_period(period_ms * NS_PER_MS)
    sent: list[tuple[str, Message]] = []
    neighbours = Neighbours(("B", "W"), timing, lambda to, message: sent.append((to, message)), 0)
    silent_ns = silent_after_ns(timing.promise_ns)
    assert 2 * query_ns(timing.promise_ns) < silent_ns <= 2 * NS_PER_S
    neighbours.heard_ns["B"] = 0
    assert neighbours.hears("B", silent_ns)
    assert not neighbours.hears("B", silent_ns + 1)
    neighbours.ask_around(0)
    assert neighbours.next_query_ns == query_ns(timing.promise_ns)


def test_a_slow_network_is_asked_no_more_often_than_twice_in_a_promise() -> None:
    """Promise: with a lease of ten seconds, whose messages may take seconds, nobody is called down for being slow."""
    promise_ns = 10 * NS_PER_S
    assert query_ns(promise_ns) == 5 * NS_PER_S
    assert silent_after_ns(promise_ns) > promise_ns
