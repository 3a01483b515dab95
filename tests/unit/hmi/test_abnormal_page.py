"""Promises of the page of what is not as in normal operation."""

from typing import Any

from tests.unit.hmi.conftest import Rig


def shown(window: Any) -> list[tuple[str, str]]:
    return [(cells[1], cells[2]) for cells in window.abnormal_page.table.rows.cells]


def test_what_is_in_man_is_listed_and_leads_to_its_faceplate(window: Any, rig: Rig) -> None:
    """Promise: a loop that is put in Man appears, one that is put back in Auto goes, once a second."""
    window.open_page("abnormal")
    window.see(1.1)
    assert shown(window) == [("V-101", "Man"), ("V-102", "Man")]
    rig.station.write("LIC-101.MODE", "MAN")
    window.see(2.5)
    assert shown(window)[0] == ("LIC-101", "Man")
    assert window.abnormal_page.count.text() == "3 entries"
    window.abnormal_page._open(0)
    assert window.faceplate.view.module == "LIC-101"
    rig.station.write("LIC-101.MODE", "AUTO")
    window.see(2.5)
    assert shown(window) == [("V-101", "Man"), ("V-102", "Man")]
