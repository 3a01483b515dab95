"""Writes the files of a plant folder, each at once or not at all.

Called by   ``dcs upload`` and ``dcs import-tuning``, with texts that have passed the whole check.
"""

from collections.abc import Mapping
from pathlib import Path

from dcs.config.parts import file_name
from dcs.core.errors import Missing


def write_texts(folder: Path, before: Mapping[str, str], after: Mapping[str, str]) -> list[Path]:
    """Write the files that differ; returns them. Raises ``Missing`` where they cannot be written."""
    written = []
    for name, text in after.items():
        if before.get(name) == text:
            continue
        path = folder / file_name(name)
        beside = path.with_name(path.name + ".new")
        try:
            beside.write_bytes(text.encode())
            beside.replace(path)
        except OSError as error:
            raise Missing(f"{path}: cannot be written ({error.strerror}). Make the folder writable.") from None
        written.append(path)
    return written
