"""The output window of a Modbus device that checks epochs: registers through which one request drives its outputs.

Used by     ``drivers.modbus`` (makes the request), ``devices.output_gate`` (takes it), ``dcs.config`` (does it fit?).
Layout      holding registers from ``EpochSpec.address`` on: the epoch as uint32; a mask, output k is bit k mod 16 of
            register k div 16; the outputs in the order of the device's points, each with the words, scaling and order
            that it has at its own address, a bool as one register of 0 or 1. One write (function code 16) carries the
            whole window; outputs whose bit is 0 are left alone, whatever stands in their registers.
"""

from collections.abc import Mapping
from dataclasses import replace

from field_io.registers import BlockDecoder, BlockEncoder
from field_io.specs import DeviceSpec, EpochSpec, PointSpec

EPOCH_MAX = 0xFFFF_FFFF
_EPOCH_WORDS = 2


class OutputWindow:
    """Where everything stands in the window of one device."""

    def __init__(self, spec: DeviceSpec) -> None:
        self._epoch = epoch = spec.epoch or EpochSpec()
        self.address = epoch.address
        self.points = window_points(spec)
        self.names = tuple(point.name for point in self.points)
        self._mask_words = -(-len(self.points) // 16)
        head = [self._word("epoch", 0, "uint32", epoch)]
        head += [self._word(f"mask {n}", _EPOCH_WORDS + n, "uint16", epoch) for n in range(self._mask_words)]
        images: list[PointSpec] = []
        at = head[-1].end
        for point in self.points:
            images.append(replace(point, table="holding", address=at, bit=-1, write="multiple"))
            at = images[-1].end
        self.count = at - self.address
        self._spans = [slice(2 * (one.address - self.address), 2 * (one.end - self.address)) for one in images]
        self._encoder = BlockEncoder([*head, *images])
        self._head = BlockDecoder(head, self.address, head[-1].end - self.address)

    def _word(self, name: str, offset: int, kind: str, epoch: EpochSpec) -> PointSpec:
        return PointSpec(
            name, "holding", self.address + offset, kind, word_order=epoch.word_order, byte_order=epoch.byte_order
        )

    @property
    def epoch_count(self) -> int:
        """Registers of the epoch, the first ones of the window."""
        return _EPOCH_WORDS

    def encode(self, epoch: int, values: Mapping[str, float]) -> bytes:
        """What one request writes from ``address`` on: these outputs, in the points' units, and no others."""
        mask = [0] * self._mask_words
        numbers = []
        for at, name in enumerate(self.names):
            if name in values:
                mask[at // 16] |= 1 << at % 16
            numbers.append(values.get(name, 0.0))
        return self._encoder.encode([epoch, *mask, *numbers])[0]

    def head(self, data: bytes) -> tuple[int, tuple[int, ...]]:
        """(epoch, places of the outputs that it drives) of the registers of a whole window."""
        epoch, *mask = (int(value) for value in self._head.decode(data[: self._head.size])[0])
        return epoch, tuple(at for at in range(len(self.points)) if mask[at // 16] >> at % 16 & 1)

    def words_of(self, data: bytes, at: int) -> bytes:
        """The registers of one output, in those of a whole window."""
        return data[self._spans[at]]

    def epoch_bytes(self, epoch: int) -> bytes:
        """The registers of the epoch alone."""
        return self.encode(epoch, {})[: 2 * _EPOCH_WORDS]

    def epoch_of(self, data: bytes) -> int:
        """Inverse of ``epoch_bytes``."""
        return self.head(data[: 2 * _EPOCH_WORDS] + bytes(self._head.size))[0]


def window_points(spec: DeviceSpec) -> tuple[PointSpec, ...]:
    """Outputs that a window carries."""
    return tuple(
        point
        for point in spec.points
        if point.direction == "out" and point.table in ("coil", "holding") and not point.is_text
    )
