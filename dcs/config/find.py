"""Where a plant folder is: a path, or the name of one that comes with the product.

Called by   the command line.
Knows       the package ``configs``, whose folders are package data.
"""

from pathlib import Path

import configs
from dcs.config.problems import did_you_mean
from dcs.core.errors import ConfigError, Place


def shipped_configs() -> dict[str, Path]:
    """Every plant that comes with the product, by name."""
    root = Path(configs.__file__).parent
    return {path.parent.name: path.parent for path in sorted(root.glob("*/plant.yaml"))}


def find_config(name_or_path: str | Path) -> Path:
    """The folder of a plant. A folder, or a ``plant.yaml`` in one, comes before a shipped name.

    Raises ``ConfigError`` when there is neither.
    """
    text = str(name_or_path)
    path = Path(name_or_path)
    if path.name == "plant.yaml" and path.is_file():
        return path.parent
    if (path / "plant.yaml").is_file():
        return path
    shipped = shipped_configs()
    if text in shipped:
        return shipped[text]
    if path.is_dir():
        raise ConfigError("the folder holds no plant.yaml. Give the folder of a plant.", Place(text))
    hint = did_you_mean(text, shipped, "Plants that come with the product")
    raise ConfigError(f"there is no such folder, and no plant of that name. {hint}", Place(text))
