"""The screen: what a click or a key does, and that nothing shown is invented. Drawn without a display."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from dcs.core.errors import ConfigError
from hmi.app import _page_key
from hmi.theme.palette import LIGHT
from hmi.viewmodels.shown import Shown
from hmi.views.entry import EntryRow
from hmi.views.faceplate_sheets import nice_range
from hmi.views.paint import fitted, paint_value

from .conftest import Rig

KEY = Qt.Key


def field(row: EntryRow) -> Any:
    return row._field


def type_in(row: EntryRow, text: str) -> None:
    row.take_focus()
    QTest.keyClicks(field(row), text)


# --- painting -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("text", "mark"), [("RUNNING", ""), ("NO_COMMUNICATION", ""), ("12345.67", "BAD")])
def test_a_state_or_a_number_is_never_cut_off(window: Any, text: str, mark: str) -> None:
    """Promise: left of its box nothing is painted, however narrow it is: UNNING is no state, 2345.67 another number."""
    image = QImage(200, 30, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    paint_value(painter, LIGHT, QRectF(100, 0, 100, 30), Shown(text, "", mark), 20, 0, bold=True)
    painter.end()
    white = QColor(Qt.GlobalColor.white)
    assert all(image.pixelColor(x, y) == white for x in range(98) for y in range(30))
    assert any(image.pixelColor(x, y) != white for x in range(100, 200) for y in range(30))


@pytest.mark.parametrize("text", ["50.3", "0.5", "1193", "85.00", "COMMUNICATES"])
def test_what_fits_is_shown_whole(window: Any, text: str) -> None:
    """Promise: no ellipsis in a number that has room, not even in one that fits to the pixel."""
    image = QImage(200, 30, QImage.Format.Format_ARGB32)
    painter = QPainter(image)
    width = painter.fontMetrics().horizontalAdvance(text)
    found = [fitted(painter, text, float(width)), fitted(painter, text, 200.0), fitted(painter, text, width / 2)]
    painter.end()
    assert found[:2] == [text, text]
    assert found[2].endswith("…")


@pytest.mark.parametrize("page", ["system", "System", "SYSTEM"])
def test_a_page_is_found_as_it_is_typed(page: str) -> None:
    assert _page_key(page, []) == "system"


def test_a_page_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"--page sistem: there is no such page\. Pages: trend, alarms, .*system"):
        _page_key("sistem", [])


# --- faceplate ------------------------------------------------------------------------------------------------
def test_click_on_a_value_opens_its_faceplate(window: Any) -> None:
    drawing = window._pages["display:overview"]
    item = next(item for item in drawing.items if item.binding.element == "lic101")
    QTest.mouseClick(drawing, Qt.MouseButton.LeftButton, pos=item.box.center().toPoint())
    window.see()
    assert window.faceplate.view.module == "LIC-101"
    assert window.faceplate.isVisible()


def test_entry_beyond_the_limit_is_refused_with_the_limit(window: Any, rig: Rig) -> None:
    window.open_faceplate("LIC-101")
    window.see()
    row = window.faceplate.entries["SP"]
    type_in(row, "25")
    QTest.keyClick(field(row), KEY.Key_Return)
    assert "at most 20.00 cm" in window.faceplate.hint
    window.see(1.5)
    assert rig.station.tags.read("LIC-101.SP").value == 12.3
    assert row.text() == "25", "the text stays for correction"


def test_small_change_is_pending_until_reported(window: Any, rig: Rig) -> None:
    """Promise: what was asked for is never shown as if it had happened."""
    window.open_faceplate("LIC-101")
    window.see()
    row = window.faceplate.entries["SP"]
    type_in(row, "12.80")
    QTest.keyClick(field(row), KEY.Key_Return)
    window.see()
    shown = window.faceplate.bars._shown
    assert (shown.sp.text, shown.sp_pending) == ("12.30", "12.80")
    window.see(2.1)
    shown = window.faceplate.bars._shown
    assert (shown.sp.text, shown.sp_pending) == ("12.80", "")
    assert "Done" in window.messages.text


def test_big_change_asks_once(window: Any, rig: Rig) -> None:
    window.open_faceplate("LIC-101")
    window.see()
    row = window.faceplate.entries["SP"]
    type_in(row, "18")
    QTest.keyClick(field(row), KEY.Key_Return)
    assert "Enter again" in window.faceplate.hint
    window.see(1.5)
    assert rig.station.tags.read("LIC-101.SP").value == 12.3
    QTest.keyClick(field(row), KEY.Key_Return)
    window.see(2.1)
    assert rig.station.tags.read("LIC-101.SP").value == 18.0


def test_editing_after_the_question_asks_anew(window: Any, rig: Rig) -> None:
    window.open_faceplate("LIC-101")
    window.see()
    row = window.faceplate.entries["SP"]
    type_in(row, "18")
    QTest.keyClick(field(row), KEY.Key_Return)
    QTest.keyClicks(field(row), "5")  # 185? no: the selection is gone, so this appends
    QTest.keyClick(field(row), KEY.Key_Backspace)
    QTest.keyClick(field(row), KEY.Key_Return)
    window.see(1.5)
    assert rig.station.tags.read("LIC-101.SP").value == 12.3


def test_keys_step_commit_and_revert(window: Any, rig: Rig) -> None:
    window.open_faceplate("LIC-101")
    window.see()
    row = window.faceplate.entries["SP"]
    row.take_focus()
    QTest.keyClick(field(row), KEY.Key_Up)
    assert row.text() == "12.40"
    QTest.keyClick(field(row), KEY.Key_PageDown)
    assert row.text() == "11.40"
    QTest.keyClick(field(row), KEY.Key_Escape)
    window.see()
    assert row.text() == "12.30"
    assert window.faceplate.isVisible(), "Esc reverts first and closes only then"
    QTest.keyClick(field(row), KEY.Key_Up)
    QTest.keyClick(field(row), KEY.Key_Return)
    window.see(2.1)
    assert rig.station.tags.read("LIC-101.SP").value == pytest.approx(12.4)


def test_setpoint_of_a_cascade_cannot_be_typed(window: Any, rig: Rig) -> None:
    window.open_faceplate("FIC-101")
    window.see()
    row = window.faceplate.entries["SP"]
    assert not field(row).isEnabled()
    assert "cascade" in field(row).toolTip()


def test_mode_buttons_are_the_permitted_ones_and_wait_for_the_plant(window: Any, rig: Rig) -> None:
    window.open_faceplate("LIC-101")
    window.see()
    modes = window.faceplate.modes
    assert list(modes._buttons) == ["OOS", "MAN", "AUTO"]
    modes.button("MAN").click()
    window.see()
    assert modes._shown.actual == "AUTO"
    assert "pending" in modes.reason
    window.see(2.1)
    assert modes._shown.actual == "MAN"
    window.open_faceplate("FIC-101")
    window.see()
    assert list(modes._buttons) == ["OOS", "MAN", "AUTO", "CAS"]


def test_text_typed_for_one_loop_never_reaches_another(window: Any, rig: Rig) -> None:
    window.open_faceplate("LIC-101")
    window.see()
    row = window.faceplate.entries["SP"]
    type_in(row, "12.9")
    window.open_faceplate("LIC-102")
    window.see()
    assert row.text() == "12.80"
    QTest.keyClick(field(row), KEY.Key_Return)
    window.see(2.1)
    assert rig.station.tags.read("LIC-102.SP").value == 12.8


def part_row(window: Any, module: str, part: str) -> Any:
    window.open_faceplate(module)
    window.faceplate.show_sheet("Set")
    window.see()
    return next(row for row in window.faceplate.parts.rows if row.part == part)


@pytest.mark.parametrize(("part", "choice", "value"), [("LOCAL", "FIELD", 1.0), ("RESET", "on", 1.0)])
def test_choices_and_flags_are_written_by_name(window: Any, rig: Rig, part: str, choice: str, value: float) -> None:
    """Promise: any writable part of any block has a row, and shows what the plant reports."""
    row = part_row(window, "M-103", part)
    before = row.box.currentText()
    row.box.setCurrentText(choice)
    row.box.activated.emit(row.box.findText(choice))
    window.see(2.1)
    assert rig.plant.motor[part] == value
    assert (row.box.currentText(), before) == (choice, {"LOCAL": "ROOM", "RESET": "off"}[part])


def test_commands_are_buttons(window: Any, rig: Rig) -> None:
    """Promise: a click asks; the filled button is what the plant reports, not what was asked for."""
    window.open_faceplate("M-103")
    window.see()
    row = window.faceplate.commands["COMMAND"]
    filled = [name for name, button in row.buttons.items() if "600" in button.styleSheet()]
    assert (list(row.buttons), filled) == (["STOP", "START"], ["START"])
    rig.plant.silent = True
    row.buttons["STOP"].click()
    window.see(0.2)
    assert "dashed" in row.buttons["STOP"].styleSheet()
    assert [name for name, button in row.buttons.items() if "600" in button.styleSheet()] == ["START"]
    rig.plant.silent = False
    window.see(2.1)
    assert rig.plant.motor["COMMAND"] == 0.0
    assert [name for name, button in row.buttons.items() if "600" in button.styleSheet()] == ["STOP"]


def test_state_is_shown_by_its_name(window: Any, rig: Rig) -> None:
    shown = window.faceplate.view.__class__(rig.station, "M-103").sample()
    assert (shown.is_state, shown.pv.text) == (True, "RUNNING")
    assert [(part, value.text) for part, value in shown.facts] == [("FAIL", "off"), ("HOURS", "12.5")]


def test_rows_follow_the_module(window: Any) -> None:
    part_row(window, "M-103", "TRAVEL")
    part_row(window, "LIC-101", "GAIN")
    assert [row.part for row in window.faceplate.parts.rows] == ["GAIN", "TI", "TD", "SP_LO", "SP_HI"]


def test_tuning_is_written(window: Any, rig: Rig) -> None:
    gain = part_row(window, "LIC-101", "GAIN")
    type_in(gain, "3.2")
    QTest.keyClick(field(gain), KEY.Key_Return)
    window.see(2.1)
    assert rig.station.tags.read("LIC-101.GAIN").value == 3.2


@pytest.mark.parametrize("sheet", ["Trend", "Detail", "Set", "Alarms", "Help"])
def test_every_sheet_of_every_module_draws(window: Any, rig: Rig, sheet: str) -> None:
    for module in rig.station.tags.modules:
        window.open_faceplate(module)
        window.faceplate.show_sheet(sheet)
        window.see()
        assert not window.faceplate.grab().isNull()


# --- alarms ---------------------------------------------------------------------------------------------------
def raise_alarm(window: Any, rig: Rig) -> None:
    rig.plant.level[0] = 17.0
    rig.alarm("LIC-101.HI", 1)
    window.see(1.1)


def test_click_on_the_banner_acknowledges_and_double_click_goes_there(window: Any, rig: Rig) -> None:
    raise_alarm(window, rig)
    assert [row.name for row in window.banner.rows] == ["LIC-101.HI"]
    QTest.mouseClick(window.banner, Qt.MouseButton.LeftButton, pos=QPoint(200, 10))
    window.banner._click_timer.stop()
    window.banner._acknowledge_clicked()
    rig.plant.level[0] = 17.0
    window.see(2.1)
    assert rig.station.alarms.rows[0].letter == "C"
    window.open_page("journal")
    QTest.mouseDClick(window.banner, Qt.MouseButton.LeftButton, pos=QPoint(200, 10))
    assert window.current == "display:overview"
    assert window.faceplate.view.module == "LIC-101"


def test_keys_of_the_shell(window: Any, rig: Rig) -> None:
    raise_alarm(window, rig)
    press = {key: shortcut.activated.emit for key, shortcut in window.shortcuts.items()}
    press["Space"]()
    assert not rig.station.alarms.horn
    press["F1"]()
    assert window.current == "alarms"
    assert "overflows" in window.alarm_page._help.text()
    press["Alt+Left"]()
    assert window.current == "display:overview"
    press["Alt+Right"]()
    assert window.current == "alarms"
    press["F2"]()
    press["F5"]()
    window.open_faceplate("LIC-101")
    press["F4"]()
    assert window.current == "trend"
    assert window.trend_page.trend.tags == ["LIC-101.PV", "LIC-101.SP_WRK", "LIC-101.OUT"]
    press["Esc"]()
    assert not window.faceplate.isVisible()
    press["Ctrl+A"]()
    rig.plant.level[0] = 17.0
    window.see(2.1)
    assert rig.station.alarms.rows[0].letter == "C"


def test_alarm_page_lists_filters_and_acknowledges(window: Any, rig: Rig) -> None:
    raise_alarm(window, rig)
    rig.plant.level[2] = 12.0
    rig.alarm("LI-103.HI", 2, 9.0)
    window.see(1.1)
    window.open_page("alarms")
    window.see()
    page = window.alarm_page
    assert page.table.rows.keys == ["LIC-101.HI", "LI-103.HI"]
    page._state.setCurrentText("Acknowledged")
    assert page.table.rows.keys == ["LI-103.HI"]
    page.select("LIC-101.HI")
    assert page.table.selected_key() == "LIC-101.HI"
    page.acknowledge_selected()
    rig.plant.level[0], rig.plant.level[2] = 17.0, 12.0
    window.see(2.1)
    assert {row.letter for row in rig.station.alarms.rows} == {"C"}
    page._sort_by(2)
    assert page.table.rows.keys == ["LI-103.HI", "LIC-101.HI"]
    page._sort_by(0)
    assert page.table.rows.keys == ["LIC-101.HI", "LI-103.HI"]


def test_what_a_dead_device_explains_is_hidden_and_counted(window: Any, rig: Rig) -> None:
    """Promise: the summary has one line for the device; what is suppressed by design is one choice away."""
    raise_alarm(window, rig)
    rig.alarm("LI-103.HI", 7)
    window.see(1.1)
    window.open_page("alarms")
    window.see()
    page = window.alarm_page
    assert page.table.rows.keys == ["LIC-101.HI"]
    assert page._count.text() == "1 listed, 1 unacknowledged, 1 hidden"
    page._state.setCurrentText("Hidden")
    assert page.table.rows.keys == ["LI-103.HI"]


def test_navigation_shows_the_roll_up(window: Any, rig: Rig) -> None:
    from hmi.views.navigation import WORST

    model = window.navigation.model()
    assert model.item(0).data(WORST) is None
    raise_alarm(window, rig)
    assert model.item(0).data(WORST) == (2, 1)


def test_alarms_of_a_pair_lead_to_the_page_system(window: Any, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: what is to be done about lost redundancy is on the page System, so the mark is there as well."""
    from hmi.views.navigation import KEY as PAGE
    from hmi.views.navigation import WORST

    (system,) = [item for item in window.navigation._pages() if item.data(PAGE) == "system"]
    raise_alarm(window, rig)
    assert system.data(WORST) is None
    monkeypatch.setattr(rig.station.nodes, "pairs", lambda: ("LIC-101",))  # a pair is a module of its own name
    window.navigation._roll_up()
    assert system.data(WORST) == (2, 1)


