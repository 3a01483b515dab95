"""At least 200,000 bad frames at our Modbus server and our Modbus client (see ``tests.support.modbus_fuzz``)."""

import asyncio
import gc
import random
import tracemalloc

import pytest

from field_io.devices.modbus_server import ModbusServer, free_port
from field_io.modbus.framing import Mbap, Rtu
from tests.support.modbus_fuzz import (
    ANSWER_WITHIN_S,
    GOOD,
    GOOD_ANSWER,
    REQUESTS,
    SPECS,
    Mutator,
    Outcome,
    fuzz_client,
    fuzz_server,
)
from tests.support.raw_modbus import RawClient, unit_on

SEED = 20_261_128
FRAMES = {fuzz_server: 50_000, fuzz_client: 17_000}  # of each of the three kinds: 201,000 together
KINDS = pytest.mark.parametrize("kind", SPECS)


def judge(outcome: Outcome, frames: int) -> None:
    print(f"seed {SEED}: {outcome}")
    assert outcome.frames >= frames
    assert outcome.good >= frames // 1000
    assert len(outcome.log) <= 1, outcome.log


@KINDS
def test_no_bad_request_harms_the_server(kind: str) -> None:
    outcome = fuzz_server(kind, FRAMES[fuzz_server], SEED)
    judge(outcome, FRAMES[fuzz_server])
    assert len(outcome.log) == 1, "rubbish is told of"
    assert (outcome.reconnections > 1000) == (kind == "MBAP"), "RTU finds its way back, MBAP closes"


@KINDS
def test_no_bad_answer_harms_the_client(kind: str) -> None:
    outcome = fuzz_client(kind, FRAMES[fuzz_client], SEED)
    judge(outcome, FRAMES[fuzz_client])
    assert set(outcome.kinds) == {"LinkDown", "TimedOut", "DeviceRefused", "answer"}, "every way out was gone"


def test_the_gate_sees_at_least_200_000_frames_of_every_kind() -> None:
    assert sum(FRAMES.values()) * len(SPECS) >= 200_000
    mutator = Mutator(random.Random(SEED), Mbap(), REQUESTS)
    frames = [mutator.frame() for _ in range(3000)]
    assert len(set(frames)) > 2500
    assert {frame[7] for frame in frames if len(frame) > 7} > set(range(1, 25))
    assert max(map(len, frames)) > 255
    assert min(map(len, frames)) == 1


@pytest.mark.parametrize("kind", ["MBAP", "RTU over TCP"])
def test_bad_frames_leave_no_memory_behind(kind: str) -> None:
    fuzz_server(kind, 1000, SEED)  # what is made once is made
    fuzz_client(kind, 1000, SEED)
    gc.collect()
    tracemalloc.start()
    try:
        grown = []
        for _ in range(2):
            before, _ = tracemalloc.get_traced_memory()
            fuzz_server(kind, 1000, SEED)
            fuzz_client(kind, 1000, SEED)
            gc.collect()
            grown.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()
    assert grown[1] < 30_000, f"2000 bad frames leave {grown} bytes behind"


@pytest.mark.system
@pytest.mark.parametrize("rtu", [False, True], ids=["MBAP", "RTU over TCP"])
def test_over_sockets_a_good_request_is_answered_within_100_ms_after_every_thousand_bad_ones(rtu: bool) -> None:
    async def main() -> None:
        port = await free_port()
        server = ModbusServer("FUZZED", port=port, rtu=rtu)
        unit_on(server, 1)
        await server.start()
        loop = asyncio.get_running_loop()
        mutator = Mutator(random.Random(SEED), Rtu(serves=False) if rtu else Mbap(), REQUESTS)

        async def connect() -> RawClient:
            return (await loop.create_connection(lambda: RawClient(rtu), "127.0.0.1", port))[1]

        patient = await connect()
        for _ in range(3):
            client = await connect()
            for _ in range(1000):
                if client.closed or client.transport is None or client.transport.is_closing():
                    client = await connect()
                client.framing.reset()
                client.send(mutator.frame())
                await asyncio.sleep(0.0)
            took_s = []
            for _ in range(3):  # the machine may have had something else to do
                began_s = loop.time()
                answer = await patient.answer(1, GOOD if not took_s else REQUESTS[1])
                took_s.append(loop.time() - began_s)
                assert answer[:1] in (GOOD_ANSWER[:1], b"\1")
            assert min(took_s) < ANSWER_WITHIN_S, took_s
            client.close()
        patient.close()
        server.stop()
        await asyncio.sleep(0.05)

    asyncio.run(main())
