"""Lost redundancy annunciates: one alarm of low priority for each cause, none at a takeover, none for maintenance."""

from dcs.alarms.machine import ACKNOWLEDGED, NORMAL, RETURNED, UNACKNOWLEDGED
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from tests.support.boxes import in_box

ALARMS = ("C1.STANDBY", "C1.TAKEN_OUT", "C1.WITNESS", "C1.PATHS")


def alarm(box: Box, name: str) -> int:
    return int(box.controller(box.active("C1")).replica.engine.field(name, "alarm_state"))


def said(recorder: Recorder, name: str) -> list[str]:
    return [f"{event.old}→{event.new}" for event in recorder.events if event.kind == "alarm" and event.subject == name]


def annunciated(recorder: Recorder) -> list[tuple[str, int]]:
    return [(event.subject, event.priority) for event in recorder.events if event.kind == "alarm" and event.new == "B"]


def other(box: Box) -> str:
    return next(member for member in ("C1A", "C1B") if member != box.active("C1"))


async def _standby_dies(box: Box, recorder: Recorder) -> None:
    await box.run_for(40.0)
    standby = other(box)
    await box.kill(standby)
    await box.run_for(25.0)
    assert alarm(box, "C1.STANDBY") == NORMAL
    await box.run_for(10.0)
    assert alarm(box, "C1.STANDBY") == UNACKNOWLEDGED
    reply = await box.command("C1", "ack", "C1.STANDBY")
    assert reply.ok
    await box.run_for(60.0)
    assert alarm(box, "C1.STANDBY") == ACKNOWLEDGED
    await box.start(standby)
    await box.run_for(30.0)
    assert alarm(box, "C1.STANDBY") == NORMAL
    assert said(recorder, "C1.STANDBY") == ["A→B", "B→C", "C→A"]
    assert annunciated(recorder) == [("C1.STANDBY", 4)]


def test_a_dead_standby_is_one_alarm_until_it_is_back() -> None:
    """Promise: after the delay, of low priority, to be acknowledged; it returns when the standby is ready again."""
    in_box(_standby_dies)


async def _takeovers(box: Box, recorder: Recorder) -> None:
    await box.run_for(40.0)
    for _ in range(3):
        dead = box.active("C1")
        await box.kill(dead)
        await box.run_for(10.0)
        await box.start(dead)
        await box.run_for(15.0)
    await box.command("C1", "switchover")
    await box.run_for(45.0)
    assert annunciated(recorder) == []
    engine = box.controller(box.active("C1")).replica.engine
    assert int(engine.field("C1.pair", "losses")) >= 1


def test_takeovers_and_copies_ring_nothing() -> None:
    """Promise: a controller that dies and is back within the delay is in the journal, not in the alarm list."""
    in_box(_takeovers)


async def _both_die_in_turn(box: Box, recorder: Recorder) -> None:
    await box.run_for(40.0)
    first = other(box)
    await box.kill(first)
    await box.run_for(40.0)
    assert alarm(box, "C1.STANDBY") == UNACKNOWLEDGED
    await box.start(first)
    await box.run_for(15.0)
    assert alarm(box, "C1.STANDBY") == RETURNED
    before = [event.id for event in recorder.events if event.kind == "alarm"]
    await box.kill(box.active("C1"))
    await box.run_for(20.0)
    assert alarm(box, "C1.STANDBY") == RETURNED, "it waits for its acknowledgement, also at the new active"
    assert [event.id for event in recorder.events if event.kind == "alarm"] == before
    await box.run_for(20.0)
    assert alarm(box, "C1.STANDBY") == UNACKNOWLEDGED, "the delay is counted by the new active"


def test_the_alarm_survives_a_takeover() -> None:
    """Promise: it is in the mirrored state; what stood or waited before stands or waits after."""
    in_box(_both_die_in_turn)