# --- never invent ---------------------------------------------------------------------------------------------
def picture(widget: Any) -> np.ndarray:  # type: ignore[type-arg]
    image = widget.grab().toImage().convertToFormat(widget.grab().toImage().Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)[:, : image.width()] & 0xFFFFFF


def colour_share(widget: Any, box: Any, colour: str) -> float:
    part = picture(widget)[int(box.top()) : int(box.bottom()), int(box.left()) : int(box.right())]
    return float((part == int(colour[1:], 16)).mean())


@pytest.mark.parametrize("trouble", ["bad", "stale", "comm"])
def test_level_of_a_tank_is_not_drawn_without_a_believable_value(window: Any, rig: Rig, trouble: str) -> None:
    from hmi.theme.palette import LIGHT

    drawing = window._pages["display:overview"]
    tank = next(item for item in drawing.items if item.binding.element == "tank1_level")
    assert colour_share(drawing, tank.box, LIGHT.liquid) > 0.3
    if trouble == "bad":
        rig.plant.bad.add("LIC-101.PV")
        window.see(1.1)
    elif trouble == "stale":
        rig.plant.silent = True
        window.see(5.0)
    else:
        rig.hub.cut("hmi")
        window.see(0.6)
    assert colour_share(drawing, tank.box, LIGHT.liquid) == 0.0


