"""The failure reactions of redundant field I/O, as docs/explanations/redundant-io.md lists them, in the box.

Judged by the registers and the record of the station, and by what the active controller's driver makes of its points.
"""

import itertools
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from dcs.config.find import find_config
from dcs.core.clock import NS_PER_S
from dcs.core.status import BAD, GOOD, quality_of
from dcs.node.assembly import build_direct, load_configuration
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from field_io.devices.station import SimulatedStation
from field_io.devices.write_record import WriteRecord
from tests.support.boxes import in_box

PAGE = Path(__file__).parents[2] / "docs" / "explanations" / "redundant-io.md"
STATION = "NODE-2"
SPANS = {"JY-201": 150.0, "P-203": 100.0, "FY-205": 100.0}
FAIL_MW = 20.0
ALARM = {"none": set(), "redundancy lost": {"XA-211"}, "a card has failed": {"XA-213"}, "COMM": {"NODE-2"}}
OF_THE_STATION = {"XA-211", "XA-213", "NODE-2"}
STEADY_S, LOOK_S = 20.05, 8.0  # not in the very instant of a scan
PAIR_IN, SINGLE_IN = ("LT-202", "PT-201", "FT-203", "FT-204"), ("TT-206", "FT-207", "JT-201")


# --- what the page says -----------------------------------------------------------------------------------------
def _table(after: str) -> list[list[str]]:
    text = PAGE.read_text(encoding="utf-8").split(after, 1)[1]
    rows = re.search(r"\n\|.*?\n\n", text + "\n\n", re.DOTALL)
    assert rows is not None
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[0].strip().splitlines()]
    return cells[2:]


REACTIONS = _table("## Failure reactions")
LIMITS = dict(_table("How far the outputs are"))


def limit(words: str) -> float:
    row = next(text for what, text in LIMITS.items() if words in what)
    return float(row.split()[0])


# --- how each row is brought about ------------------------------------------------------------------------------
Fail = Callable[[Box], Awaitable[None]]


def cut(*names: str, silent: bool = False) -> Fail:
    async def fail(box: Box) -> None:
        for name in names:
            box.faults().cut(name, silent)

    return fail


async def cut_cable(box: Box) -> None:
    box.faults().cut(f"{box.active('C1')}>{STATION}")


async def kill_active(box: Box) -> None:
    await box.kill(box.active("C1"))


async def kill_both(box: Box) -> None:
    for name in ("C1A", "C1B"):
        await box.kill(name)


FAILURES: dict[str, tuple[Fail, tuple[str, ...]]] = {  # row -> how, points of the card
    "coupler A dies": (cut(f"{STATION}.A"), ()),
    "coupler A falls silent": (cut(f"{STATION}.A", silent=True), ()),
    "the cable to coupler A is cut": (cut_cable, ()),
    "coupler B dies (the spare)": (cut(f"{STATION}.B"), ()),
    "a card of the input pair": (cut(f"{STATION}.S1"), ()),
    "a card of the output pair": (cut(f"{STATION}.S5"), ()),
    "the active controller": (kill_active, ()),
    "the single input card": (cut(f"{STATION}.S3"), SINGLE_IN),
    "both cards of the input pair": (cut(f"{STATION}.S1", f"{STATION}.S2"), PAIR_IN),
    "both cards of the output pair": (cut(f"{STATION}.S5", f"{STATION}.S6"), tuple(SPANS)),
    "both couplers": (cut(STATION), ()),
    "both controllers": (kill_both, ()),
}
COSTS_NO_TIME_OUT = (
    "coupler A dies",
    "coupler B dies (the spare)",
    "a card of the input pair",
    "a card of the output pair",
)


@dataclass
class Run:
    """What was seen of one failure."""

    failed_ns: int = 0  # UTC
    was_bad: set[str] = field(default_factory=set)  # points seen Bad since the failure
    all_good_until_ns: int = 0
    writes: list[WriteRecord] = field(default_factory=list)
    fail_actions: list[tuple[int, bool, dict[str, float]]] = field(default_factory=list)
    alarms: set[str] = field(default_factory=set)
    events: list[str] = field(default_factory=list)
    held: dict[str, float] = field(default_factory=dict)  # what the registers of the outputs said before the repair
    repaired_ns: int = 0
    good_again_ns: int = 0
    nodes: list[list[tuple[str, str, str]]] = field(default_factory=list)  # link reports while it is out


def station_of(box: Box) -> SimulatedStation:
    (device,) = box.field.simulation.devices
    assert isinstance(device, SimulatedStation)
    return device


def bad_points(box: Box) -> set[str] | None:
    """None: nobody reads."""
    living = [name for name in ("C1A", "C1B") if name in box.nodes]
    active = [name for name in living if box.controller(name).member.role == "active"]
    if not active:
        return None
    image = box.controller(active[0])._p.field_side.read()
    names = box.controller(active[0])._p.field_side.wiring.inputs
    return {
        name for name, status in zip(names, image.statuses, strict=True)
        if quality_of(int(status)) == BAD and not name.startswith("XA-") and ":" not in name
    }  # fmt: skip


