"""A scenario file is checked whole before anything happens; what it names at run time is checked when it happens."""

from pathlib import Path

import pytest

from dcs.core.errors import ConfigError
from dcs.node.scenario import load_scenario

VERBS = "set, ack, switchover, kill, restart, cut, heal, apply, disturb, stick, free, fault, clear"
CASES = {
    "title: x\n": "`actions` is missing. Write a list of `{at: 5 min, set: {LIC-101.SP: 14}}`.",
    "actions:\n  - {set: {A: 1}}\n": f"an action needs `at` and one of {VERBS}.",
    "actions:\n  - {at: 1 s}\n": (f"an action has `at` and exactly one of {VERBS}; found nothing."),
    "actions:\n  - {at: 1 s, kill: C1A, heal: RTU-1}\n": (
        f"an action has `at` and exactly one of {VERBS}; found kill, heal."
    ),
    "# x\nlength: 3 min\nactions: []\n": "`length` is not a key of a scenario. It has title, description, actions.",
    "actions:\n  - {at: 1 s, set: 14}\n": "set takes {TAG: value}: write a tag as an operator does; found `14`.",
}


@pytest.mark.parametrize("text", CASES)
def test_a_wrong_scenario_is_refused_with_its_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    assert caught.value.message == CASES[text]
    assert caught.value.place.line == (1 if text.startswith("title") else 2)


def test_actions_happen_in_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "story.yaml"
    path.write_text("actions:\n  - {at: 2 min, kill: C1A}\n  - {at: 30 s, cut: RTU-1}\n", encoding="utf-8")
    assert [(action.at_ns, action.verb) for action in load_scenario(path).actions] == [
        (30_000_000_000, "cut"),
        (120_000_000_000, "kill"),
    ]