def test_running_pump_is_filled_and_stopped_is_hollow(window: Any, rig: Rig) -> None:
    from hmi.theme.palette import LIGHT

    drawing = window._pages["display:overview"]
    pump = next(item for item in drawing.items if item.binding.element == "pump1_running")
    assert colour_share(drawing, pump.box, LIGHT.line) > 0.1
    rig.plant.loops["FIC-101"].target = 3
    rig.plant.loops["FIC-101"].out = 0.0
    window.see(1.1)
    assert colour_share(drawing, pump.box, LIGHT.line) < 0.01


def test_nothing_is_repainted_when_nothing_has_changed(window: Any, rig: Rig) -> None:
    painted: list[int] = []
    drawing = window._pages["display:overview"]
    original = drawing._paint
    drawing._paint = lambda *args, **kw: (painted.append(1), original(*args, **kw))[1]
    window.see()
    painted.clear()
    for _ in range(20):
        window.see()
        drawing._refresh()
        QApplication.processEvents()
    assert painted == []


# --- trend ------------------------------------------------------------------------------------------------------
def test_trend_draws_what_was_seen_and_makes_no_new_curves(window: Any, rig: Rig) -> None:
    window.see(30.0)
    window.open_page("trend")
    window.see()
    plot = window.trend_page.plot
    items = len(plot.getPlotItem().items)
    good, _ = plot._curves[0]
    _, y = good.getData()
    assert np.isfinite(y).sum() >= 30
    assert np.nanmean(y) == pytest.approx(12.3 / 20.0 * 100.0, abs=3.0)
    for _ in range(10):
        window.trend_page.redraw()
    assert len(plot.getPlotItem().items) == items


