"""Faults in a whole plant: from the configuration, a scenario, commands; labels only where they are asked for."""

import json
from pathlib import Path
from typing import Any

import pytest

from dcs.bus.messages import Event, Reply
from dcs.core.errors import ConfigError
from dcs.core.status import describe_status
from dcs.node.assembly import load_configuration
from dcs.node.scenario import Director, check_faults, load_scenario
from tests.support.boxes import Box, Recorder, in_box

SCENARIO = """
actions:
  - {at: 60 s, fault: {target: LT-101, kind: bias, value: 0.8 mA, for: 30 s}}
  - {at: 70 s, fault: {target: RTU-1, kind: drop, value: 20}}
  - {at: 75 s, fault: {target: C1A>RTU-1, kind: latency, value: 50 ms}}
  - {at: 80 s, stick: {V-101: here}}
  - {at: 100 s, clear: RTU-1}
  - {at: 110 s, clear: all}
"""
PLANNED = (
    "faults=[{target: LT-102, kind: drift, value: 3, at: 20 s, for: 40 s}, {target: C1A>RTU-1, kind: drop, value: 5}]",
)


def played(tmp_path: Path, overrides: tuple[str, ...], seed: int = 1) -> tuple[list[Event], list[float]]:
    """(journal, level 1) of two minutes with ``SCENARIO`` and ``PLANNED``."""
    path = tmp_path / "faults.yaml"
    path.write_text(SCENARIO, encoding="utf-8")

    async def story(box: Box, recorder: Recorder) -> tuple[list[Event], list[float]]:
        await Director(box, load_scenario(path)).run(120 * 10**9)
        return recorder.events, recorder.trace("LIC-101.PV")[1].tolist()

    return in_box(story, overrides=(*PLANNED, *overrides), seed=seed)


def test_labels_say_what_target_kind_size_begin_and_end(tmp_path: Path) -> None:
    events, _ = played(tmp_path, ("labels=true",))
    labels = [event for event in events if event.kind == "fault"]
    start_ns = 1_767_225_600 * 10**9
    assert [(round((e.time_ns - start_ns) / 1e9, 3), e.subject, e.old, e.new) for e in labels] == [
        (0.0, "C1A>RTU-1", "", "drop 5 %"),
        (20.0, "LT-102", "", "drift 3 mA/h"),
        (60.0, "LT-102", "drift 3 mA/h", ""),
        (60.0, "LT-101", "", "bias 0.8 mA"),
        (70.0, "RTU-1", "", "drop 20 %"),
        (75.0, "C1A>RTU-1", "", "latency 0.05 s"),
        (80.0, "V-101", "", "stuck 70 %"),
        (90.0, "LT-101", "bias 0.8 mA", ""),
        (100.0, "RTU-1", "drop 20 %", ""),
        (110.0, "V-101", "stuck 70 %", ""),
        (110.0, "C1A>RTU-1", "drop 5 %", ""),
        (110.0, "C1A>RTU-1", "latency 0.05 s", ""),
    ]
    assert labels[3].text == "begins: bias 0.8 mA for 30 s"
    assert labels[7].text == "is over: bias 0.8 mA, since 2026-01-01T00:01:00.000Z"


def test_without_labels_the_journal_says_nothing_and_the_plant_does_the_same(tmp_path: Path) -> None:
    with_labels, level = played(tmp_path, ("labels=true",))
    without, same = played(tmp_path, ())
    assert level == same
    silent = [event for event in with_labels if event.kind != "fault"]
    assert [(e.time_ns, e.subject, e.text) for e in without if e.source != "field"] == [
        (e.time_ns, e.subject, e.text) for e in silent if e.source != "field"
    ]
    words = " ".join(event.text for event in without)
    assert not any(word in words for word in ("bias", "drift", "stuck", "sticks"))


def test_the_same_seed_is_the_same_run_and_another_is_not(tmp_path: Path) -> None:
    once, again = (played(tmp_path, ("labels=true",)) for _ in range(2))
    assert ([e.to_bytes() for e in once[0]], once[1]) == ([e.to_bytes() for e in again[0]], again[1])
    assert played(tmp_path, (), seed=2)[1] != once[1]


