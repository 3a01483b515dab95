"""What each behaviour of a simulated device promises."""

import json
import math
import statistics
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from field_io.behaviours import KINDS
from field_io.devices.behaviours.chance import gaussian, stream, uniform
from field_io.devices.behaviours.registry import MAKERS
from tests.unit.field.processes import STEP_S, OnStep

POSITIONER = (
    "{map: generic_positioner, simulate: true, port: 1, behaviour: {type: positioner, travel: 20 s, dead_band: 1}}"
)
MOTOR = "{map: generic_motor_starter, simulate: true, port: 1, behaviour: {type: motor_starter, load: 100}}"
METER = "{map: eastron_sdm630, simulate: true, port: 1}"


def plain(*behaviours: str, unit: str = "bar", other: str = "bar") -> str:
    """A device of two points, A and B, with these behaviours."""
    points = (
        f"A: {{table: input, address: 0, type: float64, direction: in, unit: {unit}}}, "
        f"B: {{table: input, address: 4, type: float64, direction: in, unit: {other}}}"
    )
    return f"{{simulate: true, port: 1, points: {{{points}}}, behaviour: [{', '.join(behaviours)}]}}"


def test_every_type_that_is_declared_is_computed() -> None:
    assert set(MAKERS) == set(KINDS)


# --- simple sources -------------------------------------------------------------------------------------------
def test_a_constant_stays_and_a_point_follows_another() -> None:
    device = OnStep(
        plain("{type: constant, value: A, is: 3 bar}", "{type: follow, value: B, source: A, factor: 2, offset: 1}")
    )
    for _ in range(3):
        assert (device["A"], device["B"]) == (3.0, 7.0)
        device.run(1.0)


def test_a_ramp_begins_again() -> None:
    device = OnStep(plain("{type: ramp, value: A, low: 2, high: 4, period: 10 s}"))
    device.run(5.0)
    assert device["A"] == pytest.approx(3.0)
    device.run(6.0)
    assert device["A"] == pytest.approx(2.2)


def test_a_sine_goes_through_its_mean_and_its_top() -> None:
    device = OnStep(plain("{type: sine, value: A, mean: 5, amplitude: 2, period: 40 s, phase: 25}"))
    assert device["A"] == pytest.approx(7.0)
    device.run(10.0)
    assert device["A"] == pytest.approx(5.0)


def test_noise_has_the_deviation_it_was_told_whatever_its_lag() -> None:
    device = OnStep(
        plain(
            "{type: noise, value: A, mean: 5, deviation: 0.5}",
            "{type: noise, value: B, mean: 5, deviation: 0.5, lag: 1 s}",
        )
    )
    seen: list[list[float]] = [[], []]
    for _ in range(20_000):
        device.run(STEP_S)
        seen[0].append(device["A"])
        seen[1].append(device["B"])
    for values in seen:
        assert statistics.mean(values) == pytest.approx(5.0, abs=0.05)
        assert statistics.pstdev(values) == pytest.approx(0.5, rel=0.07)
    change = [statistics.pstdev(b - a for a, b in pairwise(values)) for values in seen]
    assert change[1] < change[0] / 2


@pytest.mark.parametrize(
    ("rate", "total", "per_hour"),
    [
        ("kW", "kWh", 6.0),
        ("W", "MWh", 6e-6),
        ("l/s", "m3", 21.6),
        ("kvar", "varh", 6000.0),
        ("%", "h", 0.06),
        ("A", "Ah", 6.0),
    ],
)
def test_a_total_counts_in_its_own_unit(rate: str, total: str, per_hour: float) -> None:
    device = OnStep(
        plain(
            "{type: constant, value: A, is: 6}",
            "{type: total, value: B, source: A, begin: 1}",
            unit=f'"{rate}"',
            other=total,
        )
    )
    device.run(360.0)
    assert device["B"] - 1.0 == pytest.approx(per_hour / 10.0, rel=1e-3)


def test_random_numbers_are_what_they_are_called() -> None:
    numbers = [gaussian(stream(1, "a"), n) for n in range(20_000)]
    assert statistics.mean(numbers) == pytest.approx(0.0, abs=0.03)
    assert statistics.pstdev(numbers) == pytest.approx(1.0, abs=0.02)
    assert all(0.0 < uniform(5, n) <= 1.0 for n in range(1000))
    assert [gaussian(stream(1, "b"), n) for n in range(5)] != numbers[:5]


# --- transmitter ----------------------------------------------------------------------------------------------
TRANSMITTER = """{map: generic_transmitter, simulate: true, port: 1,
  behaviour: {type: transmitter, low: 2, high: 10, damping: 5 s}}"""