async def _story(box: Box, recorder: Recorder, fail: Fail | None, repair: Fail | None, look_s: float) -> Run:
    run, station = Run(), station_of(box)
    await box.run_for(STEADY_S - 3.0)
    station.record_writes()
    await box.run_for(3.0)
    run.failed_ns = box.clock.time_ns()
    if fail is not None:
        await fail(box)
    for _ in range(round(look_s / 0.1)):
        await box.run_for(0.1)
        run.was_bad |= bad_points(box) or set()
    station.bring_up_to_date()
    run.nodes = [
        [(link.name, link.state, link.detail) for link in box.controller(name).report().links]
        for name in ("C1A", "C1B") if name in box.nodes
    ]  # fmt: skip
    run.held = {name: station.value(name) for name in SPANS}
    run.alarms = {e.text.split()[0] for e in recorder.events if e.kind == "alarm" and "in alarm" in e.text}
    run.events = [event.text for event in recorder.events if event.kind == "field"]
    assert station.writes is not None
    run.writes = list(station.writes)
    if repair is not None:
        station.writes.clear()
        run.repaired_ns = box.clock.time_ns()
        await repair(box)
        for _ in range(150):
            await box.run_for(0.1)
            if not run.good_again_ns and bad_points(box) == set():
                run.good_again_ns = box.clock.time_ns()
        run.writes = list(station.writes)
    run.fail_actions = [(r.time_ns, r.active, dict(r.values)) for r in station.watchdog.record]
    return run


@cache
def play(row: str, repaired: bool = False, look_s: float = LOOK_S) -> Run:
    fail, repair = (FAILURES[row][0], None) if row else (None, None)

    async def heal(box: Box) -> None:
        await box.faults().heal_all()
        for name in ("C1A", "C1B"):
            await box.start(name)

    return in_box(
        lambda box, recorder: _story(box, recorder, fail, heal if repaired else repair, look_s),
        plant="drum_boiler", overrides=("variant=redundant_io",),
    )  # fmt: skip


def difference(run: Run, twin: Run) -> float:
    """Largest difference of an output from the run without a failure, in parts of its span, between the scans."""
    times = [run.failed_ns + second * NS_PER_S + 600_000_000 for second in range(round(LOOK_S))]
    return max(
        abs(_stands(run.writes, name, time_ns) - _stands(twin.writes, name, time_ns)) / span
        for name, span in SPANS.items()
        for time_ns in times
    )


def _stands(writes: list[WriteRecord], name: str, time_ns: int) -> float:
    return [write.value for write in writes if write.point == name and write.time_ns <= time_ns][-1]


def test_every_row_of_the_page_is_tried() -> None:
    assert [row[0] for row in REACTIONS] == list(FAILURES)


@pytest.mark.parametrize("row", REACTIONS, ids=lambda row: row[0])
def test_a_failure_has_the_reaction_that_the_page_tells(row: list[str]) -> None:
    what, values, outputs, alarm = row
    run, twin = play(what), play("")
    assert (twin.was_bad, twin.fail_actions, twin.alarms) == (set(), [], set()), "the run without a failure is quiet"
    everything = {*PAIR_IN, *SINGLE_IN, *SPANS}
    of_card = set(FAILURES[what][1])
    bad = {"all stay Good": set(), "nobody reads": set(), "Bad: all": everything, "Bad: those of the card": of_card}
    expected: set[str] = bad[values]
    assert run.was_bad == expected
    assert run.alarms & OF_THE_STATION == set().union(*(ALARM[one] for one in alarm.split(", ")))
    if outputs == "go on":
        assert run.fail_actions == []
        assert max(write.time_ns for write in run.writes) > run.failed_ns + (LOOK_S - 2) * NS_PER_S, "still written"
        if not expected:
            assert not run.alarms - OF_THE_STATION, "no process alarm"
            assert difference(run, twin) * 100 <= limit("where it goes on")
        if what in COSTS_NO_TIME_OUT:
            assert difference(run, twin) * 100 <= limit("costs no time-out")
        return
    ((time_ns, active, went),) = run.fail_actions
    assert active
    assert went == {"JY-201": FAIL_MW}, "the fire goes to its minimum, the others hold"
    assert run.held["JY-201"] == FAIL_MW
    for name in ("P-203", "FY-205"):
        assert run.held[name] == _stands(run.writes, name, time_ns)
    if outputs == "fail action at once":
        assert time_ns == run.failed_ns
    else:
        assert outputs == "fail action after 2 s"
        written = [write.time_ns for write in run.writes if write.time_ns < time_ns]
        assert time_ns - max(written) == 2 * NS_PER_S


