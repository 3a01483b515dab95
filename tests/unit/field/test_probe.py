"""Getting to know a device: all of it is found, politely, without a write, and whatever happens meanwhile."""

import asyncio
import random
import struct
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.errors import ConfigError, Missing
from field_io.modbus.pdu import BUSY, ENCAPSULATED, ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, NO_ANSWER
from field_io.onboarding.asker import READING, Limits
from field_io.onboarding.contact import UnitMissing, units_that_answer
from field_io.onboarding.map_text import map_text
from field_io.onboarding.probe import Probed, ProbeOptions, Tell
from field_io.onboarding.scan import NEAR, TableScan
from field_io.onboarding.target import parse_target

from .probe_bench import HOST, PORT, URL, Bench, HeardUnit, on_bench

QUICK = ProbeOptions(samples=1)


def exception(request: bytes, code: int) -> bytes:
    return bytes((request[0] | 0x80, code))


def spans_of(found: Probed, table: str) -> list[tuple[int, int]]:
    return [(first, last - first + 1) for first, last in found.tables[table].spans]


def asked(unit: HeardUnit) -> list[tuple[int, int, int]]:
    """(function, address, count) of every read."""
    return [
        (pdu[0], *struct.unpack(">HH", pdu[1:5])) for _, pdu in unit.heard if pdu[0] in (1, 2, 3, 4) and len(pdu) == 5
    ]


# --- what is found -------------------------------------------------------------------------------------------
spans = st.lists(st.tuples(st.integers(0, NEAR - 1), st.integers(1, 150)), min_size=1, max_size=6)


