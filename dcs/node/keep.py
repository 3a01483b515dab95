"""What a node keeps over its own death: named pieces of bytes, each replaced at once or not at all.

Called by   ``dcs.node.versions`` and ``dcs.node.checkpoint``.
Peers       ``FileKeep`` (a folder of the run directory; durable when ``write`` returns) and ``MemoryKeep`` (the box
            keeps the pieces when it kills the node).
"""

import os
from pathlib import Path
from typing import Protocol

from dcs.core.errors import Missing
from dcs.redundancy.store import sync_folder


class Keep(Protocol):
    """One node's pieces."""

    def read(self, name: str) -> bytes | None:
        """The piece of that name; None when there is none."""
        ...

    def write(self, name: str, payload: bytes) -> None:
        """Durable when this returns. Raises ``Missing`` when the disk does not take it."""
        ...

    def names(self, prefix: str) -> list[str]:
        """Names that begin with ``prefix``, in order."""
        ...

    def remove(self, name: str) -> None:
        """Forget a piece, if there is one."""
        ...


class MemoryKeep:
    """Pieces that outlive the node, because the box keeps them; ``close`` is its death: nothing more is written."""

    def __init__(self, pieces: dict[str, bytes] | None = None) -> None:
        self.pieces = {} if pieces is None else pieces
        self._closed = False

    def close(self) -> None:
        """The process is gone."""
        self._closed = True

    def read(self, name: str) -> bytes | None:
        return self.pieces.get(name)

    def write(self, name: str, payload: bytes) -> None:
        if not self._closed:
            self.pieces[name] = payload

    def names(self, prefix: str) -> list[str]:
        return sorted(name for name in self.pieces if name.startswith(prefix))

    def remove(self, name: str) -> None:
        if not self._closed:
            self.pieces.pop(name, None)


class FileKeep:
    """One file per piece; written beside, synced, then renamed over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Missing(f"{self._folder / name}: cannot be read ({error.strerror}).") from None

    def write(self, name: str, payload: bytes) -> None:
        path = self._folder / name
        beside = path.with_name(path.name + ".new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            sync_folder(self._folder)
        except OSError as error:
            raise Missing(f"{path}: cannot be written ({error.strerror}). Make room, or make it writable.") from None

    def names(self, prefix: str) -> list[str]:
        if not self._folder.is_dir():
            return []
        found = (path.name for path in self._folder.iterdir())
        return sorted(name for name in found if name.startswith(prefix) and not name.endswith(".new"))

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)
