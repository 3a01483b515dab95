"""Maps and probing: a probe writes a map, one of the library is recognised, a device is watched through one."""

import random
import struct
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from dcs.cli.device_maps import known_maps as read_known_maps
from dcs.cli.device_maps import list_maps, read_map, spec_with_map
from dcs.cli.device_probe import ProbeRequest, probe_modbus
from dcs.core.errors import ConfigError
from field_io.maps.library import library_names
from field_io.onboarding.known_maps import matches
from field_io.onboarding.probe import Probed, ProbeOptions
from field_io.onboarding.target import parse_target
from field_io.registers import encode
from tests.unit.field.probe_bench import URL, Bench, HeardUnit, on_bench

known_maps = cache(read_known_maps)
ANONYMOUS = {0: b"", 1: b"", 2: b""}


def filled(bench: Bench, name: str, seed: int = 1, of_range: float = 0.5) -> HeardUnit:
    """A unit with the registers of a map and values inside what is plausible."""
    _, device = read_map(name)
    random_ = random.Random(seed)
    spans: dict[str, list[tuple[int, int]]] = {}
    for point in device.points:
        spans.setdefault(point.table, []).append((point.address, point.count))
    unit = bench.unit(**spans)
    unit.identity = dict(ANONYMOUS)
    for point in device.points:
        if point.plausible is not None and not point.is_bit and not point.is_text and point.bit < 0:
            low, high = point.plausible
            value = low + (high - low) * of_range * random_.uniform(0.4, 1.0)
            unit.bank.set_words(point.table, point.address, encode(point, value)[0])
    return unit


async def found_on(bench: Bench, name: str) -> Probed:
    """All of the map's registers looked at, nothing else."""
    _, device = read_map(name)
    ranges: dict[str, list[tuple[int, int]]] = {}
    for point in device.points:
        ranges.setdefault(point.table, []).append((point.address, point.end - 1))
    return await bench.probe(ProbeOptions(samples=1, ranges=ranges, grain=1))


@pytest.mark.parametrize("name", ["schneider_pm5560", "eastron_sdm630", "siemens_pac3200"])
def test_a_device_type_of_the_library_is_recognised_by_its_registers(name: str) -> None:
    """Promise: without any identification, plausible values in its registers lead to its map, and it comes first."""

    async def scenario(bench: Bench) -> None:
        filled(bench, name)
        found = await found_on(bench, name)
        fitting = matches(found.identity, found.tables, known_maps())
        assert [match.map.name for match in fitting][:1] == [name]
        assert not fitting[0].by_name

    on_bench(scenario)


def test_a_device_that_names_itself_is_recognised_by_that() -> None:
    async def scenario(bench: Bench) -> None:
        unit = bench.unit(holding=[(2999, 20)])
        unit.identity = {0: b"Schneider Electric", 1: b"METSEPM5560", 2: b"V1", 5: b"PM5560"}
        found = await bench.probe(ProbeOptions(samples=1, ranges={"holding": [(2999, 3018)]}))
        (match,) = matches(found.identity, found.tables, known_maps())
        assert (match.map.name, match.by_name) == ("schneider_pm5560", True)
        assert "calls itself so" in match.text

    on_bench(scenario)


def test_other_devices_are_not_taken_for_one_of_the_library() -> None:
    async def scenario(bench: Bench) -> None:
        unit = bench.unit(holding=[(0, 200)], input=[(0, 200)])
        random_ = random.Random(7)
        unit.bank.write("holding", 0, random_.randbytes(400))
        unit.bank.write("input", 0, random_.randbytes(400))
        found = await bench.probe(ProbeOptions(samples=1))
        assert matches(found.identity, found.tables, known_maps()) == []

    on_bench(scenario)


def test_what_a_probe_writes_is_a_map_that_can_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Promise: the file loads without an edit, every value found stands in it, and a device is watched through it."""
    out = tmp_path / "map.yaml"

    async def scenario(bench: Bench) -> None:
        unit = bench.unit(input=[(0, 12)], holding=[(5, 8), (40, 1)], coil=[(0, 3)])
        unit.identity = {0: b'Maker "A"', 1: b"X: #1", 2: b"{1}", 5: b"Model\\"}
        random_ = random.Random(2)

        def move(peer: str) -> None:
            for at in range(4):
                data = struct.pack(">f", (3.0 + at) * (1.0 + random_.gauss(0.0, 0.002)))
                unit.bank.write("input", 2 * at, data[2:] + data[:2])

        unit.before_request = move
        unit.bank.set_words("input", 8, [1234, 0, 65530, 77])
        unit.bank.write("holding", 5, b"SERIAL 77-A\0\0\0\0\0")
        unit.bank.set_words("holding", 40, [9])
        request = ProbeRequest(URL, out=out)
        assert await probe_modbus(request, parse_target(URL), bench.link, bench.clock) == 0

    on_bench(scenario)
    one, device = read_map(str(out))
    assert one.file.identity.maker == 'Maker "A"'
    assert one.file.word_order == "low_first"
    by_address = {(point.table, point.address): point for point in device.points}
    assert [by_address["input", at].type for at in (0, 2, 4, 6)] == ["float32"] * 4
    assert by_address["input", 0].word_order == "low_first"
    assert by_address["input", 10].type == "int16"
    text = by_address["holding", 5]
    assert (text.type, text.word_order, text.byte_order) == ("string", "high_first", "high_first")
    assert ("coil", 2) in by_address
    spec = spec_with_map(str(out), replace(parse_target("modbus://plc:1502?unit=7").spec))
    assert (spec.url, spec.points) == ("modbus://plc:1502/7", device.points)
    assert "Written to" in capsys.readouterr().out


def test_the_library_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_maps(as_json=False) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in library_names())


@pytest.mark.parametrize(("name", "says"), [("pm5561", "no map `pm5561`"), ("not/there.yaml", "cannot be read")])
def test_a_map_that_is_not_there_is_one_sentence(name: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_map(name)
