"""Which field devices a member reaches, as a set that can be compared and sent.

Called by   ``protocol.field_choice``; made by the controller from what its drivers know.
Knows       the names of the devices that both members share, which of them have outputs, three bits of each.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

KEY_BYTES = 8
OUTPUTS_COUNT = 2
"""A device with outputs counts as much as two without: what cannot be moved is worse than what cannot be seen."""


class DeviceList(NamedTuple):
    """The devices of a pair, in an order that both members know. Bit ``i`` of every mask is device ``i``."""

    names: tuple[str, ...] = ()
    outputs: int = 0  # mask of those that have outputs
    key: bytes = bytes(KEY_BYTES)  # differs where the other member has another list: masks then say nothing

    @property
    def all(self) -> int:
        """The mask of all of them."""
        return (1 << len(self.names)) - 1

    def named(self, mask: int) -> str:
        """Names in a mask, for people."""
        return ", ".join(name for at, name in enumerate(self.names) if mask >> at & 1)

    def worth(self, mask: int) -> int:
        """What the devices of a mask count together."""
        return mask.bit_count() + (OUTPUTS_COUNT - 1) * (mask & self.outputs).bit_count()


def device_list(names: Sequence[str], with_outputs: Sequence[bool]) -> DeviceList:
    """The list of these devices."""
    key = blake2b("\n".join(names).encode(), digest_size=KEY_BYTES).digest()
    outputs = sum(1 << at for at, has in enumerate(with_outputs) if has)
    return DeviceList(tuple(names), outputs, key)


class FieldView(NamedTuple):
    """What a member knows of its ways to the devices. What is neither in ``reached`` nor in ``lost`` is unknown."""

    devices: DeviceList = DeviceList()
    reached: int = 0  # it answered lately (or since it was last asked for)
    lost: int = 0  # the last attempt had no answer
    degraded: int = 0  # reached, but one of its two links is lost

    @property
    def is_blind(self) -> bool:
        """There are devices, and none is reached or may be."""
        return bool(self.devices.names) and self.lost == self.devices.all


NO_VIEW = FieldView()
