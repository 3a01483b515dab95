"""The maps of device types that come with us, as texts by name.

Called by   ``dcs.config.map_files``; the documentation generator; tests.
Knows       files beside it. What stands in them is read like a map of a plant folder; each names its public source.
"""

from pathlib import Path

FOLDER = Path(__file__).parent / "library"
SUFFIXES = (".yaml", ".csv")


def library_names() -> list[str]:
    """Every map that comes with us."""
    return sorted(path.stem for path in FOLDER.iterdir() if path.suffix in SUFFIXES)


def library_file(name: str) -> Path | None:
    """The file of a map; None when there is no map of that name."""
    return next((path for suffix in SUFFIXES if (path := FOLDER / f"{name}{suffix}").is_file()), None)
