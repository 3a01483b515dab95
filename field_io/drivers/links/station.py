"""The link to a node unit with cards: reads its diagnosis beside the values, and takes outputs up again without a bump.

Called by   ``drivers.modbus`` as any other link; ``drivers.modbus.redundant`` turns what it knows into statuses.
Knows       the diagnosis registers (``field_io.station``), one link, and when this controller wrote last.
Promise     outputs that stand in their fail action, because nobody wrote or because their card was out, are not written
            over: the station is sent what it holds, which keeps its watchdog quiet, until that is what the controller
            wants. Meanwhile the driver gives the read-back the status *initialisation request*, and the AO and DO
            blocks follow it. A writer that follows nothing, such as an output without a read-back, has its way
            ``RESUME_NS`` later.
"""

from collections.abc import Callable

from dcs.core.clock import NS_PER_S, Clock
from dcs.core.errors import LinkDown
from field_io.drivers.gate import Gate, GateClosed
from field_io.drivers.links.link import LinkFaults, ModbusLink
from field_io.modbus import pdu as codes
from field_io.specs import DeviceSpec, PointSpec
from field_io.station import (
    CARD_STATES,
    DIAGNOSIS_ADDRESS,
    DIAGNOSIS_COUNT,
    DIAGNOSIS_TABLE,
    EMPTY,
    FAILED,
    IN_SERVICE,
    STANDBY,
    STARTING,
    CardSpec,
    Diagnosis,
    StationSpec,
    diagnosis_of,
)

RESUME_NS = 5 * NS_PER_S
"""How long outputs are given to follow what the field holds, besides three polls."""

_NEVER_NS = -(2**62)
_ASK = codes.read(DIAGNOSIS_TABLE, DIAGNOSIS_ADDRESS, DIAGNOSIS_COUNT)


