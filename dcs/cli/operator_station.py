"""``dcs hmi``: the operator station of a running plant, here or elsewhere."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from dcs.bus.nats import NatsBus, connect_nats
from dcs.core.clock import WallClock
from dcs.core.errors import Missing
from dcs.core.log import configure_logging
from dcs.node.endpoints import Endpoints
from dcs.node.lifeline import die_with_parent
from dcs.node.run_dirs import find_run
from hmi.story_file import FILE_NAME as STORY_FILE

_CONNECT_S = 5.0


@dataclass(frozen=True, slots=True)
class HmiOptions:
    """The options of the command as they were given."""

    target: str | None
    run_dir: Path | None
    dark: bool
    lifeline: bool
    screenshot: Path | None
    after_s: float
    page: str
    faceplate: str


def open_operator_station(options: HmiOptions) -> int:
    """Open the window and stay until it is closed. Raises ``Missing`` without a display or a running plant."""
    from hmi.app import run

    target = _target(options)
    logs = configure_logging("hmi", WallClock(), target.run_dir)
    if options.lifeline:
        _end_with_launcher()

    async def connect() -> NatsBus:
        return await connect_nats(target.bus_url, f"hmi-{os.getpid()}", _CONNECT_S)

    try:
        return run(
            connect,
            target.plant,
            title=target.title,
            displays=target.displays,
            theme="dark" if options.dark else "light",
            page=options.page,
            faceplate=options.faceplate,
            screenshot=options.screenshot,
            after_s=options.after_s,
            story=target.story,
            exercises=target.exercises,
        )
    finally:
        logs.close()


@dataclass(frozen=True, slots=True)
class _Target:
    """The plant that is to be operated, and what is known of it here."""

    bus_url: str
    plant: str
    title: str = ""
    displays: Path | None = None
    run_dir: Path | None = None
    story: Path | None = None  # where it may be played
    exercises: bool = False  # the run may be made to fail


def _target(options: HmiOptions) -> _Target:
    if options.target is not None and "://" in options.target:
        url, _, plant = options.target.partition("#")
        if not plant:
            raise Missing(f"{options.target}: name the plant as well: {options.target}#quadruple_tank")
        return _Target(url, plant)
    plant_name = None
    if options.target is not None:
        from dcs.config.find import find_config

        plant_name = find_config(options.target).name
    if options.lifeline and options.run_dir is not None:
        # Started together with the bus by the same launcher: it need not answer yet, the station waits for it.
        run_dir, endpoints = options.run_dir, Endpoints.read(options.run_dir)
    else:
        run_dir, endpoints = find_run(options.run_dir, plant_name)
    displays, story = Path(endpoints.config) / "displays", Path(endpoints.config) / STORY_FILE
    return _Target(
        endpoints.bus_url,
        endpoints.plant,
        endpoints.title,
        displays=displays if displays.is_dir() else None,
        run_dir=run_dir,
        story=story if endpoints.exercises and story.is_file() else None,
        exercises=endpoints.exercises,
    )


def _end_with_launcher() -> None:
    """The launcher holds our stdin open; when it is gone there is no plant to operate."""
    die_with_parent()

    def watch() -> None:
        while os.read(0, 64):
            pass
        os._exit(0)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
