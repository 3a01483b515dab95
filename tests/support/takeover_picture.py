"""The picture of a trend through a takeover and a loss of data: ``python -m tests.support.takeover_picture FILE``.

Called by   hand, under a display (``xvfb-run``), when the trend page has changed; docs/images/trend_takeover.png.
Knows       the box and the main window: the same plant, the same second, the same picture every time.
"""

import argparse
from pathlib import Path

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

from dcs.core.simulated_time import SimulatedLoop, run_simulated
from dcs.node.box import Box
from hmi.model.displays import load_displays
from hmi.model.session import Session
from hmi.model.station import Station
from hmi.theme import style
from hmi.theme.palette import DARK, LIGHT
from hmi.viewmodels.sampler import Sampler
from hmi.views.main_window import MainWindow
from tests.simulation.takeover_history import config_of

TAGS = ("LIC-101.PV", "LIC-101.SP_WRK", "FIC-101.OUT")
_SETTLED_S, _SINCE_STEP_S, _AFTER_KILL_S, _NO_DATA_S, _AFTER_S = 120.0, 60.0, 120.0, 8.0, 60.0


async def _story(loop: SimulatedLoop, window_of: "type[MainWindow]", file: Path, dark: bool) -> None:
    config = config_of(1000)
    async with Box(config, loop, 1) as box:
        station = Station(config.name, box.clock, name="HMI-1")
        session = loop.create_task(Session(box.peers.hub.connect("HMI"), station, box.clock).run())
        await box.run_for(_SETTLED_S)
        await box.command("C1", "set", "LIC-101.SP", 14.0)
        await box.run_for(_SINCE_STEP_S)
        await box.kill(victim := box.active("C1"))
        await box.run_for(_AFTER_KILL_S / 2)
        await box.start(victim)
        await box.run_for(_AFTER_KILL_S / 2)
        for member in config.controller("C1").members:
            box.freeze(member, _NO_DATA_S)
        await box.run_for(_NO_DATA_S + _AFTER_S)
        sampler = Sampler(station)
        window = window_of(station, sampler, load_displays(config.folder / "displays"), DARK if dark else LIGHT)
        window.resize(1600, 900)
        window.show()
        page = window.trend_page
        page.show_tags(TAGS, fit=True)
        page.trend.set_span(390.0)
        window.open_page("trend")
        for _ in range(10):
            sampler.tick()
            QApplication.processEvents()
        page.plot.fit_values()
        page.redraw()
        start_s, end_s = page.trend.window()
        at_s = page.trend.takeovers()[0].time_s + 0.08 * (end_s - start_s)
        page.plot._on_mouse(page.plot.box.mapViewToScene(QPointF(at_s, page.plot.value_range[0])) - QPointF(0, 40))
        QApplication.processEvents()
        window.grab().save(str(file))
        print(page.trend.gaps(), page.trend.takeovers())
        window.hide()
        session.cancel()


def main() -> None:
    """One file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--dark", action="store_true")
    given = parser.parse_args()
    app = QApplication([])
    style.apply(app, "dark" if given.dark else "light")
    run_simulated(lambda loop: _story(loop, MainWindow, given.file, given.dark))


if __name__ == "__main__":
    main()
