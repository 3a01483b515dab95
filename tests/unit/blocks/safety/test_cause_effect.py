"""Promises of the cause-and-effect matrix."""

import pytest

from dcs.blocks.safety import causes, maintenance
from dcs.blocks.safety.cause_effect import CAUSE_EFFECT, check_wires
from dcs.blocks.safety.matrix import translate_matrix
from dcs.core.errors import ConfigError
from dcs.core.status import STATUS_GOOD, SUB_NORMAL, UNCERTAIN, make_status
from dcs.engine.strategy import BlockSpec, Channel
from tests.unit.blocks.bench import OnBench
from tests.unit.blocks.safety.inputs import set_inputs, taken, wired
from tests.unit.engine.strategies import Bench, strategy

MATRIX = [
    ["cause", "XV-1", "P-1", "K-1"],
    ["PSHH-1", "T", "T 3 s", None],
    ["LSLL-A", "V2", "", "T"],
    ["LSLL-B", "V2"],
    ["LSLL-C", "V2", "-", "V1 B 2 s"],
]
DEGRADED = make_status(UNCERTAIN, SUB_NORMAL)


def block(text: str = "HHHH", auto_reset: tuple[str, ...] = (), matrix=MATRIX, **values) -> OnBench:
    translation = translate_matrix({"matrix": matrix, "auto_reset": list(auto_reset)})
    made = OnBench("CAUSE_EFFECT", elapsed_s=1.0, **wired(text, 16))
    for name, value in {**translation.params, **values}.items():
        whole = CAUSE_EFFECT.field(name).dtype == "i8"
        if isinstance(value, tuple):
            made.record.__getattribute__(name)[: len(value)] = [int(one) if whole else one for one in value]
        else:
            setattr(made, name, int(value) if whole else value)
    return made


def effects(made: OnBench) -> list[float]:
    return made.effect[:3]


def run(made: OnBench, *texts: str, **values) -> list[list[float]]:
    found = []
    for text in texts:
        set_inputs(made, text)
        made.step(**values)
        found.append(list(effects(made)))
    return found


def test_every_mark_does_what_it_says():
    """Promise: T at once, T 3 s after three seconds, V2 with two of its three, V1 B 2 s by its own group and time."""
    assert run(block(), "THHH") == [[0, 1, 1]]
    assert run(block(), *["THHH"] * 4)[-2:] == [[0, 1, 1], [0, 0, 1]]
    assert run(block(), "HHTH", "HHTT") == [[1, 1, 1], [0, 1, 1]]
    assert run(block(), "HTHH") == [[1, 1, 0]]
    assert run(block(), *["HHHT"] * 3) == [[1, 1, 1], [1, 1, 1], [1, 1, 0]]


def test_delay_starts_again_when_the_cause_ceases():
    assert run(block(), *["THHH"] * 3, "HHHH", *["THHH"] * 3)[-1][1] == 1


def test_latched_until_reset_and_the_reset_waits_for_the_causes():
    """Promise: a reset while a cause stands changes nothing and says which; afterwards it resets."""
    made = block()
    run(made, "THHH")
    taken(made)
    run(made, "THHH", reset=1)
    assert (made.effect[0], made.reset) == (0, 0)
    assert (causes.RESET_REFUSED, 33 + 1) in taken(made)
    run(made, "HHHH")
    assert (made.effect[0], made.reset_needed, made.effects_tripped) == (0, 1, 1)
    run(made, "HHHH", reset=1)
    assert (made.effect[0], made.reset_needed, made.first_out[0]) == (1, 0, 0)


def test_a_cause_that_has_not_tripped_yet_prevents_the_reset_too():
    """Promise: with the time of T 3 s still running the effect is not released into it."""
    made = block()
    run(made, *["THHH"] * 4, "HHHH", "THHH", reset=0)
    run(made, "THHH", reset=1)
    assert made.effect[1] == 0


def test_auto_reset_follows_its_causes():
    assert run(block(auto_reset=("K-1",)), "HTHH", "HHHH") == [[1, 1, 0], [1, 1, 1]]


@pytest.mark.parametrize(("upper", "lower"), [("T", "T"), ("T", "V1"), ("V1", "T"), ("V1 B", "V1")])
def test_first_out_of_two_that_come_together_is_the_upper_one_whatever_their_marks(upper, lower):
    made = block("HH", matrix=[["cause", "XV-1"], ["PSHH-1", upper], ["LSLL-1", lower]])
    run(made, "HH", "TT")
    assert made.first_out[0] == 1


def test_first_out_of_each_effect_stays_while_others_come_and_go():
    made = block()
    run(made, "HTTH", "TTTH", "THHH")
    assert made.first_out[:3] == [2, 0, 2]  # XV-1 by the two switches, which came together: the lower number
    run(made, *["THHH"] * 3)
    assert made.first_out[:3] == [2, 1, 2]


