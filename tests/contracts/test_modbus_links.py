"""What every Modbus link must do, over every transport alike, against the simulated server."""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dcs.core.errors import LinkDown, Missing
from field_io.devices.modbus_server import ModbusServer
from field_io.drivers.gate import GateClosed
from field_io.drivers.links.link import DeviceRefused, LinkFaults
from field_io.modbus.pdu import words_of
from tests.support.modbus_links import LINES, PEERS, TIMEOUT_S, Bench, Scenario, run_on, unit_on

Runner = Callable[[Scenario], None]


def always() -> bool:
    return True


def _params(peers: "list[str]") -> list[object]:
    system = pytest.mark.system
    return [pytest.param(peer, marks=system) if peer.startswith("wire") else peer for peer in peers]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("links")


@pytest.fixture(params=_params(list(PEERS)))
def on_peer(request: pytest.FixtureRequest, folder: Path) -> Runner:
    return lambda scenario: run_on(request.param, folder, scenario)


@pytest.fixture(params=_params([peer for peer in PEERS if peer not in LINES]))
def on_network(request: pytest.FixtureRequest, folder: Path) -> Runner:
    """Transports that take more than one client."""
    return lambda scenario: run_on(request.param, folder, scenario)


@pytest.fixture(params=_params(list(LINES)))
def on_line(request: pytest.FixtureRequest, folder: Path) -> Runner:
    return lambda scenario: run_on(request.param, folder, scenario)


