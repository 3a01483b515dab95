"""The exercise page shows what the plant says of its faults, and asks for them in the plant's words."""

import json
from typing import Any

import pytest

from dcs.bus.messages import Command, Reply, command_subject
from hmi.viewmodels.places import places
from tests.support.fake_plant import PLANT
from tests.unit.hmi.conftest import Rig

BIAS = {"name": "bias", "meaning": "so much too much", "takes": "must", "value": "error", "unit": "mA", "default": None,
        "chance": False}  # fmt: skip
OPEN = {**BIAS, "name": "open_circuit", "takes": "no", "value": "", "unit": ""}
SPIKE = {**BIAS, "name": "spike", "chance": True}
CUT = {**OPEN, "name": "cut"}
TARGETS = [
    {"name": "LT-101", "scope": "point", "unit": "mA", "description": "Level", "kinds": [BIAS, OPEN, SPIKE]},
    {"name": "RTU-1", "scope": "device", "unit": "", "description": "", "kinds": [OPEN]},
]


class Desk:
    """A field node that takes faults, as far as this page can tell."""

    def __init__(self, rig: Rig, refuse: str = "") -> None:
        self.heard: list[tuple[str, str, Any]] = []
        self.active: list[dict[str, Any]] = []
        self.refuse = refuse
        self.questions = 0
        rig.loop.run_until_complete(rig.plant.bus.serve(command_subject(PLANT, "field"), self.answer))

    async def answer(self, subject: str, payload: bytes) -> bytes:
        command = Command.from_bytes(payload)
        if self.refuse:
            return Reply(command.id, False, self.refuse).to_bytes()
        if command.verb == "faults":
            self.questions += 1
            return Reply(command.id, True, json.dumps({"targets": TARGETS, "active": self.active})).to_bytes()
        value = json.loads(command.value) if command.verb == "fault" else command.value  # type: ignore[arg-type]
        self.heard.append((command.verb, command.subject, value))
        if command.verb == "fault":
            self.active.append({"target": command.subject, "kind": value["kind"], "words": "bias 0.5 mA",
                                "began_ns": 10**9, "ends_ns": 0})  # fmt: skip
        else:
            self.active.clear()
        return Reply(command.id, True, "done so").to_bytes()


@pytest.fixture
def page(window: Any, rig: Rig) -> Any:
    rig.station.exercise.allowed = True
    window.open_page("exercise")
    return window.exercise_page


def test_a_fault_is_started_listed_and_cleared(page: Any, window: Any, rig: Rig) -> None:
    desk = Desk(rig)
    window.see(2.5)
    assert [page.target.itemText(at) for at in range(page.target.count())] == ["LT-101", "RTU-1"]
    assert [page.kind.itemText(at) for at in range(page.kind.count())] == ["bias", "open_circuit", "spike"]
    page.value.setText("0.5")
    page.duration.setText("90 s")
    page.start.click()
    assert page.table.rows.cells == [], "nothing is shown before the plant says it"
    assert page.answer.text() == "asked: LT-101"
    window.see(2.5)
    assert desk.heard == [("fault", "LT-101", {"kind": "bias", "value": "0.5", "for": "90 s"})]
    assert page.answer.text() == "done: done so"
    assert [cells[:2] for cells in page.table.rows.cells] == [("LT-101", "bias 0.5 mA")]
    page.table.selectRow(0)
    page.clear.click()
    window.see(2.5)
    assert desk.heard[-1] == ("clear", "LT-101", "bias")
    assert page.table.rows.cells == []
    assert page.count.text() == "nothing"


def test_fields_follow_the_kind(page: Any, window: Any, rig: Rig) -> None:
    desk = Desk(rig)
    window.see(2.5)
    page.kind.setCurrentText("spike")
    assert page.value.isVisible()
    assert page.chance.isVisible()
    page.kind.setCurrentText("open_circuit")
    assert not page.value.isVisible()
    assert not page.chance.isVisible()
    page.value.setText("7")  # left from another kind: it is not sent
    page.start.click()
    window.see(2.5)
    assert desk.heard == [("fault", "LT-101", {"kind": "open_circuit"})]
    page.target.setEditText("LT-1")
    assert not page.start.isEnabled()
    assert page.meaning.text() == "There is nothing of that name."


def test_a_refusal_is_shown_in_the_plants_words(page: Any, window: Any, rig: Rig) -> None:
    Desk(rig, refuse="This run was not started for exercises.")
    window.see(2.5)
    assert page.answer.text() == "This run was not started for exercises."
    assert page.target.count() == 0


def test_nobody_asks_while_nobody_looks(page: Any, window: Any, rig: Rig) -> None:
    desk = Desk(rig)
    window.see(2.5)
    asked = desk.questions
    window.open_page("trend")
    window.see(0.6)
    asked = desk.questions
    window.see(3.0)
    assert desk.questions == asked > 0


def test_a_run_that_is_no_exercise_has_no_such_page(rig: Rig) -> None:
    assert "exercise" not in [place.key for place in places(rig.station, [])]
    rig.station.exercise.allowed = True
    assert places(rig.station, [])[-1].key == "exercise"
