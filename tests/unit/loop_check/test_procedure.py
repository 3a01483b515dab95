"""The loop check's state machine against a toy loop in made-up time: its record, and that it gives everything back."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.bus.messages import TagInfo
from dcs.core.clock import NS_PER_S
from dcs.core.errors import ConfigError, Missing
from dcs.core.modes import AUTO, CAS, LO, MAN, OOS, mode_code
from dcs.core.status import STATUS_GOOD, STATUS_NO_COMM
from dcs.core.value import ProcessValue
from dcs.loop_check.plan import UP, make_plan
from dcs.loop_check.procedure import MODE_WAIT_NS, LoopCheck, Write
from dcs.loop_check.record import SignOff, result_text, save, to_dict, to_markdown

TICK_NS = NS_PER_S // 2
LOOP = {
    info.name: info
    for info in (
        TagInfo("FIC-1.PV", "m3/h", 0.0, 40.0, "Flow: measurement", 2),
        TagInfo("FIC-1.OUT", "%", 0.0, 100.0, "Flow: output", 1, writable=True),
        TagInfo("FIC-1.MODE", kind="mode", writable=True),
        TagInfo("FIC-1.TARGET", kind="mode"),
        TagInfo("FIC-1.OUT_LO", "%"),
        TagInfo("FIC-1.OUT_HI", "%"),
        TagInfo("FIC-1.ao.OUT", "%", 0.0, 100.0, "demand", 1),
        TagInfo("FIC-1.ao.PV", "%", 0.0, 100.0, "position", 1),
        TagInfo("FIC-1.ao.MISMATCH", kind="bool"),
    )
}


@dataclass
class ToyLoop:
    """A loop with a valve that takes its time; refuses what a controller refuses."""

    mode: int = CAS
    out: float = 37.0
    position: float = 37.0
    lag_s: float = 2.0
    sticks_at: float = math.inf  # the valve does not go further
    low: float = 0.0
    high: float = 100.0
    heard: bool = True
    refuses: Callable[[Write], str] = lambda write: ""
    writes: list[Write] = field(default_factory=list)

    def write(self, write: Write) -> tuple[bool, str]:
        self.writes.append(write)
        why_not = self.refuses(write)
        if why_not:
            return False, why_not
        if write.tag.endswith(".MODE"):
            self.mode = mode_code(str(write.value))
            return True, "done"
        if self.mode != MAN:
            return False, "OUT can be written in Man"
        self.out = float(write.value)
        return True, "done"

    def step(self, dt_s: float) -> None:
        if self.mode in (AUTO, CAS):
            self.out = 37.0
        self.position += (min(self.out, self.sticks_at) - self.position) * min(1.0, dt_s / self.lag_s)

    def values(self, now_ns: int) -> dict[str, ProcessValue]:
        if not self.heard:
            return {}
        numbers = {
            "MODE": self.mode, "TARGET": MAN if self.mode == LO else self.mode, "OUT": self.out,
            "PV": 0.4 * self.position, "OUT_LO": self.low, "OUT_HI": self.high, "ao.OUT": self.out,
            "ao.PV": self.position,
        }  # fmt: skip
        return {f"FIC-1.{part}": ProcessValue(float(value), STATUS_GOOD, now_ns) for part, value in numbers.items()}


def run(
    check: LoopCheck,
    loop: ToyLoop,
    meddle: Callable[[int, LoopCheck, ToyLoop], None] = lambda tick, check, loop: None,
    ticks: int = 4000,
) -> LoopCheck:
    """Half a second a tick, until it has ended."""
    for tick in range(ticks):
        now_ns = (tick + 1) * TICK_NS
        loop.step(TICK_NS / NS_PER_S)
        meddle(tick, check, loop)
        write = check.advance(now_ns, now_ns, loop.values(now_ns))
        if write is not None:
            check.replied(*loop.write(write))
        if check.ended:
            return check
    raise AssertionError(f"it never ended; it is in {check.state}")


def new_check(**changes: object) -> LoopCheck:
    return LoopCheck(replace(make_plan("FIC-1", LOOP), **{"take_to_man": True, **changes}), "toy")


def test_every_step_is_recorded_with_what_followed_and_the_loop_is_as_before() -> None:
    """Promise: nine steps up and down, each settled; then output, then mode are given back."""
    loop = ToyLoop()
    record = run(new_check(), loop).record
    assert [row.step_pct for row in record.rows] == [0, 25, 50, 75, 100, 75, 50, 25, 0]
    assert record.all_ok
    assert all(row.settled and row.off_pct < 1.0 for row in record.rows)
    top = record.rows[4]
    assert {value.tag: round(value.value) for value in top.values} == {
        "FIC-1.ao.OUT": 100, "FIC-1.ao.PV": 100, "FIC-1.PV": 40,
    }  # fmt: skip
    assert top.seconds >= 4.0  # a lag of 2 s needs that to come to half a per cent
    assert [write.value for write in loop.writes[-2:]] == [37.0, "CAS"]
    assert (loop.mode, loop.out) == (CAS, 37.0)
    assert record.mode_before == "Cas"


def test_a_valve_that_sticks_is_found_out() -> None:
    record = run(new_check(), ToyLoop(sticks_at=60.0)).record
    assert [row.ok for row in record.rows] == [True, True, True, False, False, False, True, True, True]
    assert result_text(record) == "3 of 9 steps did not follow"
    assert record.rows[4].off_pct == pytest.approx(40.0, abs=1.0)


def test_a_loop_that_never_settles_costs_the_wait_and_no_more() -> None:
    check = new_check(wait_s=20.0, steps=UP)

    def shake(tick: int, check: LoopCheck, loop: ToyLoop) -> None:
        loop.position += 3.0 * (-1) ** tick

    record = run(check, ToyLoop(), shake).record
    assert [row.settled for row in record.rows] == [False] * 5
    assert all(20.0 <= row.seconds <= 21.0 for row in record.rows)
    assert not record.all_ok


def test_a_loop_that_is_not_in_man_is_refused_unless_it_may_be_put_there() -> None:
    loop = ToyLoop()
    record = run(new_check(take_to_man=False), loop).record
    assert (record.result, loop.writes) == ("refused", [])
    assert "is in Cas" in record.reason


def test_a_loop_in_man_keeps_its_mode_and_gets_its_output_back() -> None:
    loop = ToyLoop(mode=MAN, out=12.5)
    record = run(new_check(take_to_man=False), loop).record
    assert record.all_ok
    assert {write.tag for write in loop.writes} == {"FIC-1.OUT"}
    assert loop.out == 12.5


def test_a_loop_out_of_service_goes_back_there() -> None:
    loop = ToyLoop(mode=OOS)
    assert run(new_check(), loop).record.all_ok
    assert loop.mode == OOS


def test_steps_stay_inside_the_limits_of_the_output() -> None:
    loop = ToyLoop(low=5.0, high=80.0)
    record = run(new_check(steps=UP), loop).record
    assert [row.output for row in record.rows] == [5.0, 25.0, 50.0, 75.0, 80.0]


@settings(max_examples=60, deadline=None)
@given(at=st.integers(1, 250), mode=st.sampled_from([MAN, AUTO, CAS, OOS]))
def test_whenever_it_is_aborted_output_and_mode_are_given_back(at: int, mode: int) -> None:
    """Promise: at no moment does an abort leave the loop elsewhere than it was."""
    loop = ToyLoop(mode=mode)

    def stop(tick: int, check: LoopCheck, loop: ToyLoop) -> None:
        if tick == at:
            check.abort("stopped by hand")

    record = run(new_check(), loop, stop).record
    assert (loop.mode, loop.out) == (mode, 37.0)
    assert record.restored_ok
    assert record.result in ("aborted", "done")


@pytest.mark.parametrize(("carried_out", "answered"), [(True, True), (True, False), (False, False)])
def test_an_abort_with_a_command_under_way_waits_for_it(carried_out: bool, answered: bool) -> None:
    """Promise: what was given back is not undone by a command that is carried out afterwards."""
    check, loop = new_check(), ToyLoop()
    write = check.advance(TICK_NS, TICK_NS, loop.values(TICK_NS))
    assert write == Write("FIC-1.MODE", "MAN")
    check.abort("stopped by hand")
    assert check.advance(2 * TICK_NS, 2 * TICK_NS, loop.values(2 * TICK_NS)) is None
    if carried_out:
        loop.write(write)
    check.replied(answered, "no answer")
    record = run(check, loop).record
    assert loop.mode == CAS
    assert (record.result, record.reason) == ("aborted", "stopped by hand")


@pytest.mark.parametrize("mode", [AUTO, CAS])
def test_a_loop_that_somebody_takes_is_left_to_him(mode: int) -> None:
    """Promise: whoever puts the loop in another mode has it: nothing is written to it any more."""
    loop = ToyLoop()
    counted: list[int] = []

    def take(tick: int, check: LoopCheck, loop: ToyLoop) -> None:
        if tick == 60:
            loop.mode = mode
            counted.append(len(loop.writes))

    record = run(new_check(), loop, take).record
    assert loop.mode == mode
    assert len(loop.writes) == counted[0]
    assert record.result == "aborted"
    assert "somebody put FIC-1 in" in record.reason
    assert "left to whoever took it" in record.restored


def test_an_override_ends_it_and_the_output_is_given_back_when_it_lets_go() -> None:
    loop = ToyLoop()

    def override(tick: int, check: LoopCheck, loop: ToyLoop) -> None:
        if tick == 60:
            loop.mode = LO
        if tick == 68:
            loop.mode = MAN

    record = run(new_check(), loop, override).record
    assert "went to LO" in record.reason
    assert (loop.mode, loop.out) == (CAS, 37.0)


def test_a_refused_step_ends_it() -> None:
    loop = ToyLoop()
    loop.refuses = lambda write: "an interlock holds it" if write.value == 50.0 else ""
    record = run(new_check(), loop).record
    assert (record.result, record.reason) == ("aborted", "an interlock holds it")
    assert len(record.rows) == 2
    assert (loop.mode, loop.out) == (CAS, 37.0)


def test_what_cannot_be_given_back_is_said() -> None:
    loop = ToyLoop()
    loop.refuses = lambda write: "no" if write.value == 37.0 else ""
    record = run(new_check(steps=UP), loop).record
    assert not record.restored_ok
    assert "could NOT be given back: no" in record.restored
    assert loop.mode == CAS  # the mode is given back all the same
    assert sum(write.value == 37.0 for write in loop.writes) == 3


def test_a_loop_that_is_not_heard_of_any_more_ends_it() -> None:
    loop = ToyLoop()

    def away(tick: int, check: LoopCheck, loop: ToyLoop) -> None:
        loop.heard = not 40 <= tick < 40 + 2 * MODE_WAIT_NS // TICK_NS

    record = run(new_check(), loop, away).record
    assert "nothing is heard" in record.reason
    assert (loop.mode, loop.out) == (CAS, 37.0)


def test_a_value_that_is_not_good_is_no_step_passed() -> None:
    check, loop = new_check(steps=UP), ToyLoop()
    good = loop.values

    def values(now_ns: int) -> dict[str, ProcessValue]:
        return good(now_ns) | {"FIC-1.PV": ProcessValue(20.0, STATUS_NO_COMM, now_ns)}

    loop.values = values  # type: ignore[method-assign]
    record = run(check, loop).record
    assert [row.settled for row in record.rows] == [True] * 5
    assert not any(row.ok for row in record.rows)


# --- plan and record -----------------------------------------------------------------------------------------
def test_demand_position_and_measurement_are_found_by_themselves() -> None:
    plan = make_plan("FIC-1.OUT", LOOP)
    assert [(one.tag, one.role) for one in plan.observed] == [
        ("FIC-1.ao.OUT", "demand"),
        ("FIC-1.ao.PV", "position"),
        ("FIC-1.PV", "measurement"),
    ]
    assert plan.description == "Flow"
    more = make_plan("FIC-1", LOOP | {"ZT-1.PV": TagInfo("ZT-1.PV")}, ["ZT-1.PV"])
    assert ("ZT-1.PV", "position") in [(one.tag, one.role) for one in more.observed]


@pytest.mark.parametrize(
    ("module", "readbacks", "says"),
    [("FIC-9", [], "no module FIC-9"), ("LI-1", [], "no output"), ("FIC-1", ["ZT-9.PV"], "no tag ZT-9.PV")],
)
def test_what_cannot_be_stroked_is_refused(module: str, readbacks: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make_plan(module, LOOP | {"LI-1.PV": TagInfo("LI-1.PV")}, readbacks)


def test_the_record_is_a_page_to_sign_and_a_file_for_machines(tmp_path: Path) -> None:
    record = run(new_check(), ToyLoop(sticks_at=60.0)).record
    record.sign_off = SignOff("A. Ng", False, "packing too tight", 0)
    page = save(record, tmp_path / "loop-checks")
    text = page.read_text(encoding="utf-8")
    assert text == to_markdown(record)
    for part in ("FAILED", "A. Ng", "packing too tight", "does not follow", "Mode given back: CAS"):
        assert part in text
    read = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert read == json.loads(json.dumps(to_dict(record)))
    assert [step["ok"] for step in read["steps"]] == [row.ok for row in record.rows]
    assert read["sign_off"]["passed"] is False
    assert len(read["trace"]) > 100


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(Missing, match="cannot be written"):
        save(run(new_check(steps=(0.0,)), ToyLoop()).record, tmp_path / "taken")
