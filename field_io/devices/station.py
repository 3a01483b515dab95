"""A simulated node unit: the registers of its points behind two couplers, cards that fail and come back.

Called by   ``devices.simulation`` as any device; ``field_io.faults`` by the names of its parts: ``NODE-1.A`` is a
            coupler, ``NODE-1.S3`` the card in slot 3.
Knows       which card serves which point (``field_io.station``). Also a device with a second address and no cards.
Behaviour   docs/explanations/redundant-io.md, table of failure reactions: a card of a pair fails: the other carries on
            with the same registers; the last card of its points fails: inputs stay where they were, outputs take their
            fail action and accept no write; a repaired card tests itself for ``CARD_START_NS``, and meanwhile the
            registers say where its outputs are, so that a controller can follow them.
"""

import json
from collections.abc import Callable, Sequence

from dcs.core.clock import NS_PER_MS, Clock
from field_io.devices.modbus_server import ModbusServer, Unit
from field_io.devices.output_watchdog import FailRecord
from field_io.devices.register_bank import Spans
from field_io.devices.simulated import SimulatedModbusDevice
from field_io.memory_network import MemoryNetwork
from field_io.specs import DeviceSpec, part_names
from field_io.station import (
    CARD_KINDS,
    CARD_START_NS,
    COUPLERS,
    DIAGNOSIS_ADDRESS,
    DIAGNOSIS_COUNT,
    DIAGNOSIS_TABLE,
    EMPTY,
    FAILED,
    IN_SERVICE,
    NEVER_WRITTEN,
    SLOTS_MAX,
    STANDBY,
    STARTING,
    CardSpec,
    Diagnosis,
    StationSpec,
    address_of,
    words_of,
)

_STATE = "station"
"""Key of the snapshot beside the tables of registers."""


class Coupler:
    """One of two ways in; ``field_io.faults.FaultyDevice``."""

    def __init__(self, name: str, server: ModbusServer, unit: Unit) -> None:
        self.name = name
        self.server = server
        self.unit = unit

    @property
    def in_service(self) -> bool:
        """Does it answer?"""
        return self.server.listening and not self.unit.silent

    def cut(self, silent: bool = False) -> None:
        """Dead: connections close and none is accepted; ``silent``: it accepts and never answers."""
        if silent:
            self.unit.silent = True
        else:
            self.server.stop()

    async def heal(self) -> None:
        """Back. Raises ``Missing`` when its port is taken meanwhile."""
        self.unit.silent = False
        self.unit.latency_s, self.unit.refuse_with = 0.0, 0
        await self.reconnect()

    async def reconnect(self) -> None:
        """On the network. Raises ``Missing`` when its port is taken meanwhile."""
        await self.server.start()

    def set_latency(self, latency_s: float) -> None:
        """Every answer through it is that late."""
        self.unit.latency_s = latency_s

    fail, repair = cut, heal


class Card:
    """The card in one slot; ``field_io.faults.FaultyDevice``."""

    def __init__(self, station: "SimulatedStation", slot: int) -> None:
        self._station = station
        self.slot = slot

    def fail(self) -> None:
        """Dead."""
        self._station.fail_card(self.slot)

    def cut(self, silent: bool = False) -> None:
        """The same."""
        self.fail()

    async def heal(self) -> None:
        """Exchanged for a good one, which tests itself first."""
        self._station.repair_card(self.slot)

    repair = heal

    def set_latency(self, latency_s: float) -> None:
        """Raises ``ValueError``: what is slow is a coupler."""
        raise ValueError("a card has no latency of its own; slow down a coupler")


