"""A new plant folder: written whole beside its place, checked, then put there; or not at all.

Called by   ``dcs init``.
Knows       files. A folder that exists is never touched, unless it is empty.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from dcs.core.errors import ConfigError, Missing, Place


def check_new(folder: Path) -> None:
    """Raises ``ConfigError`` when there is something already."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink():
        what = "is a folder that holds something" if folder.is_dir() else "is a file"
        raise ConfigError(
            f"{what}; nothing is ever overwritten. Name a folder that does not exist.", Place(str(folder))
        )


def plant_name(folder: Path) -> str:
    """A name for the plant from that of its folder."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", folder.resolve().name).strip("_-")
    return name or "plant"


def copy_folder(source: Path, folder: Path, rename: bool, check: Callable[[Path], object]) -> None:
    """A copy of a plant folder under the name of the new one. Raises what ``check`` raises; then nothing is there."""

    def fill(into: Path) -> None:
        shutil.copytree(source, into, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        if rename:
            path = into / "plant.yaml"
            text = path.read_text(encoding="utf-8")
            path.write_text(re.sub(r"(?m)^plant:.*$", f"plant: {plant_name(folder)}", text, count=1), encoding="utf-8")

    _make(folder, fill, check)


def write_folder(files: Mapping[str, str], folder: Path, check: Callable[[Path], object]) -> None:
    """A folder with these files. Raises what ``check`` raises; then nothing is there."""

    def fill(into: Path) -> None:
        for name, text in files.items():
            (into / name).write_text(text, encoding="utf-8")

    _make(folder, fill, check)


def _make(folder: Path, fill: Callable[[Path], None], check: Callable[[Path], object]) -> None:
    check_new(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as exc:
        raise Missing(f"{folder} cannot be made: {exc.strerror}. Name a place that can be written.") from exc
    try:
        fill(made)
        check(made)
        if folder.is_dir():
            folder.rmdir()  # it is empty
        made.chmod(0o777 & ~_umask())
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
