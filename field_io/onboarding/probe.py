"""All that can be found out about one unit: identification, tables, samples, guesses.

Called by   ``dcs device probe``; tests in simulated time.
Promise     never writes; one request at a time; whatever ends it early (limits, a lost connection, Ctrl-C), what was
            found until then is the result, and ``ended`` says why there is not more.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dcs.core.clock import NS_PER_S, Clock
from dcs.core.errors import LinkDown
from field_io.drivers.links.link import DeviceRefused
from field_io.modbus import pdu as codes
from field_io.modbus.pdu import BIT_TABLES, words_of
from field_io.onboarding.asker import Asker, Figures, Limits, Spent
from field_io.onboarding.contact import Diagnosis, LinkMaker, contact
from field_io.onboarding.evidence import Order
from field_io.onboarding.guess import Guess, guess
from field_io.onboarding.identify import Identity
from field_io.onboarding.scan import GRAIN, TableScan, TableScanner, Unreachable
from field_io.onboarding.target import Target

TABLE_ORDER = ("holding", "input", "coil", "discrete")
BLOCKS_MOST = 40
"""Reads of one round of samples: a device with very many registers is sampled where it has something."""

Ranges = Mapping[str, Sequence[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """What may be asked, and where."""

    limits: Limits = field(default_factory=Limits)
    ranges: Ranges = field(default_factory=dict)  # table -> [(first, last)]; empty: all four tables
    grain: int = GRAIN
    samples: int = 5
    sample_every_ns: int = NS_PER_S


@dataclass(slots=True)
class Probed:
    """What was found."""

    target: Target
    unit: int
    identity: Identity
    tables: dict[str, TableScan] = field(default_factory=dict)
    guesses: dict[str, list[Guess]] = field(default_factory=dict)
    order: Order | None = None
    figures: Figures = field(default_factory=Figures)
    spacing_ns: int = 0
    samples: int = 1
    ended: str = ""

    @property
    def has_registers(self) -> bool:
        """Did any table answer?"""
        return any(scan.found for scan in self.tables.values())


class Tell:
    """Hears how far a probe is; for a terminal."""

    def table(self, scan: TableScan, figures: Figures) -> None:
        """A request of a table was answered or refused."""

    def sample(self, number: int, of: int) -> None:
        """A round of samples begins."""


async def probe(
    target: Target,
    unit: int,
    make_link: LinkMaker,
    clock: Clock,
    options: ProbeOptions,
    tell: Tell | None = None,
    speaks_tls: Diagnosis | None = None,
) -> Probed:
    """Find out about one unit. Raises ``Missing`` when there is nothing to find out about."""
    told = tell or Tell()
    limits = options.limits
    asker = Asker(make_link(replace(target.spec, unit=unit)), clock, limits)
    try:
        found = Probed(target, unit, await contact(asker, target, unit, speaks_tls), figures=asker.figures)
        registers: dict[str, dict[int, list[int]]] = {}
        try:
            # A tenth of the requests and a fifth of the time are kept for the samples.
            asker.limits = Limits(limits.requests * 9 // 10, limits.time_ns * 4 // 5, limits.spacing_ns)
            await _scan(asker, found, options, told)
        except Spent as spent:
            found.ended = f"{spent}: there may be more"
        except Unreachable as gone:
            found.ended = f"{gone}: what is here was read before"
        asker.limits = limits
        registers = {
            table: {address: [word] for address, word in scan.found.items()}
            for table, scan in found.tables.items()
            if table not in BIT_TABLES
        }
        await _sample(asker, clock, found, registers, options, told)
    except asyncio.CancelledError:
        if "found" not in locals():
            raise
        found.ended = "stopped by hand"
        registers = registers or {
            table: {address: [word] for address, word in scan.found.items()}
            for table, scan in found.tables.items()
            if table not in BIT_TABLES
        }
    finally:
        asker.close()
    found.spacing_ns = asker.spacing_ns
    _guess(found, registers)
    return found


async def _scan(asker: Asker, found: Probed, options: ProbeOptions, told: Tell) -> None:
    known: list[bytes] = [codes.identification()]

    async def alive() -> bool:
        try:
            await asker.exchange(known[-1])
        except LinkDown:
            return False
        return True

    def tell(scan: TableScan) -> None:
        if scan.found:
            address = next(iter(scan.found))
            known[:] = [codes.read(scan.table, address, 1)]
        told.table(scan, asker.figures)

    scanners = []
    for table in options.ranges or TABLE_ORDER:
        found.tables[table] = scan = TableScan(table)
        scanners.append(TableScanner(asker, scan, alive, tell))
        await scanners[-1].begin(options.ranges.get(table), options.grain)
    if not options.ranges:  # last what takes longest and finds least
        for scanner in scanners:
            await scanner.go_on()


async def _sample(
    asker: Asker,
    clock: Clock,
    found: Probed,
    registers: dict[str, dict[int, list[int]]],
    options: ProbeOptions,
    told: Tell,
) -> None:
    """Read everything again a few times: what moves tells most of what it is."""
    blocks = _blocks(found)
    began_ns = clock.monotonic_ns()
    for number in range(1, options.samples if blocks else 1):
        await clock.sleep_until(began_ns + number * options.sample_every_ns)
        told.sample(number, options.samples - 1)
        for table, first, count in blocks:
            try:
                words = words_of(await asker.read(table, first, count))
            except Spent as spent:
                found.ended = found.ended or f"{spent}: fewer samples than asked for"
                words = []
            except (LinkDown, DeviceRefused):
                words = []
            for address, word in zip(range(first, first + count), words, strict=False):
                registers[table][address].append(word)
        found.samples = number + 1
        for series in registers.values():  # what was not read this time stays as it was
            for values in series.values():
                values.extend(values[-1:] * (found.samples - len(values)))


def _blocks(found: Probed) -> list[tuple[str, int, int]]:
    blocks: list[tuple[str, int, int]] = []
    for table, scan in found.tables.items():
        if table in BIT_TABLES:
            continue
        size = max(1, min(scan.block_max, max(scan.sizes, default=1)))
        for first, last in scan.spans:
            for at in range(first, last + 1, size):
                count = min(size, last - at + 1)
                if any(scan.found[address] not in (0, 0xFFFF, 0x8000) for address in range(at, at + count)):
                    blocks.append((table, at, count))
    return blocks[:BLOCKS_MOST]


def _guess(found: Probed, registers: Mapping[str, Mapping[int, Sequence[int]]]) -> None:
    """All register tables together: the order is that of the device."""
    joined: dict[int, Sequence[int]] = {}
    tables = list(registers)
    for number, table in enumerate(tables):
        # Far apart, so that no value reaches from one table into the next.
        joined |= {(number << 20) + address: words for address, words in registers[table].items()}
    length = max((len(words) for words in joined.values()), default=0)
    even = {address: [*words, *([words[-1]] * (length - len(words)))] for address, words in joined.items()}
    guesses, found.order = guess(even) if even else ([], None)
    for number, table in enumerate(tables):
        found.guesses[table] = [
            replace(one, address=one.address - (number << 20)) for one in guesses if one.address >> 20 == number
        ]
