"""The drivers of one controller: one for each device whose points it uses, each with its link and its time to poll.

Called by   ``dcs.node.assembly``.
Knows       which driver speaks what; when a poll is due so that scans work on fresh values.
"""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from dcs.core.clock import NS_PER_MS, Clock
from dcs.engine.strategy import Strategy
from dcs.node.face import NodeFace
from dcs.node.peers import Peers, derive_seed
from field_io.drivers.driver import FieldDriver
from field_io.drivers.links.link import ModbusLink
from field_io.drivers.links.recording_link import RecordingLink
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.drivers.modbus.redundant import redundant_driver
from field_io.drivers.opc_ua.driver import OpcUaDriver
from field_io.recording import RecordingFile
from field_io.specs import OPC_UA, DeviceSpec, with_backups

_LEAD_MAX_NS = 150 * NS_PER_MS
_TOGETHER = 50
"""So many devices are polled in one instant without the last being late for the scan."""


def build_drivers(
    devices: Sequence[DeviceSpec], face: NodeFace, clock: Clock, strategy: Strategy, peers: Peers
) -> list[FieldDriver]:
    """One driver per device, in order."""
    groups = -(-len(devices) // _TOGETHER)
    return [
        _build(device, number % groups / groups, face, clock, strategy, peers) for number, device in enumerate(devices)
    ]


def _build(
    device: DeviceSpec, share: float, face: NodeFace, clock: Clock, strategy: Strategy, peers: Peers
) -> FieldDriver:
    phase_ns = _phase_ns(device, share, clock, strategy)
    rng = Random(derive_seed(peers.seed, face.node, device.name))

    def journal(text: str) -> None:
        face.event("field", device.name, f"{face.node}: {device.name} {text}")

    if device.protocol == OPC_UA:
        opc_ua = OpcUaDriver(device, peers.ua_session(face.node, device), clock, rng, phase_ns)
        opc_ua.on_event = journal
        return opc_ua
    links = [_recorded(peers.link(face.node, one), one, face.node, clock) for one in with_backups([device])]
    if device.backup is None and device.station is None:
        return ModbusDriver(device, links[0], clock, rng, phase_ns)
    driver = redundant_driver(device, links, clock, rng, phase_ns)
    driver.on_event = journal
    return driver


def poll_lead_ns(period_ns: int) -> int:
    """How long before a scan the polls for it are due, at least."""
    return min(period_ns // 5, _LEAD_MAX_NS)


def _phase_ns(device: DeviceSpec, share: float, clock: Clock, strategy: Strategy) -> int:
    """Polls are due shortly before the scans, so that a scan works on values of its own period.

    Many devices cannot all be: they are spread over the period (``share`` of it), or the last would come late.
    """
    fastest = min(strategy.scan_classes, key=lambda scan_class: scan_class.period_ns)
    lead_ns = poll_lead_ns(min(fastest.period_ns, device.poll_ns)) + round(share * device.poll_ns)
    utc_minus_monotonic_ns = clock.time_ns() - clock.monotonic_ns()
    return (fastest.phase_ns - lead_ns - utc_minus_monotonic_ns) % device.poll_ns


def _recorded(link: ModbusLink, device: DeviceSpec, node: str, clock: Clock) -> ModbusLink:
    if not device.record:
        return link
    file = RecordingFile(Path(device.record) / f"{device.name}.{node}.jsonl", device.name, device.unit)
    return RecordingLink(link, file, clock)
