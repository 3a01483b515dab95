r"""The traffic of one Modbus device in a file: written by ``links.recording_link``, read by ``field_io.replay``.

Format      JSON, one value a line (UTF-8). The first line says what it is::

                {"format": "dcs modbus traffic", "version": 1, "device": "RTU-1", "unit": 1, "start": UTC in ns}

            Every other line is one exchange: when the request left (µs since ``start``), how long the answer took (µs),
            the PDUs of request and answer in hex. No answer: ``null`` and, if known, why. A connection that did not
            come about has no request::

                [1000123, 850, "0300000002", "03040001ffff"]
                [2000120, 500000, "0300000002", null, "no answer within 500 ms"]
                [3000000, 500000, null, null, "127.0.0.1:502 accepts no connection"]

Bounds      ``BYTES_MAX`` a file: then recording ends with ``{"end": "full"}``. A file that exists is continued: times
            stay those since its first line. A torn last line (power cut) is passed over when it is read.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from dcs.core.errors import Missing

FORMAT, VERSION = "dcs modbus traffic", 1
BYTES_MAX = 200_000_000
_KEPT_LINES = 64
_US = 1000


class Exchange(NamedTuple):
    """One request and what became of it."""

    asked_ns: int  # since the start of the recording
    took_ns: int
    request: bytes | None  # PDU; None: a connection that did not come about
    answer: bytes | None  # PDU; None: there was none
    why: str = ""


class RecordingFile:
    """Where one driver writes. Lines are kept together and written some at a time; ``flush`` writes what is left."""

    def __init__(self, path: Path, device: str, unit: int, bytes_max: int = BYTES_MAX) -> None:
        """Raises ``Missing`` where nothing can be written, or where another kind of file stands."""
        self._path = path
        self._head = {"format": FORMAT, "version": VERSION, "device": device, "unit": unit}
        self._bytes_max = bytes_max
        self._file: IO[str] | None = None
        self._lines: list[str] = []
        self._bytes = 0
        self._start_ns: int | None = None
        self.full = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8"):
                self._bytes = path.stat().st_size
        except OSError as exc:
            raise Missing(f"{path}: the traffic cannot be recorded here ({exc.strerror or exc}).") from exc
        if self._bytes:
            self._start_ns = int(read_head(path)["start"])
            self._lines = [""]  # behind a line that may be torn

    def note(self, asked_utc_ns: int, took_ns: int, request: bytes | None, answer: bytes | None, why: str = "") -> None:
        """Keep one exchange. Never raises: a disk that is full ends the recording, not the control."""
        if self.full:
            return
        if self._start_ns is None:
            self._start_ns = asked_utc_ns
            self._put(json.dumps({**self._head, "start": asked_utc_ns}))
        line: list[Any] = [
            (asked_utc_ns - self._start_ns) // _US,
            took_ns // _US,
            None if request is None else request.hex(),
            None if answer is None else answer.hex(),
        ]
        self._put(json.dumps([*line, why] if why else line, separators=(",", ":")))
        if self._bytes >= self._bytes_max:
            self._put('{"end": "full"}')
            self.close()
            self.full = True

    def _put(self, line: str) -> None:
        self._lines.append(line)
        self._bytes += len(line) + 1
        if len(self._lines) >= _KEPT_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what is kept."""
        if not self._lines:
            return
        try:
            if self._file is None:
                self._file = self._path.open("a", encoding="utf-8")
            self._file.write("\n".join(self._lines) + "\n")
            self._file.flush()
        except OSError:
            self.full = True
        self._lines = []

    def close(self) -> None:
        """Write the rest and close; a later ``note`` opens it again."""
        self.flush()
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None


def read_head(path: Path) -> dict[str, Any]:
    """The first line. Raises ``Missing`` where there is no such file, or another kind of file."""
    try:
        with path.open(encoding="utf-8") as file:
            head = json.loads(file.readline(10_000))
    except OSError as exc:
        raise Missing(
            f"{path}: there is no recording ({exc.strerror or exc}). Correct the path, or record one with "
            "`dcs run --record`."
        ) from exc
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.get("format") != FORMAT or not isinstance(head.get("start"), int):
        raise Missing(f"{path} is no recording of Modbus traffic. Make one with `dcs run --record DIR`.")
    if head.get("version") != VERSION:
        raise Missing(f"{path} is a recording of version {head.get('version')}; this system reads version {VERSION}.")
    return head


def read_exchanges(path: Path) -> Iterator[Exchange]:
    """One after the other, in order of time; what is no exchange is passed over. Raises ``Missing``."""
    read_head(path)
    latest_us = 0
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                at_us, took_us, request, answer, *why = json.loads(line)
                latest_us = max(latest_us, int(at_us))
                yield Exchange(
                    latest_us * _US,
                    max(0, int(took_us)) * _US,
                    None if request is None else bytes.fromhex(request),
                    None if answer is None else bytes.fromhex(answer),
                    str(why[0]) if why else "",
                )
            except (ValueError, TypeError):
                continue
