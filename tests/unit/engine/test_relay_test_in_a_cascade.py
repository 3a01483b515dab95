"""The relay test inside the PID, in a level → flow → valve cascade whose flow answers the valve (pitfall 16)."""

import pytest

from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN
from dcs.core.status import STATUS_BAD, STATUS_GOOD
from dcs.engine.engine import Engine
from dcs.tuning.texts import IDLE, RESULT_TEXTS, RUNNING
from tests.support.processes_to_control import Process
from tests.unit.engine.strategies import Bench, cascade

TUNING = ("gain", "ti_s", "td_s", "beta", "sp", "sp_wrk", "target", "out_low", "out_high")


class Plant:
    """The cascade in normal operation: valve 37 %, flow 20 cm3/s (50 %), level 10 cm, which does not move by itself."""

    def __init__(self, compiled: bool = True, outer_s: float = 1.0, noise: float = 0.02, **options) -> None:
        inner = {"gain": 0.4, "ti_s": 8.0, "tune_settle_s": 30.0}
        inner |= options.pop("inner", {})
        self.bench = Bench.of(
            cascade(outer_s, 1.0, inner=inner, **options), compiled, LT=12.0, FT=12.0, **{"P.readback": 37.0}
        )
        self.flow = Process(0.8, 8.0, 3.0, 1.0, noise=noise)
        self.seconds = 0
        self.seen: list[tuple[int, int, float]] = []  # modes of outer and inner, valve
        self.run(60)
        assert self.modes == (AUTO, CAS)

    def run(self, seconds: int = 1) -> "Plant":
        for _ in range(seconds):
            self.bench.reads["FT"] = 4.0 + 16.0 * (50.0 + self.flow.measured()) / 100.0
            self.scan()
            self.flow.move(self.bench.out() - 37.0)
            self.seen.append((*self.modes, self.bench.out()))
        return self

    def scan(self) -> None:
        """One second: the outer loop when it is due, then the inner one, then the field takes the output."""
        engine, bench = self.bench.engine, self.bench
        bench.inputs()
        bench.time_ns += 1_000_000_000
        periods_s = [round(period / 1e9) for period in engine.plan.period_ns]
        for index, period_s in enumerate(periods_s):
            if self.seconds % period_s == 0:
                engine.scan(index, bench.time_ns)
        bench.follow()
        self.seconds += 1

    def until_relay(self) -> "Plant":
        self.bench.must_set("FIC.pid.TUNE", "START")
        for _ in range(100):
            self.run()
            if self.bench["FIC.pid.tune_state"] == RUNNING:
                return self
        raise AssertionError(self.result)

    def until_end(self) -> "Plant":
        for _ in range(3000):
            self.run()
            if self.bench["FIC.pid.tune_state"] == IDLE:
                return self
        raise AssertionError("no end")

    @property
    def modes(self) -> tuple[int, int]:
        return int(self.bench["LIC.pid.mode"]), int(self.bench["FIC.pid.mode"])

    @property
    def result(self) -> str:
        return RESULT_TEXTS[int(self.bench["FIC.pid.tune_result"])]

    def kept(self) -> dict[str, float]:
        return {f"{block}.{name}": self.bench[f"{block}.{name}"] for block in ("LIC.pid", "FIC.pid") for name in TUNING}


@pytest.mark.parametrize("outer_s", [1.0, 5.0])
def test_the_secondary_is_tuned_while_the_primary_waits(outer_s):
    """Promise: from the first move of the relay to its end the primary is in IMan; then all is as before, the flow is
    known, and the cascade has closed again by itself without a step."""
    plant = Plant(outer_s=outer_s, outer={"ti_s": 1e9})
    before = plant.kept()
    plant.until_relay()
    first = len(plant.seen)
    plant.until_end()
    last = len(plant.seen)
    assert plant.result == "finished"
    gain, lag_s = plant.bench["FIC.pid.tune_k"], plant.bench["FIC.pid.tune_t_s"]
    assert gain == pytest.approx(0.8, rel=0.2)  # half periods of 6 and 11 scans
    assert gain / lag_s == pytest.approx(0.8 / 8.0, rel=0.1)
    assert plant.bench["FIC.pid.tune_l_s"] == pytest.approx(3.5, abs=0.3)
    late = round(outer_s)  # the primary hears of it in its next scan
    assert {inner for _, inner, _ in plant.seen[first - 1 : last]} == {LO}
    assert {outer for outer, _, _ in plant.seen[first - 1 + late : last]} == {IMAN}
    plant.run(40)
    assert plant.modes == (AUTO, CAS)
    assert plant.kept() == pytest.approx(before, abs=1e-6)
    assert max(abs(out - 37.0) for _, _, out in plant.seen[last:]) < 2.6  # less than a step of the relay


