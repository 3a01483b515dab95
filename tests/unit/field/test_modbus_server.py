"""The simulated server beyond single requests: many units, many clients, slow and rude ones."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
from structlog.testing import capture_logs

from dcs.core.simulated_time import run_simulated
from field_io.devices.modbus_server import BUSY_S, WAITING_MAX, ModbusServer, ServerConnection, Unit
from field_io.memory_network import MemoryNetwork
from field_io.modbus import pdu
from field_io.modbus.framing import Rtu
from field_io.specs import DeviceSpec, SerialLine, ServerLimits
from tests.support.raw_modbus import RawClient, unit_on

READ_7 = pdu.read("holding", 7, 1)
IS_7 = b"\x03\x02\x00\x07"
TCP = DeviceSpec("DEV")
RTU_OVER_TCP = replace(TCP, protocol="modbus-rtu-over-tcp")
LINE = replace(TCP, protocol="modbus-rtu", serial=SerialLine("/dev/ttyS7"))


@dataclass
class Bench:
    server: ModbusServer
    network: MemoryNetwork
    unit: Unit
    port: tuple[str, int]
    rtu: bool

    def connect(self) -> RawClient:
        client = RawClient(self.rtu)
        self.network.connect(*self.port, client, f"client {len(self.server.connections)}")
        return client

    async def pass_s(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def on_bench(scenario: Callable[[Bench], Awaitable[None]], spec: DeviceSpec = TCP) -> list[str]:
    """Run in simulated time; returns what was logged."""

    async def main(loop: object) -> None:
        network = MemoryNetwork()
        server = ModbusServer.of(spec, network)
        bench = Bench(server, network, unit_on(server, 1), spec.address, spec.protocol != "modbus-tcp")
        await server.start()
        try:
            await scenario(bench)
        finally:
            server.stop()
            await asyncio.sleep(0.0)
        assert network.connections == 0
        assert not server.connections

    with capture_logs() as logs:
        run_simulated(main)
    return [str(entry["event"]) for entry in logs]


# --- many units -----------------------------------------------------------------------------------------------
def test_a_slow_or_dead_unit_holds_up_no_other_on_the_same_connection() -> None:
    async def scenario(bench: Bench) -> None:
        slow, dead = unit_on(bench.server, 2), unit_on(bench.server, 3)
        slow.latency_s, dead.silent = 5.0, True
        client = bench.connect()
        for transaction, unit in enumerate((2, 3, 1, 2, 1)):
            client.ask(unit, READ_7, transaction)
        assert [frame.transaction for frame in client.frames] == [2, 4]
        await bench.pass_s(5.1)
        assert [frame.transaction for frame in client.frames] == [2, 4, 0, 3]

    on_bench(scenario)


def test_on_a_line_without_transaction_numbers_answers_keep_the_order_of_requests() -> None:
    async def scenario(bench: Bench) -> None:
        unit_on(bench.server, 2).latency_s = 0.1
        client = bench.connect()
        for unit in (2, 1, 2):
            client.ask(unit, READ_7)
        assert client.frames == []
        await bench.pass_s(0.2)
        assert [frame.unit for frame in client.frames] == [2, 1, 2]

    on_bench(scenario, RTU_OVER_TCP)


def test_a_unit_that_becomes_faster_does_not_overtake_itself() -> None:
    async def scenario(bench: Bench) -> None:
        client = bench.connect()
        bench.unit.latency_s = 1.0
        client.ask(1, READ_7, 1)
        bench.unit.latency_s = 0.0
        client.ask(1, READ_7, 2)
        await bench.pass_s(1.1)
        assert [frame.transaction for frame in client.frames] == [1, 2]

    on_bench(scenario)


@pytest.mark.parametrize(("unknown", "answer"), [("refuse", [b"\x83\x0b"]), ("silent", [])])
def test_a_unit_that_is_not_there_gets_what_is_configured_at_once(unknown: str, answer: list[bytes]) -> None:
    async def scenario(bench: Bench) -> None:
        client = bench.connect()
        client.ask(9, READ_7)
        assert [frame.pdu for frame in client.frames] == answer
        assert await client.answer(1, READ_7) == IS_7

    on_bench(scenario, replace(TCP, unknown_unit=unknown))


def test_ten_requests_in_one_segment_and_ten_in_single_bytes_get_ten_answers_in_order() -> None:
    async def scenario(bench: Bench) -> None:
        client = bench.connect()
        wanted = [client.framing.frame(at, 1, pdu.read("holding", at, 1)) for at in range(10)]
        client.send(b"".join(wanted))
        assert [frame.transaction for frame in client.frames] == list(range(10))
        for byte in b"".join(wanted):
            client.send(bytes((byte,)))
        assert [frame.pdu[-1] for frame in client.frames] == 2 * list(range(10))

    assert on_bench(scenario) == []


# --- serial lines -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("spec", [LINE, RTU_OVER_TCP], ids=["line", "over TCP"])
def test_a_broadcast_writes_to_all_units_and_nobody_answers(spec: DeviceSpec) -> None:
    async def scenario(bench: Bench) -> None:
        units = [bench.unit, unit_on(bench.server, 2), unit_on(bench.server, 3)]
        units[2].silent = True
        client = bench.connect()
        client.ask(0, pdu.write("holding", 5, b"\x12\x34"))
        client.ask(0, pdu.write("holding", 500, b"\x12\x34"))  # an exception is no answer either
        client.ask(0, READ_7)
        assert client.heard == b""
        assert [unit.bank.get_words("holding", 5, 1) for unit in units] == [[0x1234], [0x1234], [5]]
        assert await client.answer(1, READ_7) == IS_7

    assert on_bench(scenario, spec) == []


def test_on_a_line_nobody_speaks_for_a_unit_that_is_not_there() -> None:
    async def scenario(bench: Bench) -> None:
        client = bench.connect()
        client.ask(9, READ_7)
        await bench.pass_s(1.0)
        assert client.heard == b""

    on_bench(scenario, LINE)


def test_over_tcp_unit_0_is_a_unit_like_others() -> None:
    async def scenario(bench: Bench) -> None:
        client = bench.connect()
        assert await client.answer(0, READ_7) == b"\x83\x0b"
        unit_on(bench.server, 0)
        assert await client.answer(0, READ_7) == IS_7

    on_bench(scenario)


def test_behind_a_damaged_frame_a_silence_lets_the_next_one_through() -> None:
    """The damaged one claims to be long; without the silence it would swallow what follows."""

    async def scenario(bench: Bench) -> None:
        client = bench.connect()
        client.send(bytes.fromhex("01 10 00 00 00 7B F6 01 02"))
        client.ask(1, READ_7)
        assert client.frames == []
        await client.until(lambda: bool(client.frames), within_s=0.1)
        assert client.frames[0].pdu == IS_7
        assert bench.server.rejected == 1

    assert len(on_bench(scenario, LINE)) == 1


def test_a_frame_that_comes_in_pieces_without_a_pause_is_whole() -> None:
    async def scenario(bench: Bench) -> None:
        client = bench.connect()
        for byte in Rtu(serves=False).frame(0, 1, READ_7):
            client.send(bytes((byte,)))
            await bench.pass_s(0.04)
        assert client.frames[0].pdu == IS_7

    assert on_bench(scenario, LINE) == []


# --- limits -------------------------------------------------------------------------------------------------------
def limited(**limits: int) -> DeviceSpec:
    return replace(TCP, server=replace(ServerLimits(), **limits))


def test_a_new_client_takes_the_place_of_the_one_that_asked_longest_ago() -> None:
    async def scenario(bench: Bench) -> None:
        clients = [bench.connect() for _ in range(3)]
        for client in clients:
            await client.answer(1, READ_7)
            await bench.pass_s(BUSY_S)
        await clients[0].answer(1, READ_7)
        late = bench.connect()
        assert await late.answer(1, READ_7) == IS_7
        await bench.pass_s(0.0)
        assert [client.closed for client in clients] == [False, True, False]
        assert len(bench.server.connections) == 3

    assert on_bench(scenario, limited(connections=3)) == []


def test_clients_that_have_never_asked_go_first_and_busy_ones_are_not_displaced() -> None:
    async def scenario(bench: Bench) -> None:
        busy = bench.connect()
        await busy.answer(1, READ_7)
        for _ in range(50):  # a flood of connections that say nothing displaces only itself
            bench.connect()
            await bench.pass_s(0.01)
        assert await busy.answer(1, READ_7) == IS_7
        assert len(bench.server.connections) == 3
        others = [connection for connection in bench.server.connections if connection.peer != "client 0"]
        for connection in others:
            connection.asked_s = asyncio.get_running_loop().time()
        refused = bench.connect()
        await bench.pass_s(0.0)
        assert refused.closed
        assert not busy.closed

    assert on_bench(scenario, limited(connections=3)) == ["device DEV: a client is refused: all connections are in use"]


def test_idle_connections_stay_unless_a_limit_is_configured() -> None:
    async def patient(bench: Bench) -> None:
        client = bench.connect()
        await bench.pass_s(7 * 86_400.0)
        assert await client.answer(1, READ_7) == IS_7

    on_bench(patient)

    async def limited_one(bench: Bench) -> None:
        client = bench.connect()
        for _ in range(5):
            await bench.pass_s(45.0)
            assert await client.answer(1, READ_7) == IS_7
        await bench.pass_s(59.0)
        assert not client.closed
        await bench.pass_s(1.1)
        assert client.closed

    on_bench(limited_one, limited(idle_ns=60_000_000_000))


def test_a_request_that_never_ends_costs_the_connection_however_slowly_it_drips() -> None:
    async def scenario(bench: Bench) -> None:
        client = bench.connect()
        frame = client.framing.frame(1, 1, READ_7)
        client.send(frame + frame[:1])
        await bench.pass_s(9.0)
        for byte in frame[1:4]:
            assert not client.closed
            client.send(bytes((byte,)))
            await bench.pass_s(0.4)
        assert client.closed
        assert len(client.frames) == 1, "what was whole before was answered"

    assert on_bench(scenario) == ["device DEV: a request does not go on; the connection is closed"]


def test_a_slow_request_that_ends_in_time_is_served() -> None:
    async def scenario(bench: Bench) -> None:
        client = bench.connect()
        for byte in client.framing.frame(1, 1, READ_7):
            client.send(bytes((byte,)))
            await bench.pass_s(0.8)
        assert client.frames[0].pdu == IS_7
        await bench.pass_s(60.0)
        assert not client.closed

    assert on_bench(scenario) == []


def test_requests_that_wait_for_a_slow_unit_are_bounded() -> None:
    async def scenario(bench: Bench) -> None:
        bench.unit.latency_s = 60.0
        client = bench.connect()
        for _ in range(3 * WAITING_MAX):
            client.ask(1, READ_7)
        (connection,) = bench.server.connections
        assert sum(map(len, connection._late.values())) == WAITING_MAX
        await bench.pass_s(61.0)
        assert len(client.frames) == WAITING_MAX

    assert len(on_bench(scenario)) == 1


def test_rubbish_is_one_line_in_the_log_until_ten_minutes_have_passed() -> None:
    async def scenario(bench: Bench) -> None:
        for _ in range(200):
            client = bench.connect()
            client.send(b"GET / HTTP/1.1\r\n\r\n")
            await bench.pass_s(1.0)
            assert client.closed
        assert bench.server.rejected == 200
        await bench.pass_s(600.0)
        bench.connect().send(b"GET / HTTP/1.1\r\n\r\n")

    logged = on_bench(scenario)
    assert logged == 2 * [
        "device DEV: not Modbus TCP: wrong protocol or length in the header; the connection is closed"
    ]


# --- the way out --------------------------------------------------------------------------------------------------
class Twice:
    """An answer path that sends everything twice, and hangs up behind the third answer."""

    def __init__(self) -> None:
        self.count = 0

    def deliver(self, connection: ServerConnection, frame: bytes) -> None:
        self.count += 1
        connection.send(frame)
        connection.send(frame)
        if self.count == 3:
            connection.abort()


def test_faults_on_the_way_out_keep_the_order_of_answers_and_what_went_before_a_hang_up() -> None:
    async def scenario(bench: Bench) -> None:
        bench.unit.answers = Twice()
        client = bench.connect()
        client.send(b"".join(client.framing.frame(at, 1, READ_7) for at in range(5)))
        await bench.pass_s(0.0)
        assert [frame.transaction for frame in client.frames] == [0, 0, 1, 1, 2, 2]
        assert client.closed

    on_bench(scenario)


def test_a_client_in_memory_may_ask_again_while_it_is_answered() -> None:
    """In memory an answer is delivered within the call: the next request comes while the first is being served."""

    class Eager(RawClient):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if len(self.frames) < 20:
                self.ask(1, READ_7, len(self.frames))

    async def scenario(bench: Bench) -> None:
        client = Eager()
        bench.network.connect(*bench.port, client, "eager")
        client.ask(1, READ_7, 0)
        assert [frame.transaction for frame in client.frames] == list(range(20))

    on_bench(scenario)
