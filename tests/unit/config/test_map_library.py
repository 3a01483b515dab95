"""Every map of the library: it loads, its registers are apart, its source is named, and it can be simulated."""

import pytest

from dcs.config.map_device import device_of
from dcs.config.map_files import read_library
from dcs.core.units import UNITS, find_unit
from field_io.maps.library import library_names
from field_io.specs import overlaps
from tests.unit.config.fields_of import devices_of

NAMES = library_names()
_RANGES = {"generic_transmitter": ", behaviour: {type: transmitter, low: 0, high: 100}"}


@pytest.mark.parametrize("name", NAMES)
def test_it_names_maker_model_and_source(name: str) -> None:
    identity = read_library(name).file.identity
    assert identity.maker
    assert identity.model
    assert identity.source
    assert identity.note, "say what was left out"
    assert identity.url.startswith("http") or name.startswith("generic_")


@pytest.mark.parametrize("name", NAMES)
def test_every_point_can_be_taken_and_has_registers_of_its_own(name: str) -> None:
    points = device_of(name).points
    assert [point.name for point in points] == list(read_library(name).file.points)
    assert overlaps(points) == []
    for point in points:
        assert find_unit(point.unit).name in UNITS
        assert point.description


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_simulated_as_it_is(name: str) -> None:
    devices, errors = devices_of(f"devices:\n  D: {{map: {name}, simulate: true, port: 1{_RANGES.get(name, '')}}}\n")
    assert errors == []
    device = devices["D"]
    assert len(device.untaken) == len(read_library(name).file.points)
    assert device.points == ()
    assert device.behaviours or name in ("advantech_adam_6024", "moxa_iologik_e1242")


@pytest.mark.parametrize(
    ("name", "point", "table", "address", "kind", "scale"),
    [
        ("eastron_sdm630", "power_total", "input", 0x34, "float32", 1.0),
        ("eastron_sdm630", "energy_total", "input", 0x156, "float32", 1.0),
        ("abb_b23", "power_total", "holding", 0x5B14, "int32", 0.01),
        ("carlo_gavazzi_em24", "power_total", "input", 0x28, "int32", 0.1),
        ("schneider_iem3155", "voltage_l1", "holding", 0x0BD3, "float32", 1.0),
        ("siemens_pac3200", "power_total", "holding", 65, "float32", 1.0),
        ("sunspec_inverter", "power_total", "holding", 40091, "float32", 1.0),
        ("sunspec_inverter", "state", "holding", 40117, "uint16", 1.0),
        ("moxa_iologik_e1240", "status_0", "input", 60, "uint16", 1.0),
        ("moxa_iologik_e1242", "value_1", "input", 0x20A, "float32", 1.0),
        ("wago_750_ethernet", "constant_2", "holding", 0x2002, "uint16", 1.0),
    ],
)
def test_addresses_against_a_second_source(
    name: str, point: str, table: str, address: int, kind: str, scale: float
) -> None:
    """Samples as other programs and pages than the one that the map was made from give them."""
    devices, _ = devices_of(f"devices:\n  D: {{map: {name}, take: [{point}]}}\n")
    (found,) = devices["D"].points
    assert (found.table, found.address, found.type, found.scale) == (table, address, kind, scale)


def test_low_words_come_first_where_the_maker_says_so() -> None:
    devices, _ = devices_of("devices:\n  D: {map: carlo_gavazzi_em24, take: [power_total]}\n")
    assert devices["D"].points[0].word_order == "low_first"
