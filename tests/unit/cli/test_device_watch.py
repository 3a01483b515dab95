"""``dcs device watch``: registers beside values, a wrong order at a glance, and a device in trouble."""

import json
import random
import struct
from dataclasses import replace
from typing import Any

import pytest

from dcs.cli.device_watch import WIDTH, WatchRequest, lines, spec_of, to_dict, watch_device
from dcs.core.errors import ConfigError, Missing
from field_io.modbus.pdu import ILLEGAL_ADDRESS
from field_io.onboarding.watch import DeviceWatch
from field_io.specs import DeviceSpec, PointSpec
from tests.unit.field.probe_bench import HOST, PORT, Bench, HeardUnit, on_bench

POINTS = (
    PointSpec("FT-101", "input", 0, "float32", unit="cm3/s", word_order="high_first"),
    PointSpec("FT-102", "input", 2, "float32", unit="cm3/s", word_order="low_first"),
    PointSpec("PT-101", "input", 4, "int16", unit="mA", scale=0.001),
    PointSpec("KWH", "input", 5, "uint64"),
    PointSpec("NAME", "holding", 0, "string", length=6),
    PointSpec("RUN", "coil", 3, "bool"),
    PointSpec("TRIP", "holding", 20, "bool", bit=4),
)
SPEC = DeviceSpec("DRV-1", HOST, PORT, 1, simulate=False, points=POINTS)


def drive(bench: Bench) -> HeardUnit:
    """Two flows in low word first, and the rest."""
    unit = bench.unit(input=[(0, 9)], holding=[(0, 6), (20, 1)], coil=[(0, 8)])
    random_ = random.Random(5)

    def move(peer: str) -> None:
        for at, size in ((0, 10.01), (2, 12.5)):
            data = struct.pack(">f", size * (1.0 + random_.gauss(0.0, 0.002)))
            unit.bank.write("input", at, data[2:] + data[:2])

    unit.before_request = move
    unit.bank.set_words("input", 4, [12345])
    unit.bank.write("input", 5, (987_654_321).to_bytes(8, "big"))
    unit.bank.write("holding", 0, b"DRIVE 7\0\0\0\0\0")
    unit.bank.set_words("holding", 20, [0x0010])
    unit.bank.set_bit("coil", 3, True)
    return unit


def look(bench: Bench, spec: DeviceSpec = SPEC) -> DeviceWatch:
    return DeviceWatch(spec, bench.link(spec), bench.clock)


def test_values_stand_beside_their_registers() -> None:
    async def scenario(bench: Bench) -> None:
        drive(bench)
        device = look(bench)
        await device.look()
        shown = "\n".join(lines(device, bench.clock))
        for text in ("3039", "12.345", "0000 0000 3ADE 68B1", "987654321", "“DRIVE 7”", "H20.4", "Good", "0.0 s"):
            assert text in shown, text
        by_name = {point["point"]: point for point in to_dict(device, bench.clock)["points"]}
        assert by_name["PT-101"]["registers"] == ["3039"]
        assert by_name["PT-101"]["value"] == pytest.approx(12.345)
        assert by_name["NAME"]["value"] == "DRIVE 7"
        assert by_name["RUN"]["value"] == by_name["TRIP"]["value"] == 1.0
        assert by_name["FT-101"]["age_s"] == 0.0

    on_bench(scenario)


def test_a_wrong_word_order_is_seen_and_the_right_one_is_named() -> None:
    """Promise: after three looks all four orders stand there, the plausible one marked, and a hint what to write."""

    async def scenario(bench: Bench) -> None:
        drive(bench)
        device = look(bench)
        for _ in range(3):
            await device.look()
        wrong, right = device.points[0], device.points[1]
        assert "word_order: low_first" in wrong.verdict.hint
        assert right.verdict.hint == ""
        shown = lines(device, bench.clock)
        line = next(text for text in shown if "=ABCD" in text)
        assert "CDAB [10.0" in line
        assert "=ABCD [" not in line
        assert any("=CDAB [12." in text for text in shown)

    on_bench(scenario)


