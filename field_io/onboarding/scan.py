"""Which addresses of a table exist: few requests where there is much, few where there is nothing.

Called by   ``onboarding.probe``.
Knows       one table at a time. A block that is refused (exception 2, 3 or 4) is tried at every eighth address; what is
            found grows to both sides, its exact end is found by halving. A device that does not answer at all to some
            addresses is asked for few of them: each costs a time-out.
Promise     whatever ends a scan (limits spent, connection lost, cancellation), what was found stays.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from dcs.core.errors import LinkDown
from field_io.drivers.links.link import DeviceRefused
from field_io.modbus.pdu import BIT_TABLES, ILLEGAL_FUNCTION, ILLEGAL_VALUE, NO_ANSWER, NO_PATH, words_of
from field_io.onboarding.asker import Asker

GRAIN = 8
NEAR = 32
"""So many addresses before and behind everything that was found are tried one by one."""
SILENT_MOST = 6
"""Time-outs in one table before what is silent is left alone."""
EMPTY_RUN = 512
"""Addresses in a row that all hold the same nothing (0 or FFFF): a table that is served whole, and mostly unused."""
_NOTHING = {0, 0xFFFF}
BEGIN = 1024
"""Addresses from 0 on that are looked through whole, unless told otherwise; behind them, only round numbers."""


@dataclass(slots=True)
class TableScan:
    """What was found in one table: words (or bits) by address, and addresses known not to be there."""

    table: str
    found: dict[int, int] = field(default_factory=dict)
    absent: set[int] = field(default_factory=set)
    silent: list[tuple[int, int]] = field(default_factory=list)  # (first, last) that get no answer at all
    block_max: int = 125
    missing: bool = False  # the device does not know the table
    ended: str = ""  # why it is not whole
    sizes: list[int] = field(default_factory=list)  # of the reads that were answered

    @property
    def spans(self) -> list[tuple[int, int]]:
        """(first, last) of what exists, in order."""
        out: list[tuple[int, int]] = []
        for address in sorted(self.found):
            if out and address == out[-1][1] + 1:
                out[-1] = (out[-1][0], address)
            else:
                out.append((address, address))
        return out

    def knows(self, address: int) -> bool:
        """Is it settled whether this address exists?"""
        return address in self.found or address in self.absent


class Unreachable(LinkDown):
    """The device does not answer any more, or a gateway says that it is gone."""


Told = Callable[[TableScan], None]


class TableScanner:
    """One table of one device."""

    def __init__(self, asker: Asker, scan: TableScan, alive: Callable[[], Awaitable[bool]], tell: Told) -> None:
        """``alive``: does the device still answer to what it answered before?"""
        self._asker, self._alive, self._tell = asker, alive, tell
        self.scan = scan
        self._is_bits = scan.table in BIT_TABLES
        scan.block_max = 2000 if self._is_bits else 125
        self._silences = 0
        self._whole = False  # the table goes on and on, with nothing in it
        self._seen: set[tuple[int, int]] = set()  # spans whose surroundings are known
        self._only: Sequence[tuple[int, int]] = ((0, 65535),)

    async def begin(self, ranges: Sequence[tuple[int, int]] | None, grain: int = GRAIN) -> None:
        """``ranges``: (first, last) to look through; None: the beginning of the table, and what it leads to.

        Raises ``Spent``, ``Unreachable``.
        """
        self._only = ranges or self._only
        for first, last in ranges or ((0, BEGIN - 1),):
            await self._look(first, last, grain)
            if self.scan.missing:
                return
        if ranges is None:
            await self._past_the_beginning()
        await self._near()

    async def go_on(self) -> None:
        """Round numbers behind the beginning. Raises ``Spent``, ``Unreachable``."""
        if not self.scan.missing:
            await self._round_numbers()
            await self._near()

    # --- ways to look -------------------------------------------------------------------------------------------
    async def _look(self, first: int, last: int, grain: int) -> None:
        """Look through a range, block by block from its beginning."""
        while first <= last and not self.scan.missing:
            if self.scan.knows(first):
                first += 1
                continue
            end = min(last, first + self.scan.block_max - 1)
            if await self._read(first, end):
                first = end + 1
            elif end == first or end - first + 1 <= self.scan.block_max:
                await self._heads(first, end, grain)
                first = end + 1

    async def _heads(self, first: int, last: int, grain: int) -> None:
        """In a block that was refused: registers of most devices begin at round numbers."""
        for address in (first, *range(first // grain * grain + grain, last + 1, grain)):
            if self.scan.missing:
                return
            if not self.scan.knows(address) and not self._leaves(address) and await self._read(address, address):
                await self._grow_left(address, max(0, address - grain))
                await self._grow_right(address, last)

    async def _near(self) -> None:
        """What stands close to something else, one by one, until nothing new turns up."""
        for address in range(NEAR):  # the beginning of a table is near by itself
            await self._try(address)
        while not self._whole and (new := [span for span in self.scan.spans if span not in self._seen]):
            self._seen.update(new)
            for first, last in new:
                await self._grow_right(last, min(65535, last + NEAR))
                for address in (*range(max(0, first - NEAR), first), *range(last + 1, min(65536, last + NEAR + 1))):
                    await self._try(address)

    async def _try(self, address: int) -> None:
        if not (self.scan.missing or self.scan.knows(address) or self._leaves(address)):
            await self._read(address, address)

    async def _round_numbers(self) -> None:
        """Behind the beginning: every hundred to 10000, every thousand to the end; of bits every thousand to 10000."""
        of_registers = (*range(1100, 10_000, 100), *range(10_000, 65_536, 1000))
        for address in range(2000, 10_001, 1000) if self._is_bits else of_registers:
            if self.scan.missing or self.scan.knows(address) or self._leaves(address):
                continue
            # A register that the maker counts from 1 is one address earlier, and may be half of a value.
            there = await self._read(address, address) or await self._read(address - 1, address)
            if there and not (self._whole and self.scan.found[address] in _NOTHING):
                await self._grow_right(address, 65535)
                await self._grow_left(address, max(0, address - NEAR))

    async def _past_the_beginning(self) -> None:
        if BEGIN - 1 in self.scan.found:  # it was cut off there
            await self._grow_right(BEGIN - 1, 65535)

    async def _grow_right(self, known: int, last: int) -> None:
        """From a known address upwards until one is refused; the exact end by halving."""
        at, size, largest = known + 1, 2, 1
        refused: int | None = None  # last address of a block that was refused
        while at <= last:
            if at in self.scan.found:
                at += 1
                continue
            if at in self.scan.absent or self._leaves(at) or self._nothing_behind(at):
                return
            if refused is not None and at > refused:  # every address of it exists: the block was too large
                self.scan.block_max, refused, size = max(1, largest), None, largest
            last = next((end for first, end in self._only if first <= at <= end < last), last)
            if refused is None:
                end = min(last, at + min(size, self.scan.block_max) - 1)
            else:
                end = at + max(1, (refused - at + 1) // 2) - 1
            if await self._read(at, end):
                largest = max(largest, end - at + 1)
                at = end + 1
                size = size * 4 if refused is None else size
            elif at == end:
                return
            else:
                refused = end

    async def _grow_left(self, known: int, first: int) -> None:
        at = known - 1
        while at >= first and not self.scan.knows(at) and not self._leaves(at):
            if not await self._read(at, at):
                return
            at -= 1

    def _nothing_behind(self, at: int) -> bool:
        """Long runs of 0 or FFFF are not followed to the end of the table."""
        if at < EMPTY_RUN:
            return False
        values = {self.scan.found.get(address, -1) for address in range(at - EMPTY_RUN, at)}
        if len(values) == 1 and values <= _NOTHING:
            self._whole = True
            self.scan.ended = f"served on behind {at - 1}, but nothing but {values.pop():04X} there"
            return True
        return False

    # --- one request --------------------------------------------------------------------------------------------
    async def _read(self, first: int, last: int) -> bool:
        """True when all of it exists; its values are kept."""
        scan, count = self.scan, last - first + 1
        try:
            data = await self._asker.read(scan.table, first, count)
        except DeviceRefused as refused:
            if refused.code in (NO_PATH, NO_ANSWER):
                raise Unreachable(str(refused)) from None
            if refused.code == ILLEGAL_FUNCTION:
                scan.missing = True
            elif refused.code == ILLEGAL_VALUE and count > 1:
                scan.block_max = max(1, min(scan.block_max, count // 2))
            elif count == 1:
                scan.absent.add(first)
            self._tell(scan)
            return False
        except Unreachable:
            raise
        except LinkDown:
            await self._no_answer(first, last)
            return False
        values = data if self._is_bits else words_of(data)
        scan.found |= dict(zip(range(first, last + 1), values, strict=True))
        scan.sizes.append(count)
        self._tell(scan)
        return True

    async def _no_answer(self, first: int, last: int) -> None:
        """Is it this address, or is the device gone?"""
        try:
            alive = await self._alive()
        except LinkDown:
            alive = False
        if not alive:
            raise Unreachable("it stopped answering") from None
        self._silences += 1
        if first == last or self._silences >= SILENT_MOST:
            self.scan.silent.append((first, last))
        if self._silences == SILENT_MOST:
            self.scan.ended = f"some addresses get no answer at all; after {SILENT_MOST} time-outs they were left alone"

    def _leaves(self, address: int) -> bool:
        """Nobody asks there: it is silent, or outside of what was asked for."""
        if not any(first <= address <= last for first, last in self._only):
            return True
        return any(first <= address <= last for first, last in self.scan.silent)
