"""Can a window be opened here? Asked of the system, not of a variable.

Called by   the command line before it starts the operator station; ``hmi.app``.
Knows       environment variables, shared libraries and a child process; imports Qt only in that child.
"""

import ctypes.util
import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping

WINDOWLESS = ("offscreen", "minimal", "vnc")
PROBE_TIMEOUT_S = 20.0

# Shared libraries that Qt's X11 plug-in loads, with the Debian package that holds each.
_X11_LIBRARIES = {
    "EGL": "libegl1",
    "GL": "libgl1",
    "xkbcommon-x11": "libxkbcommon-x11-0",
    "xcb-cursor": "libxcb-cursor0",
    "xcb-icccm": "libxcb-icccm4",
    "xcb-keysyms": "libxcb-keysyms1",
    "xcb-image": "libxcb-image0",
    "xcb-render-util": "libxcb-render-util0",
    "xcb-shape": "libxcb-shape0",
    "dbus-1": "libdbus-1-3",
    "fontconfig": "libfontconfig1",
}
_NEEDED_EVERYWHERE = ("EGL", "GL", "dbus-1", "fontconfig")
_PROBE = "from PySide6.QtGui import QGuiApplication; QGuiApplication([]); print('a window can be opened')"


def display_available(environment: Mapping[str, str] | None = None) -> tuple[bool, str]:
    """Whether a window can be opened, and in one sentence why not.

    A display that is named but does not answer counts as none: a child process really connects to it.
    """
    env = dict(os.environ if environment is None else environment)
    if importlib.util.find_spec("PySide6") is None:
        return False, f"PySide6 is not installed; run: {sys.executable} -m pip install PySide6-Essentials"
    platform = env.get("QT_QPA_PLATFORM", "").partition(":")[0]
    is_linux = sys.platform.startswith("linux")
    has_display = bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))
    if is_linux and platform not in WINDOWLESS and not has_display:
        return False, "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    if is_linux:
        missing = missing_packages(platform)
        if missing:
            return False, "Qt needs system libraries; run: " + apt_line(missing)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE],
            env=env,
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"the display {_display_name(env)} does not answer within {PROBE_TIMEOUT_S:g} s"
    if done.returncode == 0:
        return True, ""
    if "cannot open shared object" in done.stderr or "ImportError" in done.stderr:
        detail = next((line for line in done.stderr.splitlines() if "shared object" in line), done.stderr.strip())
        return False, f"Qt cannot be loaded ({detail.strip()})"
    return False, f"the display {_display_name(env)} does not answer"


def missing_packages(platform: str = "") -> list[str]:
    """Debian packages whose libraries this machine lacks for Qt on ``platform`` ("" = X11)."""
    names = _NEEDED_EVERYWHERE if platform in WINDOWLESS else tuple(_X11_LIBRARIES)
    return [_X11_LIBRARIES[name] for name in names if ctypes.util.find_library(name) is None]


def apt_line(packages: list[str]) -> str:
    """The line that installs them on Debian and Ubuntu."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return f"{'' if root else 'sudo '}apt-get install -y --no-install-recommends {' '.join(packages)}"


def _display_name(env: Mapping[str, str]) -> str:
    return env.get("DISPLAY") or env.get("WAYLAND_DISPLAY") or "of this machine"
