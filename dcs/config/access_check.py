"""How a device of field.yaml is spoken to: protocol, connection, what it can take.

Called by   ``dcs.config.field_check``.
Knows       which keys belong to which protocol.
"""

from pathlib import Path
from typing import Any

from dcs.config.field_schema import DeviceSection, OpcUaSection
from dcs.config.problems import Problems
from dcs.config.source import Document, KeyPath
from dcs.core.errors import Missing
from field_io.recording import read_head
from field_io.specs import (
    MODBUS_PROTOCOLS,
    OPC_UA,
    Forbidden,
    OpcUaAccess,
    PollGroup,
    ReplaySpec,
    RequestLimits,
    SerialLine,
    ServerLimits,
    TlsFiles,
)

_OF_PROTOCOL = {
    "serial": ("modbus-rtu",),
    "tls": ("modbus-tls",),
    "opc_ua": (OPC_UA,),
    "server": MODBUS_PROTOCOLS,
    "replay": MODBUS_PROTOCOLS,
}
"""Section of a device -> the protocols that it means something for."""


def access(name: str, section: DeviceSection, document: Document, problems: Problems) -> dict[str, Any]:
    """The fields of ``DeviceSpec`` that say how it is spoken to; what does not fit goes to ``problems``."""
    path: KeyPath = ("devices", name)
    for key, protocols in _OF_PROTOCOL.items():
        if getattr(section, key) is not None and section.protocol not in protocols:
            problems.add(
                document.place((*path, key)),
                f"device {name}: `{key}` means nothing for protocol {section.protocol}. "
                f"Delete it, or write `protocol: {protocols[0]}`.",
            )
    if section.protocol == "modbus-rtu" and section.serial is None:
        problems.add(
            document.place(path),
            f"device {name}: protocol modbus-rtu needs its serial line. Write `serial: {{port: /dev/ttyUSB0}}`.",
        )
    tls = section.tls
    if section.protocol == "modbus-tls" and section.simulate and not (tls and tls.certificate and tls.key):
        problems.add(
            document.place((*path, "tls") if tls else path),
            f"device {name}: a simulated device with protocol modbus-tls shows a certificate. "
            "Write `tls: {certificate: FILE, key: FILE}`.",
        )
    for key in ("server", "replay"):
        if getattr(section, key) is not None and not section.simulate:
            problems.add(
                document.place((*path, key)),
                f"device {name}: `{key}` is for simulated devices. Delete it, or write `simulate: true`.",
            )
    replay = section.replay
    if replay is not None and section.simulate:
        try:
            read_head(Path(_beside(document, replay.file)))
        except Missing as missing:
            problems.add(document.place((*path, "replay", "file")), f"device {name}: {missing}")
    if section.record and section.protocol not in MODBUS_PROTOCOLS:
        problems.add(
            document.place((*path, "record")),
            f"device {name}: only the traffic of Modbus devices can be recorded. Delete `record`.",
        )
    for poll, group in section.polls.items():
        if group.phase >= group.period:
            problems.add(
                document.place((*path, "polls", poll, "phase")),
                f"device {name}: the phase of poll group {poll} is not below its period. Write a smaller one.",
            )
    for at, forbidden in enumerate(section.forbidden):
        if forbidden.first > forbidden.last:
            problems.add(
                document.place((*path, "forbidden", at, "last")),
                f"device {name}: the forbidden range ends at {forbidden.last}, before its first address "
                f"{forbidden.first}. Exchange the two.",
            )
    if section.opc_ua is not None:
        _opc_ua(name, section.opc_ua, document, problems)
    limits, serial, ua, server = section.limits, section.serial, section.opc_ua, section.server
    return {
        "polls": tuple(PollGroup(poll, group.period, group.phase) for poll, group in section.polls.items()),
        "limits": RequestLimits(
            limits.registers_per_read,
            limits.registers_per_write,
            limits.bits_per_read,
            limits.bits_per_write,
            limits.in_flight,
            limits.spacing,
        ),
        "forbidden": tuple(Forbidden(one.table, one.first, one.last) for one in section.forbidden),
        "shared": section.connection == "shared",
        "unknown_unit": section.unknown_unit,
        "write_when": section.write_when,
        "backoff_ns": section.backoff,
        "health_ns": section.health,
        "serial": SerialLine(serial.port, serial.baud, serial.parity, serial.stop_bits) if serial else None,
        "server": ServerLimits(server.connections, server.idle, server.request) if server else ServerLimits(),
        "replay": ReplaySpec(_beside(document, replay.file), replay.end) if replay else None,
        "record": _beside(document, section.record),
        "tls": TlsFiles(
            _beside(document, tls.ca), _beside(document, tls.certificate), _beside(document, tls.key), tls.server_name
        )
        if tls
        else None,
        "opc_ua": OpcUaAccess(
            ua.path,
            ua.security,
            ua.policy,
            ua.user,
            ua.password_env,
            _beside(document, ua.certificate),
            _beside(document, ua.key),
            _beside(document, ua.server_certificate),
            ua.publishing or 0,
        )
        if ua
        else (OpcUaAccess() if section.protocol == OPC_UA else None),
    }


def _opc_ua(name: str, section: OpcUaSection, document: Document, problems: Problems) -> None:
    """Keys that only mean something together."""
    place = document.place(("devices", name, "opc_ua"))
    if bool(section.certificate) != bool(section.key):
        problems.add(
            place,
            f"device {name}: `certificate` and `key` belong together. Write both, or neither: then they are made.",
        )
    for key in ("certificate", "key", "server_certificate"):
        file = _beside(document, getattr(section, key))
        if file and not Path(file).is_file():
            problems.add(
                document.place(("devices", name, "opc_ua", key)),
                f"device {name}: there is no file {file}. Correct the path, or delete `{key}`.",
            )
    if section.security == "none":
        for key in ("certificate", "server_certificate"):
            if getattr(section, key):
                problems.add(
                    document.place(("devices", name, "opc_ua", key)),
                    f"device {name}: without security nobody shows a certificate. Write `security: sign` or "
                    f"`security: sign_and_encrypt`, or delete `{key}`.",
                )
        if section.password_env:
            problems.note(
                place, f"device {name}: without security its password is sent in the clear, where the server lets it."
            )
    if section.password_env and not section.user:
        problems.add(place, f"device {name}: there is a password and no `user` that it belongs to. Write `user`.")


def _beside(document: Document, file: str) -> str:
    """A file named in a configuration file, from where that stands."""
    return str(Path(document.file).parent / file) if file else ""