def test_reads_what_the_device_holds_in_all_four_tables(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.unit.bank.set_words("input", 5, [1, 2, 65535])
        bench.unit.bank.set_words("holding", 0, [7])
        bench.unit.bank.set_bit("discrete", 17, True)
        bench.unit.bank.set_bit("coil", 3, True)
        link = await bench.connected()
        assert words_of(await link.read("input", 4, 5)) == [0, 1, 2, 65535, 0]
        assert words_of(await link.read("holding", 0, 1)) == [7]
        assert list(await link.read("discrete", 16, 3)) == [False, True, False]
        assert list(await link.read("coil", 3, 1)) == [True]

    on_peer(scenario)


def test_writes_arrive_and_nothing_beside_them_changes(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.unit.bank.set_words("holding", 0, [9] * 6)
        link = await bench.connected()
        await link.write("holding", 2, bytes([0, 1, 0, 0]), always)
        await link.write("coil", 5, bytes([1, 0, 1]), always)
        assert bench.unit.bank.get_words("holding", 0, 6) == [9, 9, 1, 0, 9, 9]
        assert [bench.unit.bank.get_bit("coil", at) for at in range(4, 9)] == [False, True, False, True, False]
        assert [write[1:] for write in bench.writes] == [("holding", 2, 2), ("coil", 5, 3)]

    on_peer(scenario)


def test_a_closed_gate_lets_not_one_byte_out(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.connected()
        with pytest.raises(GateClosed):
            await link.write("holding", 0, bytes([0, 1]), lambda: False)
        await asyncio.sleep(0.02)
        assert bench.requests == []
        assert link.connected, "a refused write is no reason to lose the link"
        await link.write("holding", 0, bytes([0, 1]), always)
        assert bench.unit.bank.get_words("holding", 0, 1) == [1]

    on_peer(scenario)


def test_the_gate_is_asked_at_the_send_call_and_only_once(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.connected()
        seen: list[int] = []

        def gate() -> bool:
            seen.append(len(bench.writes))
            return True

        await link.write("holding", 0, bytes([0, 1]), gate)
        await link.read("holding", 0, 1)
        assert seen == [0]

    on_peer(scenario)


def test_exception_codes_come_through_and_the_link_stays_up(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.connected()
        with pytest.raises(DeviceRefused, match="exception 2"):
            await link.read("holding", 39, 2)
        bench.unit.refuse_with = 6
        with pytest.raises(DeviceRefused, match="device busy") as busy:
            await link.write("holding", 0, bytes([0, 1]), always)
        assert busy.value.code == 6
        bench.unit.refuse_with = 0
        assert words_of(await link.read("holding", 0, 1)) == [0]

    on_peer(scenario)


def test_a_unit_that_is_not_there_answers_as_a_gateway_does(on_network: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        link = bench.link(spec=replace(bench.spec, unit=9))
        await link.connect()
        with pytest.raises(DeviceRefused) as refused:
            await link.read("holding", 0, 1)
        assert refused.value.code == 11

    on_network(scenario)


def test_nobody_listening_is_link_down(on_network: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.server.stop()
        link = bench.link()
        with pytest.raises(LinkDown, match="accepts no connection"):
            await link.connect()
        assert not link.connected
        with pytest.raises(LinkDown, match="not connected"):
            await link.read("holding", 0, 1)

    on_network(scenario)


def test_a_device_that_closes_is_noticed_and_keeps_its_registers(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.connected()
        await link.write("holding", 0, bytes([0, 42]), always)
        bench.server.stop()
        await asyncio.sleep(0.02)
        assert not link.connected
        await bench.server.start()
        await link.connect()
        assert words_of(await link.read("holding", 0, 1)) == [42]

    on_peer(scenario)


def test_silence_ends_at_the_timeout_and_drops_the_connection(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.connected()
        bench.unit.silent = True
        start_s = asyncio.get_running_loop().time()
        with pytest.raises(LinkDown, match="no answer within 150 ms"):
            await link.read("holding", 0, 1)
        waited_s = asyncio.get_running_loop().time() - start_s
        assert TIMEOUT_S * 0.99 <= waited_s < 3 * TIMEOUT_S
        assert not link.connected, "a late answer must never meet the next request"

    on_peer(scenario)


def test_closing_ends_a_request_in_flight_before_its_timeout(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.connected()
        bench.unit.silent = True
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        loop.call_later(TIMEOUT_S / 10, bench.server.stop)
        with pytest.raises(LinkDown, match=r"closed by the device|closed the TLS connection"):
            await link.read("holding", 0, 1)
        assert loop.time() - start_s < TIMEOUT_S * 0.9

    on_peer(scenario)


def test_abort_ends_a_request_in_flight_at_once(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.connected()
        bench.unit.silent = True
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        loop.call_later(TIMEOUT_S / 10, link.abort)
        with pytest.raises(LinkDown, match="aborted"):
            await link.write("holding", 0, bytes([0, 1]), always)
        assert loop.time() - start_s < TIMEOUT_S * 0.9
        assert not link.connected

    on_peer(scenario)


def test_a_cut_cable_swallows_everything_and_tells_nobody(on_network: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        faults = LinkFaults()
        link = await bench.connected(faults=faults)
        other = await bench.connected("C1B")
        faults.cut = True
        with pytest.raises(LinkDown, match="no answer"):
            await link.write("holding", 0, bytes([0, 1]), always)
        with pytest.raises(LinkDown, match="does not answer"):
            await link.connect()
        assert bench.requests == []
        assert words_of(await other.read("holding", 0, 1)) == [0], "another cable to the same device is whole"
        faults.cut = False
        await link.connect()
        await link.write("holding", 0, bytes([0, 1]), always)
        assert bench.unit.bank.get_words("holding", 0, 1) == [1]

    on_network(scenario)


def test_latency_of_cable_and_device_add_up(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.connected(faults=LinkFaults(latency_s=0.03))
        bench.unit.latency_s = 0.02
        start_s = asyncio.get_running_loop().time()
        await link.read("holding", 0, 1)
        assert 0.0499 <= asyncio.get_running_loop().time() - start_s < TIMEOUT_S

    on_peer(scenario)


def test_a_write_on_a_slow_cable_does_not_arrive_after_the_gate_closed(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.connected(faults=LinkFaults(latency_s=0.03))
        still_ours = [True]
        asyncio.get_running_loop().call_later(0.01, lambda: still_ours.__setitem__(0, False))
        with pytest.raises(LinkDown):
            await link.write("holding", 0, bytes([0, 1]), lambda: still_ours[0])
        assert bench.writes == []

    on_peer(scenario)


def test_two_clients_and_two_devices_do_not_mix(on_network: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        second, spec = await bench.second("DEV-2")
        second_unit = unit_on(second, 3)
        await second.start()
        try:
            first_link = await bench.connected()
            second_link = bench.link("C1B", spec=spec)
            await second_link.connect()
            await first_link.write("holding", 0, bytes([0, 1]), always)
            await second_link.write("holding", 0, bytes([0, 2]), always)
            assert bench.unit.bank.get_words("holding", 0, 1) == [1]
            assert second_unit.bank.get_words("holding", 0, 1) == [2]
        finally:
            second.stop()

    on_network(scenario)


def test_a_taken_address_is_one_sentence_that_names_the_device_and_the_way_out(on_network: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        late = ModbusServer.of(replace(bench.device, name="DEV-2"), bench.network)
        with pytest.raises(Missing) as taken:
            await late.start()
        text = str(taken.value)
        assert f"127.0.0.1:{bench.spec.port}" in text
        assert "device DEV-2" in text
        assert "another `port` in field.yaml" in text
        assert "\n" not in text
        assert bench.server.listening

    on_network(scenario)


def test_on_a_line_a_unit_that_is_not_there_is_silent_and_a_missing_line_says_so(on_line: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        link = bench.link(spec=replace(bench.spec, unit=9))
        await link.connect()
        with pytest.raises(LinkDown, match="no answer within"):
            await link.read("holding", 0, 1)
        bench.server.stop()
        with pytest.raises(LinkDown, match=r"accepts no connection|cannot be opened: there is no such device"):
            await link.connect()

    on_line(scenario)


def test_requests_that_overlap_each_get_their_own_answer(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.unit.bank.set_words("holding", 0, list(range(100, 140)))
        link = await bench.connected()
        answers = await asyncio.gather(*(link.read("holding", at, 2) for at in range(12)))
        assert [words_of(answer) for answer in answers] == [[100 + at, 101 + at] for at in range(12)]

    on_peer(scenario)


def test_a_cancelled_request_leaves_the_link_usable_and_its_answer_to_nobody(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.unit.bank.set_words("holding", 0, [11, 22])
        bench.unit.latency_s = TIMEOUT_S / 5
        link = await bench.connected()
        first = asyncio.ensure_future(link.read("holding", 0, 1))
        await asyncio.sleep(TIMEOUT_S / 20)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await asyncio.sleep(TIMEOUT_S / 2)  # its answer has come meanwhile
        bench.unit.latency_s = 0.0
        assert words_of(await link.read("holding", 1, 1)) == [22]

    on_peer(scenario)


@pytest.mark.system
def test_requests_that_arrive_together_are_all_answered_in_order(folder: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.unit.bank.set_words("holding", 0, list(range(100, 120)))
        reader, writer = await asyncio.open_connection(bench.spec.host, bench.spec.port)
        frames = [struct.pack(">HHHBBHH", tid, 0, 6, 3, 3, tid, 1) for tid in range(10)]
        blob = b"".join(frames)
        writer.write(blob[:53])  # and one frame in two pieces
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.write(blob[53:])
        answers = await reader.readexactly(10 * 11)
        writer.close()
        for tid in range(10):
            assert answers[11 * tid : 11 * tid + 11] == struct.pack(">HHHBBBH", tid, 0, 5, 3, 3, 2, 100 + tid)

    run_on("wire", folder, scenario)


@pytest.mark.system
@pytest.mark.parametrize("rubbish", [b"GET / HTTP/1.1\r\n\r\n", b"\0\1\0\0\xff\xff\3\3", b"\0\1\0\0\0\2\3\x63"])
def test_rubbish_neither_kills_the_server_nor_hangs_it(rubbish: bytes, folder: Path) -> None:
    async def scenario(bench: Bench) -> None:
        reader, writer = await asyncio.open_connection(bench.spec.host, bench.spec.port)
        writer.write(rubbish)
        await asyncio.wait_for(reader.read(64), 2.0)  # closed, or an exception answer
        writer.close()
        link = await bench.connected()
        assert words_of(await link.read("holding", 0, 1)) == [0]

    run_on("wire", folder, scenario)
