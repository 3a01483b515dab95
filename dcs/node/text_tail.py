"""The last lines of a log, for a message to the user."""

from pathlib import Path

_TAIL_BYTES = 32 * 1024


def last_lines(path: Path, count: int, since_byte: int = 0) -> list[str]:
    """Up to ``count`` last lines after ``since_byte`` that are not empty; [] when there is no such file."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(since_byte, file.tell() - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]
