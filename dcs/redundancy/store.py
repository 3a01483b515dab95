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


_SLOT_BYTES = 1024
"""Two names and seven numbers as JSON, with room to spare: names have at most 255 bytes."""


class FileStore:
    """One file per pair in a folder of this node, with two lines of JSON that are written in turn, in place.

    Writing in place and syncing the data alone takes a fraction of a millisecond where a new file with its name takes
    fifteen, and two voters save before a takeover can go on. The other line is not touched meanwhile.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers: dict[str, int] = {}  # of the line written last, by pair

    def path(self, pair: str) -> Path:
        """The file of one pair."""
        return self._folder / f"voter-{pair}.json"

    def load(self, pair: str) -> VoterRecord | None:
        path = self.path(pair)
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise RecordLost(f"{path}: the voter record cannot be read ({exc})") from exc
        try:
            number, record = _newest(text)
        except (ValueError, KeyError, TypeError) as exc:
            raise RecordLost(
                f"{path}: not a whole voter record ({exc}). This voter grants nothing until the two others have told "
                f"it what they know."
            ) from exc
        if number:
            self._numbers[pair] = number
        return record

    def save(self, pair: str, record: VoterRecord) -> None:
        path = self.path(pair)
        number = self._numbers.get(pair, 0) + 1
        line = _line(number, record)
        try:
            if number == 1:
                self._create(path, line)
            else:
                with path.open("r+b", buffering=0) as file:
                    file.seek(number % 2 * _SLOT_BYTES)
                    file.write(line)
                    _sync_data(file.fileno())
        except OSError as exc:
            raise Missing(
                f"{path}: the voter record could not be written ({exc}). Without it no vote can be given; "
                f"make the folder writable and start again."
            ) from exc
        self._numbers[pair] = number

    def _create(self, path: Path, line: bytes) -> None:
        """A new file, or one in place of a damaged one: written beside, synced, then renamed over."""
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        with beside.open("wb") as file:
            file.write(line + line)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(self._folder)


def _line(number: int, record: VoterRecord) -> bytes:
    body = {**record._asdict(), "generation": list(record.generation), "number": number}
    text = json.dumps({"record": body, "crc32": _checksum(body)}).encode()
    return text.ljust(_SLOT_BYTES - 1) + b"\n"


def _newest(text: bytes) -> tuple[int, VoterRecord]:
    """(its number, the record); the number of a file from before there were two lines is 0. Raises ``ValueError``.

    A line that is not whole may be the one that was being written when the power went, or the newest one, damaged
    since: nobody can tell, so nothing is believed.
    """
    if len(text) != 2 * _SLOT_BYTES:
        number, record = _parsed(text)
        if number:
            raise ValueError(f"{len(text)} bytes instead of {2 * _SLOT_BYTES}")
        return number, record
    return max(_parsed(text[:_SLOT_BYTES]), _parsed(text[_SLOT_BYTES:]), key=lambda found: found[0])


def _parsed(text: bytes) -> tuple[int, VoterRecord]:
    raw = json.loads(text)
    body = raw["record"]
    if raw["crc32"] != _checksum(body):
        raise ValueError("the checksum is wrong")
    number = body.pop("number", 0)
    return number, VoterRecord(**{**body, "generation": Generation(*body["generation"])})


def _sync_data(handle: int) -> None:
    """The length does not change, so the data alone are enough where the system can tell them apart."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(handle)
    else:
        os.fsync(handle)


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
