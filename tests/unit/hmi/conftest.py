"""Qt tests run without a screen; each gets a window on a fake plant, driven by hand."""

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dcs.bus.memory import MemoryBus, MemoryHub
from dcs.core.simulated_time import SimulatedClock, SimulatedLoop
from hmi.model.session import Session
from hmi.model.station import Station
from tests.support.fake_plant import PLANT, FakePlant

DISPLAYS = Path(__file__).resolve().parents[3] / "configs" / "quadruple_tank" / "displays"


class Rig:
    """A station on a fake plant in simulated time; nothing moves unless ``run`` is called."""

    def __init__(self) -> None:
        self.loop = SimulatedLoop()
        asyncio.set_event_loop(self.loop)
        self.clock = SimulatedClock(self.loop)
        self.hub = MemoryHub()
        self.station = Station(PLANT, self.clock, name="HMI-T")
        self.bus: MemoryBus = self.hub.connect("hmi")
        self.plant = FakePlant(self.hub.connect("plant"), self.clock)
        self.session = Session(self.bus, self.station, self.clock)
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self) -> "Rig":
        for work in (self.session.run(), self.plant.run()):
            self._tasks.append(self.loop.create_task(work))
        return self

    def run(self, seconds: float) -> None:
        """Let simulated time pass."""
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def alarm(self, name: str, state: int, value: float = 17.0) -> None:
        """Force one alarm of the plant into a state."""
        for number, info in enumerate(self.plant.layout.alarms):
            if info.name == name:
                self.plant.alarms[number] = (state, self.clock.time_ns(), value)
                return
        raise KeyError(name)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self.loop.run_until_complete(self.bus.close())
        self.loop.run_until_complete(self.plant.bus.close())
        asyncio.set_event_loop(None)
        self.loop.close()


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig().start()
    made.run(2.5)
    yield made
    made.close()


@pytest.fixture(scope="session")
def qt_app() -> Any:
    from PySide6.QtWidgets import QApplication

    from hmi.theme import style

    app = QApplication.instance() or QApplication(["test"])
    style.apply(app, "light")
    return app


@pytest.fixture
def window(rig: Rig, qt_app: Any) -> Iterator[Any]:
    """The main window with the overview drawing; ``window.see()`` samples the model once."""
    from PySide6.QtCore import QCoreApplication, QEvent

    from hmi.model.displays import load_displays
    from hmi.theme.palette import LIGHT
    from hmi.viewmodels.sampler import Sampler
    from hmi.views.main_window import MainWindow

    sampler = Sampler(rig.station)
    made = MainWindow(rig.station, sampler, load_displays(DISPLAYS), LIGHT)
    made.resize(1600, 900)
    made.show()

    def see(seconds: float = 0.0) -> None:
        if seconds:
            rig.run(seconds)
        for _ in range(5):
            sampler.tick()
        qt_app.processEvents()

    made.see = see
    see()
    yield made
    made.hide()
    made.deleteLater()
    sampler.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qt_app.processEvents()
    gc.collect()
