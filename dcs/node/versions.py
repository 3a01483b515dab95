"""Every configuration that a node has run, and which of them it runs now.

Called by   controllers (at start, at an online change, when they follow another configuration) and ``dcs versions``.
Promise     a configuration that was applied online is what runs after a restart, until a run is started from files that
            have changed since.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from dcs.config.plant_config import PlantConfig
from dcs.node.keep import Keep

_KEPT = 50
STARTED, APPLIED = "started", "applied"


@dataclass(frozen=True, slots=True)
class Version:
    """One configuration: the texts of its files, and who brought it when."""

    number: int
    digest: str  # of the configuration
    time_ns: int
    origin: str  # started | applied
    user: str
    station: str
    folder: str  # how messages call it
    overrides: tuple[str, ...]
    texts: tuple[tuple[str, str], ...]

    def to_bytes(self) -> bytes:
        """Compressed JSON."""
        return zlib.compress(json.dumps(asdict(self), separators=(",", ":")).encode(), 6)

    @classmethod
    def from_bytes(cls, payload: bytes) -> "Version":
        """Inverse of ``to_bytes``. Raises ``ValueError`` for anything else."""
        try:
            raw = json.loads(zlib.decompress(payload))
            raw["overrides"] = tuple(raw["overrides"])
            raw["texts"] = tuple((name, text) for name, text in raw["texts"])
            return cls(**raw)
        except (zlib.error, KeyError, TypeError) as error:
            raise ValueError(f"{len(payload)} bytes that are no version of a configuration: {error}") from error

    def header(self) -> dict[str, object]:
        """All but the texts."""
        return {key: value for key, value in asdict(self).items() if key != "texts"}


def version_of(config: PlantConfig, number: int, time_ns: int, origin: str, user: str, station: str) -> Version:
    """A configuration as a version."""
    return Version(
        number, config.digest, time_ns, origin, user, station, str(config.folder), config.overrides, config.texts
    )


class Versions:
    """The versions of one node."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    def all(self) -> list[Version]:
        """Every version that is still kept, oldest first; damaged ones are left out."""
        found = []
        for name in self._keep.names("version-"):
            try:
                found.append(Version.from_bytes(self._keep.read(name) or b""))
            except ValueError:
                continue
        return sorted(found, key=lambda version: (version.number, version.time_ns))

    def next_number(self) -> int:
        """For the next version that is made here."""
        return max((version.number for version in self.all()), default=0) + 1

    def make_current(self, version: Version, launched: str) -> None:
        """This is what runs; ``launched`` is the digest of the files that the run was started with. Durable."""
        name = _name(version)
        self._keep.write(name, version.to_bytes())
        self._keep.write("current", json.dumps({"version": name, "launched": launched}).encode())
        for old in self._keep.names("version-")[:-_KEPT]:
            if old != name:
                self._keep.remove(old)

    def current(self, launched: str) -> Version | None:
        """What ran last in a run that was started with these files; None when it must begin with the files."""
        try:
            pointer = json.loads(self._keep.read("current") or b"")
            if pointer["launched"] != launched:
                return None
            return Version.from_bytes(self._keep.read(pointer["version"]) or b"")
        except (ValueError, KeyError, TypeError):
            return None


def find_version(versions: Sequence[Version], text: str) -> Version | None:
    """The version of that number, or whose digest begins so; the newest of several."""
    for version in reversed(versions):
        if text == str(version.number) or (len(text) >= 6 and version.digest.startswith(text)):
            return version
    return None


def _name(version: Version) -> str:
    return f"version-{version.number:06d}-{version.digest[:12]}"
