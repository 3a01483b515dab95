"""Who writes to a device: one pair where it checks epochs, and soon enough for its watchdog when the active dies.

Called by   ``dcs.config.load``, once the strategies say which controller has which outputs.
Knows       channels of strategies, `epoch` and `watchdog` of devices, `lease` of pairs.
"""

from collections.abc import Mapping, Sequence

from dcs.config.problems import Problems
from dcs.config.schema import ControllerSection
from dcs.config.source import Document
from dcs.core.clock import NS_PER_S
from dcs.engine.strategy import Strategy
from field_io.specs import DeviceSpec


def writers_of(device: str, strategies: Mapping[str, Strategy]) -> list[str]:
    """The controllers that have outputs in a device."""
    return [
        name
        for name, strategy in strategies.items()
        if any(channel.device == device and channel.direction == "out" for channel in strategy.channels)
    ]


def check_epochs_of_one(
    strategies: Mapping[str, Strategy], devices: Sequence[DeviceSpec], field: Document, problems: Problems
) -> None:
    """A device that checks epochs serves one pair: two count each their own, and would outbid each other for ever."""
    for device in devices:
        writers = writers_of(device.name, strategies)
        if device.epoch is not None and len(writers) > 1:
            problems.add(
                field.place(("devices", device.name, "epoch")),
                f"device {device.name}: it keeps one epoch, but {' and '.join(writers)} write to it, and each counts "
                "its own. Give all its outputs to modules of one controller, or delete `epoch`.",
            )


def note_long_leases(
    controllers: Mapping[str, ControllerSection],
    strategies: Mapping[str, Strategy],
    devices: Sequence[DeviceSpec],
    plant: Document,
    problems: Problems,
) -> None:
    """A takeover takes a lease, and the last write may be half a watchdog old then: so often outputs are repeated."""
    for name, section in controllers.items():
        if section.lease is None or len(section.members) < 2:
            continue
        for device in devices:
            if 0 < device.watchdog_ns < 2 * section.lease and name in writers_of(device.name, strategies):
                problems.note(
                    plant.place(("controllers", name, "lease")),
                    f"controller {name}: when the active dies nobody writes for up to {section.lease / NS_PER_S:g} s "
                    f"(`lease`), but device {device.name} takes its fail action {device.watchdog_ns / NS_PER_S:g} s "
                    "after the last write, which may be half that old. Shorten `lease` if that matters.",
                )
