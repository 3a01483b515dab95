"""The loop check in the operator station: from the faceplate to the signed record, and what closing it means."""

import json
from pathlib import Path
from typing import Any

import pytest

from dcs.core.modes import CAS, MAN

FLOW, VALVE = "FIC-101", "V-101"


def until(window: Any, done: Any, most: int = 200) -> None:
    """A second of plant time and a look, until something is so."""
    for _ in range(most):
        if done():
            return
        window.see(1.0)
    raise AssertionError("it never came")


@pytest.fixture
def dialog(window: Any, tmp_path: Path) -> Any:
    window.open_faceplate(FLOW)
    window.see()
    assert window.faceplate.check_button.isVisible()
    window.faceplate.check_button.click()
    made = window._checks[FLOW]
    made._folder = tmp_path
    made.show()
    window.see()
    return made


def test_only_modules_with_an_output_to_set_have_a_loop_check(window: Any) -> None:
    for module, offered in ((FLOW, True), (VALVE, True), ("LI-103", False), ("M-103", False)):
        window.open_faceplate(module)
        window.see()
        assert window.faceplate.check_button.isVisible() == offered, module


def test_the_dialog_says_what_a_start_will_do(window: Any, dialog: Any) -> None:
    text = dialog._text.text()
    assert "FIC-101 is in Cas. Start puts it in Man" in text
    assert "gives output and mode back" in text
    assert not dialog.abort_button.isEnabled()
    assert not dialog.pass_button.isEnabled()


def test_a_check_runs_to_its_end_and_is_signed(window: Any, dialog: Any, rig: Any, tmp_path: Path) -> None:
    """Promise: nine rows fill, the loop is as before, and the signature leads to a record on disk."""
    dialog.start_button.click()
    until(window, lambda: len(dialog.view.check.record.rows) == 2)
    assert dialog.table.rows.cells[2][-1] == "now"
    assert dialog.close_button.text() == "Abort and close"
    until(window, lambda: not dialog.view.running)
    window.see()
    loop = rig.plant.loops[FLOW]
    assert loop.target == CAS
    assert [row[-1] for row in dialog.table.rows.cells] == ["ok"] * 9
    assert not dialog.pass_button.isEnabled()  # nobody has said who he is
    dialog.name.setText("A. Ng")
    dialog.remark.setText("fine")
    dialog.pass_button.click()
    (file,) = tmp_path.glob("*.json")
    record = json.loads(file.read_text(encoding="utf-8"))
    assert record["sign_off"]["name"] == "A. Ng"
    assert record["sign_off"]["passed"] is True
    assert [step["step_pct"] for step in record["steps"]] == [0, 25, 50, 75, 100, 75, 50, 25, 0]
    assert str(file.with_suffix(".md")) in dialog.note.text()
    assert not dialog.pass_button.isEnabled()  # signed once
    labels, seconds, series = dialog.view.lines()
    assert len(labels) == len(series)
    assert max(series[0]) == 100.0
    assert len(seconds) == len(series[0]) > 50


def test_abort_gives_the_loop_back_and_leaves_something_to_sign_as_failed(window: Any, dialog: Any, rig: Any) -> None:
    dialog.start_button.click()
    until(window, lambda: len(dialog.view.check.record.rows) == 1)
    dialog.abort_button.click()
    until(window, lambda: not dialog.view.running)
    window.see()
    assert rig.plant.loops[FLOW].target == CAS
    assert "Aborted: stopped by hand" in dialog._text.text()
    dialog.name.setText("A. Ng")
    assert dialog.fail_button.isEnabled()
    assert not dialog.pass_button.isEnabled()


def test_closing_it_while_it_runs_gives_back_first(window: Any, dialog: Any, rig: Any) -> None:
    dialog.start_button.click()
    until(window, lambda: rig.plant.loops[FLOW].target == MAN and rig.plant.loops[FLOW].out == 0.0)
    dialog.close()
    assert dialog.isVisible()  # not yet: the loop is still in Man
    until(window, lambda: not dialog.isVisible())
    assert rig.plant.loops[FLOW].target == CAS
    assert dialog.view.check.record.restored_ok
    assert len(dialog.view.check.record.rows) <= 1


def test_leaving_the_station_gives_back_first(window: Any, dialog: Any, rig: Any) -> None:
    dialog.start_button.click()
    until(window, lambda: rig.plant.loops[FLOW].target == MAN)
    assert not window.close()
    until(window, lambda: not window.isVisible())
    assert rig.plant.loops[FLOW].target == CAS


def test_a_running_check_is_found_again_from_the_faceplate(window: Any, dialog: Any) -> None:
    dialog.start_button.click()
    window.see(1.0)
    assert window.open_loop_check(FLOW) is dialog
    dialog.view.abort()
    until(window, lambda: not dialog.view.running)


def test_without_communication_nothing_is_started(window: Any, rig: Any) -> None:
    rig.plant.silent = True
    window.see(20.0)
    opened = window.open_loop_check(FLOW)
    opened.start_button.click()
    until(window, lambda: not opened.view.running)
    assert opened.view.check.record.result == "refused"
    assert rig.plant.loops[FLOW].target == CAS