def test_a_transmitter_says_the_same_in_all_its_ways() -> None:
    device = OnStep(TRANSMITTER)
    device["measured"] = 4.0
    device.run(100.0)
    assert device["value"] == pytest.approx(4.0)
    assert device["percent"] == pytest.approx(25.0)
    assert device["current"] == pytest.approx(8.0)
    assert device["out_of_range"] == 0.0
    device["measured"] = 40.0
    device.run(5.0)
    assert device["value"] == pytest.approx(4.0 + 36.0 * (1.0 - math.exp(-1.0)))  # one time constant
    device.run(100.0)
    assert device["current"] == 20.5  # NE 43
    assert device["out_of_range"] == 1.0
    assert device["maximum"] == pytest.approx(40.0)


# --- positioner -----------------------------------------------------------------------------------------------
@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(-20.0, 120.0), st.integers(1, 300)), min_size=1, max_size=6))
def test_a_positioner_never_outruns_its_actuator_and_arrives(moves: list[tuple[float, int]]) -> None:
    device = OnStep(POSITIONER)
    travelled = 0.0
    for setpoint, steps in moves:
        device["setpoint"] = setpoint
        for _ in range(steps):
            before = device["position"]
            device.run(STEP_S)
            assert abs(device["position"] - before) <= 100.0 * STEP_S / 20.0 + 1e-9
            assert 0.0 <= device["position"] <= 100.0
            travelled += abs(device["position"] - before)
    assert device["travel_total"] == pytest.approx(travelled)
    device.run(25.0)
    assert abs(device["position"] - min(max(setpoint, 0.0), 100.0)) <= 1.0  # within the dead band
    assert device["moving"] == 0.0


def test_a_positioner_rests_within_its_dead_band_and_counts_its_strokes() -> None:
    device = OnStep(POSITIONER)
    device["setpoint"] = 50.0
    device.run(30.0)
    assert (device["position"], device["strokes"]) == (50.0, 1.0)
    device["setpoint"] = 50.9
    device.run(30.0)
    assert (device["position"], device["strokes"]) == (50.0, 1.0)
    device["setpoint"] = 0.4  # so near to its seat it shuts
    device.run(30.0)
    assert (device["position"], device["strokes"], device["closed"], device["open"]) == (0.0, 2.0, 1.0, 0.0)
    device["setpoint"] = 100.0
    device.run(30.0)
    assert (device["closed"], device["open"]) == (0.0, 1.0)


def test_a_positioner_that_cannot_follow_says_so() -> None:
    text = POSITIONER.replace("travel: 20 s", "travel: 1000 s, deviation_time: 5 s")
    device = OnStep(text)
    device["setpoint"] = 100.0
    device.run(4.9)
    assert device["deviation_alarm"] == 0.0
    device.run(0.3)
    assert device["deviation_alarm"] == 1.0


# --- motor starter --------------------------------------------------------------------------------------------
def test_a_motor_runs_up_runs_and_stops() -> None:
    device = OnStep(MOTOR)
    device["start"] = 1.0
    device.run(1.0)
    assert (device["state"], device["starting"], device["running"]) == (1.0, 1.0, 0.0)
    assert device["current"] == 60.0  # six times rated
    device.run(3.0)
    assert (device["state"], device["running"], device["speed"], device["current"]) == (2.0, 1.0, 100.0, 10.0)
    device["start"] = 0.0  # a pulse: it goes on
    device.run(10.0)
    assert device["running"] == 1.0
    device["stop"] = 1.0
    device.run(1.0)
    assert (device["state"], device["current"]) == (3.0, 0.0)
    device["start"] = 1.0  # not while it is told to stop
    device.run(10.0)
    assert (device["state"], device["speed"], device["starts"]) == (0.0, 0.0, 1.0)
    assert device["hours"] == pytest.approx(14.0 / 3600.0, abs=0.2 / 3600.0)


def test_a_motor_that_is_overloaded_trips_and_waits_for_its_reset() -> None:
    device = OnStep(MOTOR.replace("load: 100", "load: 150, thermal_time: 60 s, starting_current: 1"))
    device["run"] = 1.0
    device.run(30.0)
    assert device["running"] == 1.0
    device.run(12.0)  # 225 % of what it may have for ever, up to 110 %: 60 s × ln(225 / 115) = 40 s
    assert (device["tripped"], device["running"], device["current"]) == (1.0, 0.0, 0.0)
    device["reset"] = 1.0  # too warm
    device.run(1.0)
    device["reset"] = 0.0
    assert device["tripped"] == 1.0
    device.run(60.0)
    assert device["thermal_load"] < 60.0
    device["reset"] = 1.0
    device.run(1.0)
    assert (device["tripped"], device["ready"]) == (0.0, 1.0)
    device.run(20.0)
    assert device["starts"] == 1.0  # `run` is still on: it must go off first
    device["run"] = 0.0
    device.run(1.0)
    device["run"] = 1.0
    device.run(1.0)
    assert device["starts"] == 2.0


