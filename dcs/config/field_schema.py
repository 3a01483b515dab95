"""The keys of field.yaml, with their defaults and one line of meaning each.

Called by   ``dcs.config.schema`` (which gathers all files), ``dcs.config.field_check``; the documentation generator.
Knows       the form alone; what one key says of another is checked in ``dcs.config.field_check``.
"""

from typing import Annotated

from pydantic import Field

from dcs.config.device_alarm import DeviceAlarmSection, RedundancyAlarmSection
from dcs.config.fields import (
    AutoDurationNs,
    Behaviours,
    Choices,
    DurationNs,
    Flag,
    Host,
    Name,
    Number,
    PortNumber,
    Quantity,
    RangeOf,
    Text,
    UnitName,
    VariableName,
    choice,
    duration_between,
    whole,
)
from dcs.config.misbehaviour_schema import FaultSection, InstrumentSection
from dcs.config.section import Section
from dcs.config.station_schema import BackupSection, StationSection
from field_io.specs import DIAGNOSES, POINT_TYPES, PROTOCOLS

MILLISECOND_NS = 1_000_000


class SignalSection(Section):
    """Binds a point to a variable of the simulated plant."""

    variable: VariableName = Field(description="name of a plant variable, see docs/reference/plants")
    range: RangeOf = Field(
        description="plant values at 4 and 20 mA or at 0 and 100 %; of a bool where it is off and on (between: as it "
        "was); for any other unit the measuring range"
    )
    noise: Quantity = Field(0.0, description="standard deviation of the measuring noise, in the unit of the point")
    lag: DurationNs = Field(0, description="time constant of the transmitter or of the actuator")
    instrument: InstrumentSection | None = Field(
        None, description="what it does besides: characteristic, calibration, where it fails, its input card"
    )


class PointSection(Section):
    """One measurement or command in a device."""

    table: Annotated[str, choice("coil", "discrete", "input", "holding")] = Field(
        "", description="Modbus table; needed of every point of a Modbus device"
    )
    address: Annotated[int, whole(0, 65535)] = Field(0, description="address in the table, counted from 0")
    node: Text = Field(
        "", description="OPC UA: node identifier with the URI of its namespace, `nsu=urn:maker:device;s=PV.Value`"
    )
    slot: Name | None = Field(
        None, description="card of the station that it is on, `S1`; in place of table and address"
    )
    channel: Annotated[int, whole(1, 32)] | None = Field(None, description="channel of that card, from 1 on")
    diagnosis: Annotated[str, choice(*DIAGNOSES)] | None = Field(
        None, description="in place of table and address: what is known of the redundancy of the device, as a bool"
    )
    fail_value: Quantity | None = Field(
        None, description="simulated: where it goes when nobody has written for the time of `watchdog`; else it holds"
    )
    type: Annotated[str, choice(*POINT_TYPES)] = Field("uint16", description="how its words are read")
    length: Annotated[int, whole(1, 125)] = Field(1, description="registers of a string, of two characters each")
    bit: Annotated[int, whole(0, 15)] = Field(
        -1, description="a bool that is one bit of a register; 0 is the lowest bit"
    )
    word_order: Annotated[str | None, choice("high_first", "low_first")] = Field(
        None, description="order of the words of one value; that of the device when not given"
    )
    byte_order: Annotated[str | None, choice("high_first", "low_first")] = Field(
        None, description="order of the bytes in a word; that of the device when not given"
    )
    scale: Number = Field(1.0, description="field value = raw × scale + offset")
    offset: Number = Field(0.0, description="field value = raw × scale + offset")
    unit: UnitName = Field("", description="unit of the field value")
    direction: Annotated[str, choice("in", "out")] = Field(description="in: read; out: written by the controller")
    poll: Name | None = Field(None, description="poll group of the device (`polls`) that reads it")
    write: Annotated[str, choice("multiple", "single", "masked", "read_write")] = Field(
        "multiple",
        description="function codes that write it: multiple (15, 16), single (5, 6), masked (22: a bit of a register), "
        "read_write (23: written and read back in one request)",
    )
    verify: Flag | None = Field(
        None, description="true: what was written is read back and compared; that of the device when not given"
    )
    status: Name | None = Field(
        None,
        description="the point of the same device that carries its NE 107 status; it decides what the value is worth",
    )
    ne107: Annotated[str, choice("code", "bits")] = Field(
        "code",
        description="of a status point: code (0 normal, 1 failure, 2 check function, 3 out of specification, 4 "
        "maintenance required), or bits (0 failure … 3 maintenance required)",
    )
    signal: SignalSection | None = Field(None, description="what it measures or moves in the simulated plant")
    description: Text = Field("", description="what it is, in words")
    choices: Choices = Field((), description="codes of an enumeration and what they mean, `{0: stopped, 1: running}`")
    plausible: RangeOf | None = Field(None, description="what is to be expected of it, in its unit or with another")
    use: Text = Field("", description="a point of the device's map: its keys hold where none are given here")


