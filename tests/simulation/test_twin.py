"""A takeover against a twin without: no output bumps, and modes, timers, totals and alarms go on."""

import pytest

from dcs.bench.machines.bump import Course, bump_against_twin
from tests.simulation.twin.study import LIMIT_PCT, compare

MS = 1_000_000


@pytest.mark.parametrize(
    ("situation", "seed"),
    [("ramp", 0), ("ramp", 1), ("limit", 0), ("iman", 2), ("tune", 1), ("sequence", 0), ("alarms", 3)],
)
def test_a_kill_bumps_no_output_and_everything_goes_on(situation: str, seed: int) -> None:
    """Promise (issue 6): at most 0.05 % of span from the twin; the same steps, modes, alarm states, events."""
    verdict = compare(situation, "kill", seed, 1000)
    assert verdict.worst.largest_pct <= LIMIT_PCT, verdict.worst
    assert verdict.worst.gap_ns > 0, "nobody took over, so this shows nothing"
    assert verdict.states == []
    assert verdict.events == []


def test_a_switchover_misses_no_scan_and_counts_on() -> None:
    """Promise: no scan is missed, no slip is declared, the totals are those of the twin."""
    verdict = compare("sequence", "switchover", 1, 1000)
    assert verdict.missed == 0
    assert verdict.worst.largest_pct <= LIMIT_PCT
    assert not [text for text in verdict.drift if text.startswith("FQ-101.constant")]


def _course(*writes: tuple[int, float, str]) -> Course:
    course = Course()
    for ms, value, by in writes:
        course.add("V", ms * MS, value, by)
    return course


def _bump(observed: Course, look_ms: tuple[int, ...]) -> float:
    twin = _course(*((ms, ms / 1000.0, "A") for ms in range(0, 2000, 100)))
    looks = [ms * MS for ms in look_ms]
    return bump_against_twin(
        observed, twin, {"V": 100.0}, struck_ns=1010 * MS, resumed_ns=1400 * MS, look_ns=looks, old="A"
    )[0].largest_pct


def test_the_judge_lets_a_hold_pass_and_no_jump() -> None:
    """Promise: an output that stood still during the takeover is none, one that went elsewhere is."""
    held = [(ms, ms / 1000.0, "A") for ms in range(0, 1001, 100)]
    on = [(ms, ms / 1000.0, "B") for ms in range(1300, 2000, 100)]
    looks = (990, 1090, 1190, 1290, 1390, 1490, 1890)
    assert _bump(_course(*held, *on), looks) == 0.0
    assert _bump(_course(*held, (1250, 1.4, "B"), *on), looks) == pytest.approx(0.2)
    assert _bump(_course(*held, *((t, v + 0.1, b) for t, v, b in on)), looks) == pytest.approx(0.1)
    assert _bump(_course(*held, (1300, 1.0, "B")), (1890,)) == pytest.approx(0.8), "a hold that does not end is a bump"
