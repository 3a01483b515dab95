"""Logs: one JSON line per event in the run directory, one readable line on the console.

Called by   the start of every process, once; everybody else calls ``structlog.get_logger("dcs.bus")``.
Knows       the given clock for its stamps; how to keep a chatty library from flooding the file.
"""

import json
import logging
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog

from dcs.core.clock import NS_PER_S, Clock, utc_text
from dcs.core.errors import Missing

FILE_BYTES_MAX = 10 * 1024 * 1024
"""A log file that reaches this is renamed to ``.1`` (one older generation is kept)."""
REPEATS_MAX = 5
"""Lines of the same logger, level and text that pass per period; the next period says how many did not."""
REPEAT_PERIOD_S = 10.0

_CONSOLE_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_COLOURS = {"debug": "\x1b[2m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m"}
_FOREIGN_LEVEL = logging.WARNING

Fields = MutableMapping[str, Any]


class _LogFile:
    """Appends lines; a full file becomes the older generation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise Missing(
                f"{path}: the log cannot be written ({error.strerror}). Choose another run directory."
            ) from None

    def write(self, line: str) -> None:
        if self._file.tell() > FILE_BYTES_MAX:
            self._file.close()
            self._path.replace(self._path.with_suffix(self._path.suffix + ".1"))
            self._file = self._path.open("a", encoding="utf-8", buffering=1)
        self._file.write(line + "\n")

    def close(self) -> None:
        self._file.close()


class _Repeats:
    """Lets the first few equal lines of a period through and counts the rest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, str, str], list[int]] = {}  # [start of the period, passed, held back]

    def admit(self, fields: Fields) -> bool:
        key = (str(fields.get("logger")), str(fields.get("level")), str(fields.get("event"))[:80])
        now_ns = self._clock.monotonic_ns()
        period = self._seen.get(key)
        if period is None or now_ns - period[0] > REPEAT_PERIOD_S * NS_PER_S:
            if period is not None and period[2]:
                fields["held_back"] = period[2]
            if len(self._seen) > 1000:
                self._seen.clear()
            self._seen[key] = [now_ns, 1, 0]
            return True
        if period[1] < REPEATS_MAX:
            period[1] += 1
            return True
        period[2] += 1
        return False


class Logs:
    """The set-up of one process; ``close`` undoes it."""

    def __init__(self, node: str, clock: Clock, file: _LogFile | None, console: TextIO, verbose: int) -> None:
        self._node = node
        self._clock = clock
        self._file = file
        self._console = console
        self._colours = _COLOURS if console.isatty() else {}
        self._console_level = _CONSOLE_LEVELS[min(verbose, 2)]
        self._file_level = logging.DEBUG if verbose >= 2 else logging.INFO
        self._repeats = _Repeats(clock)
        self._bridge = _Bridge()
        level = min(self._console_level, self._file_level)
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.format_exc_info,
                self._emit,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=_NamedFactory(),
            cache_logger_on_first_use=False,
        )
        root = logging.getLogger()
        self._root_level = root.level
        root.addHandler(self._bridge)
        root.setLevel(_FOREIGN_LEVEL)

    def close(self) -> None:
        """Close the file and give logging back as it was found."""
        root = logging.getLogger()
        root.removeHandler(self._bridge)
        root.setLevel(self._root_level)
        structlog.reset_defaults()
        if self._file is not None:
            self._file.close()

    def _emit(self, logger: Any, method: str, fields: Fields) -> Any:
        """The last processor: write the line to both places and end the chain."""
        fields["level"] = "error" if method == "exception" else method
        fields["logger"] = fields.pop("_from", None) or getattr(logger, "name", "")
        if self._repeats.admit(fields):
            self._write(fields)
        raise structlog.DropEvent

    def _write(self, fields: Fields) -> None:
        time = utc_text(self._clock.time_ns())
        head = {"time": time, "level": fields.pop("level"), "node": fields.pop("node", self._node)}
        head["logger"], head["event"] = fields.pop("logger"), str(fields.pop("event", ""))
        number = logging.getLevelNamesMapping()[head["level"].upper()]
        if self._file is not None and number >= self._file_level:
            try:
                self._file.write(json.dumps({**head, **fields}, default=str, ensure_ascii=False))
            except OSError as error:  # a full disk must not end what is being logged about
                self._file_level = logging.CRITICAL + 1
                self._print({**head, "level": "error", "event": f"the log file is given up: {error}"}, {})
        if number >= self._console_level:
            self._print(head, dict(fields))

    def _print(self, head: dict[str, str], fields: dict[str, Any]) -> None:
        trace = fields.pop("exception", None)
        details = "".join(f"  {name}={value}" for name, value in fields.items())
        line = f"{head['time'][11:23]} {head['level']:<8} {head['node']}: {head['event']}{details}"
        colour = self._colours.get(head["level"])
        try:
            print(f"{colour}{line}\x1b[0m" if colour else line, file=self._console)
            if trace:
                print(trace, file=self._console)
            self._console.flush()
        except (OSError, ValueError):  # the terminal is gone; the file still gets the line
            self._console_level = logging.CRITICAL + 1


class _NamedLogger:
    """What structlog wraps: only a name, because ``_emit`` does the writing."""

    def __init__(self, name: str) -> None:
        self.name = name

    def _nothing(self, *args: Any, **kwargs: Any) -> None:
        """Never reached: ``_emit`` ends the chain."""

    debug = info = warning = error = critical = exception = _nothing


class _NamedFactory:
    def __call__(self, *args: Any) -> _NamedLogger:
        return _NamedLogger(str(args[0]) if args else "dcs")


class _Bridge(logging.Handler):
    """Lines of libraries that use ``logging`` (asyncua, nats, asyncio) join ours."""

    def emit(self, record: logging.LogRecord) -> None:
        level = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}.get(record.levelno, "warning")
        extra: dict[str, Any] = {"exc_info": record.exc_info} if record.exc_info else {}
        getattr(structlog.get_logger(record.name), level)(record.getMessage().strip(), _from=record.name, **extra)


def configure_logging(
    node: str, clock: Clock, run_dir: Path | None = None, verbose: int = 0, console: TextIO | None = None
) -> Logs:
    """Set up logging for this process.

    ``run_dir`` gets ``logs/<node>.jsonl`` (info and above; None = no file). The console (stderr) shows warnings, with
    ``verbose`` 1 info, 2 debug. Raises ``Missing`` when the log cannot be written.
    """
    file = _LogFile(run_dir / "logs" / f"{node}.jsonl") if run_dir is not None else None
    return Logs(node, clock, file, console or sys.stderr, int(verbose))