def test_trend_legend_shows_the_value_under_the_cursor(window: Any, rig: Rig) -> None:
    window.see(20.0)
    window.open_page("trend")
    window.see()
    page = window.trend_page
    now_s = page.trend.now_s()
    page._on_cursor(now_s - 5.0)
    expected = rig.station.trends.value_at("LIC-101.PV", now_s - 5.0)
    assert page._legend.item(0, 3).text() == f"{expected:.2f}"
    page._on_cursor(now_s - 5000.0)
    assert page._legend.item(0, 3).text() == "—"


def test_pens_are_added_and_removed(window: Any, rig: Rig) -> None:
    window.open_page("trend")
    window.see()
    page = window.trend_page
    assert page.add_tag("LI-103.PV")
    assert not page.add_tag("LI-103.PV")
    assert page._legend.rowCount() == 5
    page._on_legend(4, 9)
    assert "LI-103.PV" not in page.trend.tags


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(12.0, 12.0, (11.5, 12.5)), (0.1, 19.9, (0.0, 20.0)), (float("nan"), 1.0, (0.0, 20.0))],
)
def test_small_trend_range_holds_the_data(low: float, high: float, expected: tuple[float, float]) -> None:
    bottom, top = nice_range(low, high, 0.0, 20.0)
    assert (bottom, top) == pytest.approx(expected, abs=0.51)
    if low == low:
        assert bottom <= low <= high <= top


