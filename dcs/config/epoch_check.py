"""`epoch` of a device in field.yaml: where it stands, and whether all outputs fit into the request that carries it.

Called by   ``dcs.config.field_check``.
Knows       the output window (``field_io.output_window``) against the points of the device and what it can take.
"""

from collections.abc import Sequence

from dcs.config.field_schema import DeviceSection
from dcs.config.problems import Problems
from dcs.config.source import Document
from field_io.opc_ua.nodes import node_problems
from field_io.output_window import OutputWindow, window_points
from field_io.planning import WRITE_REGISTERS_MAX, touches
from field_io.specs import OPC_UA, DeviceSpec, EpochSpec, PointSpec


def epoch_of(name: str, section: DeviceSection, document: Document, problems: Problems) -> EpochSpec | None:
    """What the section says; None: the device checks no epochs, or what is written does not say where its own is."""
    epoch = section.epoch
    if epoch is None:
        return None
    place = document.place(("devices", name, "epoch"))
    needed, foreign = ("node", "address") if section.protocol == OPC_UA else ("address", "node")
    if needed not in epoch.model_fields_set or foreign in epoch.model_fields_set:
        example = "{node: 'nsu=urn:maker:device;s=Epoch'}" if needed == "node" else "{address: 100}"
        problems.add(
            place, f"device {name}: with protocol {section.protocol} the epoch is found by `{needed}`, not by "
            f"`{foreign}`. Write it as `epoch: {example}`.",
        )  # fmt: skip
        return None
    return EpochSpec(epoch.address, epoch.node, section.word_order, section.byte_order, epoch.plain_writes)


def check_epochs(devices: Sequence[DeviceSpec], document: Document, problems: Problems) -> None:
    """Sentences about epochs that could never be checked."""
    for device in devices:
        if device.epoch is None:
            continue
        sentence = _ua_trouble(device) if device.protocol == OPC_UA else _modbus_trouble(device)
        if sentence:
            problems.add(document.place(("devices", device.name, "epoch")), f"device {device.name}: {sentence}")


def _ua_trouble(device: DeviceSpec) -> str:
    assert device.epoch is not None
    node = device.epoch.node
    for sentence in node_problems(node):
        return f"`epoch`: node {sentence}."
    taken = next((point.name for point in device.points if point.node == node), "")
    if taken:
        return f"the node of `epoch` is that of the point {taken}. Give the epoch a node of its own."
    if not any(point.direction == "out" for point in device.points):
        return "it has no output, so nobody carries an epoch to it. Delete `epoch`."
    return ""


def _modbus_trouble(device: DeviceSpec) -> str:
    assert device.epoch is not None
    if device.station is not None:
        return (
            "a node unit with cards keeps no epoch: each output stands in the registers of its card, and nothing "
            "between them looks at who writes. Delete `epoch`; docs/explanations/redundancy.md says what that means."
        )
    if not window_points(device):
        return "it has no output, so nobody carries an epoch to it. Delete `epoch`."
    window = OutputWindow(device)
    most = min(WRITE_REGISTERS_MAX, device.limits.registers_per_write)
    where = f"the output window of `epoch` has {window.count} registers (2 of the epoch, the mask, the outputs)"
    if window.count > most:
        return f"{where}, but one write carries {most}. Spread its outputs over two devices, or delete `epoch`."
    last = window.address + window.count - 1
    if last > 0xFFFF:
        return f"{where} and would end at {last}, but a table ends at 65535. Write a lower address."
    whole = PointSpec("epoch", "holding", window.address, "string", length=window.count)
    for point in (*device.points, *device.untaken):
        is_among = point.table == "holding" and point.address <= last and window.address < point.end
        if is_among and point.direction == "out":
            return (
                f"{where}, holding {window.address} to {last}, and the point {point.name} stands among them. "
                "Write an address where so many registers are free."
            )
    if touches(whole, device.forbidden):
        return f"{where}, holding {window.address} to {last}, of which `forbidden` closes some. Write another address."
    return ""