@pytest.mark.parametrize("seed", range(5))
def test_no_line_is_wider_than_the_terminal(seed: int) -> None:
    async def scenario(bench: Bench) -> None:
        unit = drive(bench)
        random_ = random.Random(seed)
        unit.before_request = None
        unit.bank.write("input", 0, random_.randbytes(18))
        long = tuple(replace(point, name=point.name + "-WITH-A-VERY-LONG-TAG-NAME") for point in POINTS)
        device = look(bench, replace(SPEC, points=long))
        await device.look()
        assert max(len(line) for line in lines(device, bench.clock)) <= WIDTH

    on_bench(scenario)


def test_a_point_that_is_not_there_does_not_take_its_neighbours_with_it() -> None:
    async def scenario(bench: Bench) -> None:
        drive(bench)
        missing = PointSpec("GONE", "input", 12, "uint16")
        device = look(bench, replace(SPEC, points=(*POINTS[:3], missing)))
        await device.look()
        await device.look()
        by_name = {one.point.name: one for one in device.points}
        assert by_name["GONE"].trouble == f"exception {ILLEGAL_ADDRESS}, illegal data address"
        assert by_name["GONE"].sampled_ns is None
        assert by_name["PT-101"].trouble == ""
        assert any("exception 2" in line for line in lines(device, bench.clock) if line.startswith("GONE"))

    on_bench(scenario)


def test_a_device_that_goes_silent_grows_old_turns_bad_and_is_seen_again() -> None:
    async def scenario(bench: Bench) -> None:
        unit = drive(bench)
        device = look(bench)
        await device.look()
        unit.silent = True
        await bench.clock.sleep_until(bench.clock.monotonic_ns() + SPEC.stale_after_ns)
        await device.look()
        assert "down: no answer" in device.state
        assert all(one.status < 64 for one in device.points)
        unit.silent = False
        await device.look()
        assert device.state == "up"
        assert all(one.status >= 128 and not one.trouble for one in device.points)

    on_bench(scenario)


def test_nothing_is_ever_written() -> None:
    async def scenario(bench: Bench) -> None:
        unit = drive(bench)
        out = PointSpec("SP", "input", 4, "uint16")
        device = look(bench, replace(SPEC, points=(*POINTS, replace(out, name="OUT", table="holding", address=1))))
        for _ in range(3):
            await device.look()
        assert {pdu[0] for _, pdu in unit.heard} <= {1, 2, 3, 4}

    on_bench(scenario)


def test_once_prints_a_table_or_json_and_leaves_no_connection(capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario(bench: Bench) -> None:
        drive(bench)
        request = WatchRequest("x", once=True)
        assert await watch_device(request, SPEC, bench.link, bench.clock) == 0
        assert await watch_device(replace(request, as_json=True), SPEC, bench.link, bench.clock) == 0
        assert bench.network.connections == 0

    on_bench(scenario)
    table, _, rest = capsys.readouterr().out.partition("{")
    assert table.startswith("DRV-1  modbus://device:502/1  up")
    assert {point["point"] for point in json.loads("{" + rest)["points"]} == {point.name for point in POINTS}


def test_nobody_there_is_a_sentence_and_exit_code_3() -> None:
    async def scenario(bench: Bench) -> None:
        with pytest.raises(Missing, match=r"DRV-1 on device:777 does not answer") as caught:
            await watch_device(WatchRequest("x", once=True), replace(SPEC, port=777), bench.link, bench.clock)
        assert caught.value.exit_code == 3

    on_bench(scenario)


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (WatchRequest("quadruple_tank"), "Which device"),
        (WatchRequest("quadruple_tank", "RTU-7"), "no device RTU-7"),
        (WatchRequest("quadruple_tank", "RTU-1", points="ZZ*"), "no point"),
        (WatchRequest("quadruple_tank", "RTU-1", sets=("field.devices.RTU-1.port=auto",)), "free port"),
        (WatchRequest("modbus://h?unit=1"), "--out map.yaml"),
        (WatchRequest("modbus://h?unit=1", "RTU-1"), "one of the two"),
    ],
)
def test_what_cannot_be_watched_is_refused_with_what_to_do(request_: WatchRequest, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        spec_of(request_)


def test_points_of_a_plant_are_chosen_by_pattern() -> None:
    spec: Any = spec_of(WatchRequest("quadruple_tank", "RTU-1", points="lt-10[12]"))
    assert [point.name for point in spec.points] == ["LT-101", "LT-102"]
