"""Logs: what a line holds, where it goes, and that nobody can flood it."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

import dcs.core.log
from dcs.core.clock import NS_PER_S
from dcs.core.errors import Missing
from dcs.core.log import Logs, configure_logging
from dcs.core.simulated_time import START_OF_SIMULATION_NS


class HandClock:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def time_ns(self) -> int:
        return START_OF_SIMULATION_NS + self.now_ns

    async def sleep_until(self, due_ns: int) -> None:
        self.now_ns = max(self.now_ns, due_ns)
        await asyncio.sleep(0)


class Place:
    """A configured log with its file and console."""

    def __init__(self, run_dir: Path, verbose: int = 0) -> None:
        self.clock = HandClock()
        self.console = io.StringIO()
        self.path = run_dir / "logs" / "C1A.jsonl"
        self.logs: Logs = configure_logging("C1A", self.clock, run_dir, verbose, self.console)

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.logs.close()


def test_a_line_has_time_node_level_and_fields(place: Place) -> None:
    place.clock.now_ns = 1_500_000_000
    structlog.get_logger("dcs.bus").warning("bus lost", server="here", tries=3)
    assert place.lines == [
        {
            "time": "2026-01-01T00:00:01.500Z",
            "level": "warning",
            "node": "C1A",
            "logger": "dcs.bus",
            "event": "bus lost",
            "server": "here",
            "tries": 3,
        }
    ]
    assert place.console.getvalue() == "00:00:01.500 warning  C1A: bus lost  server=here  tries=3\n"


@pytest.mark.parametrize(("verbose", "shown"), [(0, "we"), (1, "iwe"), (2, "diwe"), (9, "diwe")])
def test_verbose_decides_what_the_console_shows(tmp_path: Path, verbose: int, shown: str) -> None:
    place = Place(tmp_path, verbose)
    log = structlog.get_logger()
    for level in ("debug", "info", "warning", "error"):
        getattr(log, level)(level)
    place.logs.close()
    assert "".join(line.split("C1A: ")[1][0] for line in place.console.getvalue().splitlines()) == shown
    in_file = "".join(str(line["event"])[0] for line in place.lines)
    assert in_file == ("diwe" if verbose >= 2 else "iwe")


def test_an_exception_brings_its_traceback(place: Place) -> None:
    try:
        raise KeyError("boom")
    except KeyError:
        structlog.get_logger("x").exception("it failed")
    (line,) = place.lines
    assert line["level"] == "error"
    assert "KeyError: 'boom'" in str(line["exception"])
    assert "KeyError: 'boom'" in place.console.getvalue()


def test_libraries_join_at_warning(place: Place) -> None:
    logging.getLogger("some.library").info("frame dump")
    logging.getLogger("some.library").warning("no answer from %s", "RTU-1")
    (line,) = place.lines
    assert (line["logger"], line["level"], line["event"]) == ("some.library", "warning", "no answer from RTU-1")


def test_a_bound_node_wins(place: Place) -> None:
    """In the box several nodes share one process."""
    structlog.get_logger("x").bind(node="W1").warning("mine")
    assert place.lines[0]["node"] == "W1"


def test_repeated_lines_are_held_back_and_counted(place: Place) -> None:
    chatty = logging.getLogger("nats.aio.client")
    for _ in range(100):
        chatty.error("encountered error")
    structlog.get_logger("other").warning("something else")
    assert [line["event"] for line in place.lines] == ["encountered error"] * 5 + ["something else"]
    place.clock.now_ns = 11 * NS_PER_S
    chatty.error("encountered error")
    assert place.lines[-1]["held_back"] == 95


def test_a_full_file_becomes_the_older_generation(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dcs.core.log, "FILE_BYTES_MAX", 1000)
    for number in range(40):
        structlog.get_logger("x").warning(f"line {number}")
    older = place.path.with_name("C1A.jsonl.1")
    assert place.path.stat().st_size < 1300
    assert older.stat().st_size < 1300
    assert place.lines[-1]["event"] == "line 39"


def test_close_gives_logging_back(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    Place(tmp_path).logs.close()
    assert (root.level, list(root.handlers)) == before


def test_without_a_run_directory_only_the_console(tmp_path: Path) -> None:
    console = io.StringIO()
    logs = configure_logging("cli", HandClock(), console=console)
    structlog.get_logger().error("alone")
    logs.close()
    assert "cli: alone" in console.getvalue()
    assert list(tmp_path.iterdir()) == []


def test_a_console_that_went_away_is_no_error(place: Place) -> None:
    place.console.close()
    structlog.get_logger().error("still in the file")
    assert place.lines[0]["event"] == "still in the file"


def test_a_full_disk_ends_the_file_not_the_node(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, line: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dcs.core.log._LogFile.write", full)
    structlog.get_logger().warning("one")
    structlog.get_logger().warning("two")
    console = place.console.getvalue()
    assert console.count("No space left on device") == 1
    assert "C1A: one" in console
    assert "C1A: two" in console


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    with pytest.raises(Missing, match=r"the log cannot be written \(.+\)\. Choose another run directory\."):
        configure_logging("C1A", HandClock(), tmp_path)
