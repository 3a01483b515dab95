"""Where runs keep their files, and which run is alive.

Called by   the launcher (makes a directory), the command line (finds the plant that is running).
Knows       the user's state folder, ``DCS_STATE_DIR`` to put it elsewhere.
"""

import hashlib
import os
import socket
import sys
from pathlib import Path

from dcs.core.clock import Clock, utc_text
from dcs.core.errors import Missing
from dcs.node.endpoints import FILE_NAME, Endpoints

_KEPT_RUNS = 20


def state_dir() -> Path:
    """The folder for runs and caches: ``DCS_STATE_DIR`` or the system's usual place for a user's state."""
    if named := os.environ.get("DCS_STATE_DIR"):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "dcs"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "dcs"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "dcs"


def new_run_dir(plant: str, clock: Clock, named: Path | None = None) -> Path:
    """Make the directory of a new run. Raises ``Missing`` where it cannot be written."""
    stamp = utc_text(clock.time_ns())[:19].replace(":", "").replace("-", "")
    if named is not None and (named / FILE_NAME).exists() and _answers(named):
        raise Missing(f"{named}: a plant is running in this directory. Stop it first, or name another with --run-dir.")
    run_dir = named or state_dir() / "runs" / f"{stamp}-{plant}-{os.getpid()}"
    try:
        (run_dir / "logs").mkdir(parents=True, exist_ok=True)
        probe = run_dir / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Missing(
            f"{run_dir}: the run directory cannot be written ({error.strerror}). "
            "Name another with --run-dir, or set DCS_STATE_DIR."
        ) from None
    return run_dir


def kept_dir(plant: str, folder: Path) -> Path:
    """Where the nodes of a plant folder keep memory, versions and epochs from one run to the next."""
    mark = hashlib.blake2b(str(folder.resolve()).encode(), digest_size=4).hexdigest()
    return state_dir() / "kept" / f"{plant}-{mark}"


def kept_for(plant: str, folder: Path, run_dir: Path, *, private: bool) -> Path:
    """The same for one run: the run's own directory when it is ``private``, or while another run has the common one.

    Raises ``Missing`` where it cannot be written.
    """
    common = kept_dir(plant, folder)
    if private or any(Endpoints.read(run).kept == str(common) for run in live_runs()):
        return run_dir
    try:
        common.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Missing(
            f"{common}: the folder for settings that survive a restart cannot be made ({error.strerror}). "
            "Set DCS_STATE_DIR, or start with --fresh."
        ) from None
    return common


def live_runs() -> list[Path]:
    """Directories of the runs whose bus answers, newest first."""
    root = state_dir() / "runs"
    if not root.is_dir():
        return []
    candidates = sorted((path for path in root.iterdir() if (path / FILE_NAME).exists()), reverse=True)
    return [path for path in candidates[:_KEPT_RUNS] if _answers(path)]


def find_run(named: Path | None, plant: str | None = None) -> tuple[Path, Endpoints]:
    """The run that a command means: the one named, or the newest that is alive (of that plant)."""
    if named is not None:
        endpoints = Endpoints.read(named)
        if not _answers(named):
            raise Missing(f"The plant in {named} is not running (its bus does not answer). Start it with `dcs run`.")
        return named, endpoints
    for run_dir in live_runs():
        endpoints = Endpoints.read(run_dir)
        if plant in (None, endpoints.plant):
            return run_dir, endpoints
    wanted = f"No running plant {plant}" if plant else "No running plant"
    raise Missing(f"{wanted} was found. Start one with `dcs demo` or `dcs run CONFIG`, or name its run with --run-dir.")


def _answers(run_dir: Path) -> bool:
    try:
        urls = Endpoints.read(run_dir).bus_url.split(",")
    except Missing:
        return False
    return any(_listens(url) for url in urls)


def _listens(url: str) -> bool:
    host, _, port = url.rpartition("/")[2].rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=0.3):
            return True
    except (OSError, ValueError):
        return False