class StationLink(ModbusLink):
    """``ModbusLink`` to a station over another one. ``on_event`` hears of cards and fail actions, while it is set."""

    def __init__(self, link: ModbusLink, spec: DeviceSpec, clock: Clock) -> None:
        self.diagnosis: Diagnosis | None = None
        self.asked_ns = _NEVER_NS  # monotonic, when the diagnosis was asked for
        self.on_event: Callable[[str], None] | None = None
        self._link = link
        link.on_lost = self._link_lost
        self._clock = clock
        self._station = spec.station or StationSpec()
        self._every_ns = spec.poll_ns // 2
        self._fail_after_ns = spec.watchdog_ns
        self._resume_ns = RESUME_NS + 3 * spec.poll_ns
        self._outputs = [point for point in spec.points if point.direction == "out"]
        self._written_ns = _NEVER_NS
        self._following: dict[str, tuple[int, int]] = {}  # output -> (UTC since when, monotonic until when) it follows
        self._told: tuple[int, ...] = ()

    # --- as a link --------------------------------------------------------------------------------------------
    def _link_lost(self, reason: str) -> None:
        if self.on_lost is not None:
            self.on_lost(reason)

    @property
    def faults(self) -> LinkFaults:  # type: ignore[override]
        """Those of the link below."""
        return self._link.faults

    @property
    def connected(self) -> bool:
        return self._link.connected

    async def connect(self) -> None:
        await self._link.connect()

    def abort(self) -> None:
        self._link.abort()

    async def exchange(self, request: bytes, may_write: Gate | None = None) -> bytes:
        now_ns = self._clock.monotonic_ns()
        if may_write is None:
            if now_ns - self.asked_ns >= self._every_ns:
                await self._diagnose()
            return await self._link.exchange(request)
        if now_ns - self._written_ns >= self._fail_after_ns:  # it may have gone to its fail action meanwhile
            await self._diagnose()
        addressed = self._addressed(request)
        held = await self._held(request, addressed) if addressed else None
        answer = await self._link.exchange(request if held is None else held, may_write)
        if not answer[0] & 0x80:
            self._written_ns = now_ns
        if held is not None:
            raise GateClosed("not sent: the outputs of the station have moved by themselves and are followed first")
        for point in addressed:
            self._following.pop(point.name, None)
        return answer

    # --- diagnosis --------------------------------------------------------------------------------------------
    async def _diagnose(self) -> None:
        asked_ns = self._clock.monotonic_ns()
        answer = await self._link.exchange(_ASK)
        try:
            found = diagnosis_of(codes.words_of(codes.data_of(_ASK, answer)))
        except codes.Refused:
            return  # a unit that does not say how it is
        except codes.Malformed as malformed:
            self.abort()
            raise LinkDown(str(malformed)) from None
        before, self.diagnosis, self.asked_ns = self.diagnosis, found, asked_ns
        if found.fail_action and not (before and before.fail_action):
            self._follow(self._outputs)
        for card in self._station.cards:
            starts = any(found.cards[slot] == STARTING for slot in card.slots) and not found.serves(card)
            if starts and not (before and any(before.cards[slot] == STARTING for slot in card.slots)):
                self._follow([point for point in self._outputs if self.card_of(point) is card])
        self._tell(before, found)

    def card_of(self, point: PointSpec) -> CardSpec | None:
        """The card that a point is on."""
        return self._station.card_at(point.table, point.address)

    def serves(self, point: PointSpec) -> bool:
        """False while no card is there for the point."""
        card = self.card_of(point)
        return card is None or self.diagnosis is None or self.diagnosis.serves(card)

    @property
    def cards_lost(self) -> tuple[int, ...]:
        """Slots of duplex pairs whose card could not take over."""
        if self.diagnosis is None:
            return ()
        slots = [slot for card in self._station.cards if card.duplex for slot in card.slots]
        return tuple(slot for slot in slots if self.diagnosis.cards[slot] not in (IN_SERVICE, STANDBY))

    # --- outputs that must follow first -----------------------------------------------------------------------
    def _follow(self, points: list[PointSpec]) -> None:
        since_ns, until_ns = self._clock.time_ns(), self._clock.monotonic_ns() + self._resume_ns
        self._following |= {point.name: (since_ns, until_ns) for point in points}

    def follows_since(self, name: str) -> int | None:
        """UTC since when an output has to follow its read-back; None: it leads."""
        found = self._following.get(name)
        return found[0] if found and self._clock.monotonic_ns() < found[1] else None

    def _addressed(self, request: bytes) -> list[PointSpec]:
        """Outputs in a write that have to follow."""
        if not self._following:
            return []
        table, address, data = written_by(request)
        end = address + len(data) // (1 if table == "coil" else 2)
        points = [point for point in self._outputs if point.table == table and address <= point.address < end]
        return [point for point in points if self.follows_since(point.name) is not None]

    async def _held(self, request: bytes, addressed: list[PointSpec]) -> bytes | None:
        """The write that repeats what the station holds; None when ``request`` says that of ``addressed`` already."""
        table, address, data = written_by(request)
        width = 1 if table == "coil" else 2
        ask = codes.read(table, address, len(data) // width)
        try:
            held = codes.data_of(ask, await self._link.exchange(ask))
        except (codes.Refused, codes.Malformed):
            return None  # what cannot be read back cannot be followed
        spans = [slice((p.address - address) * width, (p.end - address) * width) for p in addressed]
        return None if all(held[span] == data[span] for span in spans) else codes.write(table, address, held)

    # --- events -----------------------------------------------------------------------------------------------
    def _tell(self, before: Diagnosis | None, found: Diagnosis) -> None:
        if self.on_event is None:
            return
        old = self._told or tuple(EMPTY for _ in found.cards)
        for card in self._station.cards:
            for slot in card.slots:
                was, now = old[slot], found.cards[slot]
                if was != now and (now == FAILED or was in (FAILED, STARTING)):
                    self.on_event(_sentence(card, slot, now, found.serves(card)))
        self._told = found.cards
        if found.fail_action != (before is not None and before.fail_action):
            self.on_event("outputs are in their fail action" if found.fail_action else "outputs are written again")


def _sentence(card: CardSpec, slot: int, state: int, served: bool) -> str:
    if state != FAILED:
        return f"card S{slot} ({card.kind}): {CARD_STATES[state]}"
    if served:
        other = next(each for each in card.slots if each != slot)
        return f"card S{slot} ({card.kind}) has failed, S{other} carries on: redundancy lost"
    what = "its points are Bad" if card.kind in ("AI", "DI") else "its outputs are in their fail action"
    return f"card S{slot} ({card.kind}) has failed: {what}"


def written_by(request: bytes) -> tuple[str, int, bytes]:
    """(table, address, registers or bits) of a write with function code 5, 6, 15, 16 or 23; of another one no data."""
    code, address = request[0], request[1] << 8 | request[2]
    if code == codes.WRITE_REGISTERS:
        return "holding", address, request[6:]
    if code == codes.WRITE_REGISTER:
        return "holding", address, request[3:5]
    if code == codes.READ_WRITE:
        return "holding", request[5] << 8 | request[6], request[10:]
    if code == codes.WRITE_COILS:
        return "coil", address, codes.unpack_bits(request[6:], request[3] << 8 | request[4])
    if code == codes.WRITE_COIL:
        return "coil", address, b"\x01" if request[3] else b"\x00"
    return "holding", address, b""
