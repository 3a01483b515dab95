"""plant.yaml against the catalogue of plants and against itself.

Called by   ``dcs.config.load``.
Knows       plant types, their settings, node names, the rules of a pair. No field, no control.
"""

from dcs.config.plant_config import BusConfig, ModelConfig, PlantCatalog, PlantInfo
from dcs.config.problems import Problems, did_you_mean
from dcs.config.schema import ControllerSection, PlantFile
from dcs.config.source import Document, KeyPath
from dcs.core.clock import NS_PER_MS
from dcs.engine.strategy import ScanClass

NS_PER_S = 1_000_000_000
_LEASE_MIN_NS, _LEASE_MAX_NS = 40 * NS_PER_MS, 10 * NS_PER_S
RESERVED_NODES = ("bus", "field", "hmi")
"""Nodes that every plant has; no controller or witness may take their names."""


def check_model(
    file: PlantFile, document: Document, catalog: PlantCatalog, problems: Problems
) -> tuple[ModelConfig, PlantInfo | None]:
    """The model with its defaults filled in, and what the catalogue says of it (None: unknown, reported)."""
    section = file.model
    plant = catalog.get(section.type)
    if plant is None:
        problems.add(
            document.place(("model", "type")),
            f"model: there is no plant `{section.type}`. {did_you_mean(section.type, catalog, 'Known plants')}",
        )
        return ModelConfig(section.type, section.setting, section.step or 0, section.integrator, section.seed), None
    settings = [setting.name for setting in plant.settings]
    setting = section.setting or (settings[0] if settings else "")
    if setting and setting not in settings:
        problems.add(
            document.place(("model", "setting")),
            f"model: {section.type} has no setting `{setting}`. {did_you_mean(setting, settings, 'Known settings')}",
        )
    step_ns = section.step or round(plant.step_s * NS_PER_S)
    return ModelConfig(section.type, setting, step_ns, section.integrator, section.seed), plant


def check_scan_classes(file: PlantFile, document: Document, problems: Problems) -> tuple[ScanClass, ...]:
    """Scan classes, fastest first among equals in file order."""
    for name, section in file.scan_classes.items():
        if section.phase >= section.period:
            problems.add(
                document.place(("scan_classes", name, "phase")),
                f"scan class {name}: the phase is not below the period. Write a phase shorter than the period.",
            )
    return tuple(ScanClass(name, section.period, section.phase) for name, section in file.scan_classes.items())


def check_bus(file: PlantFile, document: Document, problems: Problems) -> BusConfig:
    """Where the bus is."""
    section = file.bus
    if section.url and not section.url.startswith(("nats://", "tls://")):
        problems.add(
            document.place(("bus", "url")),
            f"bus: `{section.url}` is not the address of a NATS server. Write it as `nats://host:port`.",
        )
    if section.url and {"host", "port"} & section.model_fields_set:
        problems.add(
            document.place(("bus", "url")),
            "bus: with `url` the bus is an existing server, so host and port mean nothing. Delete one or the other.",
        )
    return BusConfig(section.host, section.port, section.url)


def check_controllers(file: PlantFile, document: Document, problems: Problems) -> None:
    """Members, witnesses and names of nodes."""
    taken: dict[str, str] = dict.fromkeys(RESERVED_NODES, "every plant has a node of that name")
    witnesses = {section.witness for section in file.controllers.values() if section.witness}
    for name, section in file.controllers.items():
        path: KeyPath = ("controllers", name)
        members = section.members
        if len(members) not in (1, 2):
            problems.add(
                document.place((*path, "members")),
                f"controller {name} has {len(members)} members. "
                "Write two node names for a redundant pair, or one for a single controller.",
            )
        for i, member in enumerate(members):
            place = document.place((*path, "members", i))
            if member in taken:
                problems.add(
                    place, f"controller {name}: the node name {member} is taken: {taken[member]}. Choose another."
                )
            elif member in witnesses:
                problems.add(
                    place,
                    f"controller {name}: the node {member} is also a witness. "
                    "A witness is a node of its own; rename one.",
                )
            taken.setdefault(member, f"it is a member of controller {name}")
        _check_witness(name, section, document, path, problems)


def _check_witness(
    name: str, section: ControllerSection, document: Document, path: KeyPath, problems: Problems
) -> None:
    if len(section.members) == 2 and section.witness is None:
        problems.add(
            document.place(path),
            f"controller {name} is a pair without a witness, so a single failure could stop it. Add `witness: W1`.",
        )
    if len(section.members) == 1 and section.witness is not None:
        problems.add(
            document.place((*path, "witness")),
            f"controller {name} has one member, and a single controller needs no witness. "
            "Delete `witness`, or add a second member.",
        )
    if section.witness in RESERVED_NODES:
        problems.add(
            document.place((*path, "witness")),
            f"controller {name}: every plant has a node `{section.witness}`. Give the witness another name.",
        )
    if section.lease is not None and not _LEASE_MIN_NS <= section.lease <= _LEASE_MAX_NS:
        problems.add(
            document.place((*path, "lease")),
            f"controller {name}: the lease is {section.lease / NS_PER_MS:g} ms, but it must be from 40 ms (messages "
            "take their time) to 10 s (nobody controls for so long when the active dies). Write `auto`.",
        )