REPAIRED = (
    ("both cards of the input pair", LOOK_S),
    ("both cards of the output pair", LOOK_S),
    ("both couplers", LOOK_S),
    ("both controllers", LOOK_S),
    ("both couplers", 3.2),  # shorter than a block waits for its read-back before it begins anew by itself
    ("both cards of the output pair", 1.0),
)


@pytest.mark.parametrize(("what", "after_s"), REPAIRED)
def test_after_a_repair_values_are_good_and_outputs_are_taken_up_without_a_bump(what: str, after_s: float) -> None:
    run = play(what, repaired=True, look_s=after_s)
    assert (run.good_again_ns - run.repaired_ns) / NS_PER_S <= limit("Good values")
    fire = [write for write in run.writes if write.point == "JY-201" and write.time_ns > run.repaired_ns]
    led = next(write for write in fire if write.value != run.held["JY-201"])
    assert (led.time_ns - run.repaired_ns) / NS_PER_S <= limit("led again")
    if what == "both cards of the input pair":
        return
    ended = [time_ns for time_ns, active, _ in run.fail_actions if not active]
    assert len(ended) == 1, "the fail action is over and stays so"
    for name in SPANS:
        writes = [write for write in run.writes if write.point == name and write.time_ns >= ended[0]]
        assert abs(writes[0].value - run.held[name]) <= limit("first write"), name
        moves = [abs(b.value - a.value) for a, b in itertools.pairwise(writes)]
        assert max(moves) / SPANS[name] < 0.03, "from there it moves as control does"
    assert fire[-1].value > FAIL_MW + 1.0, "and the fire comes back"


def test_a_fail_action_counts_from_its_own_time_however_rarely_anybody_looks() -> None:
    """Promise: the plant is the same to the bit whether the simulation is looked at all the time or at the end."""

    async def story(box: Box, looking: bool) -> tuple[bytes, list[float]]:
        await box.run_for(STEADY_S)
        await kill_both(box)
        for _ in range(44):
            await box.run_for(0.1)
            if looking:
                box.field.simulation.advance()  # type: ignore[attr-defined]
        station_of(box).bring_up_to_date()
        plant = box.field.simulation.plant
        return plant.outputs.tobytes(), plant.inputs.tolist()  # type: ignore[attr-defined]

    often, seldom = (
        in_box(
            lambda box, _, looking=looking: story(box, looking),
            plant="drum_boiler",
            overrides=("variant=redundant_io",),
        )
        for looking in (True, False)
    )
    assert often == seldom


def test_the_journal_and_the_reports_name_what_is_out() -> None:
    run = play("a card of the output pair")
    assert any("card S5 (AO) has failed, S6 carries on" in text for text in run.events)
    run = play("coupler A dies")
    assert any("link A" in text and "is lost" in text for text in run.events)
    assert any("changed to link B" in text for text in run.events)
    states = {name: state for name, state, _ in run.nodes[0]}
    assert states[STATION] == "up"
    assert states[f"{STATION}.A"] == "down"
    assert states[f"{STATION}.B"] == "up"
    detail = next(detail for name, _, detail in run.nodes[0] if name == STATION)
    assert "by link B" in detail
    assert "redundancy lost: link A" in detail


def test_the_link_is_changed_on_command_without_a_trace_in_the_values() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(STEADY_S)
        station = station_of(box)
        reply = await box.command("C1", "link", STATION, "b")
        assert (reply.ok, reply.text) == (True, "NODE-2 is reached by link B")
        for _ in range(30):
            await box.run_for(0.1)
            assert bad_points(box) == set()
        box.faults().cut(f"{STATION}.A")
        await box.run_for(3.0)
        refused = await box.command("C1", "link", STATION, "A")
        assert (refused.ok, "does not answer; nothing was changed" in refused.text) == (False, True)
        assert "Devices with two: NODE-2" in (await box.command("C1", "link", "RTU-9", "A")).text
        assert not (await box.command("C1", "link", STATION, "C")).ok
        assert bad_points(box) == set()
        assert station.couplers[1].server.connections

    in_box(story, plant="drum_boiler", overrides=("variant=redundant_io",))


def test_without_a_network_the_diagnoses_say_that_all_is_well() -> None:
    config = load_configuration(find_config("drum_boiler"), ("variant=redundant_io",))
    plant = build_direct(config, every_s=0.0)
    plant.run_for(20.0)
    (station,) = plant._stations
    statuses = dict(zip(station.engine.plan.input_channels, station.statuses.tolist(), strict=True))
    assert {name: quality_of(statuses[name]) for name in ("LT-202", "XA-211", "XA-212")} == dict.fromkeys(
        ("LT-202", "XA-211", "XA-212"), GOOD
    )
    assert plant.value("XA-211.PV") == 0.0
