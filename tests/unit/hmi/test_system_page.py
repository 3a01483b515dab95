"""The page System and the top bar: what they say of redundancy, and what they offer."""

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtWidgets import QMessageBox

from dcs.bus.messages import LinkReport

from .conftest import Rig


def test_switchover_is_confirmed_first(window: Any, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    window.open_page("system")
    window.see(1.1)
    answers = iter((QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes))
    asked: list[str] = []

    def question(parent: Any, title: str, text: str) -> Any:
        asked.append(text)
        return next(answers)

    monkeypatch.setattr(QMessageBox, "question", question)
    window.system_page._ask("C1")
    window.see(2.1)
    assert rig.plant.active == "C1A"
    window.system_page._ask("C1")
    window.see(2.1)
    assert rig.plant.active == "C1B"
    assert "C1B" in asked[0]
    assert [cells[3] for cells in window.system_page.nodes.rows.cells[:2]] == ["standby", "active"]


def test_the_standby_is_taken_out_and_brought_back_from_the_system_page(
    window: Any, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: what is offered is what makes sense now, and nothing is sent that was not confirmed."""

    def offered() -> list[str]:
        layout = window.system_page._switches
        return [layout.itemAt(at).widget().text() for at in range(layout.count())]

    answers = iter((QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.Yes))
    monkeypatch.setattr(QMessageBox, "question", lambda *_: next(answers))
    window.open_page("system")
    window.see(1.1)
    assert offered() == ["Switch over C1…", "Take out the standby of C1…"]
    window.system_page._switches.itemAt(1).widget().click()
    window.see(2.1)
    assert rig.plant.standby == "ready"
    window.system_page._switches.itemAt(1).widget().click()
    window.see(2.1)
    assert rig.plant.standby == "out"
    assert offered() == ["Bring back the standby of C1…"]
    said = window.system_page._pairs.text()
    assert said == "<b>C1: C1A is active; NO REDUNDANCY: the standby is taken out</b>"
    assert window.top.health._cells[:2] == (("C1A", "active alone"), ("C1B", "out")), "not called a standby"
    window.system_page._switches.itemAt(0).widget().click()
    window.see(2.1)
    assert rig.plant.standby == "ready"


def test_a_controller_without_a_standby_is_offered_no_switchover(window: Any, rig: Rig) -> None:
    rig.plant.standby = ""
    window.open_page("system")
    window.see(2.1)
    assert window.system_page._switches.count() == 0


@pytest.mark.parametrize(
    ("standby", "offers"),
    [
        ("synchronising", ["Take out"]),
        ("missing", ["Take out"]),
        ("suspended", ["Bring back", "Take out"]),
    ],
)
def test_no_switchover_is_offered_to_a_standby_that_is_not_ready(
    window: Any, rig: Rig, standby: str, offers: list[str]
) -> None:
    rig.plant.standby = standby
    window.open_page("system")
    window.see(2.1)
    layout = window.system_page._switches
    texts = [layout.itemAt(at).widget().text() for at in range(layout.count())]
    assert texts == [f"{offer} the standby of C1…" for offer in offers]
    assert "NO REDUNDANCY" in window.system_page._pairs.text()


def test_a_ready_standby_that_reaches_less_is_said_to(rig: Rig) -> None:
    standby = next(row.report for row in rig.station.nodes.rows() if row.report.role == "standby")
    assert rig.station.nodes.redundancy() == (("C1", "C1: C1A is active; the standby is ready to take over", False),)
    rig.station.nodes.put(replace(standby, links=(LinkReport("RTU-1", "modbus", "backing off", "", ""),)))
    sentence = "C1: C1A is active; the standby is ready to take over, but has lost RTU-1"
    assert rig.station.nodes.redundancy() == (("C1", sentence, True),)


def test_of_a_silent_node_nothing_old_is_shown_as_if_it_were_so(window: Any, rig: Rig) -> None:
    window.open_page("system")
    window.see(1.1)
    assert window.system_page.links.rows.cells
    assert {row[0] for row in window.system_page.scans.rows.cells} == {"C1A"}, "a standby does not scan"
    rig.plant.silent = True
    window.see(4.1)
    cells = window.system_page.nodes.rows.cells
    assert {row[4] for row in cells} == {"silent"}
    assert [row[3] for row in cells if row[3]] == [], "nobody is active as far as we know"
    assert cells[0][9].startswith("was active, epoch")
    assert window.system_page.links.rows.cells == []
    assert window.system_page.scans.rows.cells == []
