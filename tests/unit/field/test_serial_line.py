"""The serial transport over a pseudo-terminal: both ends are ours."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from field_io.serial_line import PseudoTerminal, SerialTransport, character_ns, open_serial, silence_ns
from field_io.specs import SerialLine

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a matter of POSIX"),
]


class Heard(asyncio.Protocol):
    """What arrived at one end, and how it ended."""

    def __init__(self) -> None:
        self.data = b""
        self.ended: list[Exception | None] = []
        self.news = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.append(exc)
        self.news.set()

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(5.0):
            while not done():
                self.news.clear()
                await self.news.wait()


Scenario = Callable[[SerialTransport, Heard, SerialTransport, Heard], Awaitable[None]]


def on_a_line(scenario: Scenario) -> None:
    async def main() -> None:
        terminal, near, far = PseudoTerminal(), Heard(), Heard()
        near_end = terminal.connect(near)
        far_end = open_serial(SerialLine(terminal.path), far)
        try:
            await scenario(near_end, near, far_end, far)
        finally:
            far_end.abort()
            near_end.abort()
            await asyncio.sleep(0)
        assert len(near.ended) == len(far.ended) == 1

    asyncio.run(main())


def test_every_byte_passes_in_both_directions() -> None:
    everything = bytes(range(256)) * 4

    async def scenario(near_end: SerialTransport, near: Heard, far_end: SerialTransport, far: Heard) -> None:
        near_end.write(everything)
        assert near_end.get_write_buffer_size() == 0, "the bytes leave within the call"
        far_end.write(everything[::-1])
        await far.until(lambda: len(far.data) == len(everything))
        await near.until(lambda: len(near.data) == len(everything))
        assert (far.data, near.data) == (everything, everything[::-1])

    on_a_line(scenario)


def test_a_port_is_ours_alone() -> None:
    async def scenario(near_end: SerialTransport, near: Heard, far_end: SerialTransport, far: Heard) -> None:
        with pytest.raises(OSError, match="exclusively lock"):
            open_serial(SerialLine(str(far_end.get_extra_info("peername"))), Heard())

    on_a_line(scenario)


def test_a_port_can_be_opened_again_and_again() -> None:
    """A pseudo-terminal takes a parity once and refuses it the second time."""

    async def scenario(near_end: SerialTransport, near: Heard, far_end: SerialTransport, far: Heard) -> None:
        path = str(far_end.get_extra_info("peername"))
        far_end.close()
        for parity in ("even", "even", "odd", "none"):
            again = open_serial(SerialLine(path, parity=parity), Heard())
            again.write(b"x")
            again.close()
        await near.until(lambda: near.data == b"xxxx")

    on_a_line(scenario)


def test_what_nobody_reads_is_bounded() -> None:
    async def scenario(near_end: SerialTransport, near: Heard, far_end: SerialTransport, far: Heard) -> None:
        for _ in range(1000):
            near_end.write(bytes(255))
        assert near_end.get_write_buffer_size() <= 4096

    on_a_line(scenario)


def test_a_port_that_goes_away_ends_the_connection_with_a_reason() -> None:
    async def scenario(near_end: SerialTransport, near: Heard, far_end: SerialTransport, far: Heard) -> None:
        near_end.close()
        await far.until(lambda: bool(far.ended))
        assert isinstance(far.ended[0], OSError)
        assert far_end.is_closing()
        far_end.write(b"nobody")  # no error

    on_a_line(scenario)


def test_a_port_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(OSError, match="could not open port"):
            open_serial(SerialLine(str(tmp_path / "ttyS9")), Heard())

    asyncio.run(main())


def test_the_other_end_is_found_by_its_link_and_the_link_goes_with_the_line(tmp_path: Path) -> None:
    async def main() -> None:
        link = tmp_path / "ttyRTU"
        near, far = Heard(), Heard()
        near_end = PseudoTerminal(str(link)).connect(near)
        far_end = open_serial(SerialLine(str(link)), far)
        far_end.write(b"\x01")
        await near.until(lambda: near.data == b"\x01")
        with pytest.raises(FileExistsError):
            PseudoTerminal(str(link))
        far_end.close()
        near_end.close()
        assert not link.exists()
        await asyncio.sleep(0)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("line", "bits", "silence_ms"),
    [
        (SerialLine("x", 19_200), 11, 2.005),
        (SerialLine("x", 9600, "none"), 10, 3.646),
        (SerialLine("x", 9600, "none", 2), 11, 4.010),
        (SerialLine("x", 115_200), 11, 1.75),
    ],
)
def test_silence_between_frames_is_that_of_the_specification(line: SerialLine, bits: int, silence_ms: float) -> None:
    assert character_ns(line) == bits * 1_000_000_000 // line.baud
    assert silence_ns(line) / 1e6 == pytest.approx(silence_ms, abs=0.001)
