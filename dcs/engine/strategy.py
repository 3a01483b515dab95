"""What a controller is to do, checked and free of text: the input of the compiler.

Made by     ``dcs.config`` from YAML (every name resolved, every unit checked, every place remembered).
Read by     ``dcs.engine.compile``, the layout of the bus, the generated displays.
"""

from dataclasses import dataclass, field

from dcs.blocks.declare import ParamValue
from dcs.core.errors import Place


@dataclass(frozen=True, slots=True)
class ScanClass:
    """Blocks that are executed together, every ``period_ns`` after ``phase_ns``."""

    name: str
    period_ns: int
    phase_ns: int = 0


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """One block: full name ``LIC-101.pid``; ``params`` holds only what differs from the declaration's defaults."""

    name: str
    type: str
    scan_class: str
    params: dict[str, ParamValue] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)  # scale name -> unit: {"pv_scale": "cm"}
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)  # names of codes: {"step": ("FILL", "HEAT")}
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Link:
    """A wire between terminals; a signal takes its status along. ``LIC-101.ai.out`` -> ``LIC-101.pid.pv``."""

    source: str
    target: str
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Channel:
    """One field point as the controller sees it: ``LT-101``; wired by its name as a source or target of a Link."""

    name: str
    direction: str  # in | out
    unit: str
    device: str = ""
    place: Place = Place()


LINK, ERRORS, ROUND_TRIP, WHOLE = "link", "errors", "round_trip", "whole"
"""What a controller knows of a device beside its points, as input channels ``RTU-1:link`` …: names of points have no
colon. The status of ``link`` says whether values come (Bad: none, Uncertain: not all); its value is 1 while some do.
``whole`` is 1 while every link, and every card of a pair, works; only devices that have such have it."""
STANDBY, WITNESS, BEHIND = "standby", "witness", "behind"
"""What the active of a pair knows of the pair, in the same form: ``C1:standby`` …"""


def device_channel(device: str, what: str) -> str:
    """Name of such a channel."""
    return f"{device}:{what}"


def device_of(channel: str) -> str:
    """The device (or pair) of such a channel; "" for a point."""
    return channel.rpartition(":")[0]


def is_of_pair(channel: str) -> bool:
    """Is it known from the pair itself, so that no device is needed for it?"""
    return channel.rpartition(":")[2] in (STANDBY, WITNESS, BEHIND) and device_of(channel) != ""


@dataclass(frozen=True, slots=True)
class AlarmSpec:
    """One alarm on a published tag."""

    name: str  # LIC-101.HI
    module: str
    source: str  # terminal that is watched: LIC-101.ai.out
    kind: str  # HIHI HI LO LOLO DEV_HI DEV_LO BAD_PV ON OFF ROC
    priority: int
    limit: float = 0.0
    deadband: float = 0.0  # in the unit of the source
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    after_sp_s: float = 0.0  # for deviation: time after a change of the reference in which it is not raised
    window_s: float = 0.0  # for a rate of change
    reference: str = ""  # for deviation: the terminal compared with: LIC-101.pid.sp
    description: str = ""
    consequence: str = ""
    cause: str = ""
    action: str = ""
    place: Place = Place()
    causes: tuple[str, ...] = ()  # BAD_PV: channels of the devices whose silence explains it (suppressed by design)
    grace_s: float = 0.0  # how long it may wait for that


@dataclass(frozen=True, slots=True)
class PublishedTag:
    """A terminal or parameter shown to the world: ``LIC-101.PV`` = ``LIC-101.ai.out``."""

    name: str
    source: str
    unit: str
    low: float
    high: float
    description: str
    decimals: int
    kind: str  # float | mode | bool | int
    writable: bool = False
    choices: tuple[str, ...] = ()  # names of the codes 0, 1, 2 … of an int; "" where a code has none


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How a module wakes when the controllers come back after an outage (``dcs.engine.restart``)."""

    start: str = "warm"  # warm | cold
    then: str = "hold"  # after a warm start: hold | man | oos
    longest_outage_ns: int = 3_600_000_000_000  # after a longer one the start is cold; 0 = never


@dataclass(frozen=True, slots=True)
class ModuleSpec:
    """A control module: a named group of blocks with published parameters."""

    name: str
    description: str
    kind: str  # loop | indicator | output | device
    scan_class: str
    parts: dict[str, str]  # PV -> LIC-101.PV …
    permitted_modes: tuple[str, ...] = ()
    restart: RestartPolicy = RestartPolicy()


@dataclass(frozen=True, slots=True)
class Strategy:
    """Everything one controller (pair) executes."""

    name: str  # of the controller pair
    scan_classes: tuple[ScanClass, ...]
    channels: tuple[Channel, ...]
    blocks: tuple[BlockSpec, ...]
    links: tuple[Link, ...]
    alarms: tuple[AlarmSpec, ...]
    tags: tuple[PublishedTag, ...]
    modules: tuple[ModuleSpec, ...]