async def _maintenance(box: Box, recorder: Recorder) -> None:
    await box.run_for(20.0)
    standby = other(box)
    reply = await box.command("C1", "standby_out", "C1")
    assert reply.ok, reply
    await box.run_for(5.0)
    await box.kill(standby)
    await box.run_for(60.0)
    assert annunciated(recorder) == []
    await box.run_for(60.0)
    assert annunciated(recorder) == [("C1.TAKEN_OUT", 4)], "one reminder, and nothing of witness or standby"
    await box.start(standby)
    await box.run_for(10.0)
    reply = await box.command("C1", "standby_in", "C1")
    assert reply.ok, reply
    await box.run_for(40.0)
    assert annunciated(recorder) == [("C1.TAKEN_OUT", 4)]
    assert said(recorder, "C1.TAKEN_OUT") == ["A→B", "B→D"]


def test_maintenance_rings_nothing_until_it_lasts_too_long() -> None:
    """Promise: who takes the standby out knows it; a forgotten one is reminded of once."""
    in_box(_maintenance, overrides=("plant.controllers.C1.alarms.taken_out.on_delay=2 min",))


async def _repair(box: Box, recorder: Recorder) -> None:
    await box.run_for(20.0)
    await box.kill(other(box))
    await box.run_for(40.0)
    assert alarm(box, "C1.STANDBY") == UNACKNOWLEDGED
    assert (await box.command("C1", "standby_out", "C1")).ok
    await box.run_for(20.0)
    assert alarm(box, "C1.STANDBY") == RETURNED
    assert annunciated(recorder) == [("C1.STANDBY", 4)]


def test_a_dead_standby_that_is_taken_out_for_repair_rings_no_more() -> None:
    """Promise: taking it out is the operator's answer to the alarm."""
    in_box(_repair)


async def _witness_dies(box: Box, recorder: Recorder) -> None:
    await box.run_for(20.0)
    await box.kill("W1")
    await box.run_for(40.0)
    assert annunciated(recorder) == [("C1.WITNESS", 4)]
    await box.start("W1")
    await box.run_for(15.0)
    assert said(recorder, "C1.WITNESS") == ["A→B", "B→D"]


def test_a_dead_witness_is_one_alarm() -> None:
    """Promise: the pair goes on, and somebody is told to start it again."""
    in_box(_witness_dies)


async def _cable_of_the_standby(box: Box, recorder: Recorder) -> None:
    await box.run_for(20.0)
    active, standby = box.active("C1"), other(box)
    box.faults().cut(f"{standby}>RTU-1")
    box.faults().cut(f"{standby}>DRV-1")
    await box.run_for(45.0)
    assert box.active("C1") == active
    assert annunciated(recorder) == [("C1.PATHS", 4)]
    await box.faults().heal_all()
    await box.run_for(20.0)
    assert said(recorder, "C1.PATHS") == ["A→B", "B→D"]


def test_a_standby_with_a_worse_way_to_the_field_is_one_alarm() -> None:
    """Promise: however many devices it has lost; a dead device is not taken for that."""
    in_box(_cable_of_the_standby)


async def _dead_device(box: Box, recorder: Recorder) -> None:
    await box.run_for(20.0)
    box.faults().cut("RTU-1")
    await box.run_for(90.0)
    assert annunciated(recorder) == [("RTU-1.COMM", 2)]


def test_a_dead_device_says_nothing_of_redundancy() -> None:
    """Promise: what neither controller reaches is the device's own alarm alone."""
    in_box(_dead_device)


# --- two links of a device ----------------------------------------------------------------------------------------
REDUNDANT = ("variant=redundant_io", "field.devices.NODE-2.redundancy_alarm.enable=true")


