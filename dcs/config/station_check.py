"""Redundant field I/O in field.yaml: second addresses, cards in slots, points on channels, fail actions.

Called by   ``dcs.config.field_check``.
Knows       the rule of addresses of a station (``field_io.station``). Nothing of the plant.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from dcs.config.field_schema import DeviceSection, PointSection
from dcs.config.problems import Problems, did_you_mean
from dcs.config.source import Document, KeyPath
from dcs.core.errors import ConfigError
from dcs.core.units import parse_quantity
from field_io.specs import DIAGNOSES, DIAGNOSIS, MODBUS_PROTOCOLS, DeviceSpec
from field_io.station import CARD_KINDS, FAIL_AFTER_NS, SLOTS_MAX, CardSpec, StationSpec, address_of

_SLOT = re.compile(r"S([1-9][0-9]?)")


class StationCheck:
    """One device of the file, as far as couplers, cards and fail actions go."""

    def __init__(self, name: str, section: DeviceSection, document: Document, problems: Problems) -> None:
        self._name = name
        self._section = section
        self._document = document
        self._problems = problems
        self._path: KeyPath = ("devices", name)
        self._cards: dict[int, CardSpec] = {}
        self._channels: dict[tuple[int, int], str] = {}
        if section.station is not None:
            self._take_cards()

    def fields(self) -> dict[str, Any]:
        """The fields of ``DeviceSpec`` that come of it."""
        section = self._section
        backup = (section.backup.host, section.backup.port) if section.backup else None
        if (backup or section.station) and section.protocol not in ("modbus-tcp", "modbus-tls", "modbus-rtu-over-tcp"):
            key = "backup" if backup else "station"
            self._tell((key,), f"`{key}` means nothing for protocol {section.protocol}. Delete it.")
        if backup is not None and backup[1] and backup == (section.host, section.port):
            self._tell(("backup",), "the backup has the address of the device itself. Write its second address.")
        if backup is not None and not backup[1] and not section.simulate:
            self._tell(("backup", "port"), "a free port can only be chosen for a simulated device. Write its port.")
        fails = section.watchdog if "watchdog" in section.model_fields_set else FAIL_AFTER_NS
        cards = tuple(dict.fromkeys(self._cards[slot] for slot in sorted(self._cards)))
        return {
            "backup": backup,
            "station": StationSpec(cards) if section.station is not None else None,
            "watchdog_ns": fails if self._has_watchdog else section.watchdog,
        }

    @property
    def _has_watchdog(self) -> bool:
        """One of 2 s unless something else is written: of whoever looks at who writes, and of couplers."""
        return self._section.station is not None or self._section.epoch is not None

    def points(self, more: Iterable[tuple[str, PointSection]] = ()) -> dict[str, PointSection]:
        """The points with table and address, those on channels too; diagnoses last, for no request has them.

        ``more`` are those of the device that a table gives.
        """
        found = {tag: self._located(tag, point) for tag, point in (*self._section.points.items(), *more)}
        return dict(sorted(found.items(), key=lambda item: item[1].table == DIAGNOSIS))

    def fail_value(self, tag: str, section: PointSection) -> float | None:
        """Where an output goes, in the unit of its point."""
        path = ("points", tag, "fail_value")
        if section.fail_value is None:
            return None
        if section.direction != "out":
            self._tell(path, f"{tag} is an input, and only an output has a fail value. Delete it.")
            return None
        if not self._section.watchdog and not self._has_watchdog:
            self._tell(
                path, f"{tag}: a fail value needs the time after which it counts. Write `watchdog` of {self._name}."
            )
        try:
            return _number_of(section.fail_value, section.unit)
        except ConfigError as exc:
            self._tell(path, f"{tag}: fail_value {exc.message}")
            return None

    # --- cards ------------------------------------------------------------------------------------------------
    def _take_cards(self) -> None:
        assert self._section.station is not None
        for key, card in self._section.station.cards.items():
            path = ("station", "cards", key)
            match = _SLOT.fullmatch(key)
            last = int(match[1]) + card.duplex if match else 0
            if match is None or last > SLOTS_MAX:
                self._tell(path, f"there is no slot {key}. A slot is S1 to S{SLOTS_MAX}; a duplex pair has two.")
                continue
            spec = CardSpec(int(match[1]), card.type, card.channels, card.duplex)
            for slot in spec.slots:
                if slot in self._cards:
                    self._tell(
                        path,
                        f"card {key}: slot S{slot} is already taken by the card of S{self._cards[slot].slot}. Move it.",
                    )
                self._cards.setdefault(slot, spec)

    def _located(self, tag: str, point: PointSection) -> PointSection:
        if point.diagnosis is not None:
            return self._diagnosis(tag, point)
        if point.slot is None:
            if point.channel is not None:
                self._tell(("points", tag, "channel"), f"{tag}: a channel needs its `slot`, such as `slot: S1`.")
            return point
        path = ("points", tag)
        match = _SLOT.fullmatch(point.slot)
        card = self._cards.get(int(match[1])) if match else None
        if card is None or card.slot != int(point.slot[1:]):
            first = [f"S{card.slot}" for card in dict.fromkeys(self._cards.values())]
            hint = did_you_mean(point.slot, first, "Its cards")
            self._tell((*path, "slot"), f"{tag}: there is no card in slot {point.slot} of {self._name}. {hint}")
            return point.model_copy(update={"table": "holding"})
        kind = CARD_KINDS[card.kind]
        channel = point.channel or 0
        if not 1 <= channel <= card.channels:
            self._tell(
                (*path, "channel") if channel else path,
                f"{tag}: the card in slot {point.slot} has the channels 1 to {card.channels}. Write one of them.",
            )
        elif (card.slot, channel) in self._channels:
            other = self._channels[card.slot, channel]
            self._tell(
                (*path, "channel"), f"{tag}: channel {channel} of {point.slot} is that of {other}. Write another."
            )
        self._channels.setdefault((card.slot, channel), tag)
        if point.direction != kind.direction:
            self._tell(
                (*path, "direction"), f"{tag}: card {point.slot} is {card.kind}. Write `direction: {kind.direction}`."
            )
        if point.table or "address" in point.model_fields_set:
            key = "table" if point.table else "address"
            self._tell((*path, key), f"{tag}: `{key}` follows from slot and channel. Delete it.")
        update: dict[str, Any] = {"table": kind.table, "address": address_of(card, max(1, channel))}
        if "type" not in point.model_fields_set:
            update["type"] = kind.type
        return point.model_copy(update=update)

    def _diagnosis(self, tag: str, point: PointSection) -> PointSection:
        path = ("points", tag, "diagnosis")
        needs = "backup" if point.diagnosis == DIAGNOSES[0] else "station"
        section = self._section
        has = section.backup if needs == "backup" else section.station
        if has is None and not (point.diagnosis == DIAGNOSES[0] and section.station is not None):
            self._tell(
                path, f"{tag}: {self._name} has no `{needs}`, so there is no {point.diagnosis}. Delete the point."
            )
        if point.direction != "in" or point.signal is not None:
            self._tell(path, f"{tag}: a diagnosis is read (`direction: in`) and has no `signal`. Correct that.")
        return point.model_copy(update={"table": DIAGNOSIS, "type": "bool", "node": point.diagnosis, "signal": None})

    def _tell(self, path: Sequence[str], sentence: str) -> None:
        self._problems.add(self._document.place((*self._path, *path)), f"device {self._name}: {sentence}")


def _number_of(value: float | str, unit: str) -> float:
    return parse_quantity(value, unit) if isinstance(value, str) else float(value)


def addresses_of_backups(devices: Sequence[DeviceSpec], document: Document, problems: Problems) -> None:
    """No two simulated couplers at one address."""
    taken = {(device.host, device.port): device.name for device in devices if device.port}
    for device in devices:
        if device.backup is None or not device.backup[1]:
            continue
        other = taken.setdefault(device.backup, f"the backup of {device.name}")
        if other not in (device.name, f"the backup of {device.name}") and device.protocol in MODBUS_PROTOCOLS:
            problems.add(
                document.place(("devices", device.name, "backup")),
                f"device {device.name}: its backup has the address of {other}. Write another.",
            )