# --- shell ------------------------------------------------------------------------------------------------------
def test_search_goes_to_a_module(window: Any) -> None:
    window.open_search()
    QTest.keyClicks(window.search.field, "tank 3")
    QTest.keyClick(window.search.field, KEY.Key_Return)
    assert window.faceplate.view.module == "LI-103"
    assert not window.search.isVisible()


def test_every_page_draws_in_trouble_too(window: Any, rig: Rig) -> None:
    raise_alarm(window, rig)
    rig.plant.silent = True
    rig.plant.bad.add("LIC-101.PV")
    window.see(6.0)
    for key in list(window._pages):
        window.open_page(key)
        window.see()
        assert not window.grab().isNull()
    rig.hub.cut("hmi")
    window.see(1.0)
    assert "no connection" in window.messages._note.text()
    assert not window.grab().isNull()


def test_changing_pages_leaks_no_widgets(window: Any, rig: Rig) -> None:
    def visit_all() -> None:
        for key in list(window._pages):
            window.open_page(key)
            window.see()
        for module in rig.station.tags.modules:
            window.open_faceplate(module)
            window.see()

    visit_all()
    QApplication.sendPostedEvents(None, 52)
    gc.collect()
    before = len(QApplication.allWidgets())
    for _ in range(3):
        visit_all()
    QApplication.sendPostedEvents(None, 52)  # QEvent.DeferredDelete
    gc.collect()
    assert len(QApplication.allWidgets()) <= before


def test_group_pages_are_renewed_when_the_plant_changes(window: Any, rig: Rig) -> None:
    from dataclasses import replace

    old = weakref.ref(window._pages["group:0"])
    layout = rig.plant.layout
    rig.plant.layout = replace(layout, modules=tuple(m for m in layout.modules if m.name != "LI-104"))
    window.see(2.5)
    assert [card._view.module for card in window._pages["group:0"].cards].count("LI-104") == 0
    QApplication.sendPostedEvents(None, 52)
    gc.collect()
    assert old() is None or old() is not window._pages["group:0"]


def test_plant_without_drawings_opens_on_its_group(rig: Rig, qt_app: Any) -> None:
    from hmi.theme.palette import LIGHT
    from hmi.viewmodels.sampler import Sampler
    from hmi.views.main_window import MainWindow

    sampler = Sampler(rig.station)
    made = MainWindow(rig.station, sampler, [], LIGHT)
    made.show()
    sampler.tick()
    assert made.current == "group:0"
    made.hide()
    made.deleteLater()
