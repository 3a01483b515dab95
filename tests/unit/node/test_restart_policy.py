"""When the supervisor starts a dead node again."""

from dcs.core.clock import NS_PER_S
from dcs.node.restart_policy import RestartPolicy


def test_the_wait_doubles_up_to_its_limit() -> None:
    policy = RestartPolicy(deaths_max=1000, stable_s=1e9)
    waits = [policy.died(0, i * 100 * NS_PER_S, 1) for i in range(9)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_stable_time_resets_it() -> None:
    policy = RestartPolicy()
    assert [policy.died(at * NS_PER_S, at * NS_PER_S, 1) for at in (0, 1)] == [0.5, 1.0]
    assert policy.died(2 * NS_PER_S, 32 * NS_PER_S, -9) == 0.5


def test_five_deaths_in_a_minute_are_a_crash_loop() -> None:
    policy = RestartPolicy()
    waits = [policy.died(at * NS_PER_S, at * NS_PER_S, 1) for at in (0, 10, 20, 30, 40)]
    assert waits == [0.5, 1.0, 2.0, 4.0, None]
    assert policy.describe(1) == "it died 5 times in 60 s"


def test_five_deaths_in_a_longer_time_are_not() -> None:
    policy = RestartPolicy()
    assert None not in [policy.died(at * NS_PER_S, at * NS_PER_S, 1) for at in range(0, 300, 16)]


def test_a_wrong_configuration_is_not_tried_again() -> None:
    policy = RestartPolicy()
    assert policy.died(0, 0, 2) is None
    assert policy.describe(2) == "its configuration is wrong (exit code 2)"
