"""Chains of blocks: whatever mode anyone asks of any block, the field outputs stay where a twin left alone has them."""

import math

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from dcs.core.modes import AUTO, CAS, IMAN
from dcs.core.status import STATUS_BAD, STATUS_GOOD
from dcs.engine.strategy import BlockSpec, Channel, Strategy
from tests.unit.engine.strategies import NS, Bench, ScanClass, scaled, strategy

STILL = {"gain": 3.0, "ti_s": 1e13}
"""Tuning without movement of its own: what moves the output is then a bump."""
PID_100 = scaled(pv_scale=(0, 100), out_scale=(0, 100)) | STILL | {"sp": 55.0}
AO_100 = scaled(pv_scale=(0, 100), xd_scale=(0, 100))
FASTER, ROUNDING = 0.2, 1e-6


class Chain(Bench):
    """A bench whose field takes every output that it is sent, and reads it back."""

    def run(self, count: int) -> None:
        """``count`` turns of the slowest class; outer blocks first."""
        periods = self.engine.plan.period_ns
        for _ in range(count):
            for turn in range(max(periods) // min(periods)):
                for index, period_ns in enumerate(periods):
                    if turn % (period_ns // min(periods)) == 0:
                        self.inputs()
                        self.engine.scan(index, self.time_ns)
                        self.take()
                self.time_ns += min(periods)

    def take(self) -> None:
        values, _, valid = self.engine.outputs()
        for name, value, sent in zip(self.engine.plan.output_channels, values, valid, strict=True):
            if sent:
                self.reads[f"{name}.readback"] = float(value)

    def field(self) -> dict[str, float]:
        return {name: self.reads[f"{name}.readback"] for name in self.engine.plan.output_channels}


def output(name: str, above: str, scan_class: str = "loops") -> tuple[BlockSpec, list[tuple[str, str]], list[Channel]]:
    """An AO with its read-back; ``above`` is the terminal that it takes."""
    block = f"{name}.ao"
    links = [(above, f"{block}.cas_in"), (f"{name}.readback", f"{block}.readback"), (f"{block}.out", name)]
    return (
        BlockSpec(block, "AO", scan_class, AO_100),
        links,
        [Channel(name, "out", "%"), Channel(links[1][0], "in", "%")],
    )


def assembled(
    blocks: list[BlockSpec], links: list[tuple[str, str]], channels: list[Channel], inner_s: float
) -> Strategy:
    classes = (ScanClass("loops", NS),)
    if inner_s != 1.0:
        classes = (*classes, ScanClass("inner", round(inner_s * NS)))
    return strategy(tuple(blocks), links, tuple(channels), (), classes)


def split_range(inner_s: float = 1.0) -> Strategy:
    """PID → SPLITTER → a cooling valve that closes over 0–45 % and a heating valve that opens over 50–100 %."""
    inner = "loops" if inner_s == 1.0 else "inner"
    legs = {"leg_in_low": (0.0, 50.0), "leg_in_high": (45.0, 100.0), "leg_out_low": (100.0, 0.0)}
    blocks = [
        BlockSpec("T.pid", "PID", "loops", PID_100),
        BlockSpec("T.split", "SPLITTER", inner, legs | {"leg_out_high": (0.0, 100.0), "bal_time_s": 20.0}),
    ]
    links = [
        ("PV", "T.pid.pv"),
        ("T.pid.out", "T.split.cas_in"),
        ("T.split.bkcal_out", "T.pid.bkcal_in"),
        ("COLD.ao.bkcal_out", "T.split.bkcal_in_1"),
        ("HOT.ao.bkcal_out", "T.split.bkcal_in_2"),
    ]
    channels = [Channel("PV", "in", "%")]
    for number, name in enumerate(("COLD", "HOT"), 1):
        block, more, ports = output(name, f"T.split.out_{number}", inner)
        blocks.append(block)
        links += more
        channels += ports
    return assembled(blocks, links, channels, inner_s)


def override(inner_s: float = 1.0, **selector: float) -> Strategy:
    """Two PIDs → CONTROL_SELECTOR → valve P."""
    inner = "loops" if inner_s == 1.0 else "inner"
    blocks = [
        BlockSpec("A.pid", "PID", "loops", PID_100),
        BlockSpec("B.pid", "PID", "loops", PID_100),
        BlockSpec("S.sel", "CONTROL_SELECTOR", inner, {"bal_time_s": 20.0, **selector}),
    ]
    links = [
        ("PVA", "A.pid.pv"),
        ("PVB", "B.pid.pv"),
        ("A.pid.out", "S.sel.inp_1"),
        ("B.pid.out", "S.sel.inp_2"),
        ("S.sel.bkcal_out_1", "A.pid.bkcal_in"),
        ("S.sel.bkcal_out_2", "B.pid.bkcal_in"),
        ("P.ao.bkcal_out", "S.sel.bkcal_in"),
    ]
    block, more, ports = output("P", "S.sel.out", inner)
    channels = [Channel("PVA", "in", "%"), Channel("PVB", "in", "%"), *ports]
    return assembled([*blocks, block], links + more, channels, inner_s)


MIDDLES: dict[str, tuple[str, dict[str, object], str, str]] = {
    "characteriser": (
        "CHARACTERISER", {"x": (0.0, 30.0, 100.0), "y": (100.0, 60.0, 0.0), "x_count": 3, "y_count": 3}, "inp", ""
    ),
    "limit": ("LIMIT", {"out_low": 10.0, "out_high": 90.0}, "inp", ""),
    "scaler": ("SCALER", {"inverted": 1}, "inp", ""),
    "batch_switch": ("BATCH_SWITCH", {"batch_limit": 95.0}, "inp", ""),
    # The setpoint of a station follows its output, or the operator's would be gone back to over BAL_TIME (see below).
    "bias_gain": ("BIAS_GAIN", {"gain": 0.8, "target": CAS, "sp_low": -100.0, "sp_track": 1}, "cas_in", "inp"),
    "ratio": (
        "RATIO", {"sp_high": 100.0, "gain": 0.04, "target": CAS, "bias": 4.0, "sp_track": 1}, "cas_in", "wild"
    ),
}  # fmt: skip


def through(middle: str, inner_s: float = 1.0) -> Strategy:
    """PID → the block in the middle → PID → valve P."""
    inner = "loops" if inner_s == 1.0 else "inner"
    kind, params, entry, wild = MIDDLES[middle]
    blocks = [
        BlockSpec("A.pid", "PID", "loops", PID_100),
        BlockSpec("M.mid", kind, inner, {"bal_time_s": 20.0, **params}),  # type: ignore[dict-item]
        BlockSpec("B.pid", "PID", inner, PID_100 | {"target": CAS, "normal": CAS}),
    ]
    links = [
        ("PVA", "A.pid.pv"),
        ("PVB", "B.pid.pv"),
        ("A.pid.out", f"M.mid.{entry}"),
        ("M.mid.bkcal_out", "A.pid.bkcal_in"),
        ("M.mid.out", "B.pid.cas_in"),
        ("B.pid.bkcal_out", "M.mid.bkcal_in"),
        ("P.ao.bkcal_out", "B.pid.bkcal_in"),
    ]
    channels = [Channel("PVA", "in", "%"), Channel("PVB", "in", "%")]
    if wild:
        links.append(("WILD", f"M.mid.{wild}"))
        channels.append(Channel("WILD", "in", "%"))
    block, more, ports = output("P", "B.pid.out", inner)
    return assembled([*blocks, block], links + more, channels + ports, inner_s)


def started(spec: Strategy, **reads: float) -> Chain:
    """The chain in normal operation, with its valves found where the arguments say."""
    chain = Chain.of(spec, **reads)
    chain.run(20)
    return chain


def modes(chain: Chain) -> dict[str, int]:
    return {
        record.name: int(chain[f"{record.name}.mode"])
        for record in chain.engine.plan.records
        if record.type.has("mode")
    }


def script_of(blocks: list[str], pvs: list[str], bads: list[str]) -> st.SearchStrategy[list[tuple[str, str, int]]]:
    """Modes asked for, transmitters that die and come back, measurements that move, each with a wait after it."""
    asked = st.tuples(
        st.sampled_from(blocks), st.sampled_from(["OOS", "MAN", "AUTO", "CAS"]), st.integers(0, 4)
    )  # fmt: skip
    died = st.tuples(st.sampled_from([f"{kind} {pv}" for kind in ("bad", "good") for pv in bads]), st.just(""))
    moved = st.tuples(st.sampled_from([f"move {pv}" for pv in pvs]), st.sampled_from(["20", "50", "80"]))
    others = st.one_of(died, moved).flatmap(lambda pair: st.tuples(*map(st.just, pair), st.integers(0, 4)))
    return st.lists(st.one_of(asked, asked, others), max_size=25)


def play(chain: Chain, what: str, value: str, wait: int) -> None:
    """One line of a script. A measurement may move only while its controller does not use it."""
    verb, _, name = what.partition(" ")
    if verb in ("bad", "good"):
        chain.status[name] = STATUS_BAD if verb == "bad" else STATUS_GOOD
    elif verb == "move":
        block = {"PVA": "A.pid", "PVB": "B.pid", "PV": "T.pid"}[name]
        if modes(chain)[block] not in (AUTO, CAS):
            chain.reads[name] = float(value)
    else:
        chain.set(f"{what}.MODE", value)
    chain.run(wait)
    note(f"{what} {value} {wait} → {modes(chain)} {chain.field()}")


def same_field(chain: Chain, twin: Chain) -> None:
    for name, value in twin.field().items():
        assert chain.field()[name] == pytest.approx(value, abs=ROUNDING), name


# --- promises ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inner_s", [1.0, FASTER])
@given(script=script_of(["T.pid", "T.split", "COLD.ao", "HOT.ao"], ["PV"], ["PV", "COLD.readback", "HOT.readback"]))
@settings(max_examples=60, deadline=None)
def test_no_mode_change_in_a_split_range_moves_a_valve(inner_s, script):
    """Promise: in PID → SPLITTER → two AO nothing that anyone asks of any block moves a valve."""
    at = {"PV": 50.0, "COLD.readback": 0.0, "HOT.readback": 37.0}
    chain, twin = started(split_range(inner_s), **at), started(split_range(inner_s), **at)
    assert modes(chain) == {"T.pid": AUTO, "T.split": CAS, "COLD.ao": CAS, "HOT.ao": CAS}
    for what, value, wait in script:
        play(chain, what, value, wait)
        twin.run(wait)
        same_field(chain, twin)


@pytest.mark.parametrize("inner_s", [1.0, FASTER])
@given(script=script_of(["A.pid", "B.pid", "S.sel", "P.ao"], ["PVA", "PVB"], ["PVA", "PVB", "P.readback"]))
@settings(max_examples=60, deadline=None)
def test_no_mode_change_in_an_override_moves_the_valve(inner_s, script):
    """Promise: in two PIDs → CONTROL_SELECTOR → AO nothing that anyone asks of any block moves the valve."""
    at = {"PVA": 50.0, "PVB": 45.0, "P.readback": 37.0}
    chain, twin = started(override(inner_s), **at), started(override(inner_s), **at)
    assert modes(chain) == {"A.pid": AUTO, "B.pid": AUTO, "S.sel": AUTO, "P.ao": CAS}
    for what, value, wait in script:
        play(chain, what, value, wait)
        twin.run(wait)
        same_field(chain, twin)


@pytest.mark.parametrize("inner_s", [1.0, FASTER])
@pytest.mark.parametrize("middle", MIDDLES)
@given(script=script_of(["A.pid", "M.mid", "B.pid", "P.ao"], ["PVA", "PVB"], ["PVA", "PVB", "P.readback"]))
@settings(max_examples=30, deadline=None)
def test_no_mode_change_around_a_block_in_the_middle_moves_the_valve(middle, inner_s, script):
    """Promise: a block between two PIDs hands the handshake on in both directions."""
    at = {"PVA": 50.0, "PVB": 45.0, "P.readback": 37.0, "WILD": 20.0}
    chain, twin = started(through(middle, inner_s), **at), started(through(middle, inner_s), **at)
    assert modes(chain)["A.pid"] == AUTO
    assert modes(chain)["B.pid"] == CAS
    for what, value, wait in script:
        play(chain, what, value, wait)
        twin.run(wait)
        same_field(chain, twin)


@pytest.mark.parametrize("middle", MIDDLES)
def test_a_block_in_the_middle_gives_the_outer_loop_the_inner_setpoint(middle):
    """Promise: after the start the inner setpoint is the measurement that was found, and it moves with the outer loop
    from there: the way forwards and the way back belong together."""
    chain = started(through(middle), PVA=50.0, PVB=45.0, WILD=20.0, **{"P.readback": 37.0})
    found = chain["B.pid.sp_wrk"]
    assert found == pytest.approx(45.0, abs=1e-9)
    before = chain["A.pid.out"]
    chain.reads["PVA"] = 49.0
    chain.run(3)
    assert chain["A.pid.out"] == pytest.approx(before + 3.0, abs=1e-6)  # its gain is 3
    assert chain["B.pid.sp_wrk"] == chain["M.mid.out"] != pytest.approx(found, abs=0.1)
    assert chain["A.pid.bkcal_in"] == pytest.approx(chain["A.pid.out"], abs=1e-9)


@given(cold=st.floats(0, 100), hot=st.floats(0, 100), bal_time_s=st.sampled_from([0.5, 7.0, 20.0]))
@settings(max_examples=40, deadline=None)
def test_legs_that_were_moved_by_hand_are_bled_no_faster_than_declared(cold, hot, bal_time_s):
    """Promise: what the legs were given by hand is bled off in a straight line over BAL_TIME, and no faster."""
    chain = started(split_range(), PV=50.0, **{"COLD.readback": 0.0, "HOT.readback": 37.0})
    for name, by_hand in (("COLD", cold), ("HOT", hot)):
        chain.must_set(f"{name}.ao.MODE", "MAN")
        chain.run(1)
        chain.must_set(f"{name}.ao.OUT", by_hand)
    chain.must_set("T.split.BAL_TIME", bal_time_s)
    chain.run(3)
    assert modes(chain) == {"T.pid": IMAN, "T.split": IMAN, "COLD.ao": 3, "HOT.ao": 3}
    for name in ("COLD", "HOT"):
        chain.must_set(f"{name}.ao.MODE", "CAS")
    before = chain.field()
    left = 0.0
    for _ in range(6 + math.ceil(bal_time_s)):
        chain.run(1)
        now = chain.field()
        for k, name in enumerate(("COLD", "HOT"), 1):
            most = abs(chain[f"T.split.balance_from_{k}"]) / max(bal_time_s, 1.0)
            assert abs(now[name] - before[name]) <= most + ROUNDING
        before = now
        left = sum(abs(chain[f"T.split.balance_{k}"]) for k in (1, 2))
    assert modes(chain) == {"T.pid": AUTO, "T.split": CAS, "COLD.ao": CAS, "HOT.ao": CAS}
    assert left == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("middle", ["bias_gain", "ratio"])
@given(found=st.floats(10.0, 60.0), bal_time_s=st.sampled_from([0.5, 7.0, 20.0]))
@settings(max_examples=20, deadline=None)
def test_a_station_goes_back_to_its_own_setpoint_no_faster_than_declared(middle, found, bal_time_s):
    """Promise: in Auto, without tracking, the operator's ratio or bias comes back in a straight line over BAL_TIME."""
    chain = started(through(middle), PVA=50.0, PVB=45.0, WILD=20.0, **{"P.readback": 37.0})
    chain.must_set("M.mid.MODE", "AUTO")
    chain.must_set("M.mid.BAL_TIME", bal_time_s)
    field_of(chain, "M.mid", "sp_track", 0)
    chain.run(3)
    wanted = chain["M.mid.out"]
    chain.must_set("B.pid.MODE", "AUTO")
    chain.run(2)
    chain.must_set("B.pid.SP", found)
    chain.run(3)
    chain.must_set("B.pid.MODE", "CAS")
    before = chain["B.pid.sp_wrk"]
    for _ in range(8 + math.ceil(bal_time_s)):
        chain.run(1)
        most = abs(chain["M.mid.balance_from"]) / max(bal_time_s, 1.0)
        assert abs(chain["B.pid.sp_wrk"] - before) <= most + ROUNDING
        before = chain["B.pid.sp_wrk"]
    assert chain["B.pid.mode"] == CAS
    assert before == pytest.approx(wanted, abs=1e-9)


def field_of(chain: Chain, block: str, name: str, value: int) -> None:
    """An engineer's change of a parameter that is not published."""
    record = [one.name for one in chain.engine.plan.records].index(block)
    chain.engine.memory.view("i8")[chain.engine.plan.word_of(record, name)] = value
