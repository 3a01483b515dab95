"""The operator station as a program: a bus thread, a Qt thread, a window.

Called by   the command line (``dcs hmi``, ``dcs demo``) and tests. Importing this module loads no Qt.
Knows       how the two threads meet: the session fills the station in its own event loop, Qt samples the station.
"""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dcs.bus.api import Bus
from dcs.core.clock import Clock, WallClock, sleep
from dcs.core.errors import ConfigError, LinkDown, Missing

from .model.displays import Display, load_displays
from .model.session import Session
from .model.station import Station
from .probe import display_available
from .story_file import load_story

if TYPE_CHECKING:
    from .views.main_window import MainWindow

BusFactory = Callable[[], Awaitable[Bus]]
"""Makes a connected bus inside the session's event loop."""

PAGES = ("trend", "alarms", "abnormal", "journal", "system", "exercise")
"""Pages that every plant has (``MainWindow`` makes them); its drawings are ``display:NAME``."""
RETRY_S = 1.0
JOIN_S = 3.0


class BusThread:
    """The session in a thread with an event loop of its own; reconnects until stopped."""

    def __init__(self, connect: BusFactory, station: Station, clock: Clock) -> None:
        self._connect, self._station, self._clock = connect, station, clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bus", daemon=True)
        self.error: BaseException | None = None
        """A bug that ended the thread; the window says so."""

    def start(self) -> None:
        """Start the thread; returns when its loop runs."""
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """Cancel the session and wait for the thread, at most 3 s."""
        if self._loop is not None and self._main is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join(JOIN_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._keep_session())
        except asyncio.CancelledError:
            pass
        except BaseException as exc:
            self.error = exc
            self._station.tags.connected = False
            self._station.link_text = f"the bus thread ended with a bug: {exc!r}"
            raise
        finally:
            self._started.set()

    async def _keep_session(self) -> None:
        self._loop, self._main = asyncio.get_running_loop(), asyncio.current_task()
        self._started.set()
        while True:
            try:
                bus = await self._connect()
            except LinkDown as exc:
                self._station.link_text = f"no bus: {exc}"
                await sleep(self._clock, RETRY_S)
                continue
            try:
                await Session(bus, self._station, self._clock).run()
            except* LinkDown as gone:
                self._station.link_text = f"no bus: {gone.exceptions[0]}"
                await sleep(self._clock, RETRY_S)
            finally:
                await bus.close()


def run(
    bus: str | BusFactory,
    plant: str,
    *,
    title: str = "",
    displays: Path | None = None,
    user: str = "operator",
    station_name: str = "",
    theme: str = "light",
    page: str = "",
    faceplate: str = "",
    size: tuple[int, int] = (1600, 900),
    screenshot: Path | None = None,
    after_s: float = 8.0,
    clock: Clock | None = None,
    script: "Callable[[MainWindow], None] | None" = None,
    story: Path | None = None,
    exercises: bool = False,
) -> int:
    """Open the operator station and stay until its window is closed; returns the exit code.

    ``bus`` is a URL of the bus or a coroutine function that connects. ``displays`` is the plant's display folder.
    ``screenshot`` writes a picture of the window ``after_s`` seconds after the start and ends. ``page`` (for example
    ``trend`` or ``display:overview``) and ``faceplate`` (a module) are opened once the plant is known. ``story`` is the
    file of the plant's story, for runs in which it may be played; ``exercises``: the run may be made to fail.
    Raises ``Missing`` without a display and ``ConfigError`` for a display file that does not work.
    """
    drawings = load_displays(displays) if displays is not None else []
    acts = load_story(story) if story is not None else None
    page = _page_key(page, drawings)
    available, why = display_available()
    if not available:
        raise Missing(f"the operator station needs a display: {why}")
    from .views import window

    clock = clock or WallClock()
    station = Station(plant, clock, title=title, name=station_name or f"HMI-{os.getpid()}", user=user)
    station.exercise.allowed = exercises
    thread = BusThread(_factory(bus, station.desk.station), station, clock)
    thread.start()
    try:
        return window.show(
            station,
            drawings,
            theme=theme,
            page=page,
            faceplate=faceplate,
            size=size,
            screenshot=screenshot,
            after_s=after_s,
            script=script,
            story=acts,
        )
    finally:
        thread.stop()


def _page_key(page: str, drawings: list[Display]) -> str:
    """The key of a page as it was typed, ``System`` or ``overview`` too. Raises ``ConfigError`` when there is none."""
    known = [*PAGES, *(f"display:{drawing.name}" for drawing in drawings)]
    wanted = page.lower()
    if not page or wanted.startswith("group:"):
        return page
    for key in known:
        if wanted in (key.lower(), key.lower().removeprefix("display:")):
            return key
    raise ConfigError(f"--page {page}: there is no such page. Pages: {', '.join(known)}.")


def _factory(bus: str | BusFactory, name: str) -> BusFactory:
    if not isinstance(bus, str):
        return bus

    async def connect() -> Bus:
        from dcs.bus.nats import connect_nats

        return await connect_nats(bus, name)

    return connect
