"""Instruments that are not ideal: characteristic, calibration, NE 43, low cut, filter, A/D converter, scan skew."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs.blocks.io.conversion import SQRT, engineering_value
from field_io import ne107
from field_io.instruments import InstrumentSpec
from field_io.signal_faults import FAILURE, SignalFault
from field_io.signals import Transmitters
from field_io.specs import PointSpec, SignalSpec
from tests.unit.field.fault_bench import Field, flow, in_field, level

STEP_S = 0.1


def bank(*instruments: InstrumentSpec, unit: str = "mA", noise: float = 0.0) -> Transmitters:
    """Points over 0 … 1 of the variable, as 4–20 mA."""
    low, high = (4.0, 20.0) if unit == "mA" else (0.0, 100.0)
    points = [
        PointSpec(f"T-{at}", "input", at, "int16", unit=unit, signal=SignalSpec("x", 0, 1, low, high, noise, 0.0, each))
        for at, each in enumerate(instruments)
    ]
    made = Transmitters(points, STEP_S, 1)
    made.settle([0.0] * len(points))
    return made


def says(instrument: InstrumentSpec, variable: float) -> float:
    made = bank(instrument)
    made.settle([variable])
    return made.value(0)


def test_characteristics() -> None:
    assert says(InstrumentSpec("linear"), 0.25) == 8.0
    assert says(InstrumentSpec("square_root"), 0.25) == 12.0
    assert says(InstrumentSpec("dp"), 0.5) == 8.0
    assert says(InstrumentSpec("dp_root"), 0.5) == pytest.approx(12.0)
    assert says(InstrumentSpec("dp"), -0.5) == 3.8, "backwards: below zero, as far as NE 43 lets it"
    assert says(InstrumentSpec("square_root"), -0.5) == 4.0


@given(st.floats(0.0, 1.0))
def test_the_root_comes_out_the_same_whoever_takes_it(share: float) -> None:
    """Promise: root in the transmitter and a linear AI block = linear transmitter and root in the AI block."""
    linear_ma = says(InstrumentSpec("dp"), share)
    assert engineering_value(linear_ma, 4.0, 20.0, 0.0, 1.0, SQRT, 0.0) == pytest.approx(share, abs=1e-7)
    root_ma = says(InstrumentSpec("dp_root"), share)
    assert (root_ma - 4.0) / 16.0 == pytest.approx(share, abs=1e-7)


def test_an_error_of_the_zero_is_large_at_low_flow_behind_a_root() -> None:
    error = InstrumentSpec("dp_root", zero_error=0.01)
    assert says(error, 0.0) == pytest.approx(4.0 + 16.0 * 0.1)
    assert says(error, 1.0) == pytest.approx(4.0 + 16.0 * math.sqrt(1.01))


def test_calibration_cut_resolution() -> None:
    assert says(InstrumentSpec(zero_error=0.02, span_error=-0.1), 0.5) == pytest.approx(4 + 16 * (0.5 + 0.02 - 0.05))
    assert [says(InstrumentSpec(cut=0.05), x) for x in (0.049, 0.051)] == [4.0, pytest.approx(4.816)]
    assert says(InstrumentSpec(resolution=0.25), 0.3) == 8.75
    steps = {says(InstrumentSpec(resolution=16.0 / 255), x / 5000) for x in range(5001)}
    assert len(steps) == 256, "8 bits over the range"


@pytest.mark.parametrize(("fails", "failed_ma"), [("low", 3.6), ("high", 21.0), ("", 3.6)])
def test_a_transmitter_fails_the_way_it_is_set_and_no_converter_lifts_it(fails: str, failed_ma: float) -> None:
    made = bank(InstrumentSpec(fails=fails, resolution=0.25))
    made.begin(0, SignalFault(FAILURE, 0.0, 0.0, 0, 0))
    assert made.value(0) == failed_ma
    made.end(0, FAILURE)
    assert made.value(0) == 4.0


def test_the_card_filters_the_noise_and_the_transmitter_damps_the_variable() -> None:
    made = bank(InstrumentSpec(), InstrumentSpec(filter_s=2.0), noise=0.1)
    seen = []
    for _ in range(3000):
        made.step([0.5, 0.5])
        seen.append([made.value(0), made.value(1)])
    spread = [math.sqrt(sum((row[at] - 12.0) ** 2 for row in seen[200:]) / 2800) for at in (0, 1)]
    assert spread[0] == pytest.approx(0.1, rel=0.1)
    share = -math.expm1(-STEP_S / 2.0)
    assert spread[1] == pytest.approx(
        0.1 * math.sqrt(share / (2.0 - share)), rel=0.3
    )  # a first-order filter on white noise
    quiet = bank(InstrumentSpec(filter_s=2.0))
    for _ in range(20):
        quiet.step([1.0])
    assert quiet.value(0) == pytest.approx(4.0 + 16.0 * -math.expm1(-1.0))


def test_values_of_one_request_are_of_different_instants() -> None:
    """Four channels of a multiplexed card, one a quarter of a second: a ramp of 1 mA a second tells when."""
    skews = [0, 250, 500, 750]
    made = bank(*(InstrumentSpec(period_ns=10**9, skew_ns=skew * 10**6) for skew in skews))
    for number in range(1, 61):
        made.step([number * STEP_S / 16.0] * 4)
    seen = made.field_values().tolist()  # at 6.0 s
    assert seen == pytest.approx([4 + 6.0, 4 + 5.3, 4 + 5.5, 4 + 5.8]), "the first step at or after each instant"
    made.step([10.0] * 4)
    assert made.field_values().tolist()[1:] == seen[1:], "nothing new before its turn"


def test_what_is_sampled_and_filtered_does_not_depend_on_who_looks_and_survives_a_snapshot() -> None:
    spec = InstrumentSpec("dp", filter_s=1.0, resolution=0.01, period_ns=7 * 10**8, skew_ns=10**8)
    points = (
        level("LT-1", 0, noise=0.05, instrument=InstrumentSpec(filter_s=3.0, period_ns=10**9)),
        flow("FT-1", 1, spec),
    )
    ends: list[list[float]] = []
    kept: list[bytes] = []

    async def watched(field: Field) -> None:
        await field.until_s(5.3)
        kept.append(field.simulation.snapshot())
        for tenth in range(54, 150):
            await field.until_s(tenth / 10 + 0.03)
            field.simulation.measurements()
            field.device.on_request()  # type: ignore[misc]
        await field.until_s(15.0)
        field.simulation.advance()
        ends.append(field.simulation.measurements().tolist())

    async def alone(field: Field) -> None:
        await field.until_s(15.0)
        field.simulation.advance()
        ends.append(field.simulation.measurements().tolist())

    async def restored(field: Field) -> None:
        await field.until_s(5.3)
        field.simulation.restore(kept[0])
        await alone(field)

    in_field(watched, points=points)
    in_field(alone, points=points)
    in_field(restored, seed=1, points=points)
    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize("way", ne107.WAYS)
def test_ne_107_conditions_go_through_a_register(way: str) -> None:
    for condition in range(5):
        assert ne107.decoded(ne107.encoded(condition, way), way) == condition
    assert ne107.decoded(math.nan, way) == -1
    assert ne107.decoded(7.0, "code") == -1
    assert ne107.decoded(0b1100, "bits") == ne107.OUT_OF_SPECIFICATION, "of several the gravest"


@given(st.integers(0, 255), st.integers(-1, 4))
def test_a_diagnosis_never_makes_a_value_better(status: int, condition: int) -> None:
    judged = ne107.judged(status, condition)
    assert judged >> 6 <= status >> 6
    assert judged & 3 == status & 3
    if condition == ne107.NORMAL:
        assert judged == status
    if condition in (ne107.FAILURE, ne107.CHECK_FUNCTION):
        assert judged >> 6 == 0


@given(st.floats(-0.2, 1.2), st.sampled_from(["mA", "%"]))
def test_a_point_alone_says_to_the_bit_what_it_says_among_others(share: float, unit: str) -> None:
    """Promise: a fault that does nothing to the value (maintenance required) changes not one bit of it."""
    made = bank(InstrumentSpec(), InstrumentSpec(), unit=unit, noise=0.02)
    made.step([share, share])
    before = made.field_values().tolist()
    made.begin(0, SignalFault("maintenance_required", 0.0, 0.0, 0, 0))
    assert made.field_values().tolist() == before
    made.end(0, "maintenance_required")
    assert made.field_values().tolist() == before
