"""plant.yaml against the catalogue of plants and against itself.

Called by   ``dcs.config.load``.
Knows       plant types, their settings, node names, the rules of a pair. No field, no control.
"""

import math
from collections.abc import Mapping
from pathlib import Path

from dcs.config.plant_config import ModelConfig, PlantCatalog, PlantInfo
from dcs.config.problems import Problems, did_you_mean
from dcs.config.schema import INTEGRATORS, ControllerSection, ModelSection, PlantFile
from dcs.config.source import Document, KeyPath
from dcs.core.clock import NS_PER_MS
from dcs.core.errors import Place
from dcs.engine.strategy import ScanClass

NS_PER_S = 1_000_000_000
_LEASE_MIN_NS, _LEASE_MAX_NS = 40 * NS_PER_MS, 10 * NS_PER_S
RESERVED_NODES = ("bus", "field", "hmi")
"""Nodes that every plant has; no controller or witness may take their names."""


def check_model(
    file: PlantFile,
    document: Document,
    folder: Path,
    catalog: PlantCatalog,
    problems: Problems,
    given: Mapping[str, str] | None = None,
) -> tuple[ModelConfig, PlantInfo | None]:
    """The model with its defaults filled in, and what the catalogue says of it.

    None: unknown, reported; or described by a file that is not a text and not here, because the plant is loaded from
    its texts (``given``) on another machine: only the field node needs it.
    """
    section = file.model
    path = folder / section.file if section.file else None
    text = _text_of(section, document, path, catalog, problems, given)
    plant = None if text is None else _find_plant(section, document, path, text, catalog, problems, given is not None)
    parameters = tuple(sorted(section.parameters.items()))
    if plant is None:
        step_ns, said = section.step or 0, text or ""
        return ModelConfig(
            section.type, section.setting, step_ns, section.integrator, section.seed, path, parameters, said
        ), None
    settings = [setting.name for setting in plant.settings]
    setting = section.setting or (settings[0] if settings else "")
    if setting and setting not in settings:
        problems.add(
            document.place(("model", "setting")),
            f"model: {section.type} has no setting `{setting}`. {did_you_mean(setting, settings, 'Known settings')}",
        )
    known = {v.name: v for v in plant.variables if v.role in ("parameter", "disturbance")}
    for name, value in parameters:
        place = document.place(("model", "parameters", name))
        if name not in known:
            problems.add(
                place,
                f"model: {section.type} has no parameter or disturbance `{name}`. "
                f"{did_you_mean(name, known, 'Known ones')}",
            )
        elif not known[name].low <= value <= known[name].high:
            one = known[name]
            problems.add(
                place,
                f"model: {name} = {value:g} lies outside {one.low:g} … {one.high:g} {one.unit}. Write one inside.",
            )
    if section.integrator and plant.integrator not in INTEGRATORS:
        problems.add(
            document.place(("model", "integrator")),
            f"model: {section.type} brings its own integrator. Delete `integrator`.",
        )
    step_ns = section.step or dividing_step_ns(round(plant.step_s * NS_PER_S), file)
    model = ModelConfig(section.type, setting, step_ns, section.integrator, section.seed, path, parameters, text or "")
    return model, plant


def _text_of(
    section: ModelSection,
    document: Document,
    path: Path | None,
    catalog: PlantCatalog,
    problems: Problems,
    given: Mapping[str, str] | None,
) -> str | None:
    """What the model's file says; "" where it is no text; None when it cannot be read, which is told."""
    if path is None or section.type not in catalog.text_readers:
        return ""
    if given is not None and section.file in given:
        return given[section.file]
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        problems.add(
            document.place(("model", "file")), f"model: {path} cannot be read ({reason}). Correct the name of the file."
        )
    except UnicodeDecodeError:
        problems.add(Place(str(path), 1), "is not UTF-8. Save the file in UTF-8 encoding.")
    return None


def _find_plant(
    section: ModelSection,
    document: Document,
    path: Path | None,
    text: str,
    catalog: PlantCatalog,
    problems: Problems,
    elsewhere: bool,
) -> PlantInfo | None:
    kind = section.type
    if kind in catalog.readers:
        if path is None:
            problems.add(
                document.place(("model",)),
                f"model: a plant of the kind {kind} is described by a file. Add `file: NAME`, in the plant folder.",
            )
            return None
        if elsewhere and kind not in catalog.text_readers and not path.exists():
            return None
        try:
            return catalog.open(kind, path, text if kind in catalog.text_readers else None)
        except ValueError as error:
            found: tuple[tuple[int, str], ...] = getattr(error, "problems", ())
            for line, sentence in found:
                problems.add(Place(str(path), line), sentence)
            if not found:
                problems.add(document.place(("model", "file")), f"model: {error}")
            return None
    if kind not in catalog and kind not in catalog.stand_ins:
        known = [*catalog, *catalog.readers]
        problems.add(
            document.place(("model", "type")),
            f"model: there is no plant `{kind}`. {did_you_mean(kind, known, 'Known plants')}",
        )
        return None
    if section.file:
        problems.add(
            document.place(("model", "file")),
            f"model: {kind} is a plant of its own and is not read from a file. Delete `file`.",
        )
    return catalog.open(kind)


def dividing_step_ns(longest_ns: int, file: PlantFile) -> int:
    """The longest step up to ``longest_ns`` of which every scan period and phase is a whole number of steps.

    Periods that are no whole milliseconds have no such step worth taking: then it is ``longest_ns``.
    """
    common_ns = math.gcd(*(n for section in file.scan_classes.values() for n in (section.period, section.phase)))
    if common_ns == 0 or common_ns % NS_PER_MS:
        return longest_ns
    common_ms = common_ns // NS_PER_MS
    fitting_ms = [ms for ms in range(1, common_ms + 1) if common_ms % ms == 0 and ms * NS_PER_MS <= longest_ns]
    return max(fitting_ms) * NS_PER_MS if fitting_ms else longest_ns


def check_scan_classes(file: PlantFile, document: Document, problems: Problems) -> tuple[ScanClass, ...]:
    """Scan classes, fastest first among equals in file order."""
    for name, section in file.scan_classes.items():
        if section.phase >= section.period:
            problems.add(
                document.place(("scan_classes", name, "phase")),
                f"scan class {name}: the phase is not below the period. Write a phase shorter than the period.",
            )
    return tuple(ScanClass(name, section.period, section.phase) for name, section in file.scan_classes.items())


def check_controllers(file: PlantFile, document: Document, problems: Problems) -> None:
    """Members, witnesses and names of nodes."""
    taken: dict[str, str] = dict.fromkeys(RESERVED_NODES, "every plant has a node of that name")
    taken |= {f"bus-{number}": "it is a node of the bus" for number in range(1, file.bus.nodes + 1)}
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
