"""Bad frames by the hundred thousand at our Modbus server and our Modbus client; everything follows from one seed.

Used by     tests/unit/field/test_modbus_fuzz.py (the gate), and by hand for longer runs:
            ``python -m tests.support.modbus_fuzz --frames 20000000``.
Promise     nothing raises, nothing hangs, nothing grows; at most one line in the log; a good request after every
            thousand bad frames is answered, right and within 100 ms. The first broken promise is an ``AssertionError``
            that names the seed.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from structlog.testing import capture_logs

from dcs.core.errors import LinkDown
from dcs.core.simulated_time import run_simulated
from field_io.devices.modbus_server import ModbusServer, ServerConnection
from field_io.drivers.links.choice import memory_link
from field_io.drivers.links.link import DeviceRefused
from field_io.memory_network import MemoryNetwork
from field_io.modbus import pdu
from field_io.modbus.framing import Framing, FramingLost, Mbap, Rtu
from field_io.specs import DeviceSpec, SerialLine
from tests.support.raw_modbus import RawClient, unit_on

BAD_PER_GOOD = 1000
ANSWER_WITHIN_S = 0.1
GOOD = pdu.read("holding", 41, 2)
GOOD_ANSWER = bytes.fromhex("03 04 00 29 00 2A")
CODES = (1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 17, 20, 21, 22, 23, 24, 43)
TCP = DeviceSpec("FUZZED", unit=1, timeout_ns=200_000_000)
SPECS = {
    "MBAP": TCP,
    "RTU over TCP": replace(TCP, protocol="modbus-rtu-over-tcp"),
    "RTU on a line": replace(TCP, protocol="modbus-rtu", serial=SerialLine("/dev/ttyS1")),
}


# --- bad bytes ---------------------------------------------------------------------------------------------------
class Mutator:
    """Frames from right over nearly right to noise, all from one generator."""

    def __init__(self, rng: random.Random, framing: Framing, seeds: Sequence[bytes]) -> None:
        self._rng = rng
        self._framing = framing
        self._seeds = seeds
        self._changes: tuple[Callable[[bytearray], None], ...] = (
            self._flip, self._set, self._cut, self._cut_front, self._insert, self._delete, self._repeat, self._splice,
        )  # fmt: skip

    def frame(self, transaction: int = 0) -> bytes:
        """One of them; never empty."""
        rng = self._rng
        kind = rng.random()
        if kind < 0.1:
            return rng.randbytes(rng.randint(1, 40))
        message = self._message() if kind < 0.6 else rng.choice(self._seeds)
        unit = rng.choice((1, 1, 1, 0, 2, 255))
        data = bytearray(self._framing.frame(transaction or rng.randrange(65_536), unit, message))
        if kind < 0.6:
            return bytes(data)  # well framed nonsense
        for _ in range(rng.randint(1, 3)):
            rng.choice(self._changes)(data)
        return bytes(data) or b"\0"

    def _message(self) -> bytes:
        rng = self._rng
        message = bytearray((rng.choice(CODES) if rng.random() < 0.8 else rng.randrange(256),))
        for _ in range(rng.randint(0, 4)):
            message += rng.choice((0, 1, 2, 99, 100, 125, 126, 0xFF00, 0xFFFF, rng.randrange(65_536))).to_bytes(
                2, "big"
            )
        if rng.random() < 0.5:
            size = rng.randrange(256)
            message.append(size)
            message += rng.randbytes(min(size if rng.random() < 0.7 else rng.randrange(256), 252 - len(message)))
        return bytes(message)

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self._rng.randrange(len(data))] ^= 1 << self._rng.randrange(8)

    def _set(self, data: bytearray) -> None:
        if data:
            data[self._rng.randrange(len(data))] = self._rng.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))

    def _cut(self, data: bytearray) -> None:
        del data[self._rng.randrange(len(data) + 1) :]

    def _cut_front(self, data: bytearray) -> None:
        del data[: self._rng.randrange(len(data) + 1)]

    def _insert(self, data: bytearray) -> None:
        at = self._rng.randrange(len(data) + 1)
        data[at:at] = self._rng.randbytes(self._rng.randint(1, 8))

    def _delete(self, data: bytearray) -> None:
        at = self._rng.randrange(len(data) + 1)
        del data[at : at + self._rng.randint(1, 8)]

    def _repeat(self, data: bytearray) -> None:
        data += data[: 300 - len(data)] if len(data) < 300 else b""

    def _splice(self, data: bytearray) -> None:
        other = self._framing.frame(1, 1, self._rng.choice(self._seeds))
        at = self._rng.randrange(len(data) + 1)
        data[at:] = other[self._rng.randrange(len(other)) :]


REQUESTS = (
    GOOD, pdu.read("coil", 0, 9), pdu.read("discrete", 0, 100), pdu.read("input", 0, 99), pdu.read("holding", 0, 125),
    pdu.write("coil", 0, b"\1", True), pdu.write("input", 0, b"\1\2", True), pdu.write("coil", 3, bytes([1, 0] * 20)),
    pdu.write("holding", 50, bytes(60)), pdu.mask_write(60, 1, 2), pdu.read_write(0, 9, 50, bytes(20)),
    pdu.identification(), pdu.identification(4, 1), pdu.write("holding", 90, bytes(50)),
)  # fmt: skip
ANSWERS = (
    GOOD_ANSWER, b"\x83\x02", b"\x83\x06", bytes.fromhex("03 04 FF FF FF FF"), bytes.fromhex("04 04 00 29 00 2A"),
    bytes.fromhex("01 01 05"), bytes.fromhex("10 00 00 00 02"), bytes((3, 250)) + bytes(250),
    bytes.fromhex("03 02 00 00"), bytes.fromhex("2B 0E 01 01 00 00 03 00 03 41 42 43 01 01 58 02 00"),
)  # fmt: skip


@dataclass
class Outcome:
    """What a run has seen, for people and for tests of the test."""

    frames: int = 0
    good: int = 0
    reconnections: int = 0
    slowest_s: float = 0.0
    log: list[str] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str) -> None:
        """One more of a kind."""
        self.kinds[kind] = self.kinds.get(kind, 0) + 1


# --- at our server --------------------------------------------------------------------------------------------------
def fuzz_server(kind: str, frames: int, seed: int) -> Outcome:
    """``frames`` bad frames at a server of one kind, in memory and simulated time."""
    outcome = Outcome()
    spec = SPECS[kind]

    async def main(loop: object) -> None:
        network = MemoryNetwork()
        server = ModbusServer.of(spec, network)
        unit_on(server, 1)
        await server.start()
        rtu = kind != "MBAP"
        rng = random.Random(f"{seed} {kind}")
        mutator = Mutator(rng, Rtu(serves=False) if rtu else Mbap(), REQUESTS)

        def connect() -> "_Deaf":
            client = _Deaf(rtu)
            network.connect(*spec.address, client, "fuzz")
            return client

        client, patient = connect(), connect()
        while outcome.frames < frames:
            for _ in range(min(BAD_PER_GOOD, frames - outcome.frames)):
                outcome.frames += 1
                client.send(mutator.frame())
                if client.transport is None or client.transport.is_closing():
                    outcome.reconnections += 1
                    await asyncio.sleep(0.0)
                    client = connect()
            for connection in server.connections:
                _is_bounded(connection)
            assert len(server.connections) <= 3
            for who in (patient, client if rtu else connect()):
                await _good_request(who, outcome)
            await asyncio.sleep(0.0)
            if not rtu:
                who.close()
        server.stop()
        await asyncio.sleep(0.0)

    with capture_logs() as logs:
        run_simulated(main)
    outcome.log = [str(entry["event"]) for entry in logs]
    return outcome


class _Deaf(RawClient):
    """Keeps of what it hears no more than a test needs."""

    def data_received(self, data: bytes) -> None:
        if self.listens:
            try:
                self.frames += self.framing.feed(data)
            except FramingLost as lost:
                raise AssertionError("the server itself sends rubbish") from lost
            self.news.set()

    listens = False


async def _good_request(client: _Deaf, outcome: Outcome) -> None:
    """A good request is answered right and in time, by the simulated clock and in work of this thread."""
    unit_of_answer = 1
    client.frames.clear()
    client.framing.reset()
    client.listens = True
    began_s = time.perf_counter()
    client.ask(unit_of_answer, pdu.write("holding", 41, bytes.fromhex("00 29 00 2A")), 7)
    await client.until(lambda: bool(client.frames) and client.frames[-1].pdu[:1] == b"\x10", ANSWER_WITHIN_S)
    client.ask(unit_of_answer, GOOD, 8)
    await client.until(lambda: client.frames[-1].pdu == GOOD_ANSWER, ANSWER_WITHIN_S)
    outcome.slowest_s = max(outcome.slowest_s, time.thread_time() - began_s)
    outcome.good += 1
    client.listens = False
    assert outcome.slowest_s < ANSWER_WITHIN_S, f"a good request took {outcome.slowest_s:.3f} s"


def _is_bounded(connection: ServerConnection) -> None:
    assert len(connection._framing._rest) < 260  # type: ignore[attr-defined]
    assert not connection._late
    assert len(connection._timers) <= 2


# --- at our client ---------------------------------------------------------------------------------------------------
class _Rogue(asyncio.Protocol):
    """A device that answers every request with what it is told to."""

    def __init__(self, rtu: bool, answer: Callable[[int], Iterator[bytes]]) -> None:
        self._framing: Framing = Rtu(serves=True) if rtu else Mbap()
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        for frame in self._framing.feed(data):
            for answer in self._answer(frame.transaction):
                self.transport.write(answer)


def fuzz_client(kind: str, frames: int, seed: int) -> Outcome:
    """``frames`` bad answers at a client of one kind; every request ends, with an answer, a refusal or ``LinkDown``."""
    outcome = Outcome()
    spec = SPECS[kind]

    async def main(loop: object) -> None:
        rtu = kind != "MBAP"
        rng = random.Random(f"{seed} {kind} client")
        framing: Framing = Rtu(serves=True) if rtu else Mbap()
        mutator = Mutator(rng, framing, ANSWERS)
        behaves = [False]

        def answer(transaction: int) -> Iterator[bytes]:
            if behaves[0]:
                yield framing.frame(transaction, 1, GOOD_ANSWER)
                return
            for _ in range(rng.choice((1, 1, 1, 2, 3))):
                outcome.frames += 1
                yield mutator.frame(transaction if rng.random() < 0.7 else 0)

        network = MemoryNetwork()
        network.listen(*spec.address, lambda: _Rogue(rtu, answer))
        link = memory_link(spec, network)

        async def ask() -> bytes:
            if not link.connected:
                outcome.reconnections += 1
                await link.connect()
            return await link.ask(GOOD)

        while outcome.frames < frames:
            begun = outcome.frames
            behaves[0] = False
            asked = 0
            while outcome.frames < min(begun + BAD_PER_GOOD, frames):
                asked += 1
                assert asked <= BAD_PER_GOOD, "requests end without an answer"
                try:
                    found = await ask()
                except (LinkDown, DeviceRefused) as trouble:
                    outcome.count(type(trouble).__name__)
                else:
                    assert len(found) == 4, "an answer of another length was taken for good"
                    outcome.count("answer")
            behaves[0] = True
            link.abort()
            began_s = time.perf_counter()
            async with asyncio.timeout(ANSWER_WITHIN_S):
                assert await ask() == GOOD_ANSWER[2:]
            outcome.slowest_s = max(outcome.slowest_s, time.thread_time() - began_s)
            outcome.good += 1
            assert outcome.slowest_s < ANSWER_WITHIN_S, f"a good answer took {outcome.slowest_s:.3f} s"
        link.abort()
        await asyncio.sleep(0.0)
        assert network.connections == 0

    with capture_logs() as logs:
        run_simulated(main)
    outcome.log = [str(entry["event"]) for entry in logs]
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    for kind in SPECS:
        for name, fuzz in (("server", fuzz_server), ("client", fuzz_client)):
            began_s = time.perf_counter()
            outcome = fuzz(kind, asked.frames // (2 * len(SPECS)), asked.seed)
            assert len(outcome.log) <= 1, outcome.log
            print(f"{name}, {kind}: {outcome}, {time.perf_counter() - began_s:.1f} s", flush=True)


if __name__ == "__main__":
    main()
