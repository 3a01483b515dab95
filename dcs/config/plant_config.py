"""A plant folder, checked and free of text: what the nodes are built from.

Made by     ``dcs.config.load``.
Read by     the assembly, the launcher, the command line.
Knows       only data. ``PlantInfo`` says what the checker must know of a plant model, because control code never
            imports one: the assembly passes the real thing in, which has this form.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from dcs.core.errors import ConfigError
from dcs.engine.strategy import ScanClass, Strategy
from field_io.fault_kinds import PlannedFault
from field_io.specs import DeviceSpec


class VariableInfo(Protocol):
    """One number of a plant model."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def role(self) -> str:
        """input | output | disturbance | state | parameter"""
        ...


class SettingInfo(Protocol):
    """A named operating point of a plant model."""

    @property
    def name(self) -> str: ...


class PlantInfo(Protocol):
    """What the checker must know of a plant model."""

    @property
    def variables(self) -> Sequence[VariableInfo]: ...
    @property
    def settings(self) -> Sequence[SettingInfo]: ...
    @property
    def step_s(self) -> float:
        """Integration step at which it is accurate, s."""
        ...

    @property
    def integrator(self) -> str:
        """The one it takes when none is asked for; none of ours for a plant that brings its own."""
        ...


class PlantCatalog(Protocol):
    """Every plant model by name, and the kinds of plants that a file describes."""

    def __iter__(self) -> Iterator[str]: ...
    def __contains__(self, name: object, /) -> bool: ...
    def __len__(self) -> int: ...
    @property
    def readers(self) -> Mapping[str, object]:
        """The kinds that ``open`` reads from a file."""
        ...

    @property
    def text_readers(self) -> Mapping[str, object]:
        """Those of them whose file is a text: it travels with the configuration."""
        ...

    @property
    def stand_ins(self) -> Mapping[str, object]:
        """Kinds that are no plants: what a plant.yaml without a model has."""
        ...

    def open(self, kind: str, file: Path | None = None, text: str | None = None) -> PlantInfo:
        """The plant of that name, or what ``file`` describes; ``text``: what the file says, where it is a text.

        Raises ``ValueError`` with a sentence; where it has ``problems``, they are (line, sentence).
        """
        ...


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The simulated plant."""

    type: str
    setting: str
    step_ns: int
    integrator: str  # "" = the plant's own
    seed: int
    file: Path | None = None  # what describes a plant of a kind that is read from a file
    parameters: tuple[tuple[str, float], ...] = ()  # parameters and disturbances that differ from the setting, SI
    text: str = field(default="", repr=False)  # what the file says, where it is a text


@dataclass(frozen=True, slots=True)
class ControllerConfig:
    """One controller: a redundant pair, or a single one."""

    name: str
    members: tuple[str, ...]  # one or two node names
    witness: str | None
    lease_ns: int | None  # None: derived from the fastest scan period
    strategy: Strategy

    @property
    def paired(self) -> bool:
        """True when there is a standby."""
        return len(self.members) == 2


@dataclass(frozen=True, slots=True)
class BusConfig:
    """The message bus: ``urls`` of existing servers, or one server per entry of ``hosts`` to be started by us.

    ``port`` is the client port of the first (0 = free ones); those of a cluster that share a host count up from it.
    """

    hosts: tuple[str, ...]
    port: int
    urls: tuple[str, ...] = ()
    store_ns: int = 600_000_000_000
    store_bytes: int = 64_000_000
    store_events: int = 10_000

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the servers that we start; the node ``bus`` stands for servers of somebody else."""
        if len(self.hosts) == 1 or self.urls:
            return ("bus",)
        return tuple(f"bus-{number}" for number in range(1, len(self.hosts) + 1))


@dataclass(frozen=True, slots=True)
class DemoConfig:
    """How ``dcs demo`` starts the plant: with so much computed past (0 = none), sampled so often."""

    past_ns: int = 0
    sample_ns: int = 10_000_000_000


@dataclass(frozen=True)
class PlantConfig:
    """Everything that is configured for one plant."""

    name: str
    title: str
    description: str
    folder: Path
    model: ModelConfig
    scan_classes: tuple[ScanClass, ...]
    controllers: tuple[ControllerConfig, ...]
    devices: tuple[DeviceSpec, ...]  # port 0 = a free one (simulated devices only)
    bus: BusConfig
    displays: tuple[Path, ...]
    scenarios: tuple[Path, ...]
    files: tuple[Path, ...]  # all that was read
    overrides: tuple[str, ...]
    digest: str  # changes when any file or override changes
    texts: tuple[tuple[str, str], ...] = field(
        default=(), repr=False
    )  # what was read: (``control`` or ``a.csv``, text)
    own_blocks: tuple[tuple[str, str], ...] = ()  # (file of the user's block types, digest)
    demo: DemoConfig = DemoConfig()
    faults: tuple[PlannedFault, ...] = ()  # what goes wrong by itself
    labels: bool = False  # the journal says what goes wrong
    notes: tuple[ConfigError, ...] = ()  # worth saying, no obstacle: str(note) is ``file:line: sentence``

    def controller(self, name: str) -> ControllerConfig:
        """The controller of that name; raises ``KeyError``."""
        for candidate in self.controllers:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of every node that the plant needs: controllers' members, witnesses, field and bus."""
        members = [member for controller in self.controllers for member in controller.members]
        witnesses = [controller.witness for controller in self.controllers if controller.witness]
        field_nodes = ["field"] if any(device.simulate for device in self.devices) else []
        return tuple(dict.fromkeys([*self.bus.nodes, *field_nodes, *members, *witnesses]))
