"""What an operator may write, what is refused and with which words, and what the journal keeps."""

import math

import pytest

from dcs.bus.messages import Command
from dcs.core.status import STATUS_BAD
from tests.unit.engine.strategies import Bench, cascade


@pytest.fixture
def bench() -> Bench:
    bench = Bench.of(cascade(outer={"sp_low": 2.0, "sp_high": 18.0}), compiled=False, LT=12.0, FT=12.0)
    bench.reads["P.readback"] = 37.0
    bench.scan(count=12)
    bench.engine.take_events()
    return bench


def test_a_setpoint_is_written_and_journalled(bench):
    assert bench.set("LIC.pid.SP", 12.5) == (True, "LIC.pid.SP 10.00 cm → 12.50 cm")
    assert bench["LIC.pid.sp"] == 12.5
    (event,) = bench.engine.take_events()
    assert (event.kind, event.subject, event.text, event.old, event.new) == (
        "operator", "LIC.pid.SP", "LIC.pid.SP 10.00 cm → 12.50 cm", 10.0, 12.5,
    )  # fmt: skip
    assert (event.user, event.station, event.time_ns) == ("anna", "OS1", bench.time_ns)


def test_a_mode_is_written_by_name_and_comes_about_in_the_next_scan(bench):
    assert bench.set("LIC.pid.MODE", "man") == (True, "LIC.pid.MODE Auto → Man")
    assert bench["LIC.pid.mode"] == 4
    (event,) = bench.engine.take_events()
    assert (event.old, event.new) == ("Auto", "Man")
    bench.scan()
    assert bench["LIC.pid.mode"] == 3
    assert bench.engine.take_events() == []  # the command has its line, the change itself is no news


@pytest.mark.parametrize(
    ("tag", "value", "reason"),
    [
        ("LIC.pid.SPP", 1.0, "there is no tag `LIC.pid.SPP`. Did you mean `LIC.pid.SP`?"),
        ("LIC.pid.PV", 1.0, "LIC.pid.PV cannot be written."),
        ("LIC.pid.SP", 19.0, "LIC.pid.SP: 19.00 cm is above the limit 18.00 cm (highest setpoint)."),
        ("LIC.pid.SP", 1.0, "LIC.pid.SP: 1.00 cm is below the limit 2.00 cm (lowest setpoint)."),
        ("LIC.pid.SP_HI", 1.0, "LIC.pid.SP_HI: 1.00 cm is below the limit 2.00 cm (lowest setpoint)."),
        ("LIC.pid.TI", -1.0, "LIC.pid.TI: -1.00 cm is below the limit 0.00 cm (lowest value)."),
        ("LIC.pid.SP", math.nan, "LIC.pid.SP: nan cannot be written. A finite number is needed."),
        ("LIC.pid.SP", "high", "LIC.pid.SP: `high` cannot be written. A number is needed."),
        ("LIC.pid.SP", None, "LIC.pid.SP: None cannot be written. A finite number is needed."),
        ("LIC.pid.MODE", "AUTOMATIC", "LIC.pid.MODE: `AUTOMATIC` cannot be written. It can be OOS, MAN, AUTO, CAS."),
        ("LIC.pid.MODE", 9, "LIC.pid.MODE: 9 cannot be written. It can be OOS, MAN, AUTO, CAS."),
        ("LIC.pid.MODE", "CAS", "LIC.pid.MODE: Cas is not possible, no block above is wired to it. Use Auto or Man."),
        ("LIC.ai.MODE", "CAS", "LIC.ai.MODE: `CAS` cannot be written. It can be OOS, MAN, AUTO."),
        ("LIC.pid.MODE", "ROUT", "LIC.pid.MODE: ROut is not permitted. Permitted are OOS, Man, Auto, Cas."),
        (
            "LIC.pid.OUT",
            20.0,
            "LIC.pid.OUT can be written in Man; the mode asked for is Auto. Set the mode first.",
        ),
        (
            "FIC.pid.SP",
            20.0,
            "FIC.pid.SP can be written in Man or Auto; the mode asked for is Cas. Set the mode first.",
        ),
    ],
)
def test_refusals_have_reasons_and_change_nothing(bench, tag, value, reason):
    bench.must_set("LIC.pid.GAIN", 2.0)  # an event since the last scan
    before = bench.engine.snapshot()
    assert bench.set(tag, value) == (False, reason)
    assert bench.engine.snapshot() == before


def test_out_in_the_scan_of_man_to_auto_is_refused(bench):
    """Promise: a write that the next scan would undo is refused, not swallowed."""
    bench.must_set("LIC.pid.MODE", "MAN")
    bench.scan()
    bench.must_set("LIC.pid.OUT", 25.0)
    bench.must_set("LIC.pid.MODE", "AUTO")
    ok, reason = bench.set("LIC.pid.OUT", 26.0)
    assert (ok, reason) == (False, "LIC.pid.OUT can be written in Man; the mode asked for is Auto. Set the mode first.")
    bench.scan()
    assert bench["LIC.pid.out"] == pytest.approx(25.0)


def test_mode_and_out_in_one_go(bench):
    bench.must_set("FIC.ao.MODE", "MAN")
    bench.must_set("FIC.ao.OUT", 62.0)
    bench.scan()
    assert bench.out() == 62.0


def test_out_is_refused_while_the_block_below_decides(bench):
    bench.must_set("LIC.pid.MODE", "MAN")
    bench.must_set("FIC.pid.MODE", "AUTO")
    bench.scan(count=2)
    ok, reason = bench.set("LIC.pid.OUT", 26.0)
    assert (ok, reason) == (
        False,
        "LIC.pid.OUT cannot be written now: the actual mode is IMan, so the output is not the operator's. "
        "Wait until it is Man.",
    )


def test_setpoint_that_follows_the_measurement_cannot_be_written():
    bench = Bench.of(cascade(outer={"sp_track_pv": 1, "target": 3}), compiled=False)
    bench.scan(count=3)
    assert bench.set("LIC.pid.SP", 5.0) == (
        False,
        "LIC.pid.SP follows the measurement in Man. Set the mode to Auto first.",
    )


def test_tuning_numbers_may_come_as_text(bench):
    assert bench.set("LIC.pid.GAIN", " 2.5 ")[0]
    assert bench["LIC.pid.gain"] == 2.5


def test_an_unknown_verb_is_refused(bench):
    ok, text = bench.engine.apply(Command("1", "explode"), 0)
    assert (ok, text) == (False, "there is no command `explode` here. There are set, ack and ack_all.")


def test_the_same_commands_give_the_same_memory_on_the_standby(bench):
    """Promise: a standby that applies the same commands keeps the same bytes and journal ids."""
    other = Bench.of(cascade(outer={"sp_low": 2.0, "sp_high": 18.0}), compiled=False)
    other.engine.restore(bench.engine.snapshot())
    other.time_ns = bench.time_ns
    other.reads = dict(bench.reads)
    for one in (bench, other):
        one.must_set("LIC.pid.MODE", "MAN")
        one.status["FT"] = STATUS_BAD
        one.scan(count=3)
    assert bench.engine.digest() == other.engine.digest()
    assert bench.engine.take_events() == other.engine.take_events()
