"""The Qt half of the operator station: application object, window, screenshot.

Called by   ``hmi.app.run``, in the main thread.
Knows       Qt; how to end on Ctrl-C.
"""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from dcs.core.errors import Missing
from hmi.model.displays import Display
from hmi.model.station import Station
from hmi.model.story import Story
from hmi.theme import style
from hmi.viewmodels.sampler import Sampler

from .main_window import MainWindow


def show(
    station: Station,
    displays: list[Display],
    *,
    theme: str,
    page: str,
    faceplate: str,
    size: tuple[int, int],
    screenshot: Path | None,
    after_s: float,
    script: Callable[[MainWindow], None] | None = None,
    story: Story | None = None,
) -> int:
    """Run the window until it is closed, or until its picture is taken."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    palette = style.apply(app, theme)
    sampler = Sampler(station)
    window = MainWindow(station, sampler, displays, palette, story)
    window.resize(*size)
    window.show()
    sampler.start()
    previous = _end_on_signal(app)
    wanted = [page, faceplate]

    def open_wanted() -> None:
        if wanted[0]:
            window.open_page(wanted[0])
        if wanted[1] and wanted[1] not in station.tags.modules:
            window.messages.say(f"there is no module {wanted[1]} in this plant")
        elif wanted[1]:
            window.open_faceplate(wanted[1])
        wanted[:] = ["", ""]

    def on_layout() -> None:
        if station.tags.modules:
            open_wanted()

    sampler.layout.connect(on_layout)
    failed: list[str] = []

    def take_picture() -> None:
        assert screenshot is not None
        screenshot.parent.mkdir(parents=True, exist_ok=True)
        if not window.grab().save(str(screenshot)):
            failed.append(f"the picture {screenshot} cannot be written; choose a folder you may write to")
        window.close()

    if script is not None:
        script(window)
    if screenshot is not None:
        QTimer.singleShot(round(after_s * 1000), take_picture)
    try:
        code = app.exec()
    finally:
        sampler.stop()
        for number, handler in previous:
            signal.signal(number, handler)
    if failed:
        raise Missing(failed[0])
    return code


def _end_on_signal(app: QApplication) -> list[tuple[signal.Signals, Any]]:
    """Ctrl-C and a polite kill close the window; the sampler's timer lets Python see the signal within 0.1 s."""

    def end(number: int, frame: FrameType | None) -> None:
        app.quit()

    previous: list[tuple[signal.Signals, Any]] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        previous.append((number, signal.signal(number, end)))
    return previous
