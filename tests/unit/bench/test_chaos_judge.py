"""What a trial of the chaos suite comes to: a takeover that is missing or should not be, a late request, silence."""

import math

from dcs.bench.machines.field_log import Write
from dcs.bench.machines.station import Seen
from tests.chaos.cases import find_cases
from tests.chaos.judge import Trial, judge, percentile

FAULT_S = 100.0


def writes(*pairs: tuple[str, float]) -> list[Write]:
    return [Write(FAULT_S + at_s, node, "DRV-1", 6, 0, b"\0\0", True) for node, at_s in pairs]


def seen(*times_s: float) -> list[Seen]:
    return [Seen(FAULT_S + at_s, FAULT_S + at_s, number, 1) for number, at_s in enumerate(times_s)]


def of(case_name: str, *pairs: tuple[str, float], epochs: bool = False, end_s: float = 0.4) -> Trial:
    (case,) = find_cases([case_name])
    return judge(case, "A", FAULT_S, FAULT_S + end_s, writes(*pairs), seen(-0.1, 0.2, 0.3), epochs)


def test_a_takeover_is_timed_from_the_fault_to_the_first_output_of_the_other() -> None:
    trial = of("kill-9", ("A", -0.05), ("A", 0.01), ("B", 0.18), ("B", 0.3))
    assert trial.switched
    assert math.isclose(trial.gap_s, 0.18)
    assert trial.wrong == ""
    assert trial.scans_lost == 2
    assert math.isclose(trial.hmi_gap_s, 0.3)
    blind = of("kill-9", ("A", -0.05), ("B", 0.18), end_s=2.0)
    assert math.isclose(blind.hmi_gap_s, 1.7), "a station that sees nothing any more has a gap that is not over"


def test_a_fault_without_a_takeover_is_wrong_where_there_must_be_one_and_right_where_not() -> None:
    alone = [("A", -0.1), ("A", 0.1), ("A", 0.3)]
    assert of("kill-9", *alone).wrong == "nobody took over"
    quiet = of("pair-cut", *alone)
    assert (quiet.wrong, quiet.switched) == ("", False)
    assert math.isclose(quiet.gap_s, 0.2), "the longest pause, counted from the last output before the fault"
    assert of("pair-cut", ("A", -0.1), ("B", 0.1)).wrong == "B took over"
    assert of("pair-cut", ("A", -0.1)).wrong == "nothing was written any more"


def test_one_request_of_who_comes_back_is_forgiven_where_no_device_checks_epochs_and_nowhere_else() -> None:
    one = [("A", -0.1), ("B", 0.2), ("A", 2.0), ("B", 2.1)]
    assert of("sigstop", *one).wrong == ""
    assert of("sigstop", *one).late == 1
    assert of("isolation", *one).wrong == ""  # a plug that is put back releases it
    assert "lost control" in of("isolation-but-field", *one).wrong
    assert "lost control" in of("sigstop", *one, epochs=True).wrong
    assert "lost control" in of("kill-9", *one).wrong
    assert "lost control" in of("sigstop", *one, ("A", 2.2)).wrong


def test_who_is_left_alone_must_fall_silent() -> None:
    quick = of("both-others", ("A", -0.1), ("A", 0.09))
    assert quick.wrong == ""
    assert math.isclose(quick.gap_s, 0.09), "the time of the last output"
    assert of("both-others", ("A", -0.1)).gap_s == 0.0
    assert "after the others had died" in of("both-others", ("A", -0.1), ("A", 0.3)).wrong


def test_percentiles_are_of_the_nearest_rank() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 0.99) == 99.0
    assert percentile([3.0, 1.0], 0.99) == 3.0