class SimulatedStation(SimulatedModbusDevice):
    """A device with two couplers, or with cards, or with both."""

    def __init__(
        self,
        spec: DeviceSpec,
        clock: Clock,
        network: MemoryNetwork | None = None,
        server: ModbusServer | None = None,
        backup: ModbusServer | None = None,
    ) -> None:
        """``backup``: the server at its second address."""
        self._station = spec.station or StationSpec()
        self._states = [EMPTY] * (SLOTS_MAX + 1)
        for card in self._station.cards:
            for at, slot in enumerate(card.slots):
                self._states[slot] = STANDBY if at else IN_SERVICE
        self._starts: dict[int, int] = {}  # slot -> monotonic time at which its self-test ends
        self._held: dict[str, float] = {}  # outputs of cards that are out -> where they stand
        super().__init__(spec, clock, network, server)
        self._card_of = {p.name: self._station.card_at(p.table, p.address) for p in spec.points}
        self.couplers = [Coupler("A", self.server, self.unit)]
        if backup is not None:
            unit = Unit(spec.name, spec.unit, {})
            unit.bank, unit.identity, unit.after_write = self.bank, self.unit.identity, self._after_write
            unit.registers = self.unit.registers
            backup.units[spec.unit] = unit
            self.couplers.append(Coupler("B", backup, unit))
        for coupler in self.couplers:
            coupler.unit.before_request = self._asked_through(coupler)
        cards = [Card(self, slot) for card in self._station.cards for slot in card.slots]
        self.parts |= dict(zip(part_names(spec), [*self.couplers, *cards], strict=True))

    def _spans(self) -> Spans:
        spans = {table: list(members) for table, members in super()._spans().items()}
        for card in self._station.cards:
            kind = CARD_KINDS[card.kind]
            spans.setdefault(kind.table, []).append((address_of(card, 1), kind.width * card.channels))
        if self.spec.station is not None:
            spans.setdefault(DIAGNOSIS_TABLE, []).append((DIAGNOSIS_ADDRESS, DIAGNOSIS_COUNT))
        return spans

    # --- couplers ---------------------------------------------------------------------------------------------
    async def start(self) -> None:
        for coupler in self.couplers:
            await coupler.server.start()

    def stop(self) -> None:
        for coupler in self.couplers:
            coupler.server.stop()

    def cut(self, silent: bool = False) -> None:
        for coupler in self.couplers:
            coupler.cut(silent)

    async def heal(self) -> None:
        for coupler in self.couplers:
            await coupler.heal()

    async def reconnect(self) -> None:
        for coupler in self.couplers:
            await coupler.reconnect()

    def set_latency(self, latency_s: float) -> None:
        for coupler in self.couplers:
            coupler.set_latency(latency_s)

    def _asked_through(self, coupler: Coupler) -> Callable[[str], None]:
        def before_request(peer: str) -> None:
            self._before_request(peer)
            if self.spec.station is not None:
                self.bank.set_words(DIAGNOSIS_TABLE, DIAGNOSIS_ADDRESS, words_of(self.diagnosis(coupler.name)))

        return before_request

    def diagnosis(self, answered_by: str = "A") -> Diagnosis:
        """What its registers say of it."""
        alive = {coupler.name: coupler.in_service for coupler in self.couplers}
        age_ns = self.watchdog.age_ns
        age_ms = NEVER_WRITTEN if age_ns is None else min(NEVER_WRITTEN, age_ns // NS_PER_MS)
        return Diagnosis(
            self.watchdog.expired,
            (alive["A"], alive.get("B", False)),
            COUPLERS[answered_by == "B"],
            age_ms,
            min(NEVER_WRITTEN, self.watchdog.time_ns // NS_PER_MS),
            tuple(self._states),
        )

    # --- cards ------------------------------------------------------------------------------------------------
    def fail_card(self, slot: int) -> None:
        """The card in ``slot`` is dead."""
        self.bring_up_to_date()
        card = self._card_in(slot)
        if self._states[slot] == FAILED:
            return
        served = self._serves(card)
        self._states[slot] = FAILED
        self._starts.pop(slot, None)
        for other in card.slots:
            if self._states[other] == STANDBY and not self._serves(card):
                self._states[other] = IN_SERVICE
        if served and not self._serves(card):
            outputs = [name for name in self._outputs_of(card) if name not in self._held]
            values = self._fail_values(outputs)
            self._held |= {name: self.value(name) for name in outputs} | dict(values)
            self._drive(values)
            if outputs:
                self.watchdog.record.append(FailRecord(self._clock.time_ns(), True, values))

    def repair_card(self, slot: int) -> None:
        """A good card is in ``slot``; it tests itself, then it is in service, or the spare of its partner."""
        self.bring_up_to_date()
        self._card_in(slot)
        if self._states[slot] == FAILED:
            self._states[slot] = STARTING
            self._starts[slot] = self._clock.monotonic_ns() + CARD_START_NS

    def _card_in(self, slot: int) -> CardSpec:
        return next(card for card in self._station.cards if slot in card.slots)

    def _serves(self, card: CardSpec) -> bool:
        return any(self._states[slot] == IN_SERVICE for slot in card.slots)

    def _outputs_of(self, card: CardSpec) -> list[str]:
        return [point.name for point in self._outputs if self._card_of[point.name] is card]

    # --- time -------------------------------------------------------------------------------------------------
    @property
    def due_ns(self) -> int | None:
        """When something happens by itself: the watchdog, the end of a card's self-test."""
        due = [*self._starts.values(), *([self.watchdog.due_ns] if self.watchdog.due_ns is not None else [])]
        return min(due, default=None)

    def happen(self) -> None:
        """The time ``due_ns`` is there."""
        due_ns = self.due_ns
        for slot in [slot for slot, end_ns in self._starts.items() if end_ns == due_ns]:
            del self._starts[slot]
            card = self._card_in(slot)
            if self._serves(card):
                self._states[slot] = STANDBY
            else:
                self._states[slot] = IN_SERVICE
                outputs = self._outputs_of(card)
                for name in outputs:
                    self._held.pop(name, None)
                if outputs:
                    self.watchdog.record.append(FailRecord(self._clock.time_ns(), False))
        if self.watchdog.due_ns is not None and self.watchdog.due_ns == due_ns:
            super().happen()

    # --- registers as values ----------------------------------------------------------------------------------
    def set_values(self, names: tuple[str, ...], values: Sequence[float]) -> None:
        """Inputs of a card that is out keep their registers."""
        out = [
            card for card in self._station.cards if CARD_KINDS[card.kind].direction == "in" and not self._serves(card)
        ]
        if out:
            kept = [(n, v) for n, v in zip(names, values, strict=True) if self._card_of[n] not in out]
            names, values = tuple(name for name, _ in kept), [value for _, value in kept]
        if names:
            super().set_values(names, values)

    def _takes(self, name: str) -> bool:
        if name not in self._held:
            return True
        self.set_value(name, self._held[name])
        return False

    def _fail_values(self, names: Sequence[str]) -> tuple[tuple[str, float], ...]:
        return tuple((name, value) for name, value in super()._fail_values(names) if name not in self._held)

    # --- snapshot ---------------------------------------------------------------------------------------------
    def snapshot(self) -> dict[str, str]:
        now_ns = self._clock.monotonic_ns()
        starts = [[slot, end_ns - now_ns] for slot, end_ns in self._starts.items()]
        return super().snapshot() | {_STATE: json.dumps([self._states, starts, list(self._held.items())])}

    def restore(self, snapshot: dict[str, str]) -> None:
        states, starts, held = json.loads(snapshot[_STATE])
        now_ns = self._clock.monotonic_ns()
        self._states = list(states)
        self._starts = {slot: now_ns + left_ns for slot, left_ns in starts}
        self._held = dict(held)
        super().restore({name: text for name, text in snapshot.items() if name != _STATE})
