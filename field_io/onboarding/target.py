"""The URL of a device, as it is typed.

Called by   ``dcs device probe`` and ``dcs device watch``.
Knows       ``modbus://host:port?unit=1``, ``modbus-tls://``, ``modbus-rtu-over-tcp://``,
            ``modbus-rtu:///dev/tty?baud=…``, ``opc.tcp://host:port/path``. No connection.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from dcs.core.errors import ConfigError
from dcs.core.units import parse_duration
from field_io.specs import OPC_UA, DeviceSpec, OpcUaAccess, SerialLine, TlsFiles

_PORTS = {"modbus-tcp": 502, "modbus-tls": 802, "modbus-rtu-over-tcp": 502, OPC_UA: 4840}
_PROTOCOL_OF = {
    "modbus": "modbus-tcp",
    "modbus-tcp": "modbus-tcp",
    "modbus-tls": "modbus-tls",
    "modbus-rtu": "modbus-rtu",
    "modbus-rtu-over-tcp": "modbus-rtu-over-tcp",
    "opc.tcp": OPC_UA,
}
_KEYS = {
    "modbus-tcp": ("unit", "timeout"),
    "modbus-rtu-over-tcp": ("unit", "timeout"),
    "modbus-rtu": ("unit", "timeout", "baud", "parity", "stop_bits"),
    "modbus-tls": ("unit", "timeout", "ca", "certificate", "key", "server_name"),
    OPC_UA: ("timeout",),
}
EXAMPLE = (
    "Write for example modbus://192.168.0.10:502?unit=1, modbus-rtu:///dev/ttyUSB0?baud=9600&unit=1 or opc.tcp://h:4840"
)
UNITS_MAX = 248
_TIMEOUT_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Target:
    """Where to ask, and whom: the units of a gateway, one after the other."""

    url: str
    spec: DeviceSpec  # of the first unit
    units: tuple[int, ...]


def parse_target(url: str) -> Target:
    """Raises ``ConfigError`` with what is wrong and an example."""
    parts = urlsplit(url)
    protocol = _PROTOCOL_OF.get(parts.scheme)
    if protocol is None:
        known = ", ".join(f"{scheme}://" for scheme in _PROTOCOL_OF if scheme != "modbus-tcp")
        raise ConfigError(f"`{url}` is no URL of a device; it begins with one of {known}. {EXAMPLE}.")
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    for key in asked:
        if key not in _KEYS[protocol]:
            raise ConfigError(f"`{url}`: `{key}` means nothing here. Known: {', '.join(_KEYS[protocol])}.")
    try:
        port = parts.port
    except ValueError:
        raise ConfigError(f"`{url}`: the port is a number from 1 to 65535. {EXAMPLE}.") from None
    if protocol == "modbus-rtu":
        if parts.netloc or len(parts.path) < 2:
            raise ConfigError(
                f"`{url}`: a serial line is written with three slashes: modbus-rtu:///dev/ttyUSB0?unit=1."
            )
    elif not parts.hostname:
        raise ConfigError(f"`{url}` names no host. {EXAMPLE}.")
    units = _units(url, asked.get("unit", "1"))
    spec = DeviceSpec(
        name="probed",
        host=parts.hostname or "",
        port=port or _PORTS.get(protocol, 0),
        unit=units[0],
        timeout_ns=_timeout(url, asked.get("timeout", "")),
        simulate=False,
        protocol=protocol,
        serial=_serial(url, parts.path, asked) if protocol == "modbus-rtu" else None,
        tls=TlsFiles(*(asked.get(key, "") for key in ("ca", "certificate", "key", "server_name")))
        if protocol == "modbus-tls"
        else None,
        opc_ua=OpcUaAccess(path=parts.path) if protocol == OPC_UA else None,
    )
    return Target(url, spec, units)


def _timeout(url: str, text: str) -> int:
    if not text:
        return _TIMEOUT_NS
    timeout_ns = parse_duration(text.replace("+", " "))
    if timeout_ns <= 0:
        raise ConfigError(f"`{url}`: timeout={text}: write for example timeout=2s.")
    return timeout_ns


def _units(url: str, text: str) -> tuple[int, ...]:
    """``1``, ``1-20``, ``1,3,7-9``."""
    found: list[int] = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        if not low.isdecimal() or (high and not high.isdecimal()) or ("-" in part and not high):
            raise ConfigError(f"`{url}`: unit={text} is no unit. Write unit=1, unit=1-20 or unit=1,3,7.")
        first, last = int(low), int(high or low)
        if not 0 <= first <= last < UNITS_MAX and first != 255:
            raise ConfigError(f"`{url}`: unit={text}: units go from 0 to 247 (255: the device itself), upwards.")
        found += range(first, last + 1)
    return tuple(dict.fromkeys(found))


def _serial(url: str, port: str, asked: dict[str, str]) -> SerialLine:
    baud, stop_bits, parity = asked.get("baud", "19200"), asked.get("stop_bits", "1"), asked.get("parity", "even")
    if not baud.isdecimal() or not 300 <= int(baud) <= 4_000_000:
        raise ConfigError(f"`{url}`: baud={baud}: write a rate such as baud=9600.")
    if parity not in ("none", "even", "odd"):
        raise ConfigError(f"`{url}`: parity={parity}: write none, even or odd.")
    if stop_bits not in ("1", "2"):
        raise ConfigError(f"`{url}`: stop_bits={stop_bits}: write 1 or 2.")
    return SerialLine(port, int(baud), parity, int(stop_bits))
