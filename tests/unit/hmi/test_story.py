"""The story bar: what is wrong in the file is told with its line, what is clicked is done and reported."""

from pathlib import Path
from typing import Any

import pytest

from dcs.bus.messages import Command, Reply, command_subject
from dcs.cli.check import check_acts
from dcs.config.find import find_config
from dcs.core.errors import ConfigErrors
from dcs.node.assembly import load_configuration
from hmi.model.story import Act, Step, Story, StoryRunner
from hmi.story_file import FILE_NAME, load_story

from .conftest import Rig

ROOT = Path(__file__).resolve().parents[3]
GOOD = """\
title: Short
acts:
  - title: One
    watch: Look.
    takes: 2 min
    open: {display: overview, faceplate: LIC-101}
    do:
      - set: {LIC-101.SP: 14}
      - {after: 5 s, kill: active of C1}
      - {after: 6 s, stick: {V-101: here}}
    undo:
      - set: {LIC-101.SP: was}
      - free: V-101
"""


def checked(tmp_path: Path, text: str) -> list[str]:
    """What is wrong with the quadruple tank when this is its story."""
    from dataclasses import replace

    config = load_configuration(find_config("quadruple_tank"))
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    try:
        check_acts(replace(config, folder=tmp_path))
    except ConfigErrors as errors:
        return [str(error).replace(f"{tmp_path}/", "") for error in errors.errors]
    return []


