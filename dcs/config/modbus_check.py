"""What a Modbus device of field.yaml can take, against what its points and its neighbours want of it.

Called by   ``dcs.config.field_check``, when all devices are known.
Knows       limits of a request, forbidden addresses, serial lines and gateways that devices share, TLS.
"""

from collections.abc import Sequence

from dcs.config.problems import Problems
from dcs.config.source import Document
from field_io.planning import touches
from field_io.specs import DeviceSpec


def check_modbus(devices: Sequence[DeviceSpec], document: Document, problems: Problems) -> None:
    """Sentences about requests that can never be sent, and about lines that cannot be set up as it is written."""
    at: dict[tuple[str, int], DeviceSpec] = {}
    for device in devices:
        if not device.is_modbus:
            continue
        _points(device, document, problems)
        _tls(device, document, problems)
        if device.serial is None and not device.shared:
            continue
        first = at.setdefault(device.address, device)
        if first is not device:
            _together(first, device, document, problems)


def _points(device: DeviceSpec, document: Document, problems: Problems) -> None:
    limits = device.limits
    for point in device.points:
        place = document.place(("devices", device.name, "points", point.name, "address"))
        if touches(point, device.forbidden):
            problems.add(
                place,
                f"{point.name}: its address is in a range that `forbidden` of device {device.name} closes to every "
                "request, so it could never be read. Correct the address or the range.",
            )
        most = limits.registers_per_read if point.direction == "in" else min(
            limits.registers_per_read, limits.registers_per_write
        )  # fmt: skip
        if not point.is_bit and point.count > most:
            problems.add(
                place,
                f"{point.name}: it has {point.count} registers, but a request to device {device.name} carries {most} "
                "at most (`limits`), and a value is never split. Correct the type or the limit.",
            )


def _tls(device: DeviceSpec, document: Document, problems: Problems) -> None:
    if device.protocol != "modbus-tls" or device.simulate:
        return
    tls, place = device.tls, document.place(("devices", device.name, "tls"))
    if tls is None or not tls.ca:
        problems.note(
            place,
            f"device {device.name}: without `tls.ca` whoever answers at this address is taken for the device. Name the "
            "certificates that sign its own.",
        )
    if tls is None or not tls.certificate:
        problems.note(
            place,
            f"device {device.name}: without `tls.certificate` and `tls.key` we show none, and a device that keeps to "
            "Modbus/TCP Security lets nobody in who shows none.",
        )


def _together(first: DeviceSpec, device: DeviceSpec, document: Document, problems: Problems) -> None:
    if device.protocol != first.protocol or device.tls != first.tls:
        problems.add(
            document.place(("devices", device.name, "protocol")),
            f"device {device.name} shares its connection with {first.name}, but not its protocol: {device.protocol} "
            f"and {first.protocol}. Write one, with the same `tls`, for all units behind one address.",
        )
    elif device.serial != first.serial:
        problems.add(
            document.place(("devices", device.name, "serial")),
            f"device {device.name} is on the same serial line as {first.name}, but set up otherwise. Write the same "
            "baud, parity and stop_bits for all units of a line.",
        )