@pytest.mark.parametrize("ending", ["abort", "bad", "mode"])
def test_an_abort_leaves_setpoint_mode_and_tuning_as_found(ending):
    """Promise: whatever ends the test, both controllers keep what people have set, and OUT is where it was found."""
    plant = Plant(noise=0.0, outer={"ti_s": 1e9})
    before = plant.kept()
    plant.until_relay().run(7)
    assert abs(plant.bench.out() - 37.0) > 1.0
    if ending == "abort":
        plant.bench.must_set("FIC.pid.TUNE", "ABORT")
    elif ending == "bad":
        plant.bench.status["FT"] = STATUS_BAD
    else:
        plant.bench.must_set("FIC.pid.MODE", "MAN")
        before["FIC.pid.target"] = MAN
    plant.run(2)
    assert plant.result.startswith("aborted")
    assert plant.bench["FIC.pid.tune_state"] == IDLE
    assert plant.bench["FIC.pid.out"] == pytest.approx(37.0, abs=0.6 if ending == "abort" else 1e-6)
    assert plant.kept() == pytest.approx(before, abs=1e-6)
    if ending != "mode":
        plant.bench.status["FT"] = STATUS_GOOD
        plant.run(60)
        assert plant.modes == (AUTO, CAS)
        if ending == "abort":  # a measurement that comes back is where a cascade starts, with or without a test
            assert plant.kept() == pytest.approx(before, abs=1e-6)


def test_setpoint_tracking_does_not_carry_the_setpoint_away():
    """Promise: a loop whose setpoint follows the measurement in LO keeps its setpoint through a test in Auto."""
    plant = Plant(noise=0.0, inner={"sp_track_pv": 1}, outer={"ti_s": 1e9})
    plant.bench.must_set("FIC.pid.MODE", "AUTO")
    plant.run(5)
    plant.bench.must_set("FIC.pid.SP", 20.5)
    plant.run(60)
    plant.until_relay().run(30)
    assert plant.bench["FIC.pid.sp"] == 20.5
    plant.until_end()
    plant.run(1)
    assert plant.result == "finished"
    assert plant.bench["FIC.pid.mode"] == AUTO
    assert plant.bench["FIC.pid.sp"] == 20.5


def test_the_block_below_has_priority():
    """Promise: a valve block that leaves the cascade ends the test; the controller follows it."""
    plant = Plant(noise=0.0).until_relay().run(5)
    plant.bench.must_set("FIC.ao.MODE", "MAN")
    plant.run(3)
    assert plant.result == "aborted: the block below does not accept the output"
    assert plant.modes == (IMAN, IMAN)
    assert plant.bench["FIC.pid.out"] == pytest.approx(plant.bench["FIC.ao.out"])


def test_the_operator_sees_why_the_loop_is_not_in_its_mode():
    plant = Plant(noise=0.0)
    plant.bench.engine.take_events()
    plant.until_relay()
    texts = [event.text for event in plant.bench.engine.take_events()]
    assert "FIC.pid.MODE Cas → LO: relay test" in texts
    assert plant.bench.set("FIC.pid.OUT", 50.0)[0] is False


def test_a_takeover_in_the_middle_of_a_test_goes_on_with_it():
    """Promise: the test is in the state like everything else: another engine with the same bytes finishes it alike."""
    plants = [Plant(noise=0.0).until_relay().run(20) for _ in range(2)]
    twin = Engine(plants[1].bench.engine.plan)
    twin.restore(plants[1].bench.engine.snapshot())
    plants[1].bench.engine = twin
    for plant in plants:
        plant.until_end()
        assert plant.result == "finished"
    assert plants[0].seen == plants[1].seen
    assert plants[0].bench["FIC.pid.tune_k"] == plants[1].bench["FIC.pid.tune_k"]


def test_compiled_and_uncompiled_give_the_same_bits():
    plants = [Plant(compiled).until_relay().until_end().run(20) for compiled in (True, False)]
    assert plants[0].result == "finished"
    assert plants[0].seen == plants[1].seen
    assert plants[0].bench.engine.snapshot() == plants[1].bench.engine.snapshot()


@pytest.mark.parametrize("compiled", [True, False])
def test_the_journal_has_a_line_for_every_result(compiled):
    """Promise: refused, aborted or finished: one line with the reason, at once, and none without a test."""
    plant = Plant(compiled, noise=0.0, outer={"ti_s": 1e9})
    plant.bench.engine.take_events()
    plant.run(30)
    assert said(plant) == []
    plant.bench.status["FT"] = STATUS_BAD
    plant.run(2)
    plant.bench.must_set("FIC.pid.TUNE", "START")
    plant.run(3)
    assert said(plant) == ["FIC.pid relay test refused: the measurement is not Good"]
    plant.bench.status["FT"] = STATUS_GOOD
    plant.run(60)
    plant.until_relay().run(5)
    plant.bench.must_set("FIC.pid.TUNE", "ABORT")
    plant.run(2)
    assert said(plant) == ["FIC.pid relay test aborted by the operator"]
    plant.run(60).until_relay().until_end()
    assert said(plant) == [f"FIC.pid relay test {plant.result}"]
    assert plant.result.startswith("finished")


def said(plant: Plant) -> list[str]:
    return [event.text for event in plant.bench.engine.take_events() if event.kind == "process"]
