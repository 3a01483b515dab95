"""The keys of the files of a plant folder, with their defaults and one line of meaning each.

Called by   ``dcs.config.validate``; read by the documentation generator (``docs/reference/configuration``).
Knows       the form of each file alone. What one file says of another is checked in ``dcs.config.*_check``.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from dcs.config.device_alarm import PairAlarmsSection
from dcs.config.field_schema import FieldFile
from dcs.config.fields import (
    AnyDurationNs,
    AutoDurationNs,
    BlockName,
    DurationNs,
    Flag,
    Host,
    Name,
    Number,
    PortNumber,
    Quantity,
    TerminalName,
    Text,
    UnitName,
    VariableName,
    choice,
    duration_between,
    whole,
)
from dcs.config.section import Section

ALARM_KINDS = ("HIHI", "HI", "LO", "LOLO", "DEV_HI", "DEV_LO", "BAD_PV", "ON", "OFF", "ROC")
INTEGRATORS = ("euler", "rk4", "stiff", "adaptive", "dop853", "radau", "bdf")
NO_PLANT = "none"
"""Kind of the model of a plant that has none."""
MILLISECOND_NS = 1_000_000


# --- plant.yaml -------------------------------------------------------------------------------------------
class ModelSection(Section):
    """The plant that is simulated."""

    type: Name = Field(description="which plant model, see docs/reference/plants")
    setting: Text = Field(
        "", description="named operating point at which it starts; the model's first one when not given"
    )
    step: Annotated[int | None, duration_between("1 ms", "60 s")] = Field(
        None, description="integration step; when not given, the longest that suits the model and divides the scans"
    )
    file: Text = Field(
        "", description="for plants of a kind that a file describes (flowsheet, fmu): that file, in the plant folder"
    )
    integrator: Annotated[str, choice(*INTEGRATORS)] = Field(
        "", description="how the equations are stepped; the model's own method when not given"
    )
    parameters: dict[VariableName, Number] = Field(
        {}, description="parameters and disturbances of the model that differ from the setting, in their own units"
    )
    seed: Annotated[int, whole(0, 2**32 - 1)] = Field(1, description="start of every random stream of the run")


class ScanClassSection(Section):
    """Blocks that are executed together."""

    period: Annotated[int, duration_between("10 ms", "60 s")] = Field(description="time from scan to scan")
    phase: DurationNs = Field(0, description="offset of its scans, to spread the load; below the period")


class ControllerSection(Section):
    """A controller: a redundant pair, or a single one."""

    members: list[Name] = Field(description="node names: two for a redundant pair, one for a single controller")
    witness: Name | None = Field(None, description="node that votes as the third of a pair")
    lease: AutoDurationNs = Field(
        None, description="how long an output authority lasts without renewal; `auto` derives it from the scan period"
    )
    alarms: PairAlarmsSection = Field(
        default_factory=lambda: PairAlarmsSection.model_validate({}),
        description="of a pair, its alarms about itself: redundancy is lost",
    )


class BusSection(Section):
    """The message bus."""

    host: Host = Field("127.0.0.1", description="address on which it listens")
    port: PortNumber = Field(0, description="TCP port, or `auto` for a free one")
    url: Text = Field("", description="an existing NATS server instead, such as `nats://10.0.0.5:4222`")
    urls: list[Text] = Field(
        default_factory=list, description="the servers of an existing NATS cluster instead, one address each"
    )
    nodes: Annotated[int, whole(1, 5)] = Field(
        1, description="servers that `dcs run` starts: 1, or 3 or 5 as a cluster that survives the loss of one or two"
    )
    hosts: list[Host] = Field(
        default_factory=list,
        description="where the servers of the cluster listen, one address per node; all on `host` when not given",
    )
    store: Annotated[int, duration_between("1 s", "24 h")] = Field(
        600_000_000_000, description="samples up to this age are kept by each controller while the bus is away"
    )
    store_samples: Annotated[int, whole(1, 100_000)] = Field(
        64, description="memory for these samples in each controller, in MB"
    )
    store_events: Annotated[int, whole(100, 1_000_000)] = Field(
        10_000, description="events that each node keeps while the bus is away; about 1 kB of memory each"
    )


class DemoSection(Section):
    """How `dcs demo` starts the plant."""

    past: Annotated[int | None, duration_between("1 min", "2 d")] = Field(
        None, description="so much of what was before is computed beforehand, so that trends are not empty"
    )
    sample: Annotated[int, duration_between("1 s", "10 min")] = Field(
        10_000_000_000, description="time between two samples of the computed past"
    )


class PlantFile(Section):
    """plant.yaml: what the plant is and which nodes run it."""

    plant: Name = Field(description="short name of the plant")
    title: Text = Field("", description="name on the screen; the short name when not given")
    description: Text = Field("", description="one or two sentences for who opens it for the first time")
    model: ModelSection = Field(
        default_factory=lambda: ModelSection.model_validate({"type": NO_PLANT}),
        description="the simulated plant; when not given nothing is simulated: the devices are real ones, or such that "
        "need no plant",
    )
    scan_classes: dict[Name, ScanClassSection] = Field(
        default_factory=lambda: {"loops": ScanClassSection.model_validate({"period": "500 ms"})},
        description="when not given, one class `loops` of 500 ms",
    )
    controllers: dict[Name, ControllerSection] = Field(
        default_factory=lambda: {"C1": ControllerSection.model_validate({"members": ["C1A"]})},
        description="when not given, a single controller `C1` with the node `C1A`",
    )
    bus: BusSection = Field(default_factory=lambda: BusSection.model_validate({}), description="the message bus")
    demo: DemoSection = Field(
        default_factory=lambda: DemoSection.model_validate({}), description="how `dcs demo` starts it"
    )
    labels: Flag = Field(
        False, description="true: the journal says of each fault what it is, when it begins and when it ends"
    )


# --- control.yaml -----------------------------------------------------------------------------------------
class BlockSection(BaseModel):
    """One function block; every key that is not listed here is a parameter of its type."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: Text = Field(description="type of the block; the reference of blocks lists them")
    inputs: dict[Name, TerminalName] = Field(
        default_factory=dict, description="terminal: where its value comes from (`LT-101`, `ai.out`, `LIC-101.pid.out`)"
    )
    outputs: dict[Name, TerminalName] = Field(
        default_factory=dict, description="terminal: where its value goes (`P-101`, `pid.pv`)"
    )
    description: Text = Field("", description="what it is for, in words")

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters as they stand in the file."""
        return dict(self.model_extra or {})


class RestartSection(Section):
    """How a module wakes when all controllers were down; a takeover is none."""

    start: Annotated[str, choice("warm", "cold")] = Field(
        "warm", description="warm: with the values it had; cold: as at a first start (settings are kept)"
    )
    then: Annotated[str, choice("hold", "man", "oos")] = Field(
        "hold", description="after a warm start: hold goes on in the modes it had, man and oos set the target mode"
    )
    longest_outage: AnyDurationNs = Field(
        3_600_000 * MILLISECOND_NS, description="after a longer outage the start is cold; `any`: never for that reason"
    )


class ModuleSection(Section):
    """One control module: a tag with its blocks."""

    template: Name | None = Field(None, description="template that it is made from; its other keys then override those")
    given: dict[Name, Any] = Field(
        default_factory=dict, alias="with", description="values of the template's parameters, by name"
    )
    description: Text = Field("", description="what it does, in words")
    scan: Name | None = Field(None, description="its scan class; may be left out when there is only one")
    controller: Name | None = Field(
        None, description="which controller runs it; may be left out when there is only one"
    )
    main: BlockName | None = Field(
        None, description="block whose PV, SP, OUT … become the module's; may be left out when there is only one block"
    )
    monitor: Flag = Field(
        False,
        description="true: its loop (main block: a PID) is watched; the figures are `MODULE.monitor.OSCILLATION` …",
    )
    restart: RestartSection = Field(
        default_factory=lambda: RestartSection.model_validate({}), description="how it wakes after an outage"
    )
    publish: dict[Name, TerminalName] = Field(
        default_factory=dict,
        description="more parts of the module: name: `ai.PV`, a published part of one of its blocks",
    )
    blocks: dict[BlockName, BlockSection] = Field(description="by name")


class TemplateParameter(Section):
    """One parameter of a template."""

    meaning: Text = Field("", description="what it is, in words")
    unit: UnitName | None = Field(None, description="unit in which a quantity such as `120 mm` becomes a number")
    default: Any = Field(None, description="value when an instance gives none; needed from each when not given")


class TemplateSection(Section):
    """A template (class) of control modules. In its texts `{name}` stands for a parameter.

    `{module}` stands for the tag of the module and `{number}` for what follows its first `-`.
    """

    description: Text = Field("", description="what the modules do, in words")
    parameters: dict[Name, TemplateParameter] = Field(default_factory=dict, description="by name")
    instances: Text = Field("", description="CSV file with a row for each module: `module`, and a column per parameter")
    template: Name | None = Field(None, description="another template that this one is made from")
    given: dict[Name, Any] = Field(
        default_factory=dict, alias="with", description="values of that template's parameters"
    )
    scan: Any = Field(None, description="as in a module")
    monitor: Any = Field(None, description="as in a module")
    restart: Any = Field(None, description="as in a module")
    controller: Any = Field(None, description="as in a module")
    main: Any = Field(None, description="as in a module")
    publish: dict[Name, Any] = Field(default_factory=dict, description="as in a module")
    blocks: dict[BlockName, dict[str, Any]] = Field(default_factory=dict, description="as in a module")
    alarms: dict[str, Any] = Field(default_factory=dict, description="alarms of each module, as in alarms.yaml")


class ControlFile(Section):
    """control.yaml: modules, blocks and wires."""

    blocks: list[Text] = Field(
        default_factory=list, description="Python files with block types of your own, relative to the plant's folder"
    )
    templates: dict[Name, TemplateSection] = Field(default_factory=dict, description="by name")
    modules: dict[Name, ModuleSection] = Field(description="by tag")


# --- alarms.yaml ------------------------------------------------------------------------------------------
class AlarmSection(Section):
    """One alarm of a module."""

    kind: Annotated[str | None, choice(*ALARM_KINDS)] = Field(
        None, description="kind of an alarm that has a name of its own: " + ", ".join(ALARM_KINDS)
    )
    of: Text = Field(
        "PV",
        description="published part that it watches: `FAIL` of the main block, `ai.PV` of another one of the module",
    )
    limit: Quantity | None = Field(
        None, description="value at which it comes; for ROC the change within `window`; not for BAD_PV, ON and OFF"
    )
    deadband: Quantity = Field(0.0, description="how far the value must come back before it goes")
    priority: Annotated[int, whole(1, 4)] = Field(description="1 critical, 2 high, 3 medium, 4 low")
    on_delay: DurationNs = Field(0, description="how long the limit must be exceeded before it comes")
    off_delay: DurationNs = Field(0, description="how long the value must be back before it goes")
    after_sp: DurationNs = Field(
        0,
        description="DEV_HI and DEV_LO: not raised for this time after a change of the working setpoint "
        "(after the end of a ramp)",
    )
    window: DurationNs = Field(0, description="ROC: time over which the change is judged")
    description: Text = Field("", description="what it says in the list; made from tag and kind when not given")
    consequence: Text = Field("", description="what happens if nobody acts")
    cause: Text = Field("", description="what usually brings it")
    action: Text = Field("", description="what the operator does")


class AlarmsFile(Section):
    """alarms.yaml: alarms by module and name."""

    alarms: dict[Name, dict[Name, AlarmSection]] = Field(
        default_factory=dict,
        description=f"by module, then by kind ({', '.join(ALARM_KINDS)}) or by a name of their own with `kind:`",
    )


FILES: dict[str, type[Section]] = {
    "plant": PlantFile,
    "field": FieldFile,
    "control": ControlFile,
    "alarms": AlarmsFile,
}
"""The files of a plant folder by their names without ``.yaml``."""

OPTIONAL_FILES = ("alarms",)

NAMED = (
    ("scan_classes",),
    ("controllers",),
    ("devices",),
    ("devices", "*", "points"),
    ("devices", "*", "untaken"),
    ("points",),
    ("templates",),
    ("templates", "*", "parameters"),
    ("templates", "*", "blocks"),
    ("modules",),
    ("modules", "*", "blocks"),
    ("alarms",),
    ("alarms", "*"),
)
"""Mappings whose keys are names given by the user (``*`` stands for any name)."""
