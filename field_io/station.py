"""A node unit of field I/O: two couplers, slots with cards, some of them in duplex pairs; how it looks from outside.

Used by     ``dcs.config`` (slot and channel -> address), ``links.station`` (reads the diagnosis),
            ``devices.station`` (simulates it).
Knows       the rule of addresses and the diagnosis registers, written down in docs/explanations/redundant-io.md. No
            link, no clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

SLOTS_MAX, CHANNELS_MAX = 32, 32
SLOT_ADDRESSES = 100
"""Addresses that belong to one slot, in each table."""


class CardKind(NamedTuple):
    """What the channels of a card are on the bus."""

    table: str
    type: str  # of a channel unless its point says otherwise
    width: int  # addresses of one channel
    direction: str


CARD_KINDS = {
    "AI": CardKind("input", "float32", 2, "in"),
    "AO": CardKind("holding", "float32", 2, "out"),
    "DI": CardKind("discrete", "bool", 1, "in"),
    "DO": CardKind("coil", "bool", 1, "out"),
}

COUPLERS = ("A", "B")
FAIL_AFTER_NS = 2_000_000_000
"""Time without a write after which outputs take their fail action, unless the device says otherwise."""

CARD_START_NS = 2_000_000_000
"""How long a repaired card tests itself before it is in service."""


@dataclass(frozen=True, slots=True)
class CardSpec:
    """A card, or a duplex pair of cards in ``slot`` and the slot behind it, which have their points in common."""

    slot: int  # from 1 on
    kind: str  # one of CARD_KINDS
    channels: int = 16
    duplex: bool = False

    @property
    def slots(self) -> tuple[int, ...]:
        """The slots that it occupies."""
        return (self.slot, self.slot + 1) if self.duplex else (self.slot,)


@dataclass(frozen=True, slots=True)
class StationSpec:
    """The cards of one node unit."""

    cards: tuple[CardSpec, ...] = ()

    def card_at(self, table: str, address: int) -> CardSpec | None:
        """The card whose channel an address is."""
        slot = address // SLOT_ADDRESSES
        return next((c for c in self.cards if c.slot == slot and CARD_KINDS[c.kind].table == table), None)


def address_of(card: CardSpec, channel: int) -> int:
    """First address of a channel, counted from 1: 100 × slot + width × (channel − 1), in the table of its kind."""
    return SLOT_ADDRESSES * card.slot + CARD_KINDS[card.kind].width * (channel - 1)


# --- diagnosis: input registers ---------------------------------------------------------------------------------
DIAGNOSIS_TABLE, DIAGNOSIS_ADDRESS = "input", 60_000
CARDS_AT = 10
DIAGNOSIS_COUNT = CARDS_AT + SLOTS_MAX + 1
"""Registers: state, coupler, age of the last write, fail time, six of reserve, and one for each slot from 0 on."""

FAIL_ACTION, COUPLER_A, COUPLER_B, CARD_FAILED = 1, 2, 4, 8
"""Bits of the state register."""

NEVER_WRITTEN = 0xFFFF
EMPTY, IN_SERVICE, STANDBY, FAILED, STARTING = 0, 1, 2, 3, 4
CARD_STATES = ("no card", "in service", "standby", "failed", "starting")


class Diagnosis(NamedTuple):
    """What a station says of itself."""

    fail_action: bool  # outputs stand where their fail action put them
    couplers: tuple[bool, bool]  # in service
    answered_by: str  # the coupler that this was read through
    written_ms: int  # since the last write of an output; NEVER_WRITTEN: longer than can be said, or never
    fail_after_ms: int
    cards: tuple[int, ...]  # state of the card in each slot, from 0 on

    @property
    def failed(self) -> tuple[int, ...]:
        """Slots whose card has failed."""
        return tuple(slot for slot, state in enumerate(self.cards) if state == FAILED)

    def serves(self, card: CardSpec) -> bool:
        """Is there a card in service for the points of ``card``?"""
        return any(self.cards[slot] == IN_SERVICE for slot in card.slots)


def words_of(diagnosis: Diagnosis) -> list[int]:
    """The registers, from DIAGNOSIS_ADDRESS on."""
    state = FAIL_ACTION if diagnosis.fail_action else 0
    state |= (COUPLER_A if diagnosis.couplers[0] else 0) | (COUPLER_B if diagnosis.couplers[1] else 0)
    state |= CARD_FAILED if diagnosis.failed else 0
    head = [state, COUPLERS.index(diagnosis.answered_by) + 1, diagnosis.written_ms, diagnosis.fail_after_ms]
    return [*head, *[0] * (CARDS_AT - len(head)), *diagnosis.cards]


def diagnosis_of(words: Sequence[int]) -> Diagnosis:
    """Inverse of ``words_of``; what a register of a foreign station cannot mean becomes ``no card`` or A."""
    state = words[0]
    return Diagnosis(
        bool(state & FAIL_ACTION),
        (bool(state & COUPLER_A), bool(state & COUPLER_B)),
        COUPLERS[1] if words[1] == 2 else COUPLERS[0],
        words[2],
        words[3],
        tuple(word if word < len(CARD_STATES) else EMPTY for word in words[CARDS_AT:DIAGNOSIS_COUNT]),
    )
