"""Where a voter keeps what it must not forget: epoch, owner, generation, number of starts.

Called by   dcs.redundancy.runtime at start and whenever the record changes (takeover, exclusion; never per scan).
Knows       one small record per pair.
Peers       ``FileStore`` (a file each, synced before ``save`` returns) and ``MemoryStore``.

A missing record means a first start. A corrupt one raises ``RecordLost``: the voter then grants nothing until both
others have told it what they know, because forgetting would let stale data win.
"""

import contextlib
import json
import os
import zlib
from pathlib import Path
from typing import Any, Protocol

from dcs.core.errors import DcsError, Missing
from dcs.redundancy.messages import Generation
from dcs.redundancy.protocol.ports import VoterRecord


class RecordLost(DcsError):
    """There is a record but it cannot be trusted."""


class RecordStore(Protocol):
    """One voter's durable memory, by pair."""

    def load(self, pair: str) -> VoterRecord | None:
        """The record; None when there never was one. Raises ``RecordLost``."""
        ...

    def save(self, pair: str, record: VoterRecord) -> None:
        """Durable when this returns. Raises ``Missing`` when the disk does not take it."""
        ...


class MemoryStore:
    """Survives a simulated restart because the box keeps the object."""

    def __init__(self) -> None:
        self._records: dict[str, VoterRecord] = {}
        self._lost: list[str] = []
        self.saves = 0

    def load(self, pair: str) -> VoterRecord | None:
        if pair in self._lost:
            raise RecordLost(f"the voter record of {pair} was corrupted on purpose")
        return self._records.get(pair)

    def save(self, pair: str, record: VoterRecord) -> None:
        self.saves += 1
        self._records[pair] = record
        if pair in self._lost:
            self._lost.remove(pair)

    def corrupt(self, pair: str) -> None:
        """A fault for tests: the next load finds garbage."""
        self._lost.append(pair)


class FileStore:
    """One JSON file per pair in a folder of this node; written beside, synced, then renamed over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, pair: str) -> Path:
        """The file of one pair."""
        return self._folder / f"voter-{pair}.json"

    def load(self, pair: str) -> VoterRecord | None:
        path = self.path(pair)
        try:
            text = path.read_text()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as exc:
            raise RecordLost(f"{path}: the voter record cannot be read ({exc})") from exc
        try:
            raw = json.loads(text)
            body = raw["record"]
            if raw["crc32"] != _checksum(body):
                raise ValueError("the checksum is wrong")
            generation = Generation(*body.pop("generation"))
            return VoterRecord(generation=generation, **body)
        except (ValueError, KeyError, TypeError) as exc:
            raise RecordLost(
                f"{path}: not a whole voter record ({exc}). This voter grants nothing until the two others have told "
                f"it what they know."
            ) from exc

    def save(self, pair: str, record: VoterRecord) -> None:
        body = {**record._asdict(), "generation": list(record.generation)}
        path = self.path(pair)
        beside = path.with_suffix(".new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with beside.open("w") as file:
                json.dump({"record": body, "crc32": _checksum(body)}, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            sync_folder(self._folder)
        except OSError as exc:
            raise Missing(
                f"{path}: the voter record could not be written ({exc}). Without it no vote can be given; "
                f"make the folder writable and start again."
            ) from exc


def _checksum(body: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())


def sync_folder(folder: Path) -> None:
    """Make the rename durable, where folders can be opened (not on Windows)."""
    with contextlib.suppress(PermissionError, IsADirectoryError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
