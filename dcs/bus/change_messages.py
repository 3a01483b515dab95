"""What travels on the bus when somebody looks at, or changes, the configuration of a running pair.

Called by   controllers (answer), the command line (asks).
Knows       texts and plain JSON; no configuration.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any


def change_subject(plant: str, pair: str) -> str:
    """Request: ``ChangeRequest``, answered by the active with a ``ChangeReply``: look at a change, prepare it."""
    return f"dcs.{plant}.change.{pair}"


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """What somebody wants to know or to change of the configuration of a running pair.

    ``action``: ``diff`` (what would change), ``prepare`` (the same, and both controllers get ready; the command
    ``apply`` follows), ``versions``, ``version`` (``which``), ``parameters`` (what operators have changed). Without
    ``texts`` the running ones are meant. ``overrides`` are ``PATH=VALUE``, added to those of the run.
    """

    action: str
    folder: str = ""  # how messages call the configuration
    texts: dict[str, str] = field(default_factory=dict)  # file without ``.yaml`` -> what it says
    overrides: tuple[str, ...] = ()
    which: str = ""
    user: str = "operator"
    station: str = ""

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, payload: bytes) -> "ChangeRequest":
        """Inverse of ``to_bytes``. Raises ``ValueError`` or ``TypeError`` on anything else; anybody may send one."""
        request = cls(**json.loads(payload))
        if not all(
            isinstance(getattr(request, name), str) for name in ("action", "folder", "which", "user", "station")
        ):
            raise ValueError("every field but `texts` is a text")
        if not isinstance(request.texts, dict) or not all(isinstance(text, str) for text in request.texts.values()):
            raise ValueError("`texts` holds a text per file")
        overrides: Any = request.overrides
        if not isinstance(overrides, list | tuple) or not all(isinstance(one, str) for one in overrides):
            raise ValueError("`overrides` is a list of texts")
        return replace(request, overrides=tuple(overrides))


@dataclass(frozen=True, slots=True)
class ChangeReply:
    """The answer; ``data`` depends on the action: the report of a change, versions, parameters."""

    ok: bool
    text: str
    key: str = ""  # of the program that is ready to be applied
    data: dict[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, payload: bytes) -> "ChangeReply":
        """Inverse of ``to_bytes``."""
        return cls(**json.loads(payload))
