"""Which plant a word means: a model by name, a file that describes one, or the model of a plant folder.

Called by   ``dcs plant …``.
Knows       the catalogue of plants and where plant folders are.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dcs.config.find import find_config, shipped_configs
from dcs.config.plant_config import ModelConfig
from dcs.config.problems import did_you_mean
from dcs.core.clock import NS_PER_S
from dcs.core.errors import ConfigError, ConfigErrors, Place
from dcs.node.assembly import load_configuration, open_study, plant_catalogue

if TYPE_CHECKING:
    from dcs.node.assembly import PlantType, Study

KINDS_OF_FILES = {".fmu": "fmu", ".yaml": "flowsheet", ".yml": "flowsheet"}


@dataclass(frozen=True)
class Subject:
    """A plant and how it starts; ``said`` is the word that named it."""

    said: str
    kind: "PlantType"
    model: ModelConfig

    def with_options(self, setting: str | None, method: str | None) -> "Subject":
        """Another setting, another integrator. Raises ``ConfigError`` for a setting that the plant does not have."""
        model = self.model
        if setting is not None:
            names = [one.name for one in self.kind.settings]
            chosen = next((name for name in names if name.lower() == setting.lower()), None)
            if chosen is None:
                raise ConfigError(
                    f"--setting {setting}: {self.kind.name} has no such setting. "
                    f"{did_you_mean(setting, names, 'Its settings')}"
                )
            model = replace(model, setting=chosen)
        if method is not None:
            model = replace(model, integrator=method.lower())
        return replace(self, model=model)

    def open(self, seed: int) -> "Study":
        """The plant at its start. Raises ``ConfigError`` with the plant's own sentence when it cannot be made."""
        try:
            return open_study(self.model, seed)
        except (KeyError, ValueError) as error:
            raise ConfigError(sentence_of(error)) from error


def sentence_of(error: Exception) -> str:
    """What an error of a plant says, as a sentence of ours."""
    text = str(error.args[0]) if error.args else str(error)
    return text if text.endswith((".", "!")) else f"{text}."


def find_subject(said: str) -> Subject:
    """A plant by name comes first, then files, then plant folders. Raises ``ConfigError`` when there is none."""
    catalogue = plant_catalogue()
    if said in catalogue:
        kind = catalogue[said]
        return Subject(said, kind, ModelConfig(said, "", round(kind.step_s * NS_PER_S), "", 0))
    path = Path(said)
    reader = KINDS_OF_FILES.get(path.suffix.lower())
    if reader is not None and path.name != "plant.yaml":
        return _from_file(said, path, reader)
    if said not in shipped_configs() and not path.is_dir() and path.name != "plant.yaml":
        known = [*catalogue, *(name for name in shipped_configs() if name not in catalogue)]
        raise ConfigError(
            f"there is no plant, no file and no plant folder of that name. {did_you_mean(said, known, 'Plants')}",
            Place(said),
        )
    config = load_configuration(find_config(said))
    kind = catalogue.open(config.model.type, config.model.file, config.model.text or None)
    return Subject(said, kind, config.model)


def _from_file(said: str, path: Path, reader: str) -> Subject:
    catalogue = plant_catalogue()
    if not path.is_file():
        raise ConfigError("there is no such file.", Place(said))
    if reader not in catalogue.readers:
        raise ConfigError(f"there is nothing here that reads a plant of the kind {reader}.", Place(said))
    try:
        kind = catalogue.open(reader, path)
    except ValueError as error:
        found: tuple[tuple[int, str], ...] = getattr(error, "problems", ())
        if found:
            raise ConfigErrors([ConfigError(sentence, Place(said, line)) for line, sentence in found]) from error
        raise ConfigError(sentence_of(error), Place(said)) from error
    return Subject(said, kind, ModelConfig(reader, "", round(kind.step_s * NS_PER_S), "", 0, path))