class IdentitySection(Section):
    """What a device type is, and where its map is from."""

    maker: Text = Field("", description="who makes it")
    model: Text = Field("", description="what it is called")
    revision: Text = Field("", description="of the device or of its firmware")
    source: Text = Field("", description="title and number of the document that the map is from")
    url: Text = Field("", description="where that document is found")
    note: Text = Field("", description="what the map leaves out, and what is worth knowing of it")


class PollSection(Section):
    """Points that are read together with a period of their own."""

    period: Annotated[int, duration_between("10 ms", "1 h")] = Field(description="time from reading to reading")
    phase: DurationNs = Field(0, description="offset of its readings, to spread the load; below the period")


class LimitsSection(Section):
    """What the device can take."""

    registers_per_read: Annotated[int, whole(1, 125)] = Field(125, description="most registers of one read")
    registers_per_write: Annotated[int, whole(1, 123)] = Field(123, description="most registers of one write")
    bits_per_read: Annotated[int, whole(1, 2000)] = Field(2000, description="most coils or inputs of one read")
    bits_per_write: Annotated[int, whole(1, 1968)] = Field(1968, description="most coils of one write")
    in_flight: Annotated[int, whole(1, 64)] = Field(
        0, description="most requests under way; when not given one of each device, and eight on a shared connection"
    )
    spacing: DurationNs = Field(
        0, description="least time between an answer and the next request, one after the other then"
    )


class ForbiddenSection(Section):
    """Addresses that no request may touch."""

    table: Annotated[str, choice("coil", "discrete", "input", "holding")] = Field(description="Modbus table")
    first: Annotated[int, whole(0, 65535)] = Field(description="first address")
    last: Annotated[int, whole(0, 65535)] = Field(description="last address")


class SerialSection(Section):
    """The serial line of `protocol: modbus-rtu`."""

    port: Text = Field(description="`/dev/ttyUSB0`, `COM3`")
    baud: Annotated[int, whole(300, 4_000_000)] = Field(19_200, description="bits a second")
    parity: Annotated[str, choice("none", "even", "odd")] = Field("even", description="parity bit")
    stop_bits: Annotated[int, whole(1, 2)] = Field(1, description="stop bits")


class TlsSection(Section):
    """Modbus/TCP Security (`protocol: modbus-tls`): files in PEM, relative to the plant folder."""

    ca: Text = Field("", description="certificates that sign the other side's; none: it is not authenticated")
    certificate: Text = Field("", description="our certificate; its role stands in it")
    key: Text = Field("", description="our private key")
    server_name: Text = Field("", description="name in the device's certificate; `host` when not given")


