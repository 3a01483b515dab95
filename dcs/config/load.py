"""Reads and checks a whole plant folder before anything starts.

Called by   the command line, the launcher, the assembly, tests.
Knows       the order of the checks; each is a module of its own. Every check goes on after an error, so that one run
            tells all that is wrong.
Promise     what comes out can be built: names resolved, units equal, registers apart, loops broken.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from dcs.config.bus_check import check_bus
from dcs.config.collector import collector_paused
from dcs.config.control_check import ControlCheck
from dcs.config.device_modules import with_device_modules
from dcs.config.fault_check import build_faults
from dcs.config.field_check import build_devices
from dcs.config.field_schema import FieldFile
from dcs.config.map_use import expand_field
from dcs.config.overrides import apply_override
from dcs.config.pair_modules import with_pair_modules
from dcs.config.parts import file_name, joined, parse_parts, read_parts
from dcs.config.plant_check import check_controllers, check_model, check_scan_classes
from dcs.config.plant_config import ControllerConfig, DemoConfig, ModelConfig, PlantCatalog, PlantConfig
from dcs.config.point_table import PointTables
from dcs.config.problems import Problems
from dcs.config.schema import FILES, AlarmsFile, ControlFile, PlantFile
from dcs.config.source import Document
from dcs.config.templates import Expansion, expand_templates
from dcs.config.user_blocks import UserBlocks, load_user_blocks
from dcs.config.validate import validate
from dcs.config.variants import apply_variant, chosen_variant, read_variant
from dcs.config.writers_check import check_epochs_of_one, note_long_leases
from dcs.core.errors import ConfigError, Place
from dcs.engine.compile import compile_strategy
from dcs.engine.strategy import Strategy


@collector_paused
def load_plant(
    folder: Path | str,
    catalog: PlantCatalog,
    overrides: Sequence[str] = (),
    texts: Mapping[str, str] | None = None,
) -> PlantConfig:
    """The plant in ``folder``, checked whole. ``overrides`` are texts ``PATH=VALUE``;
    ``variant=NAME`` lays variants/NAME.yaml over the plant.

    ``texts`` are what its files say (``PlantConfig.texts``), for a plant whose folder need not be here; the user's
    block types are read from the folder all the same: they are code.

    Raises ``ConfigErrors`` with everything that is wrong, in file order; ``str()`` has one ``file:line: sentence`` a
    line. Files are called as the user called the folder.
    """
    shown_folder, folder = str(folder), Path(folder)
    problems = Problems()
    if texts is None and not folder.is_dir():
        what = "is a file, but a plant is a folder" if folder.exists() else "does not exist"
        problems.add(Place(shown_folder), f"{what}. Give the folder that holds plant.yaml.")
        problems.raise_if_any()
    read = read_parts(folder, problems) if texts is None else parse_parts(folder, texts, problems)
    documents = joined(read, folder, problems)
    variant, values = chosen_variant(overrides, problems)
    if variant:
        laid_over = read_variant(variant, folder, texts, problems)
        for document in laid_over.values():
            apply_variant(document, documents, problems)
        read |= laid_over
    later = [override for override in values if not _applied(override, documents)]
    own_blocks = load_user_blocks(documents.get("control"), folder, problems)
    expansion = expand_templates(documents, folder, problems, texts)
    tables = expand_field(documents.get("field"), folder, problems, texts)
    for override in later:  # what it names may have come out of a template; if not, it is told now
        apply_override(override, documents, problems)
    parts: dict[str, BaseModel | None] = {
        name: validate(document, FILES[name], problems) for name, document in documents.items()
    }
    plant, field, control, alarms = (parts.get(name) for name in ("plant", "field", "control", "alarms"))
    if not (isinstance(plant, PlantFile) and isinstance(field, FieldFile) and isinstance(control, ControlFile)):
        problems.raise_if_any()
        raise AssertionError("a file is missing without an error")  # pragma: no cover
    assert alarms is None or isinstance(alarms, AlarmsFile)
    check = _Check(folder, read, documents, catalog, problems, tuple(overrides), own_blocks, expansion, tables, texts)
    return check.run(plant, field, control, alarms)


def _applied(override: str, documents: Mapping[str, Document]) -> bool:
    """Apply an override to the files as they are; False when what it names is not there."""
    trial = Problems()
    apply_override(override, documents, trial)
    return not trial.errors


class _Check:
    """The checks that look across files."""

    def __init__(
        self,
        folder: Path,
        parts: Mapping[str, Document],
        documents: Mapping[str, Document],
        catalog: PlantCatalog,
        problems: Problems,
        overrides: tuple[str, ...],
        own_blocks: UserBlocks,
        expansion: Expansion,
        tables: PointTables,
        given: Mapping[str, str] | None,
    ) -> None:
        self._given = given
        self._folder = folder
        self._parts = parts
        self._documents = documents
        self._catalog = catalog
        self._problems = problems
        self._overrides = overrides
        self._types_complete = own_blocks.complete
        self._own_blocks = tuple((path.name, digest) for path, digest in own_blocks.files)
        self._point_tables = tables
        self._tables = expansion.tables | tables.texts
        self._more_files = (*(path for path, _ in own_blocks.files), *(folder / name for name in self._tables))

    def run(self, plant: PlantFile, field: FieldFile, control: ControlFile, alarms: AlarmsFile | None) -> PlantConfig:
        problems, documents = self._problems, self._documents
        model, info = check_model(plant, documents["plant"], self._folder, self._catalog, problems, self._given)
        scan_classes = check_scan_classes(plant, documents["plant"], problems)
        check_controllers(plant, documents["plant"], problems)
        bus = check_bus(plant, documents["plant"], problems)
        devices = build_devices(field, documents["field"], info, problems, self._point_tables.rows)
        faults = build_faults(field, documents["field"], devices, plant, problems)
        strategies = ControlCheck(
            documents["control"],
            scan_classes,
            list(plant.controllers),
            devices,
            self._broken_names({point.name for device in devices for point in device.points}, plant),
            problems,
            types_complete=self._types_complete,
        ).run(control, alarms, documents.get("alarms"))
        check_epochs_of_one(strategies, devices, documents["field"], problems)
        note_long_leases(plant.controllers, strategies, devices, documents["plant"], problems)
        strategies = with_device_modules(strategies, devices, documents["field"], problems)
        strategies = with_pair_modules(strategies, plant.controllers, documents["plant"], problems)
        if not problems.errors:
            self._compile(strategies)
        problems.raise_if_any()
        folder = self._folder
        model_texts = self._model_texts(model)
        return PlantConfig(
            name=plant.plant,
            title=plant.title or plant.plant,
            description=plant.description,
            folder=folder,
            model=model,
            scan_classes=scan_classes,
            controllers=tuple(
                ControllerConfig(name, tuple(section.members), section.witness, section.lease, strategies[name])
                for name, section in plant.controllers.items()
            ),
            devices=devices,
            faults=faults,
            labels=plant.labels,
            bus=bus,
            displays=tuple(sorted((folder / "displays").glob("*.yaml"))),
            scenarios=tuple(sorted((folder / "scenarios").glob("*.yaml"))),
            files=(
                *(folder / file_name(name) for name in self._parts if (folder / file_name(name)).exists()),
                *self._more_files,
                *((model.file,) if model.text and model.file is not None else ()),
            ),
            overrides=self._overrides,
            digest=self._digest(model_texts),
            texts=(
                *((name, part.text) for name, part in self._parts.items() if part.text),
                *self._tables.items(),
                *model_texts,
            ),
            own_blocks=self._own_blocks,
            demo=DemoConfig(plant.demo.past or 0, plant.demo.sample),
            notes=tuple(sorted(problems.notes, key=lambda note: note.place)),
        )

    def _broken_names(self, good_points: set[str], plant: PlantFile) -> frozenset[str]:
        """Names that stand in the files but have errors of their own: whoever uses them is not wrong as well."""
        field, plant_document = self._documents["field"], self._documents["plant"]
        points = {
            tag
            for device in field.names(("devices",))
            for tag in field.names(("devices", device, "points"))
            if tag not in good_points
        }
        classes = {name for name in plant_document.names(("scan_classes",)) if name not in plant.scan_classes}
        controllers = {name for name in plant_document.names(("controllers",)) if name not in plant.controllers}
        return frozenset(points | classes | controllers)

    def _compile(self, strategies: Mapping[str, Strategy]) -> None:
        """The engine has the last word: what it cannot execute is not a good configuration."""
        for strategy in strategies.values():
            try:
                compile_strategy(strategy)
            except ConfigError as exc:
                self._problems.take(exc)

    def _model_texts(self, model: ModelConfig) -> tuple[tuple[str, str], ...]:
        """The model's file, by its name in the folder; of one that is not a text, its digest: the file stays here."""
        if model.file is None:
            return ()
        name = model.file.relative_to(self._folder).as_posix()
        if model.text:
            return ((name, model.text),)
        if model.file.is_file():
            return ((f"{name}.sha256", hashlib.sha256(model.file.read_bytes()).hexdigest()),)
        known = (self._given or {}).get(f"{name}.sha256")
        return ((f"{name}.sha256", known),) if known else ()

    def _digest(self, model_texts: Iterable[tuple[str, str]]) -> str:
        parts = [f"{name}={part.digest}" for name, part in sorted(self._parts.items())]
        tables = ((name, hashlib.sha256(text.encode()).hexdigest()) for name, text in self._tables.items())
        parts += [f"{name}={digest}" for name, digest in (*self._own_blocks, *tables)]
        parts += [f"{name}={hashlib.sha256(text.encode()).hexdigest()}" for name, text in model_texts]
        return hashlib.sha256("\n".join([*parts, *self._overrides]).encode()).hexdigest()
