"""A takeover against a twin without: no output bumps, and modes, timers, totals and alarms go on."""

import pytest

from dcs.bench.machines.bump import Course, bump_against_twin
from tests.simulation.twin.study import LIMIT_PCT, compare

MS = 1_000_000


@pytest.mark.parametrize(
    ("situation", "fault", "seed"),
    [
        ("ramp", "kill", 0),
        ("ramp", "isolate", 1),
        ("limit", "kill", 0),
        ("limit", "freeze", 1),
        ("limit", "isolate", 247117),
        ("iman", "kill", 2),
        ("iman", "isolate", 3),
        ("tune", "kill", 1),
        ("tune", "freeze", 7),
        ("tune", "switchover", 0),
        ("sequence", "kill", 0),
        ("sequence", "freeze", 3),
        ("sequence", "isolate", 1),
        ("alarms", "kill", 3),
        ("alarms", "isolate", 0),
    ],
)
def test_no_output_bumps_and_everything_goes_on(situation: str, fault: str, seed: int) -> None:
    """Promise: at most 0.05 % of span from the twin; the same steps, modes, alarm states, times, journal."""
    verdict = compare(situation, fault, seed, 1000)
    assert verdict.moved > 1.0, "the outputs stood still, so this shows nothing"
    assert verdict.worst.gap_ns > 0, "nobody took over, so this shows nothing"
    assert verdict.worst.largest_pct <= LIMIT_PCT, verdict.worst
    assert verdict.missed == 0
    assert verdict.states == []
    assert verdict.events == []
    assert verdict.history == []


def test_at_100_ms_the_relay_test_goes_on() -> None:
    """Promise: a kill during the auto-tune bumps no output by more than 0.05 % of span."""
    verdict = compare("tune", "kill", 0, 100)
    assert verdict.moved > 1.0
    assert verdict.worst.largest_pct <= LIMIT_PCT, verdict.worst
    assert verdict.states == []
    assert verdict.events == []


def test_scans_that_nobody_ran_are_counted_as_slips() -> None:
    """Promise: after a hang of some scans, timers, steps and totals are where the twin has them."""
    verdict = compare("sequence", "hang", 0, 1000)
    assert verdict.missed == 2, "the third is run late"
    assert [text for text in verdict.states if ".T" in text or "step" in text] == []
    constant = [text for text in verdict.states if text.startswith("FQ-101.constant")]
    assert all("carry" in text for text in constant), "but for the rounding that is carried on"
    assert verdict.events == []


def test_an_alarm_that_waits_for_its_acknowledgement_still_waits() -> None:
    """Promise: the new holder's alarms are those of the old one; one is acknowledged after it returned."""
    journal = compare("alarms", "kill", 3, 1000).journal
    of_101 = [text for text in journal if text.startswith("FIC-101 deviation low")]
    assert [text.split(": ")[1].split(",")[0] for text in of_101] == ["in alarm", "returned to normal", "acknowledged"]
    assert "not acknowledged" in of_101[1]


def test_a_switchover_misses_no_scan_and_changes_no_number() -> None:
    """Promise: no scan is missed or late, so that every number is that of the twin."""
    verdict = compare("sequence", "switchover", 1, 1000)
    assert verdict.moved > 1.0
    assert verdict.missed == 0
    assert verdict.worst.largest_pct <= LIMIT_PCT
    assert verdict.drift == []


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
