"""Displays that lead to other displays, and a tree for a plant with many of them."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from hmi.model.displays import Binding, Display, load_displays
from tests.unit.hmi.conftest import DISPLAYS, Rig

LINKED = """title: {title}
level: {level}
order: {order}
bindings:
  - {{element: unit, kind: link, display: {other}}}
  - {{element: lic, kind: loop, module: {module}}}
"""
DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300">'
    '<rect id="unit" x="20" y="20" width="150" height="150" fill="#E3E5E7"/>'
    '<rect id="lic" x="200" y="20" width="150" height="100" fill="none"/></svg>'
)


def folder(tmp_path: Path) -> Path:
    for name, level, other, module in (
        ("a_whole", 1, "b_unit", "LIC-101"),
        ("b_unit", 2, "a_whole", "LI-103"),
        ("c_more", 2, "a_whole", "LIC-101"),
    ):
        (tmp_path / f"{name}.svg").write_text(DRAWING)
        text = LINKED.format(title=name.title(), level=level, order=level, other=other, module=module)
        (tmp_path / f"{name}.yaml").write_text(text)
    shutil.copy(DISPLAYS / "overview.svg", tmp_path)
    return tmp_path


@pytest.fixture
def displays(tmp_path: Path) -> list[Display]:
    return load_displays(folder(tmp_path))


@pytest.fixture
def linked(displays: list[Display], rig: Rig, qt_app: Any) -> Any:
    from hmi.theme.palette import LIGHT
    from hmi.viewmodels.sampler import Sampler
    from hmi.views.main_window import MainWindow

    sampler = Sampler(rig.station)
    window = MainWindow(rig.station, sampler, displays, LIGHT)
    window.resize(1600, 900)
    window.show()
    yield window
    window.hide()
    window.deleteLater()
    sampler.deleteLater()
    qt_app.processEvents()


def test_a_click_on_a_unit_opens_its_display(linked: Any, qt_app: Any) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    page = linked._pages["display:a_whole"]
    assert linked.current == "display:a_whole"
    QTest.mouseClick(page, Qt.MouseButton.LeftButton, pos=page.items[0].box.center().toPoint())
    assert linked.current == "display:b_unit"
    linked.go_back()
    page.setFocus()
    page._focus = 0
    QTest.keyClick(page, Qt.Key.Key_Return)
    assert linked.current == "display:b_unit"
    assert page._tip(page.items[0]) == "Open B_Unit"


def test_a_link_shows_the_most_urgent_alarm_of_what_it_leads_to(linked: Any, rig: Rig) -> None:
    page = linked._pages["display:a_whole"]
    assert page._sample(page.items[0]) is None
    rig.plant.level[2] = 12.0
    rig.alarm("LI-103.HI", 1)
    rig.run(1.1)
    assert page._sample(page.items[0]) == (rig.station.alarms.rows[0].info.priority, 1)


def test_an_alarm_leads_to_its_unit_and_only_the_open_display_is_unfolded(linked: Any) -> None:
    linked.open_module("LIC-101")
    assert linked.current == "display:c_more", "level 2 before the overview that shows it too"
    tree, model = linked.navigation, linked.navigation.model()
    unfolded = [model.item(row).text() for row in range(model.rowCount()) if tree.isExpanded(model.index(row, 0))]
    assert unfolded == ["C_More"]


def test_a_mark_is_shown_above_or_below_a_value() -> None:
    assert Binding("a", "running", above=1.0).holds(1.5)
    assert not Binding("a", "running", above=1.0).holds(1.0)
    assert Binding("a", "running", below=0.5).holds(0.0)
    assert not Binding("a", "running", below=0.5).holds(1.0)
