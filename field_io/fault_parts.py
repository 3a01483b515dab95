"""What can fail in a simulated field by a name of its own: devices, their couplers, their cards.

Called by   the box and the field node, which let it fail.
"""

from collections.abc import Iterable
from typing import Protocol

from field_io.faults import FaultyDevice
from field_io.specs import DeviceSpec


class DeviceWithParts(FaultyDevice, Protocol):
    """A simulated device and what in it can fail: ``NODE-1.A`` a coupler, ``NODE-1.S3`` a card."""

    spec: DeviceSpec
    parts: dict[str, FaultyDevice]


def parts_of(devices: Iterable[DeviceWithParts]) -> dict[str, FaultyDevice]:
    """Devices and their parts, by name."""
    found: dict[str, FaultyDevice] = {}
    for device in devices:
        found[device.spec.name] = device
        found |= device.parts
    return found