def test_a_good_story_is_read(tmp_path: Path) -> None:
    assert checked(tmp_path, GOOD) == []
    story = load_story(tmp_path / FILE_NAME)
    (act,) = story.acts
    assert (act.title, act.watch, act.takes_s, act.display, act.faceplate) == (
        "One",
        "Look.",
        120.0,
        "overview",
        "LIC-101",
    )
    assert [(step.verb, step.subject, step.value, step.after_s) for step in act.steps] == [
        ("set", "LIC-101.SP", 14.0, 0.0),
        ("kill", "active of C1", None, 5.0),
        ("stick", "V-101", "here", 6.0),
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{LIC-101.SP: 14}", "{LIC-101.SPP: 14}", "8: there is no tag LIC-101.SPP. Did you mean `LIC-101.SP`"),
        ("{LIC-101.SP: 14}", "{LIC-101.PV: 14}", "8: LIC-101.PV cannot be written."),
        ("{LIC-101.SP: 14}", "{LIC-101.SP: [1]}", "8: set: `[1]` is neither a number nor a text."),
        ("active of C1", "active of C2", "9: there is no controller pair C2."),
        ("kill: active of C1", "kill: field", "9: there is no controller or witness field."),
        ("kill: active of C1", "cut: RTU-9", "9: there is no simulated device RTU-9. Did you mean `RTU-1`"),
        ("kill: active of C1", "disturb: {leek_1: 1}", "9: there is no disturbance leek_1. Did you mean `leak_1`"),
        ("kill: active of C1", "explode: C1", "9: an action has exactly one of set,"),
        ("after: 5 s", "after: soon", "9: after: `soon` is not a duration."),
        ("{V-101: here}", "{V-109: here}", "10: there is no simulated point V-109."),
        ("{V-101: here}", "{V-101: there}", "10: stick takes"),
        ("stick: {V-101: here}", "fault: {LT-101: bais 1}", "10: LT-101: there is no fault bais. Did you mean bias?"),
        ("stick: {V-101: here}", "fault: {LT-109: bias 1}", "10: there is no simulated point, device or cable LT-109."),
        ("stick: {V-101: here}", "fault: {LT-101: bias}", "10: LT-101: bias needs its error, in mA."),
        ("free: V-101", "free: V-100", "13: there is no simulated point V-100."),
        ("{LIC-101.SP: was}", "{LIC-102.SP: was}", "12: `was` for LIC-102.SP"),
        ("display: overview", "display: overvew", "3: there is no display overvew. Did you mean `overview`"),
        ("display: overview", "picture: overview", "6: `open` takes"),
        ("watch:", "look:", "3: an act needs `title`, `watch`"),
        ("takes: 2 min", "lasts: 2 min", "5: unknown key `lasts`."),
        ("acts:", "scenes:", "2: unknown key `scenes`."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    line, _, sentence = said.partition(": ")
    errors = [error.replace("act One: ", "") for error in checked(tmp_path, GOOD.replace(old, new, 1))]
    assert [error for error in errors if error.startswith(f"{FILE_NAME}:{line}: {sentence}")], errors


@pytest.mark.parametrize(
    "plant",
    sorted(path.parent.name for path in (ROOT / "configs").glob("*/plant.yaml") if (path.parent / FILE_NAME).is_file()),
)
def test_shipped_stories_name_what_their_plants_have(plant: str) -> None:
    config = load_configuration(find_config(plant))
    check_acts(config)
    story = load_story(config.folder / FILE_NAME)
    assert all(act.undo or any(step.verb == "kill" for step in act.steps) for act in story.acts)
    assert len({act.title for act in story.acts}) == len(story.acts)


class Others:
    """Field and launcher, as far as a story talks to them."""

    def __init__(self, rig: Rig, refuse: str = "") -> None:
        self.heard: list[tuple[str, str, str, Any]] = []
        self._refuse = refuse
        bus = rig.hub.connect("others")
        for target in ("field", "launcher"):
            rig.loop.run_until_complete(bus.serve(command_subject(rig.station.plant, target), self._serve))

    async def _serve(self, subject: str, payload: bytes) -> bytes:
        command = Command.from_bytes(payload)
        self.heard.append((subject.split(".")[-1], command.verb, command.subject, command.value))
        text = self._refuse or f"{command.subject}: {command.verb} is done"
        return Reply(command.id, not self._refuse, text).to_bytes()


def play(rig: Rig, runner: StoryRunner, seconds: float) -> None:
    for _ in range(round(seconds * 10)):
        rig.run(0.1)
        runner.tick()


ACT = Act(
    "Both",
    "Look.",
    (Step("move", "LIC-101.SP", 1.0), Step("kill", "active of C1", None, 4.0), Step("stick", "V-101", "here", 5.0)),
    (Step("set", "LIC-101.SP", "was"), Step("free", "V-101")),
)


def test_an_act_does_its_steps_in_time_and_can_be_put_back(rig: Rig) -> None:
    others = Others(rig)
    runner = StoryRunner(rig.station, Story("Short", (ACT,)))
    before = rig.station.tags.read("LIC-101.SP").value
    runner.start(ACT)
    assert runner.pending
    assert runner.state == "pending: set LIC-101.SP"
    play(rig, runner, 2.5)
    assert rig.station.tags.read("LIC-101.SP").value == before + 1.0
    assert runner.state.startswith("next: kill active of C1 in ")
    assert others.heard == []
    active = next(row.report.node for row in rig.station.nodes.rows() if row.report.role == "active")
    play(rig, runner, 4.0)
    assert others.heard == [("launcher", "kill", active, None), ("field", "stick", "V-101", None)]
    assert runner.state == "done: V-101: stick is done"
    assert 5.0 <= runner.elapsed_s <= 8.0
    assert runner.can_undo
    runner.undo()
    play(rig, runner, 2.5)
    assert rig.station.tags.read("LIC-101.SP").value == before
    assert others.heard[-1] == ("field", "free", "V-101", None)
    assert runner.state.startswith("put back: ")
    assert not runner.can_undo


def test_a_refusal_is_shown_in_the_plants_words_and_ends_the_act(rig: Rig) -> None:
    others = Others(rig, refuse="This run was not started for exercises.")
    act = Act("Kill", "Look.", (Step("kill", "C1A"), Step("stick", "V-101", 1.0, 2.0)))
    runner = StoryRunner(rig.station, Story("Short", (act,)))
    runner.start(act)
    play(rig, runner, 4.0)
    assert runner.state == "refused: This run was not started for exercises."
    assert runner.failed
    assert len(others.heard) == 1


def test_a_target_that_is_not_there_is_no_answer(rig: Rig) -> None:
    act = Act("Kill", "Look.", (Step("kill", "C1A"),))
    runner = StoryRunner(rig.station, Story("Short", (act,)))
    runner.start(act)
    play(rig, runner, 6.0)
    assert runner.state.startswith("no answer: ")


def test_the_bar_offers_acts_by_mouse_and_key(rig: Rig, qt_app: Any) -> None:
    from PySide6.QtCore import QCoreApplication, QEvent, Qt
    from PySide6.QtTest import QTest

    from hmi.model.displays import load_displays
    from hmi.theme.palette import LIGHT
    from hmi.viewmodels.sampler import Sampler
    from hmi.views.main_window import MainWindow

    from .conftest import DISPLAYS

    Others(rig)
    story = load_story(ROOT / "configs" / "quadruple_tank" / FILE_NAME)
    sampler = Sampler(rig.station)
    window = MainWindow(rig.station, sampler, load_displays(DISPLAYS), LIGHT, story)
    window.resize(1600, 900)
    window.show()
    bar = window.story
    assert bar is not None
    assert [button.text() for button in bar.buttons][:2] == ["1  Setpoint step", "2  Kill the active controller"]
    bar.buttons[0].click()
    assert window.current == "trend"
    assert window.faceplate.view.module == "LIC-101"
    assert window.trend_page.trend.tags[0] == "LIC-101.PV"
    assert "pending: set LIC-101.SP" in bar.state_text
    for _ in range(30):
        rig.run(0.1)
        sampler.tick()
    assert "done" in bar.state_text
    assert rig.station.tags.read("LIC-101.SP").value == 14.0
    bar.buttons[0].setFocus()
    QTest.keyClick(bar.buttons[0], Qt.Key.Key_Right)
    assert bar.focusWidget() is bar.buttons[1]
    window.shortcuts["F6"].activated.emit()
    assert not bar.is_open
    window.shortcuts["F6"].activated.emit()
    assert bar.is_open
    window.hide()
    window.deleteLater()
    sampler.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qt_app.processEvents()


def test_an_act_makes_anything_fail_and_puts_it_right(rig: Rig) -> None:
    others = Others(rig)
    steps = (Step("fault", "LT-101", "bias 0.5 mA"), Step("fault", "RTU-1", "silent"))
    undo = (Step("clear", "LT-101"), Step("clear", "RTU-1"))
    act = Act("Fail", "Look.", steps, undo)
    runner = StoryRunner(rig.station, Story("Story", (act,)))
    runner.start(act)
    play(rig, runner, 1.0)
    assert others.heard == [
        ("field", "fault", "LT-101", '{"kind": "bias", "value": "0.5 mA"}'),
        ("field", "fault", "RTU-1", '{"kind": "silent"}'),
    ]
    runner.undo()
    play(rig, runner, 1.0)
    assert others.heard[2:] == [("field", "clear", "LT-101", None), ("field", "clear", "RTU-1", None)]
