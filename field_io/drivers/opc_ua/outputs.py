"""Outputs of an OPC UA device: numbers of the engine -> values of the nodes' types, with the epoch where it is wanted.

Called by   ``drivers.opc_ua`` around every write.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from dcs.core.status import LIMIT_NONE
from field_io.drivers.driver import WriteOutcome
from field_io.drivers.gate import CLOSED, Gate, GateClosed, StaleEpoch, at_epoch
from field_io.drivers.opc_ua.session import UaSession, Value
from field_io.opc_ua import variants
from field_io.opc_ua.messages import NodeInfo
from field_io.opc_ua.refusals import ServiceRefused
from field_io.opc_ua.status import CODES, code_name, is_bad
from field_io.specs import PointSpec


@dataclass
class Outputs:
    """The outputs of one write."""

    raws: dict[int, Value] = field(default_factory=dict)  # by the place of the point in its device
    limited: list[str] = field(default_factory=list)  # clamped to what their type, or the device, can hold
    troubles: list[str] = field(default_factory=list)  # sentences

    def failed(self, text: str, stale_epoch: int = 0) -> WriteOutcome:
        """Nothing is known to have arrived."""
        return WriteOutcome("failed", text, (), tuple(self.limited), stale_epoch)

    def refused(self, text: str) -> WriteOutcome:
        """The gate was closed."""
        return WriteOutcome("refused", text, (), tuple(self.limited))

    def outcome(
        self, points: Sequence[PointSpec], codes: Mapping[int, int], differing: Collection[int]
    ) -> WriteOutcome:
        """The server has answered with a code for each; ``differing`` read back as something else."""
        for at, code in codes.items():
            if is_bad(code):
                self.troubles.append(f"{points[at].name}: the server answered {code_name(code)}")
            elif code == CODES["GoodClamped"]:
                self.limited.append(points[at].name)
        self.troubles += [f"{points[at].name}: it was written, and reads differently" for at in differing]
        written = tuple(points[at].name for at, code in codes.items() if not is_bad(code) and at not in differing)
        state = "failed" if self.troubles else "written"
        return WriteOutcome(state, "; ".join(self.troubles), written, tuple(self.limited))


def encode_outputs(
    points: Sequence[PointSpec], places: Mapping[str, int], infos: Sequence[NodeInfo], values: Mapping[str, float]
) -> Outputs:
    """Values in the points' units as values of the nodes' own types; what cannot be sent is among the troubles."""
    outputs = Outputs()
    for name, value in values.items():
        at = places[name]
        point = points[at]
        try:
            outputs.raws[at], limit = variants.to_variant(infos[at].type, (value - point.offset) / point.scale)
        except ValueError as exc:
            outputs.troubles.append(f"{name}: {exc}")
            continue
        if limit != LIMIT_NONE:
            outputs.limited.append(name)
    return outputs


_ATTEMPTS = 3
"""The epoch may be raised while a request waits for its turn; then it is made anew."""


async def send(session: UaSession, checked: bool, raws: Mapping[int, Value], gate: Gate) -> dict[int, int]:
    """One write; status code by point. ``checked``: the device checks epochs.

    Raises ``GateClosed``, ``StaleEpoch``, ``LinkDown``, ``ServiceRefused``.
    """
    if not checked:
        return await session.write(raws, gate)
    for _ in range(_ATTEMPTS):
        epoch = gate()
        if not epoch:
            break
        try:
            return await session.write(raws, at_epoch(gate, epoch), epoch)
        except GateClosed:
            continue
        except ServiceRefused:
            known = await session.read_epoch()
            if known > epoch:
                raise StaleEpoch(known, epoch) from None
            raise
    raise GateClosed(CLOSED)