def test_a_motor_at_its_rated_load_never_trips() -> None:
    device = OnStep(MOTOR.replace("load: 100", "load: 100, thermal_time: 60 s, starting_current: 2"))
    device["run"] = 1.0
    device.run(1200.0)
    assert device["running"] == 1.0
    assert device["thermal_load"] == pytest.approx(100.0, abs=0.1)


# --- power meter ----------------------------------------------------------------------------------------------
@settings(max_examples=25, deadline=None)
@given(
    current=st.floats(-100.0, 100.0), factor=st.floats(0.05, 1.0), unbalance=st.floats(0.0, 30.0),
    seconds=st.floats(0.1, 50.0), seed=st.integers(0, 2**32),
)  # fmt: skip
def test_what_a_power_meter_shows_agrees(
    current: float, factor: float, unbalance: float, seconds: float, seed: int
) -> None:
    numbers = f"current: {current:.6f}, power_factor: {factor:.6f}, unbalance: {unbalance:.6f}, period: 30 s"
    device = OnStep(METER.replace("port: 1", f"port: 1, behaviour: {{type: power_meter, {numbers}}}"), seed)
    device.run(seconds)
    before = device["energy_import"] - device["energy_export"]
    device.run(STEP_S)
    for phase in ("l1", "l2", "l3"):
        p, q, s = (device[f"{kind}_{phase}"] for kind in ("power", "reactive_power", "apparent_power"))
        assert s == pytest.approx(device[f"voltage_{phase}"] * device[f"current_{phase}"])
        assert s * s == pytest.approx(p * p + q * q)
        assert p == pytest.approx(s * device[f"power_factor_{phase}"])
    for total, parts in (
        ("power", "power"),
        ("reactive_power", "reactive_power"),
        ("apparent_power", "apparent_power"),
    ):
        phases = sum(device[f"{parts}_{phase}"] for phase in ("l1", "l2", "l3"))
        assert device[f"{total}_total"] == pytest.approx(phases)
    energy = device["energy_import"] - device["energy_export"] - before
    assert energy == pytest.approx(device["power_total"] * STEP_S / 3.6e6, rel=1e-6, abs=1e-12)
    assert device["energy_total"] == pytest.approx(device["energy_import"] + device["energy_export"])


def test_a_power_meter_can_follow_a_load() -> None:
    points = "L: {table: input, address: 1000, type: float32, unit: kW, direction: in}"
    device = OnStep(
        "{map: siemens_pac3200, simulate: true, port: 1, points: {"
        + points
        + "}, behaviour: {type: power_meter, load: L}}"
    )
    device["L"] = 12.0
    device.run(1.0)
    assert device["power_total"] == pytest.approx(12_000.0, rel=1e-9)


def test_two_meters_of_one_type_differ_and_the_same_seed_repeats() -> None:
    one, same, other = OnStep(METER, 3), OnStep(METER, 3), OnStep(METER, 4)
    for device in (one, same, other):
        device.run(5.0)
    assert one.process.values == same.process.values
    assert one["voltage_l1"] != other["voltage_l1"]


# --- all of them ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text", [POSITIONER, MOTOR, METER, TRANSMITTER, "{map: sunspec_inverter, simulate: true, port: 1}"]
)
@settings(max_examples=8, deadline=None)
@given(
    seconds=st.floats(0.0, 20.0),
    values=st.lists(st.sampled_from([0.0, 1.0, 50.0, math.nan, -5.0, math.inf]), max_size=6),
)
def test_a_snapshot_holds_all_and_no_number_is_lost(text: str, seconds: float, values: list[float]) -> None:
    """Promise: what goes on from a snapshot goes on to the last bit; NaN from a client never reaches what is shown."""
    device, again = OnStep(text), OnStep(text)
    told = [*device.process.told, *device.process.read]
    for number, value in enumerate(values):
        if told:
            device.process.put(told[number % len(told)], value)
        device.run(seconds / len(values))
    again.process.restore(json.loads(json.dumps(device.process.snapshot())))
    for one in (device, again):
        one.run(3.0)
    assert [repr(v) for v in again.process.values] == [repr(v) for v in device.process.values]
    assert all(math.isfinite(value) for value in device.process.made_values())
