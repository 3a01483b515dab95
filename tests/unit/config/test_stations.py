"""Stations, second addresses and fail values in field.yaml: what comes out, and what is refused with which sentence."""

import pytest

from dcs.config.find import find_config
from dcs.config.plant_config import PlantConfig
from dcs.core.errors import ConfigError
from dcs.node.assembly import load_configuration
from field_io.specs import DIAGNOSIS, DeviceSpec
from field_io.station import CardSpec

NODE = "field.devices.NODE-2"


def load(*overrides: str) -> PlantConfig:
    return load_configuration(find_config("drum_boiler"), ("variant=redundant_io", *(f"{NODE}.{o}" for o in overrides)))


def device(*overrides: str) -> DeviceSpec:
    (found,) = load(*overrides).devices
    return found


def test_points_on_cards_have_the_addresses_of_their_channels() -> None:
    spec = device()
    assert spec.backup == ("127.0.0.1", 5043)
    assert spec.station is not None
    assert spec.station.cards == (CardSpec(1, "AI", 8, True), CardSpec(3, "AI", 8), CardSpec(5, "AO", 8, True))
    where = {point.name: (point.table, point.address, point.type) for point in spec.points}
    assert where["LT-202"] == ("input", 100, "int16")
    assert where["FT-203"] == ("input", 104, "float32")
    assert where["JT-201"] == ("input", 304, "float32")
    assert where["FY-205"] == ("holding", 504, "float32")
    assert {point.name: point.fail_value for point in spec.points if point.direction == "out"} == {
        "JY-201": 20.0, "P-203": None, "FY-205": None,
    }  # fmt: skip


def test_diagnoses_are_bools_that_no_request_fetches_and_come_last() -> None:
    points = device().points
    assert [point.name for point in points if point.table == DIAGNOSIS] == ["XA-211", "XA-212", "XA-213"]
    assert points[-3].name == "XA-211"
    assert points[-3].type == "bool"
    assert points[-3].node == "redundancy_lost"


def test_a_station_has_a_watchdog_of_two_seconds_unless_it_says_otherwise() -> None:
    assert device().watchdog_ns == 2_000_000_000
    assert device("watchdog=500 ms").watchdog_ns == 500_000_000
    assert device("watchdog=0 s", "points.JY-201.fail_value=20 MW").watchdog_ns == 0


def test_a_fail_value_is_a_quantity() -> None:
    values = {point.name: point.fail_value for point in device("points.JY-201.fail_value=30000 kW").points}
    assert values["JY-201"] == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("points.LT-202.channel=9", "LT-202: the card in slot S1 has the channels 1 to 8. Write one of them."),
        ("points.LT-202.channel=2", "channel 2 of S1 is that of LT-202. Write another."),
        ("points.LT-202.slot=S2", "LT-202: there is no card in slot S2 of NODE-2. Its cards: S1, S3, S5."),
        ("points.LT-202.slot=S9", "LT-202: there is no card in slot S9 of NODE-2."),
        ("points.LT-202.table=input", "LT-202: `table` follows from slot and channel. Delete it."),
        ("points.LT-202.address=7", "LT-202: `address` follows from slot and channel. Delete it."),
        ("points.LT-202.fail_value=4 mA", "LT-202 is an input, and only an output has a fail value. Delete it."),
        ("points.JY-201.fail_value=4 bar", "JY-201: fail_value "),
        (
            "points.XA-211.direction=out",
            "XA-211: a diagnosis is read (`direction: in`) and has no `signal`. Correct that.",
        ),
        ("station.cards.S3.type=AO", "TT-206: card S3 is AO. Write `direction: out`."),
        ("station.cards.S3.duplex=true", ""),
        ("station.cards.S4={type: DI, duplex: true}", "card S4: slot S5 is already taken by the card of S5. Move it."),
        ("station.cards.S32={type: DI, duplex: true}", "there is no slot S32."),
        ("station.cards.X1={type: DI}", "there is no slot X1. A slot is S1 to S32; a duplex pair has two."),
        ("backup.port=5042", "the backup has the address of the device itself. Write its second address."),
        ("protocol=opc-ua", "`backup` means nothing for protocol opc-ua. Delete it."),
        ("repeat=1500 ms", "outputs are repeated every 1500 ms, but its watchdog waits 2000 ms."),
    ],
)
def test_what_cannot_work_is_told(override: str, message: str) -> None:
    if not message:
        assert load(override)
        return
    with pytest.raises(ConfigError) as caught:
        load(override)
    assert message in str(caught.value)
    assert "NODE-2" in str(caught.value)


def test_a_diagnosis_needs_what_it_is_about() -> None:
    with pytest.raises(ConfigError, match=r"NODE-2 has no `station`, so there is no fail_action. Delete the point."):
        load("station=null", "points={XA-212: {diagnosis: fail_action, direction: in}}")