class OpcUaSection(Section):
    """How an OPC UA device is spoken to."""

    path: Text = Field("", description="what follows opc.tcp://host:port")
    security: Annotated[str, choice("none", "sign", "sign_and_encrypt")] = Field("none", description="security mode")
    policy: Annotated[str, choice("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")] = Field(
        "Basic256Sha256", description="security policy"
    )
    user: Text = Field("", description="user name; anonymous when not given")
    password_env: Text = Field("", description="environment variable that holds the password")
    certificate: Text = Field("", description="our certificate (PEM or DER); made when not given")
    key: Text = Field("", description="our private key")
    server_certificate: Text = Field(
        "", description="the server's certificate; when not given, the one of the first connection is remembered"
    )
    publishing: AutoDurationNs = Field(None, description="interval of the subscription; `auto` is the poll period")


class ServerSection(Section):
    """What a simulated device lets its clients do."""

    connections: Annotated[int, whole(1, 10_000)] = Field(
        64,
        description="most connections; one more takes the place of the one that asked longest ago, unless all have "
        "asked within 10 s",
    )
    idle: DurationNs = Field(0, description="a connection without a request for so long is closed; 0 s: never")
    request: Annotated[int, duration_between("100 ms", "1 h")] = Field(
        10_000 * MILLISECOND_NS, description="how long the bytes of one request may take"
    )


class ReplaySection(Section):
    """A simulated device whose answers come from a recording."""

    file: Text = Field(description="recording made with `record`, or with `dcs run --record DIR`")
    end: Annotated[str, choice("hold", "loop", "silent")] = Field(
        "hold", description="behind its end: the last answers stay, it begins anew, or nobody answers any more"
    )


class EpochSection(Section):
    """Where a device that checks epochs has its own; it refuses whoever writes with a lower one."""

    address: Annotated[int, whole(0, 65535)] = Field(
        0, description="Modbus: first holding register of its output window"
    )
    node: Text = Field("", description="OPC UA: node of type UInt32, the first one of every write request")
    plain_writes: Annotated[str, choice("refuse", "accept")] = Field(
        "refuse", description="simulated: what becomes of writes of outputs that carry no epoch"
    )