def laid_out(pieces: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """(gap before, length) -> (address, length), with what touches as one."""
    out: list[tuple[int, int]] = []
    at = 0
    for gap, length in pieces:
        if out and gap == 0:
            out[-1] = (out[-1][0], out[-1][1] + length)
        else:
            out.append((at + gap, length))
        at += gap + length
    return out


@settings(max_examples=20, deadline=None)
@given(holding=spans, coil=spans)
def test_every_address_of_a_device_with_holes_is_found_and_nothing_else(
    holding: list[tuple[int, int]], coil: list[tuple[int, int]]
) -> None:
    """Promise: with holes of up to 31 addresses the spans come out exactly, in registers and in bits."""

    async def scenario(bench: Bench) -> None:
        unit = bench.unit(holding=laid_out(holding), coil=laid_out(coil))
        found = await bench.probe(QUICK)
        assert spans_of(found, "holding") == laid_out(holding)
        assert spans_of(found, "coil") == laid_out(coil)
        assert spans_of(found, "input") == spans_of(found, "discrete") == []
        assert {pdu[0] for _, pdu in unit.heard} <= set(READING)
        assert found.ended == ""

    on_bench(scenario)


def test_blocks_far_apart_are_found_where_they_begin_at_round_numbers() -> None:
    async def scenario(bench: Bench) -> None:
        spans = [(8, 3), (256, 40), (3000, 130), (40000, 7)]
        bench.unit(input=spans)
        assert spans_of(await bench.probe(QUICK), "input") == spans

    on_bench(scenario)


def test_a_device_that_allows_ten_registers_a_read_is_read_in_tens() -> None:
    """Exception 3 or 2 for a block that is too large: its size is found, and the map says so."""

    async def scenario(bench: Bench, code: int) -> None:
        unit = bench.unit(holding=[(0, 90)])
        unit.bank.set_words("holding", 0, [1250] * 90)

        def answer(request: bytes) -> bytes | None:
            many = request[0] in (3, 4) and struct.unpack(">H", request[3:5])[0] > 10
            return exception(request, code) if many else None

        unit.answer = answer
        found = await bench.probe(ProbeOptions(samples=3, sample_every_ns=NS_PER_S))
        assert spans_of(found, "holding") == [(0, 90)]
        assert 1 <= found.tables["holding"].block_max <= 10
        assert found.samples == 3
        assert "registers_per_read: " in map_text(found, "today")

    for code in (ILLEGAL_VALUE, ILLEGAL_ADDRESS):
        on_bench(lambda bench, code=code: scenario(bench, code))


def test_addresses_that_get_no_answer_at_all_are_left_alone_and_forbidden_in_the_map() -> None:
    """Promise: a range that swallows requests costs a bounded number of time-outs, and the rest is found."""

    async def scenario(bench: Bench) -> None:
        unit = bench.unit(holding=[(0, 64)], input=[(0, 20)])

        def swallows(request: bytes) -> bool:  # 20 to 29
            first, count = struct.unpack(">HH", request[1:5]) if request[0] == 3 else (0, 0)
            return request[0] == 3 and first < 30 and first + count > 20

        unit.mute = swallows
        found = await bench.probe(QUICK)
        assert spans_of(found, "input") == [(0, 20)]
        assert set(range(20)) <= set(found.tables["holding"].found)
        assert found.tables["holding"].silent
        assert found.figures.silent <= 16
        assert "forbidden:" in map_text(found, "today")

    on_bench(scenario)


# --- politeness ----------------------------------------------------------------------------------------------
def test_requests_keep_their_distance_and_their_number() -> None:
    """Promise: one request at a time, never closer than the spacing, never more than were allowed, reading codes only."""

    async def scenario(bench: Bench) -> None:
        unit = bench.unit(holding=[(0, 40)], input=[(3, 8)], coil=[(0, 9)], discrete=[(2, 2)])
        unit.latency_s = 0.05
        limits = Limits(requests=150, spacing_ns=70 * NS_PER_MS)
        found = await bench.probe(ProbeOptions(limits))
        times = [time for time, _ in unit.heard]
        assert len(times) == found.figures.requests <= 150
        # Heard when the latency is over: from answer to request there are 70 ms, and 50 ms to be served.
        assert min(b - a for a, b in zip(times, times[1:], strict=False)) >= 0.12 - 1e-9
        assert {pdu[0] for _, pdu in unit.heard} <= set(READING)
        assert "150 requests are spent" in found.ended or "135 requests are spent" in found.ended
        assert found.tables["holding"].found.keys() == set(range(40))

    on_bench(scenario)


def test_a_probe_ends_when_its_time_is_spent() -> None:
    async def scenario(bench: Bench) -> None:
        bench.unit(holding=[(0, 10)]).latency_s = 0.4
        began_s = bench.loop.time()
        found = await bench.probe(ProbeOptions(Limits(time_ns=20 * NS_PER_S)))
        assert bench.loop.time() - began_s <= 21.0
        assert "spent" in found.ended
        assert found.tables["holding"].found

    on_bench(scenario)


def test_a_device_that_is_busy_gets_more_room() -> None:
    async def scenario(bench: Bench) -> None:
        unit = bench.unit(holding=[(0, 10)])
        busy = [0]

        def answer(request: bytes) -> bytes | None:
            busy[0] += 1
            return exception(request, BUSY) if busy[0] in (3, 4) else None

        unit.answer = answer
        found = await bench.probe(ProbeOptions(samples=1, ranges={"holding": [(0, 9)]}))
        assert spans_of(found, "holding") == [(0, 10)]
        assert found.spacing_ns >= 100 * NS_PER_MS

    on_bench(scenario)


def test_a_table_that_is_served_whole_is_not_read_to_its_end() -> None:
    async def scenario(bench: Bench) -> None:
        unit = bench.unit(holding=[(0, 65536)])
        unit.bank.set_words("holding", 10, [77])
        found = await bench.probe(QUICK)
        assert 10 in found.tables["holding"].found
        assert "nothing but 0000" in found.tables["holding"].ended
        assert max(found.tables["holding"].found) < 65535

    on_bench(scenario)


def test_only_the_ranges_that_were_asked_for_are_touched() -> None:
    async def scenario(bench: Bench) -> None:
        unit = bench.unit(holding=[(0, 500)], input=[(0, 500)])
        found = await bench.probe(ProbeOptions(samples=2, ranges={"holding": [(100, 119), (200, 203)]}))
        assert spans_of(found, "holding") == [(100, 20), (200, 4)]
        reads = asked(unit)
        assert {function for function, _, _ in reads} == {3}
        inside = [100 <= at and at + n <= 120 or 200 <= at and at + n <= 204 for _, at, n in reads]
        assert all(inside)

    on_bench(scenario)


# --- what a device says of itself ----------------------------------------------------------------------------
def test_long_identifications_come_in_parts() -> None:
    async def scenario(bench: Bench) -> None:
        unit = bench.unit(holding=[(0, 4)])
        unit.identity = {0: b"Maker & Sons", 1: b"X" * 200, 2: b"V2.1", 4: b"Y" * 200, 5: b"TX-7\x1b[2J"}
        identity = (await bench.probe(QUICK)).identity
        assert (identity.maker, identity.revision, identity.how) == ("Maker & Sons", "V2.1", "43/14")
        assert identity.model == "TX-7?[2J"  # nothing of it acts on a terminal
        assert identity.objects[4] == "Y" * 200

    on_bench(scenario)


def test_a_device_without_identification_is_asked_for_its_server_id() -> None:
    async def scenario(bench: Bench) -> None:
        unit = bench.unit(holding=[(0, 4)])

        def answer(request: bytes) -> bytes | None:
            if request[0] == ENCAPSULATED:
                return exception(request, ILLEGAL_FUNCTION)
            return bytes((17, 8)) + b"\x07DRV-9\xff\x00" if request[0] == 17 else None

        unit.answer = answer
        identity = (await bench.probe(QUICK)).identity
        assert (identity.model, identity.running, identity.how) == ("DRV-9", True, "17")

    on_bench(scenario)


# --- nobody, nothing, nobody any more ------------------------------------------------------------------------
def test_exceptions_only_are_a_device_with_nothing_to_read() -> None:
    async def scenario(bench: Bench) -> None:
        bench.unit(holding=[(0, 10)]).refuse_with = ILLEGAL_ADDRESS
        found = await bench.probe(QUICK)
        assert not found.has_registers
        assert found.figures.exceptions == {ILLEGAL_ADDRESS}
        assert found.identity.text == ""

    on_bench(scenario)


def test_a_table_that_the_device_does_not_know_costs_one_request() -> None:
    async def scenario(bench: Bench) -> None:
        unit = bench.unit(holding=[(0, 10)])
        unit.answer = lambda request: exception(request, ILLEGAL_FUNCTION) if request[0] in (1, 2, 4) else None
        found = await bench.probe(QUICK)
        assert [found.tables[table].missing for table in ("holding", "input", "coil", "discrete")] == [False] + [True] * 3
        assert sum(function == 4 for function, _, _ in asked(unit)) == 1

    on_bench(scenario)


@pytest.mark.parametrize("unknown_unit", ["refuse", "silent"])
def test_a_unit_that_is_not_there_is_said_to_be_missing(unknown_unit: str) -> None:
    async def scenario(bench: Bench) -> None:
        bench.unit(1, holding=[(0, 4)])
        with pytest.raises(UnitMissing, match=r"unit 9.*unit=1-20") as caught:
            await bench.probe(QUICK, url=f"modbus://{HOST}:{PORT}?unit=9")
        assert caught.value.exit_code == 3

    on_bench(scenario, unknown_unit)


def test_nobody_listens() -> None:
    async def scenario(bench: Bench) -> None:
        with pytest.raises(Missing, match="Nobody listens on device:777"):
            await bench.probe(QUICK, url="modbus://device:777")

    on_bench(scenario)


def test_what_is_no_modbus_is_called_so() -> None:
    class Other(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(b"220 mail.example ESMTP\r\n")

    async def scenario(bench: Bench) -> None:
        bench.network.listen("mail", 25, Other)
        with pytest.raises(Missing, match="not in Modbus TCP"):
            await bench.probe(QUICK, url="modbus://mail:25")

    on_bench(scenario)


@pytest.mark.parametrize("unknown_unit", ["refuse", "silent"])
def test_units_behind_a_gateway_are_found(unknown_unit: str) -> None:
    async def scenario(bench: Bench) -> None:
        for number in (3, 4, 9):
            bench.unit(number, holding=[(0, 4)]).identity = {0: b"Maker", 1: f"U{number}".encode(), 2: b"1"}
        bench.unit(4, holding=[(0, 4)]).answer = lambda request: exception(request, ILLEGAL_FUNCTION)
        target = parse_target(f"modbus://{HOST}:{PORT}?unit=1-10&timeout=200ms")
        units: list[int] = []
        found = await units_that_answer(target, bench.link, bench.clock, Limits(), units.append)
        assert list(found) == [3, 4, 9]  # a unit that answers with exceptions only is there
        assert found[9].model == "U9"
        assert units == list(range(1, 11))

    on_bench(scenario, unknown_unit)


def test_what_was_found_before_a_device_went_away_is_kept() -> None:
    async def scenario(bench: Bench) -> None:
        unit = bench.unit(holding=[(0, 30)], input=[(0, 10)])
        unit.mute = lambda request: len(unit.heard) > 40
        found = await bench.probe(QUICK)
        assert "stopped answering" in found.ended
        assert spans_of(found, "holding") == [(0, 30)]

    on_bench(scenario)


class Interrupt(Tell):
    """Ctrl-C after so many requests."""

    def __init__(self, after: int) -> None:
        self._left = after

    def table(self, scan: TableScan, figures: Any) -> None:
        self._left -= 1
        if self._left == 0:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()


def test_ctrl_c_keeps_what_was_found_and_leaves_no_connection() -> None:
    async def scenario(bench: Bench) -> None:
        bench.unit(holding=[(0, 200)])
        found = await bench.probe(ProbeOptions(), Interrupt(4))
        assert found.ended == "stopped by hand"
        assert found.has_registers
        assert found.guesses.keys() == {"holding"}
        assert "Not whole: stopped by hand" in map_text(found, "today")
        assert bench.network.connections == 0

    on_bench(scenario)


# --- values and the map --------------------------------------------------------------------------------------
def test_samples_tell_floats_in_either_word_order_and_the_map_gives_it_once() -> None:
    async def scenario(bench: Bench) -> None:
        unit = bench.unit(input=[(0, 8)], holding=[(0, 6)])
        random_ = random.Random(3)

        def move(peer: str) -> None:
            for at in range(4):
                data = struct.pack(">f", (at + 1) * 17.3 * (1.0 + random_.gauss(0.0, 0.002)))
                unit.bank.write("input", 2 * at, data[2:] + data[:2])

        unit.before_request = move
        unit.bank.write("holding", 0, b"PUMP \"A\"\\:#")
        found = await bench.probe()
        assert found.order == ("low_first", "high_first")
        assert [(one.address, one.type) for one in found.guesses["input"]] == [(at, "float32") for at in (0, 2, 4, 6)]
        text = map_text(found, "today")
        assert "\nword_order: low_first" in text
        assert text.count("word_order:") == 2  # the string is not turned

    on_bench(scenario)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://device", "no URL of a device"),
        ("modbus://", "names no host"),
        ("modbus://device:port", "the port is a number"),
        ("modbus://device?unit=0x1", "is no unit"),
        ("modbus://device?unit=5-2", "upwards"),
        ("modbus://device?unit=300", "0 to 247"),
        ("modbus://device?baud=9600", "`baud` means nothing here"),
        ("modbus-rtu:///dev/ttyUSB0?baud=fast", "baud=9600"),
        ("modbus-rtu:///dev/ttyUSB0?parity=mark", "none, even or odd"),
        ("modbus-rtu://ttyUSB0", "three slashes"),
    ],
)
def test_a_url_that_is_none_is_refused_with_a_sentence(url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_target(url)


def test_urls_name_line_units_and_certificates() -> None:
    line = parse_target("modbus-rtu:///dev/ttyUSB0?baud=9600&parity=none&stop_bits=2&unit=3,7-9")
    assert line.units == (3, 7, 8, 9)
    assert line.spec.serial is not None
    assert (line.spec.serial.port, line.spec.serial.baud, line.spec.serial.stop_bits) == ("/dev/ttyUSB0", 9600, 2)
    secure = parse_target("modbus-tls://plc?ca=ca.pem&key=own.key")
    assert secure.spec.tls is not None
    assert (secure.spec.port, secure.spec.tls.ca, secure.spec.tls.key) == (802, "ca.pem", "own.key")
    assert parse_target("opc.tcp://plc/path").spec.url == "opc.tcp://plc:4840/path"
    assert parse_target(URL).spec.unit == 1


def test_a_gateway_that_loses_its_path_ends_the_probe() -> None:
    async def scenario(bench: Bench) -> None:
        unit = bench.unit(holding=[(0, 30)])
        unit.answer = lambda request: exception(request, NO_ANSWER) if len(unit.heard) > 20 else None
        found = await bench.probe(QUICK)
        assert "gateway target does not answer" in found.ended
        assert found.has_registers

    on_bench(scenario)
