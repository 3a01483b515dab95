"""The epoch of a simulated OPC UA device, as the requests of its clients must carry it.

Called by   ``devices.opc_ua_device`` (sessions of the box) and ``devices.opc_ua_server`` (over TCP), before they write.
Promise     the epoch never falls, and a reboot leaves it as it is. A write request whose first node is the epoch is
            taken when it is not lower; one with a lower epoch, with the epoch at another place, or, unless the device
            lets those pass, with outputs and no epoch, is refused as a whole and changes nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

from field_io.devices.ua_space import UaSpace, UaVariable
from field_io.opc_ua.nodes import parse_node
from field_io.opc_ua.status import CODES
from field_io.specs import DeviceSpec

STALE = CODES["BadOutOfRange"]
"""What every node of a refused request is answered."""


class UaOutputGate:
    """One device's."""

    def __init__(self, spec: DeviceSpec, space: UaSpace) -> None:
        assert spec.epoch is not None
        self.writer = ""  # who was accepted last
        self.refused = 0  # requests so far
        self.on_refused: Callable[[tuple[str, ...], int, str], None] = lambda outputs, epoch, peer: None
        self._variable = space.variables[str(parse_node(spec.epoch.node))]
        self._outputs = {point.name for point in spec.points if point.direction == "out"}
        self._takes_plain = spec.epoch.plain_writes == "accept"

    @property
    def epoch(self) -> int:
        """The highest that was accepted; 0 = none yet."""
        return int(self._variable.value)  # type: ignore[arg-type]

    def carried(self, items: Sequence[tuple[UaVariable | None, Any]]) -> int:
        """The epoch in a request; 0 = none, or not in the first place."""
        if not items or items[0][0] is not self._variable:
            return 0
        value = items[0][1]
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    def refusal(self, items: Sequence[tuple[UaVariable | None, Any]], peer: str) -> int:
        """Status code with which a request is refused as a whole; 0 = it is taken, and its epoch is kept."""
        outputs = tuple(one.point for one, _ in items if one is not None and one.point in self._outputs)
        epoch = self.carried(items)
        has_epoch = any(one is self._variable for one, _ in items)
        if has_epoch and epoch >= max(1, self.epoch):
            self._variable.value, self.writer = epoch, peer
            return 0
        if not has_epoch and (self._takes_plain or not outputs):
            self.writer = peer if outputs else self.writer
            return 0
        self.refused += 1
        self.on_refused(outputs, epoch, peer)
        return STALE
