"""What a Modbus driver writes: planned requests for any set of outputs, and whether the device holds what it was told.

Called by   ``drivers.modbus``. Pure: values in, requests out, answers in, names of what does not hold out.
Knows       function codes 5, 6, 15, 16, 22 and 23, the limits of the device, half a raw count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from dcs.core.status import STATUS_GOOD, limits_of
from field_io.modbus import pdu as codes
from field_io.planning import Block, plan_writes
from field_io.registers import BlockDecoder, BlockEncoder
from field_io.specs import DeviceSpec, PointSpec

_FLOATS = ("float32", "float64")
_FLOAT_SHARE = 1e-6
"""A float is taken as held within this share: some devices keep it with fewer digits."""

PLANS_KEPT = 100
"""Sets of outputs with a plan: which of them are valid may change from scan to scan."""


class Writer:
    """One planned write: contiguous outputs of one table, or bits of one register."""

    def __init__(self, block: Block, mode: str) -> None:
        self.block = block
        self.mode = mode
        self.names = tuple(point.name for point in block.points)
        self.verified = tuple(point.name for point in block.points if point.verify or mode == "read_write")
        self._encoder = BlockEncoder(block.points) if mode != "masked" else None
        raw = [replace(point, scale=1.0, offset=0.0, unit="") for point in block.points]
        self._raw = BlockDecoder(raw, block.address, block.count)

    def encode(self, values: Sequence[float]) -> tuple[bytes, tuple[str, ...]]:
        """What is sent (registers or bits; AND and OR mask of a masked write), and which values were clamped."""
        if self._encoder is None:
            keep, put = 0xFFFF, 0
            for point, value in zip(self.block.points, values, strict=True):
                keep &= ~(1 << point.bit)
                put |= (1 << point.bit) if value >= 0.5 else 0
            return keep.to_bytes(2, "big") + put.to_bytes(2, "big"), ()
        data, statuses = self._encoder.encode(values)
        if statuses.count(STATUS_GOOD) == len(statuses):
            return data, ()
        return data, tuple(name for name, status in zip(self.names, statuses, strict=True) if limits_of(status))

    def request(self, data: bytes) -> bytes:
        """The PDU that sends it."""
        block = self.block
        if self.mode == "masked":
            return codes.mask_write(block.address, int.from_bytes(data[:2], "big"), int.from_bytes(data[2:], "big"))
        if self.mode == "read_write":
            return codes.read_write(block.address, block.count, block.address, data)
        return codes.write(block.table, block.address, data, single=self.mode == "single")

    def differing(self, data: bytes, held: bytes) -> tuple[str, ...]:
        """Verified outputs of which the device holds something else than was sent."""
        if self.mode == "masked":
            put = data[2:]
            wanted = self._raw.decode(put)[0]
        else:
            wanted = self._raw.decode(data)[0]
        found = self._raw.decode(held)[0]
        return tuple(
            point.name
            for point, sent, is_held in zip(self.block.points, wanted, found, strict=True)
            if point.name in self.verified and not abs(sent - is_held) <= _half_a_count(point, sent)
        )


def _half_a_count(point: PointSpec, raw: float) -> float:
    return _FLOAT_SHARE * abs(raw) if point.type in _FLOATS else 0.5


class WritePlans:
    """Plans of one device by the outputs that they carry, and what the device is known to hold."""

    def __init__(self, spec: DeviceSpec) -> None:
        self._spec = spec
        self._points = {point.name: point for point in spec.points}
        self._plans: dict[tuple[str, ...], list[Writer]] = {}
        self._stands: dict[str, float] = {}

    def plan(self, names: tuple[str, ...]) -> list[Writer]:
        """Writes that carry these outputs once. Raises ``KeyError`` for a name that is no output of this device."""
        plan = self._plans.get(names)
        if plan is None:
            if len(self._plans) >= PLANS_KEPT:
                self._plans.clear()
            plan = self._plans[names] = self._planned([self._points[name] for name in names])
        return plan

    def _planned(self, points: list[PointSpec]) -> list[Writer]:
        for point in points:
            if point.direction != "out" or point.is_text:
                raise KeyError(f"{point.name} is an input of {self._spec.name} and cannot be written")
        limits = self._spec.limits
        writers = []
        for mode, group in groupby(sorted(points, key=lambda p: p.write), key=lambda p: p.write):
            members = list(group)
            if mode == "single":
                blocks = plan_writes(members, 1, 1)
            elif mode == "masked":
                blocks = _by_register(members)
            else:
                most = min(limits.registers_per_write, 121) if mode == "read_write" else limits.registers_per_write
                blocks = plan_writes(members, most, limits.bits_per_write)
            writers += [Writer(block, mode) for block in blocks]
        return sorted(writers, key=lambda writer: (writer.block.table, writer.block.address))

    # --- on change ----------------------------------------------------------------------------------------------
    def stands(self, writer: Writer, values: Mapping[str, float]) -> bool:
        """True when the device has acknowledged just these values last."""
        return all(self._stands.get(name) == values[name] for name in writer.names)

    def acknowledged(self, names: Sequence[str], values: Mapping[str, float]) -> None:
        """The device took these."""
        for name in names:
            self._stands[name] = values[name]

    def unknown(self, names: Sequence[str]) -> None:
        """Nobody knows what the device holds of these."""
        for name in names:
            self._stands.pop(name, None)

    def forget(self) -> None:
        """Nobody knows what the device holds: the connection was lost, or another controller may have written."""
        self._stands.clear()


def _by_register(points: list[PointSpec]) -> list[Block]:
    by_address: dict[int, list[PointSpec]] = {}
    for point in points:
        by_address.setdefault(point.address, []).append(point)
    return [
        Block("holding", address, 1, tuple(sorted(members, key=lambda p: p.bit)))
        for address, members in sorted(by_address.items())
    ]
