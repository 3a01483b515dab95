"""A device seen register by register: what stands in it, what the configuration makes of it, whether that can be right.

Called by   ``dcs device watch``.
Knows       one device and its points, a link, a clock. Reads what the points need and nothing else; never writes.
Promise     what was not answered says so and grows old; a device that comes back is seen again without a restart.
"""

from collections import deque
from dataclasses import dataclass, field

from dcs.core.clock import Clock
from dcs.core.errors import LinkDown
from dcs.core.status import STATUS_GOOD, STATUS_NO_COMM_LAST_USABLE, STATUS_NOT_CONNECTED
from field_io.drivers.links.link import DeviceRefused, ModbusLink
from field_io.modbus.pdu import EXCEPTION_NAMES, words_of
from field_io.onboarding.orders import Verdict, judge
from field_io.planning import Block, plan_reads
from field_io.registers import decode, decode_text
from field_io.specs import DeviceSpec, PointSpec

SAMPLES_KEPT = 12


@dataclass(slots=True)
class Watched:
    """One point now. ``words`` are as they came; a bit of a table of bits is one word, 0 or 1."""

    point: PointSpec
    words: tuple[int, ...] = ()
    value: float = float("nan")
    text: str = ""  # of a string
    status: int = STATUS_NOT_CONNECTED
    sampled_ns: int | None = None  # monotonic; None = never
    trouble: str = ""
    verdict: Verdict = field(default_factory=Verdict)
    samples: deque[tuple[int, ...]] = field(default_factory=lambda: deque(maxlen=SAMPLES_KEPT))


class DeviceWatch:
    """One device; ``look`` reads all of it once."""

    def __init__(self, spec: DeviceSpec, link: ModbusLink, clock: Clock) -> None:
        self.spec = spec
        self.points = [Watched(point) for point in spec.points]
        self.state = "connecting"
        self.requests = self.errors = 0
        self.round_trip_ns = 0
        self._link, self._clock = link, clock
        self._by_name = {one.point.name: one for one in self.points}
        self._blocks = _reads(spec)

    async def look(self) -> None:
        """Read everything once. Never raises for what the device does."""
        at = 0
        while at < len(self._blocks):
            block = self._blocks[at]
            if not await self._read(block, self._clock.monotonic_ns()):
                break
            if at < len(self._blocks) and self._blocks[at] is block:  # else it was parted: its points are read alone
                at += 1
            if self.spec.limits.spacing_ns:
                await self._clock.sleep_until(self._clock.monotonic_ns() + self.spec.limits.spacing_ns)
        now_ns = self._clock.monotonic_ns()
        for one in self.points:
            if (
                one.trouble
                and one.sampled_ns is not None
                and now_ns - one.sampled_ns >= self.spec.stale_after(one.point.poll)
            ):
                one.status = STATUS_NO_COMM_LAST_USABLE

    def close(self) -> None:
        """Leave no connection behind."""
        self._link.abort()

    async def _read(self, block: Block, now_ns: int) -> bool:
        """False when the device is gone: the rest need not be asked."""
        try:
            if not self._link.connected:
                await self._link.connect()
            self.requests += 1
            data = await self._link.read(block.table, block.address, block.count)
        except DeviceRefused as refused:
            self.errors += 1
            self.state = "up"
            self._mark(block.points, f"exception {refused.code}, {EXCEPTION_NAMES.get(refused.code, 'unknown')}")
            self._part(block)
            return True
        except LinkDown as exc:
            self.errors += 1
            self.state = f"down: {exc}"
            self._mark(self.spec.points, str(exc))
            return False
        self.state = "up"
        self.round_trip_ns = self._clock.monotonic_ns() - now_ns
        is_bits = block.points[0].is_bit
        words = list(data) if is_bits else words_of(data)
        for point in block.points:
            at = point.address - block.address
            self._put(self._by_name[point.name], tuple(words[at : at + point.count]), now_ns)
        return True

    def _part(self, block: Block) -> None:
        """From now on each of its points is read alone: one that is not there must not take the others with it."""
        if len(block.points) > 1:
            at = self._blocks.index(block)
            self._blocks[at : at + 1] = [
                Block(point.table, point.address, point.count, (point,)) for point in block.points
            ]

    def _mark(self, points: tuple[PointSpec, ...], trouble: str) -> None:
        for point in points:
            self._by_name[point.name].trouble = trouble

    def _put(self, one: Watched, words: tuple[int, ...], now_ns: int) -> None:
        point = one.point
        one.words, one.sampled_ns, one.trouble = words, now_ns, ""
        one.samples.append(words)
        if point.is_text:
            data = b"".join(word.to_bytes(2, "big") for word in words)
            one.text, one.status = decode_text(point, data), STATUS_GOOD
        elif point.is_bit:
            one.value, one.status = float(words[0]), STATUS_GOOD
        else:
            one.value, one.status = decode(point, words)
        one.verdict = judge(point, tuple(one.samples))


def _reads(spec: DeviceSpec) -> list[Block]:
    """Within what the device can take; points whose neighbours are forbidden are read without a gap."""
    gap = 0 if spec.forbidden else spec.gap_max
    return plan_reads(spec.points, gap, spec.limits.registers_per_read, spec.limits.bits_per_read)