def test_the_desk_begins_lists_and_clears() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(20)

        async def ask(verb: str, target: str = "", **asked: Any) -> Reply:
            return await box.command("field", verb, target, json.dumps(asked) if asked else None)

        assert (await ask("fault", "LT-101", kind="open_circuit")).text == "LT-101: open_circuit"
        spike = {"kind": "spike", "value": "2 mA", "probability": 5, "for": "90 s"}
        reply = await ask("fault", "LT-102", **spike)
        assert reply.text == "LT-102: spike 2 mA in 5 % of the steps for 1 min 30 s"
        await box.run_for(3)
        side = box.controller(box.active("C1"))._p.field_side
        image = side.drivers[0].read("LT-101", box.clock.monotonic_ns())
        assert describe_status(image.status) == "Bad, sensor failure, low limited"
        found = json.loads((await ask("faults")).text)
        assert [(row["target"], row["kind"]) for row in found["active"]] == [
            ("LT-101", "open_circuit"),
            ("LT-102", "spike"),
        ]
        names = {row["name"] for row in found["targets"]}
        assert {"LT-101", "P-101", "RTU-1", "DRV-1", "C1A>RTU-1", "C1B>DRV-1"} <= names
        assert (await ask("clear", "LT-101")).text == "Over: LT-101: open_circuit"
        assert (await ask("clear", "LT-101")).text == "Nothing is wrong with LT-101."
        await box.run_for(100)
        assert json.loads((await ask("faults")).text)["active"] == []
        for reply, sentence in (
            (await ask("fault", "LT-999", kind="bias"), "there is no simulated point, device or cable LT-999."),
            (await ask("fault", "LT-101", kind="sticky"), "LT-101: there is no fault sticky. Did you mean stuck?"),
            (await ask("fault", "LT-101", kind="bias", value="5 cm"), "`5 cm` has a unit of length"),
            (await ask("fault", "LT-101", kind="bias", value=1, since=3), "found since"),
            (await box.command("field", "fault", "LT-101", "bias 1"), "a fault is a JSON object with kind, value"),
            (await ask("clear", "LT-999"), "there is no simulated point"),
        ):
            assert not reply.ok
            assert sentence in reply.text

    in_box(story)


def test_a_field_node_that_starts_again_has_what_its_configuration_plans_and_no_more() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(25)
        await box.command("field", "fault", "LT-101", json.dumps({"kind": "stuck", "for": "60 s"}))
        await box.kill("field")
        await box.run_for(2)
        await box.start("field")
        await box.run_for(22)
        assert [active.fault.target for active in box.faults().active()] == ["C1A>RTU-1", "LT-102"]
        await box.run_for(60)
        assert [active.fault.target for active in box.faults().active()] == ["C1A>RTU-1"]

    in_box(story, overrides=PLANNED)


# --- bad input ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            "{target: LT-999, kind: bias, value: 1}",
            "There is no simulated point, device or cable LT-999. Known: LT-101, ",
        ),
        ("{target: LT-101, kind: blas, value: 1}", "LT-101: there is no fault blas. Did you mean bias?"),
        ("{target: LT-101, kind: bias}", "LT-101: bias needs its error, in mA."),
        ("{target: RTU-1, kind: drop, value: 200}", "RTU-1: drop: the share is 200, but must be 0 to 100 %."),
        ("{target: C9>RTU-1, kind: cut}", "There is no simulated point, device or cable C9>RTU-1."),
        ("{target: LT-101, kind: bias, value: 1, for: long}", "`long` is not a duration"),
        ("{target: LT-101, kind: bias, value: 1, size: 3}", "size"),
    ],
)
def test_a_wrong_fault_is_refused_before_anything_starts(fault: str, sentence: str, tmp_path: Path) -> None:
    folder = Path("configs/quadruple_tank")
    with pytest.raises(ConfigError) as caught:
        load_configuration(folder, [f"faults=[{fault}]"])
    assert sentence in str(caught.value)
    path = tmp_path / "wrong.yaml"
    path.write_text(f"actions:\n  - {{at: 1 s, kill: C1A}}\n  - {{at: 2 s, fault: {fault}}}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        check_faults(load_scenario(path), load_configuration(folder))
    assert sentence in str(caught.value)
    assert f"{path}:3: " in str(caught.value)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("signal.instrument={fails: hold}", "a transmitter fails low or high; hold is for actuators"),
        ("signal.instrument={cut: 120}", "the low cut is 120 %"),
        ("signal.instrument={zero_error: 90}", "the calibration error is 90 % of the span"),
        ("signal.instrument={skew: 1 s}", "`skew` must be less than `sample`"),
        ("signal.instrument={bits: 12, resolution: 0.1}", "`bits` and `resolution` say the same"),
        ("signal.instrument={resolution: 1 cm}", "resolution `1 cm` has a unit of length"),
        ("signal.instrument={characteristic: cubic}", "`cubic` is not one of the choices"),
        ("status=NOWHERE", "device RTU-1 has no point `NOWHERE`"),
        ("status=LT-102", "LT-102 cannot carry its NE 107 status"),
    ],
)
def test_a_wrong_instrument_is_refused(override: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_configuration(Path("configs/quadruple_tank"), [f"devices.RTU-1.points.LT-101.{override}"])
    assert sentence in str(caught.value)


def test_an_actuator_has_only_what_actuators_have() -> None:
    with pytest.raises(ConfigError, match="`filter` is for measurements"):
        load_configuration(
            Path("configs/quadruple_tank"), ["devices.DRV-1.points.P-101.signal.instrument={filter: 1 s}"]
        )