def test_bypassed_cause_asks_for_nothing_and_effect_says_that_it_is_degraded():
    made = block()
    made.bypass[0] = 1
    assert run(made, "THHH") == [[1, 1, 1]]
    assert (made.bypassed, made.effect_status[:3]) == (1, [DEGRADED, DEGRADED, STATUS_GOOD])
    made.bypass[0] = 0
    assert run(made, "THHH") == [[0, 1, 1]]


def test_inhibited_effect_keeps_its_output_and_is_counted_as_tripped():
    made = block()
    made.bypass[16] = 1
    assert run(made, "THHH") == [[1, 1, 1]]
    assert (made.tripped[0], made.inhibited, made.bypassed, made.effect_status[0]) == (1, 1, 0, DEGRADED)
    made.bypass[16] = 0
    assert run(made, "HHHH") == [[0, 1, 1]]
    assert (maintenance.BYPASSED, 17) in taken(made)


@pytest.mark.parametrize(
    ("policy", "healthy_before", "tripped_before"),
    [(causes.BAD_TRIPS, 0, 0), (causes.BAD_HOLDS, 1, 0), (causes.BAD_IGNORED, 1, 1)],
)
def test_bad_cause_by_policy(policy, healthy_before, tripped_before):
    for before, now, wanted in (("HHHH", "hHHH", healthy_before), ("THHH", "tHHH", tripped_before)):
        made = block(auto_reset=("XV-1",), bad_input=policy)
        assert run(made, before, now)[-1][0] == wanted
        assert made.effect_status[0] == DEGRADED


@pytest.mark.parametrize("compiled", [True, False])
def test_journal_names_causes_and_effects_in_the_scan_in_which_they_happen(compiled):
    """Promise: all lines of one scan come with it, the kernel and the uncompiled path alike."""
    translation = translate_matrix({"matrix": MATRIX})
    spec = BlockSpec("ESD.ce", "CAUSE_EFFECT", "loops", dict(translation.params), {}, dict(translation.labels))
    names = [f"I-{number}" for number in range(1, 5)]
    links = [(name, f"ESD.ce.inp_{number}") for number, name in enumerate(names, 1)]
    at = Bench.of(strategy((spec,), links, tuple(Channel(name, "in", "") for name in names)), compiled)
    at.reads = dict.fromkeys(names, 1.0)
    at.scan()
    at.engine.take_events()
    at.reads["I-1"] = at.reads["I-2"] = 0.0
    at.scan()
    events = at.engine.take_events()
    assert [event.text for event in events] == [
        "ESD.ce PSHH-1 asks for the trip",
        "ESD.ce LSLL-A asks for the trip",
        "ESD.ce tripped XV-1, first out: PSHH-1",
        "ESD.ce tripped K-1, first out: LSLL-A",
    ]
    assert {event.time_ns for event in events} == {at.time_ns}
    snapshot = at.engine.snapshot()
    other = Bench.of(at.engine.plan.strategy, compiled)
    other.engine.restore(snapshot)
    assert other["ESD.ce.first_out_1"] == 1  # survives the takeover


def test_start_trips_what_has_not_been_read():
    made = block("hhhh")
    made.step()
    assert effects(made) == [0, 1, 0]


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [
        (None, "the key `matrix` is missing"),
        ("T", "this is no list of rows"),
        ([["c", "X"], ["A", "x"]], "row A, column X: `x` is no mark"),
        ([["c", "X"], ["A", "T 5"]], "row A, column X: "),
        ([["c", "X"], ["A", "V2"]], "V2 stands 1 times in group A"),
        ([["c", "X"], ["A", "V2"], ["B", "V1"]], "row B, column X: `V1` differs"),
        ([["c", "X", "Y"], ["A", "T"]], "no cause trips Y"),
        ([["c", "X"], ["A", "T"], ["B"]], "B trips nothing"),
        ([["c", "X"], ["A", "T"], ["A", "T"]], "`A` stands twice among the causes"),
        ([["c", "X"], ["A", "T", "T"]], "row A: 2 marks for 1 effects"),
        ([["c", "X"], [None, "T"]], "row 2: `None` is no name"),
        ([["c"], ["A"]], "0 effects"),
        ([["c", "X"], *[[f"C{n}", "T"] for n in range(17)]], "17 causes, but there can be 1 to 16"),
    ],
)
def test_wrong_matrix_is_refused_with_row_and_column(matrix, sentence):
    with pytest.raises(ConfigError, match=sentence.replace("(", r"\(")):
        translate_matrix({} if matrix is None else {"matrix": matrix})


def test_wrong_auto_reset_is_refused():
    for given, sentence in ((["Z"], "`Z` is no effect"), ("XV-1", "is no list")):
        with pytest.raises(ConfigError, match=sentence):
            translate_matrix({"matrix": MATRIX, "auto_reset": given})


def test_rows_and_wires_must_match():
    wired_ones = frozenset({"inp_1", "inp_3"})
    assert [sentence.split(".")[0] for sentence in check_wires({"causes": 2.0}, wired_ones)] == [
        "row 2 of the matrix has no wire",
        "`inp_3` is wired, but the matrix has 2 rows",
    ]
