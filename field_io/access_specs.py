"""What it takes to speak to a device: its serial line, certificates, users.

Used by     ``field_io.specs``, which takes them into ``DeviceSpec``; whatever opens connections.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SerialLine:
    """A serial line with RTU framing; the defaults are those of Modbus over serial line V1.02, section 3.3."""

    port: str  # `/dev/ttyUSB0`, `COM3`
    baud: int = 19_200
    parity: str = "even"  # none | even | odd
    stop_bits: int = 1


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Modbus/TCP Security: files in PEM. Without ``ca`` the other side is not authenticated, which the check tells."""

    ca: str = ""
    certificate: str = ""
    key: str = ""
    server_name: str = ""


@dataclass(frozen=True, slots=True)
class OpcUaAccess:
    """How an OPC UA server is spoken to. A password stands in an environment variable, never in a file."""

    path: str = ""  # behind opc.tcp://host:port
    security: str = "none"  # none | sign | sign_and_encrypt
    policy: str = "Basic256Sha256"
    user: str = ""
    password_env: str = ""
    certificate: str = ""  # of ours; made when it is not there
    key: str = ""
    server_certificate: str = ""  # trusted; "" = whatever the server shows at the first connection is remembered
    publishing_ns: int = 0  # interval of the subscription; 0 = the poll period


@dataclass(frozen=True, slots=True)
class EpochSpec:
    """Where a device that checks epochs has its own: it keeps the highest and refuses writes that carry a lower one."""

    address: int = 0  # Modbus: first holding register of the output window (``field_io.output_window``)
    node: str = ""  # OPC UA: the first node of every write request
    word_order: str = "high_first"
    byte_order: str = "high_first"
    plain_writes: str = "refuse"  # simulated: writes of outputs that carry no epoch, refuse | accept