async def _one_link(box: Box, recorder: Recorder) -> None:
    await box.run_for(30.0)
    box.faults().cut("NODE-2.B")
    await box.run_for(20.0)
    assert alarm(box, "NODE-2.REDUNDANCY") == UNACKNOWLEDGED
    assert ("NODE-2.REDUNDANCY", 4) in annunciated(recorder)
    assert [alarm(box, name) for name in ALARMS] == [NORMAL] * 4
    await box.command("C1", "switchover")
    await box.run_for(20.0)
    assert said(recorder, "NODE-2.REDUNDANCY") == ["A→B"], "the other controller sees the same, and says nothing new"
    await box.faults().heal_all()
    await box.run_for(30.0)
    assert said(recorder, "NODE-2.REDUNDANCY") == ["A→B", "B→D"]
    assert alarm(box, "NODE-2.COMM") == NORMAL


def test_a_device_that_has_lost_one_of_two_links_is_an_alarm() -> None:
    """Promise: one of low priority, while all values stay Good."""
    in_box(_one_link, plant="drum_boiler", overrides=REDUNDANT)


async def _both_links(box: Box, recorder: Recorder) -> None:
    await box.run_for(30.0)
    box.faults().cut("NODE-2.A")
    box.faults().cut("NODE-2.B")
    await box.run_for(30.0)
    # XA-211 is an alarm that the plant makes of the same fact, and says it at once.
    assert annunciated(recorder) == [("XA-211.ON", 4), ("NODE-2.COMM", 2)]


def test_a_device_that_is_gone_altogether_is_not_called_less_redundant_as_well() -> None:
    """Promise: COMM says it."""
    in_box(_both_links, plant="drum_boiler", overrides=REDUNDANT)


# --- who asked ----------------------------------------------------------------------------------------------------
async def _who_asked(box: Box, recorder: Recorder) -> None:
    await box.run_for(20.0)
    first = box.active("C1")
    for verb in ("switchover", "standby_out", "standby_out", "standby_in"):
        await box.command("C1", verb, "C1")
        await box.run_for(20.0)
    asked = [event for event in recorder.events if event.kind == "operator"]
    texts = [event.text for event in asked]
    assert texts[:2] == ["C1: switchover", "C1: take the standby out"]
    assert texts[2].startswith("C1: take the standby out, refused: ")
    assert texts[3] == "C1: bring the standby back"
    assert {(event.user, event.station, event.subject) for event in asked} == {("operator", "box", "C1")}
    ended = next(event for event in recorder.events if event.text.startswith(f"{first} is no longer active"))
    assert asked[0].time_ns <= ended.time_ns, "the cause stands before what followed from it"


def test_who_asked_for_a_switchover_or_took_the_standby_out_is_in_the_journal() -> None:
    """Promise: with user and station, like every operator action, and refused ones too."""
    in_box(_who_asked)


# --- who is down --------------------------------------------------------------------------------------------------
KNOWN_WITHIN_S = 2.0


def links(box: Box, node: str) -> dict[str, str]:
    return {link.name: link.state for link in box.nodes[node].report().links}


async def _who_is_down(box: Box, recorder: Recorder) -> None:
    await box.run_for(20.0)
    active, standby = box.active("C1"), other(box)
    for gone, seen_by, called in ((standby, active, standby), ("W1", active, "W1")):
        assert links(box, seen_by)[called] == "up"
        await box.kill(gone)
        await box.run_for(KNOWN_WITHIN_S)
        assert links(box, seen_by)[called] == "down", gone
        await box.start(gone)
        await box.run_for(20.0)
    await box.kill("W1")
    await box.run_for(KNOWN_WITHIN_S)
    assert links(box, standby)["W1"] == "down", "the standby asks the witness itself"
    await box.start("W1")
    await box.run_for(20.0)
    await box.kill(standby)
    await box.run_for(KNOWN_WITHIN_S)
    assert links(box, "W1")[f"C1/{standby}"] == "down"
    assert links(box, "W1")[f"C1/{active}"] == "up"


def test_a_link_is_down_two_seconds_after_the_other_end_has_gone() -> None:
    """Promise: also where scans of a second make promises long; and a quiet pair stays up."""
    in_box(_who_is_down)