class DeviceSection(Section):
    """One field device."""

    description: Text = Field("", description="what it is, in words")
    protocol: Annotated[str, choice(*PROTOCOLS)] = Field("modbus-tcp", description="how it is spoken to")
    host: Host = Field("127.0.0.1", description="its address")
    port: PortNumber = Field(
        502,
        description="its TCP port (4840 for opc-ua when not given); `auto` takes a free one (simulated devices only)",
    )
    unit: Annotated[int, whole(0, 255)] = Field(1, description="Modbus unit identifier")
    simulate: Flag = Field(False, description="true: this system serves the device itself; false: it is a real one")
    poll: Annotated[int, duration_between("10 ms", "1 h")] = Field(
        1000 * MILLISECOND_NS, description="time from reading to reading"
    )
    timeout: Annotated[int, duration_between("10 ms", "60 s")] = Field(
        500 * MILLISECOND_NS, description="how long an answer may take"
    )
    stale: AutoDurationNs = Field(
        None, description="age at which a value is no longer shown as good; `auto` is two polls and a time-out"
    )
    watchdog: DurationNs = Field(
        0,
        description="its own watchdog: unless it is written for so long its outputs take their fail action; 0 s: it "
        "has none; of a station, and of a device with `epoch`, it is 2 s when not given",
    )
    repeat: AutoDurationNs = Field(
        None,
        description="time after which its outputs are sent again, at most half the watchdog; `auto` is that half, and "
        "without a watchdog the scans alone send them",
    )
    word_order: Annotated[str, choice("high_first", "low_first")] = Field(
        "high_first", description="order of the words of one value"
    )
    byte_order: Annotated[str, choice("high_first", "low_first")] = Field(
        "high_first", description="order of the bytes in a word"
    )
    gap_max: Annotated[int, whole(0, 120)] = Field(
        16, description="unused registers that one read may span instead of asking twice"
    )
    polls: dict[Name, PollSection] = Field(default_factory=dict, description="poll groups with periods of their own")
    limits: LimitsSection = Field(
        default_factory=lambda: LimitsSection.model_validate({}), description="what the device can take"
    )
    forbidden: list[ForbiddenSection] = Field(
        default_factory=list, description="addresses that no request may touch, not even as a gap"
    )
    connection: Annotated[str, choice("own", "shared")] = Field(
        "own", description="shared: all units behind one gateway's address use one connection"
    )
    unknown_unit: Annotated[str, choice("refuse", "silent")] = Field(
        "refuse", description="simulated: what another unit number gets, exception 0x0B or no answer"
    )
    verify: Flag = Field(False, description="true: what is written is read back and compared, point by point")
    write_when: Annotated[str, choice("scan", "change")] = Field(
        "scan",
        description="scan: outputs are sent with every scan; change: only when they differ from what the device "
        "acknowledged last, and anew after `repeat`, a lost connection or a switchover",
    )
    backoff: Annotated[int, duration_between("100 ms", "10 min")] = Field(
        10_000 * MILLISECOND_NS,
        description="longest time between two full attempts to reach it again; a small probe goes every quarter of it",
    )
    health: Annotated[int, duration_between("100 ms", "1 min")] = Field(
        1_000 * MILLISECOND_NS,
        description="how often a path that is not polled, of a standby or of a spare link, is proven by one small read",
    )
    alarm: DeviceAlarmSection = Field(
        default_factory=lambda: DeviceAlarmSection.model_validate({}), description="its alarm COMM: it gives no values"
    )
    redundancy_alarm: RedundancyAlarmSection = Field(
        default_factory=lambda: RedundancyAlarmSection.model_validate({}),
        description="of one with `backup` or cards in pairs, its alarm REDUNDANCY: a link or card could not take over",
    )
    serial: SerialSection | None = Field(None, description="the line of protocol modbus-rtu")
    tls: TlsSection | None = Field(None, description="the files of protocol modbus-tls")
    opc_ua: OpcUaSection | None = Field(None, description="access of protocol opc-ua")
    record: Text = Field("", description="folder to which each controller records its traffic with the device")
    replay: ReplaySection | None = Field(None, description="simulated: its answers come from a recording")
    server: ServerSection | None = Field(None, description="simulated: limits for its clients")
    backup: BackupSection | None = Field(None, description="its second address; both links are kept up")
    station: StationSection | None = Field(None, description="a node unit with cards in slots")
    epoch: EpochSection | None = Field(
        None,
        description="it checks who writes its outputs; docs/how-to/let-a-device-check-epochs.md",
    )
    map: Text = Field(
        "",
        description="map of its type: a name in the library, or a file of this folder such as `maps/own.csv`",
    )
    prefix: Text | None = Field(
        None, description="takes the inputs of the map, each under the tag `prefix` + its name in the map"
    )
    take: list[Text] | None = Field(
        None, description="the points of the map that are taken, outputs too; all inputs when not given"
    )
    identity: IdentitySection | None = Field(None, description="what it is; that of its map when not given")
    behaviour: Behaviours = Field(
        default_factory=list,
        description="simulated: what makes values that no plant makes, `{type: TYPE, ROLE: POINT, PARAMETER: VALUE}` "
        "or a list of such",
    )
    points: dict[Name, PointSection] = Field(
        default_factory=dict,
        description="its measurements and commands, by tag; or the name of a table of them, such as `field/points.csv`",
    )
    untaken: dict[Name, PointSection] = Field(
        default_factory=dict,
        exclude=True,
        description="simulated: registers that no tag uses and that it serves all the same; a map fills this in",
    )


class FieldFile(Section):
    """field.yaml: devices, their registers and what they are in the simulated plant."""

    devices: dict[Name, DeviceSection] = Field(description="by name")
    faults: list[FaultSection] = Field(
        default_factory=list, description="what goes wrong by itself; docs/how-to/make-the-field-misbehave.md"
    )
