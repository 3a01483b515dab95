"""Promises of the flow compensation."""

import math

import pytest

from dcs.core.status import BAD, LIMIT_HIGH, LIMIT_LOW, STATUS_BAD, STATUS_GOOD, UNCERTAIN, limits_of, quality_of
from tests.unit.blocks.bench import OnBench

DP_MASS, DP_VOLUME, VOLUME_TO_STANDARD = 0, 1, 2


def steam(**values: float) -> OnBench:
    """An orifice made for 600 kPa gauge and 200 °C."""
    wired = {"pressure_linked": 1, "temperature_linked": 1}
    good = {f"{name}_status": STATUS_GOOD for name in ("flow", "pressure", "temperature")}
    at = {"flow": 100.0, "pressure": 600.0, "temperature": 200.0, "pressure_ref": 600.0, "temperature_ref": 200.0}
    zeros = {"pressure_add": 101.325, "temperature_add": 273.15}
    return OnBench("FLOW_COMP", **wired | good | at | zeros | values)


@pytest.mark.parametrize("method", [DP_MASS, DP_VOLUME, VOLUME_TO_STANDARD])
def test_at_its_reference_nothing_is_corrected(method):
    assert steam(method=method).step().out == pytest.approx(100.0, rel=1e-15)


@pytest.mark.parametrize(("pressure", "temperature"), [(450.0, 260.0), (1100.0, 190.0)])
def test_mass_flow_is_proportional_to_the_root_of_the_density(pressure, temperature):
    """Promise: ISO 5167, q_m = C sqrt(2 dp rho): the ratio of two densities of an ideal gas, from p/(R T)."""
    gas_constant = 461.5
    block = steam(method=DP_MASS, pressure=pressure, temperature=temperature)
    density = (pressure + 101.325) * 1000 / (gas_constant * (temperature + 273.15))
    reference = (600.0 + 101.325) * 1000 / (gas_constant * (200.0 + 273.15))
    assert block.step().out == pytest.approx(100.0 * math.sqrt(density / reference), rel=1e-12)
    assert steam(method=DP_VOLUME, pressure=pressure, temperature=temperature).step().out == pytest.approx(
        100.0 * math.sqrt(reference / density), rel=1e-12
    )


def test_a_volume_meter_to_standard_volume_is_boyle_and_charles():
    block = steam(method=VOLUME_TO_STANDARD, pressure_ref=0.0, temperature_ref=0.0, pressure=50.0, temperature=30.0)
    block.z_ratio = 1.02
    assert block.step().out == pytest.approx(100.0 * (151.325 / 101.325) * (273.15 / 303.15) * 1.02, rel=1e-12)


def test_what_is_not_wired_counts_as_at_its_reference():
    assert steam(pressure_linked=0, pressure=0.0).step().out == pytest.approx(100.0)


@pytest.mark.parametrize("dead", [{"pressure": math.nan}, {"pressure_status": STATUS_BAD, "pressure": 1e9}])
def test_a_dead_pressure_leaves_its_last_good_value_and_an_uncertain_flow(dead):
    block = steam(pressure=450.0)
    held = block.step().out
    block.step(**dead)
    assert (block.out, quality_of(block.out_status)) == (held, UNCERTAIN)
    block.step(pressure=450.0, pressure_status=STATUS_GOOD)
    assert block.out_status == STATUS_GOOD


def test_a_pressure_that_was_never_good_counts_as_at_its_reference():
    block = steam(pressure=0.0, pressure_status=STATUS_BAD)
    assert (block.step().out, quality_of(block.out_status)) == (pytest.approx(100.0), UNCERTAIN)


@pytest.mark.parametrize("dead", [{"flow": math.inf}, {"flow_status": STATUS_BAD, "flow": 3.0}])
def test_a_dead_flow_holds_and_shows(dead):
    block = steam()
    block.step()
    block.step(**dead)
    assert (block.out, quality_of(block.out_status)) == (pytest.approx(100.0), BAD)


def test_the_factor_is_limited_and_says_so():
    block = steam(pressure=9000.0)
    assert (block.step().factor, limits_of(block.factor_status)) == (2.0, LIMIT_HIGH)
    block.step(pressure=-50.0)
    assert (block.factor, limits_of(block.factor_status)) == (0.5, LIMIT_LOW)


@pytest.mark.parametrize("impossible", [{"pressure": -200.0}, {"temperature": -300.0}])
def test_less_than_nothing_leaves_the_factor_as_it_was(impossible):
    block = steam(pressure=450.0)
    before = block.step().factor
    assert block.step(**impossible).factor == before
    assert limits_of(block.factor_status) == LIMIT_LOW | LIMIT_HIGH
    assert [quality_of(status) for status in (block.factor_status, block.out_status)] == [BAD, BAD]


def test_a_zero_that_was_forgotten_shows():
    """Promise: a gauge pressure without its zero, whose reference is 0, does not pass as compensated."""
    block = steam(pressure_ref=0.0, pressure_add=0.0)
    assert quality_of(block.step().out_status) == BAD


def test_without_pressure_and_temperature_it_is_a_wire():
    block = OnBench("FLOW_COMP", flow=37.0, flow_status=STATUS_GOOD)
    assert (block.step().out, block.out_status, block.factor) == (37.0, STATUS_GOOD, 1.0)
