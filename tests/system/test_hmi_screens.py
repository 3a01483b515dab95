"""The operator station as its user meets it: a process, a display server, a picture.

Needs       Xvfb for the pictures; without it those tests are skipped with a reason.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hmi.probe import apt_line, display_available, missing_packages

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A private X server on a display number that it chooses itself."""
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb is not installed; install it with: apt-get install -y xvfb")
    if missing_packages():
        pytest.skip(f"Qt needs system libraries: {apt_line(missing_packages())}")
    read_end, write_end = os.pipe()
    log = (tmp_path_factory.mktemp("xvfb") / "log").open("w")
    process = subprocess.Popen(
        [server, "-displayfd", str(write_end), "-screen", "0", "1700x1000x24", "-nolisten", "tcp"],
        pass_fds=(write_end,), stdout=log, stderr=log,
    )  # fmt: skip
    os.close(write_end)
    with os.fdopen(read_end) as reader:
        number = reader.readline().strip()
    yield f":{number}"
    process.terminate()
    process.wait(10)
    log.close()


def environment(display_name: str = "", platform: str = "") -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    env.pop("QT_QPA_PLATFORM", None)
    if display_name:
        env["DISPLAY"] = display_name
    if platform:
        env["QT_QPA_PLATFORM"] = platform
    return env


def station(env: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.support.try_hmi", *options],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


def picture_size_and_colours(path: Path) -> tuple[tuple[int, int], int]:
    """Read back in a child, so that this process needs no Qt: (width, height), number of distinct colours."""
    code = (
        "import sys; from PySide6.QtGui import QImage\n"
        "im = QImage(sys.argv[1]); step = 3\n"
        "seen = {im.pixel(x, y) for x in range(0, im.width(), step) for y in range(0, im.height(), step)}\n"
        "print(im.width(), im.height(), len(seen))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    width, height, colours = (int(word) for word in done.stdout.split())
    return (width, height), colours


# --- the probe ----------------------------------------------------------------------------------------------
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="DISPLAY is the way of X11")
def test_no_display_and_a_dead_display_count_as_none() -> None:
    assert display_available(environment()) == (
        False,
        "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)",
    )
    available, why = display_available(environment(":987"))
    assert not available
    assert ":987 does not answer" in why or "apt-get" in why


def test_offscreen_platform_is_enough_for_tests() -> None:
    available, why = display_available(environment(platform="offscreen"))
    assert available, why


def test_living_display_is_found(display: str) -> None:
    assert display_available(environment(display)) == (True, "")


def test_missing_display_is_one_sentence_not_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import hmi.app\ntry:\n hmi.app.run('nats://127.0.0.1:1', 'x')\n"
         "except Exception as exc:\n print(type(exc).__name__, exc.exit_code, exc)"],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if sys.platform.startswith("linux"):
        assert done.stdout.startswith("Missing 3 the operator station needs a display"), done.stderr


# --- pictures -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_picture_of_the_overview(display: str, tmp_path: Path, theme: str) -> None:
    picture = tmp_path / "new folder" / "overview.png"
    options = ("--theme", theme, "--faceplate", "LIC-101", "--screenshot", str(picture), "--after", "4")
    done = station(environment(display), *options)
    assert done.returncode == 0, done.stderr
    size, colours = picture_size_and_colours(picture)
    assert size == (1600, 900)
    assert colours > 40, "an empty window has a handful of colours"


def test_picture_of_every_page_offscreen(tmp_path: Path) -> None:
    for page in ("trend", "system"):
        picture = tmp_path / f"{page}.png"
        done = station(environment(platform="offscreen"), "--page", page, "--screenshot", str(picture), "--after", "3")
        assert done.returncode == 0, done.stderr
        assert picture_size_and_colours(picture)[1] > 20


def test_picture_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.png").mkdir()
    done = station(environment(platform="offscreen"), "--screenshot", str(tmp_path / "x.png"), "--after", "2")
    assert done.returncode != 0
    assert "cannot be written" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_ends_the_station_within_three_seconds() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.try_hmi"],
        cwd=ROOT, env=environment(platform="offscreen"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(6.0)
    assert process.poll() is None
    started = time.monotonic()
    process.send_signal(2)
    _, errors = process.communicate(timeout=15)
    assert time.monotonic() - started < 3.0
    assert process.returncode == 0, errors
    assert b"Traceback" not in errors


# --- cost ---------------------------------------------------------------------------------------------------
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_idle_station_is_cheap() -> None:
    """Promise: with frames of 1 s the whole station stays under 10 % of a core (measured 2–4 % on an idle machine)."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.try_hmi", "--faceplate", "LIC-101"],
        cwd=ROOT, env=environment(platform="offscreen"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        time.sleep(8.0)
        before_s, seconds = cpu_s(process.pid), 10.0
        time.sleep(seconds)
        share = (cpu_s(process.pid) - before_s) / seconds
    finally:
        process.terminate()
        process.wait(10)
    assert share < 0.10, f"{share:.1%} of a core"


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
