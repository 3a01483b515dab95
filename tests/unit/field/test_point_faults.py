"""Faults of points: each shows what it should, is repeatable, and is gone without a trace when it is cleared."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.errors import ConfigError
from dcs.core.status import (
    BAD,
    GOOD,
    describe_status,
    is_good,
    limits_of,
    quality_of,
)
from field_io.fault_kinds import DEVICE, KINDS, POINT, PlannedFault, Subject, checked
from tests.unit.field.fault_bench import Field, in_field

NOISY = ("noise", "spike")


def seen(
    kind: str, value: Any = None, point: str = "LT-2", seconds: int = 20, seed: int = 1, chance: Any = None
) -> list[float]:
    """What the driver has of a point once a second, with a fault from 5 s on."""
    found: list[float] = []

    async def story(field: Field) -> None:
        await field.until_s(5.0)
        field.faults.begin(point, kind, value, chance)
        found.extend(await field.trace(point, seconds))

    in_field(story, seed)
    return found


def healthy(point: str = "LT-2") -> float:
    return seen("maintenance_required", point=point, seconds=1)[0]


def test_each_disturbance_is_what_its_name_says() -> None:
    sound = healthy()
    assert seen("bias", 0.5)[-1] == pytest.approx(sound + 0.5, abs=0.001)
    assert seen("stuck", 7.0)[-1] == 7.0
    assert seen("quantise", 0.5)[-1] == pytest.approx(round(sound / 0.5) * 0.5)
    drifting = seen("drift", 360.0)  # 0.1 mA a second, from 5 s on; polled half a second before it is looked at
    assert drifting[9] - drifting[4] == pytest.approx(0.5, abs=0.002)
    assert drifting[0] == pytest.approx(sound + 0.05, abs=0.002)
    noise = seen("noise", 0.3, seconds=400)
    mean = sum(noise) / len(noise)
    assert mean == pytest.approx(sound, abs=0.06)
    assert math.sqrt(sum((x - mean) ** 2 for x in noise) / len(noise)) == pytest.approx(0.3, rel=0.15)
    spikes = [x - sound for x in seen("spike", 2.0, seconds=200, chance=20)]
    struck = [x for x in spikes if abs(x) > 1.0]
    assert 20 <= len(struck) <= 60
    assert {round(x) for x in struck} == {-2, 2}
    assert {round(x, 2) for x in spikes if abs(x) <= 1.0} == {0.0}


@pytest.mark.parametrize(
    ("point", "kind", "value", "quality", "limit"),
    [
        ("LT-2", "open_circuit", 0.0, BAD, 1),
        ("LT-2", "short_circuit", 24.0, BAD, 2),
        ("LT-2", "failure", 3.6, BAD, 1),
        ("FT-1", "open_circuit", math.nan, BAD, 0),
        ("FT-1", "failure", math.nan, BAD, 0),
        ("FT-2", "open_circuit", 327.67, GOOD, 0),
        ("FT-2", "short_circuit", -327.68, GOOD, 0),
        ("LS-1", "open_circuit", 0.0, GOOD, 0),
        ("LS-1", "short_circuit", 1.0, GOOD, 0),
    ],
)
def test_a_broken_wire_is_what_the_card_makes_of_it(
    point: str, kind: str, value: float, quality: int, limit: int
) -> None:
    async def story(field: Field) -> None:
        await field.until_s(5.0)
        before, neighbours = (
            field.value(point),
            [field.value(name) for name in ("LT-2", "FT-1", "FT-2") if name != point],
        )
        field.faults.begin(point, kind)
        await field.until_s(7.0)
        assert field.value(point) == pytest.approx(value, nan_ok=True)
        assert (quality_of(field.status(point)), limits_of(field.status(point))) == (quality, limit)
        assert [field.value(name) for name in ("LT-2", "FT-1", "FT-2") if name != point] == neighbours
        await field.faults.clear(point)
        await field.until_s(9.0)
        assert (field.value(point), field.status(point)) == (before, 128)

    in_field(story)


def test_swapped_registers_are_read_wrongly_and_understood_wrongly() -> None:
    async def story(field: Field) -> None:
        await field.until_s(5.0)
        sound = field.value("LT-2")
        field.faults.begin("LT-2", "swapped_bytes")
        field.faults.begin("FT-1", "swapped_words")
        await field.until_s(7.0)
        raw = round(sound * 1000)
        swapped = (raw & 0xFF) << 8 | raw >> 8
        assert field.value("LT-2") * 1000 == pytest.approx(swapped - 65536 if swapped > 32767 else swapped)
        words = field.device.bank.get_words("input", 2, 2)
        field.device.swap("FT-1", ())
        field.simulation._encode_anew()
        field.device.on_request()  # type: ignore[misc]
        assert field.device.bank.get_words("input", 2, 2) == words[::-1]
        await field.faults.clear_all()
        await field.until_s(9.0)
        assert field.value("LT-2") == sound
        field.faults.begin("V-1", "swapped_bytes")
        await field.driver.write({"V-1": 0x0102 / 100.0}, lambda: True)
        assert field.simulation.demands()[1] == pytest.approx(0x0201 / 100.0)
        await field.until_s(9.6)
        assert field.value("V-1") == pytest.approx(0x0102 / 100.0), "read back it is what was written"

    in_field(story)


def test_an_actuator_sticks_wanders_and_falls_to_where_it_fails() -> None:
    async def story(field: Field) -> None:
        plant = field.simulation.plant

        async def at(name: str, percent: float, seconds: float) -> float:
            await field.driver.write({name: percent}, lambda: True)
            await field.until_s(seconds)
            field.simulation.advance()
            return plant.get("valve_1" if name == "V-1" else "pump_voltage_1")

        await field.until_s(5.0)
        assert await at("V-1", 50.0, 10.0) == pytest.approx(0.5)
        field.faults.begin("V-1", "bias", 10.0)
        assert await at("V-1", 50.0, 12.0) == pytest.approx(0.6)
        field.faults.begin("V-1", "stuck", "here")
        assert await at("V-1", 20.0, 14.0) == pytest.approx(0.6)
        await field.faults.clear("V-1", "stuck")
        assert await at("V-1", 20.0, 16.0) == pytest.approx(0.3)
        field.faults.begin("V-1", "open_circuit")
        field.faults.begin("P-1", "open_circuit")
        assert await at("V-1", 20.0, 25.0) == pytest.approx(0.0)
        assert await at("P-1", 20.0, 30.0) == pytest.approx(10.0, abs=1e-3), "it fails high"
        await field.faults.clear_all()
        assert await at("V-1", 20.0, 32.0) == pytest.approx(0.2)

    in_field(story)


def test_what_a_device_knows_of_itself_decides_what_its_value_is_worth() -> None:
    """LT-1 names a status point; LT-2, with the same faults, does not."""
    found: dict[str, str] = {}

    async def story(field: Field) -> None:
        await field.until_s(3.0)
        found["sound"] = describe_status(field.status("LT-1"))
        for kind in ("failure", "check_function", "out_of_specification", "maintenance_required"):
            field.faults.begin("LT-1", kind)
            field.faults.begin("LT-2", kind)
            await field.until_s(field.clock.monotonic_ns() / 1e9 + 2.0)
            found[kind] = describe_status(field.status("LT-1"))
            if kind != "failure":
                assert is_good(field.status("LT-2"))
            await field.faults.clear_all()
        field.faults.begin("LT-1", "bias", 15.0)  # beyond 20.5 mA: it knows that it is out of its range
        await field.until_s(field.clock.monotonic_ns() / 1e9 + 2.0)
        found["saturated"] = describe_status(field.status("LT-1"))
        await field.faults.clear_all()
        await field.until_s(field.clock.monotonic_ns() / 1e9 + 2.0)
        found["after"] = describe_status(field.status("LT-1"))

    in_field(story)
    assert found == {
        "sound": "Good",
        "failure": "Bad, sensor failure, low limited",
        "check_function": "Bad, out of service",
        "out_of_specification": "Uncertain, sensor conversion not accurate",
        "maintenance_required": "Good, active advisory alarm",
        "saturated": "Uncertain, sensor conversion not accurate",  # 20.5 mA itself is within NE 43
        "after": "Good",
    }


# --- repeatable, and gone without a trace --------------------------------------------------------------------------
FAULTS = [
    ("LT-1", "bias", 0.5), ("LT-1", "drift", 60.0), ("LT-1", "noise", 0.2), ("LT-1", "spike", 2.0),
    ("LT-1", "quantise", 0.3), ("LT-1", "stuck", None), ("LT-1", "open_circuit", None), ("LT-1", "failure", None),
    ("FT-1", "noise", 3.0), ("FT-1", "open_circuit", None), ("FT-1", "swapped_words", None),
    ("FT-2", "short_circuit", None),
    ("LT-2", "swapped_bytes", None), ("LT-1", "check_function", 12.0), ("LT-1", "maintenance_required", None),
    ("P-1", "noise", 5.0), ("P-1", "stuck", 20.0), ("V-1", "drift", 500.0), ("V-1", "open_circuit", None),
    ("LS-1", "stuck", 1.0),
]  # fmt: skip

choice = st.lists(st.sampled_from(FAULTS), min_size=1, max_size=4, unique_by=lambda fault: fault[:2])


def registers(story_faults: list[Any], seed: int, looks: list[float], clear_at: float | None = None) -> list[str]:
    """All registers at 10 s and 20 s, with faults from 4 s on; ``looks``: when somebody asks besides."""
    found: list[str] = []

    async def story(field: Field) -> None:
        events = [(4.0, "begin"), (10.0, "look"), (20.0, "look"), *((at, "ask") for at in looks)]
        for at, what in sorted(events if clear_at is None else [*events, (clear_at, "clear")]):
            await field.until_s(at)
            if what == "begin":
                for target, kind, value in story_faults:
                    field.faults.begin(target, kind, value, 30 if kind == "spike" else None)
            elif what == "clear":
                await field.faults.clear_all()
            else:
                field.device.on_request()  # type: ignore[misc]
                if what == "look":
                    found.append(str(field.device.snapshot()) + str(field.simulation.plant.states.tolist()))

    in_field(story, seed)
    return found


@settings(max_examples=12)
@given(choice, st.integers(0, 5), st.lists(st.floats(0.1, 19.9), max_size=6))
def test_the_same_seed_gives_the_same_bytes_however_often_somebody_looks(
    faults: list[Any], seed: int, looks: list[float]
) -> None:
    assert registers(faults, seed, []) == registers(faults, seed, looks)


@settings(max_examples=12)
@given(choice.filter(lambda faults: all(target[0] not in "PV" for target, _, _ in faults)))
def test_what_is_cleared_has_never_been(faults: list[Any]) -> None:
    """Of measurements; a plant that an actuator has moved stays moved."""
    assert registers(faults, 1, [], clear_at=15.0)[1] == registers([], 1, [])[1]


@pytest.mark.parametrize("kind", NOISY)
def test_another_seed_gives_another_run(kind: str) -> None:
    once, again, other = (seen(kind, 0.5, seed=seed, chance=30 if kind == "spike" else None) for seed in (1, 1, 2))
    assert once == again
    assert once != other


@settings(max_examples=10)
@given(choice, st.integers(5, 120))
def test_a_snapshot_in_the_middle_goes_on_to_the_bit(faults: list[Any], steps: int) -> None:
    kept: list[bytes] = []
    ends: list[list[list[str]]] = [[], []]

    async def run(field: Field, found: list[list[str]]) -> None:
        for _ in range(3):
            await field.until_s(field.clock.monotonic_ns() / 1e9 + 1.3)
            field.device.on_request()  # type: ignore[misc]
            found.append([str(field.device.snapshot()), str(field.simulation.plant.states.tolist()),
                          str([active.fault for active in field.faults.active()])])  # fmt: skip

    async def first(field: Field) -> None:
        await field.until_s(2.0)
        for target, kind, value in faults:
            field.faults.begin(target, kind, value, duration="9 s" if kind == "noise" else None)
        await field.until_s(2.0 + steps / 10)
        kept.append(field.simulation.snapshot())
        await run(field, ends[0])

    async def second(field: Field) -> None:
        await field.until_s(1.0)
        field.faults.begin("LT-2", "bias", 1.0)  # of another past: gone after the restore
        field.simulation.restore(kept[0])
        field.faults.arm()
        await run(field, ends[1])

    in_field(first)
    in_field(second)
    assert ends[0] == ends[1]


def test_a_fault_ends_in_its_time_to_the_step() -> None:
    async def story(field: Field) -> None:
        await field.until_s(3.0)
        field.faults.begin("LT-2", "bias", 1.0, duration="2.5 s")
        sound = None
        for tenth in range(31, 70):
            await field.until_s(tenth / 10)
            field.device.on_request()  # type: ignore[misc]
            value = field.device.value("LT-2")
            sound = value - 1.0 if sound is None else sound
            assert value == pytest.approx(sound + (1.0 if tenth < 55 else 0.0), abs=0.002), tenth
        assert field.told == [("LT-2 bias 1 mA", True, 3000), ("LT-2 bias 1 mA", False, 5500)]
        assert field.faults.active() == []

    in_field(story)


def test_a_planned_fault_comes_and_goes_and_a_second_of_its_kind_takes_its_place() -> None:
    async def story(field: Field) -> None:
        field.faults.plan(
            [PlannedFault(checked(field.faults.target("LT-2").subject, "bias", "0.5 mA", None, "4 s"), 10**9)]
        )
        await field.until_s(2.0)
        field.faults.begin("LT-2", "bias", 0.7)
        await field.until_s(20.0)
        assert [(words, begins) for words, begins, _ in field.told] == [
            ("LT-2 bias 0.5 mA", True), ("LT-2 bias 0.5 mA", False), ("LT-2 bias 0.7 mA", True)
        ]  # fmt: skip
        assert [active.fault.value for active in field.faults.active()] == [0.7]

    in_field(story)


# --- bad input ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("target", "kind", "value", "sentence"),
    [
        ("LT-9", "bias", 1.0, "there is no simulated point, device or cable LT-9. Did you mean"),
        ("LT-1", "bais", 1.0, "LT-1: there is no fault bais. Did you mean bias?"),
        ("LT-1", "bias", None, "LT-1: bias needs its error, in mA."),
        ("LT-1", "bias", "1 cm", "LT-1: bias: `1 cm` has a unit of length"),
        ("LT-1", "bias", "much", "LT-1: bias: `much` is not a quantity."),
        ("LT-1", "bias", math.nan, "LT-1: bias: `nan` is not a number."),
        ("LT-1", "noise", -1.0, "LT-1: noise: the standard deviation is -1, but must be at least 0 mA."),
        ("LT-1", "quantise", 0.0, "LT-1: quantise: the step is 0, but must be at least 1e-09 mA."),
        ("LT-1", "open_circuit", 1.0, "LT-1: open_circuit takes no value; found `1.0`."),
        ("LT-1", "swapped_words", None, "LT-1 cannot have the fault swapped_words. It can have stuck, bias,"),
        ("LS-1", "bias", 1.0, "LS-1 cannot have the fault bias. It can have stuck, open_circuit, short_circuit."),
        ("P-1", "failure", None, "P-1 cannot have the fault failure."),
        ("SET", "stuck", None, "there is no simulated point, device or cable SET."),
        ("RTU-1", "exception", 99, "RTU-1: exception: the code is 99, but must be 1 to 11."),
        ("RTU-1", "exception", 2.5, "RTU-1: exception: the code is a whole number, not 2.5."),
        ("RTU-1", "drop", 120, "RTU-1: drop: the share is 120, but must be 0 to 100 %."),
        ("RTU-1", "clock_wrong", 5, "RTU-1 cannot have the fault clock_wrong."),
        ("C1A>RTU-1", "silent", None, "C1A>RTU-1: there is no fault silent. Known: cut, latency"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(target: str, kind: str, value: Any, sentence: str) -> None:
    async def story(field: Field) -> None:
        with pytest.raises((KeyError, ConfigError)) as caught:
            field.faults.begin(target, kind, value)
        assert sentence in str(caught.value.args[0])
        assert field.faults.active() == []

    in_field(story)


def test_every_kind_can_be_had_by_something() -> None:
    subjects = [Subject("a", POINT, "mA", traits) for traits in (("in", "register", "words"), ("out",), ("switch",))]
    found = {kind.name for subject in subjects for kind in subject.kinds}
    assert found == set(KINDS[POINT])
    traits = ("modbus", "registers", "opc_ua", "card")
    assert {kind.name for kind in Subject("d", DEVICE, traits=traits).kinds} == set(KINDS[DEVICE])


def test_the_signal_is_right_again_at_its_step_even_when_nobody_ends_the_fault() -> None:
    """Promise: a timer that comes late (a busy machine) does not prolong what a fault does."""

    async def story(field: Field) -> None:
        await field.until_s(3.0)
        sound = field.value("LT-2")
        field.faults.begin("LT-2", "bias", 1.0, duration="2 s")
        field.faults.close()
        for at_s, error in ((4.9, 1.0), (5.0, 0.0), (9.0, 0.0)):
            await field.until_s(at_s)
            field.device.on_request()  # type: ignore[misc]
            assert field.device.value("LT-2") == pytest.approx(sound + error, abs=0.002)
        assert len(field.faults.active()) == 1

    in_field(story)
