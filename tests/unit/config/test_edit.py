"""Single values changed in a YAML text, and nothing else of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs.config.edit import Edit, edited
from dcs.config.source import parse_document
from dcs.core.errors import ConfigError

TEXT = """\
# the plant
modules:
  LIC-101:
    blocks:
      ai: {type: AI, inputs: {raw: LT-101}, xd_scale: [4, 20, mA]}   # a table row
      pid:
        type: PID
        gain: 2.0             # % of output per % of measurement
        sp: 12.3 cm
        weight: [1, 2, 3]

  # --- the next one ---
  FIC-101:
    blocks:
      pid: {type: PID}
"""
PID = ("modules", "LIC-101", "blocks", "pid")


def one(path: tuple[str | int, ...], value: str, remark: str = "", text: str = TEXT) -> list[str]:
    """The lines that differ, new ones."""
    new = edited(text, [Edit(path, value, remark)], "control.yaml")
    before = text.splitlines()
    return [line for line in new.splitlines() if line not in before]


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ((*PID, "gain"), "2.7", "        gain: 2.7             # % of output per % of measurement"),
        ((*PID, "sp"), "13.5 cm", "        sp: 13.5 cm"),
        ((*PID, "weight", 1), "2.5", "        weight: [1, 2.5, 3]"),
        ((*PID, "ti_s"), "45", "        ti_s: 45"),
        (
            ("modules", "LIC-101", "blocks", "ai", "filter_s"),
            "2",
            "      ai: {type: AI, inputs: {raw: LT-101}, xd_scale: [4, 20, mA], filter_s: 2}   # a table row",
        ),
        (("modules", "FIC-101", "blocks", "pid", "gain"), "3", "      pid: {type: PID, gain: 3}"),
    ],
)
def test_one_line_changes(path: tuple[str | int, ...], value: str, line: str) -> None:
    assert one(path, value) == [line]


def test_a_new_key_stands_at_the_end_of_its_block() -> None:
    new = edited(TEXT, [Edit((*PID, "ti_s"), "45"), Edit((*PID, "td_s"), "2")], "control.yaml")
    lines = new.splitlines()
    at = lines.index("        weight: [1, 2, 3]")
    assert lines[at + 1 : at + 5] == ["        ti_s: 45", "        td_s: 2", "", "  # --- the next one ---"]


def test_a_remark_joins_the_comment_and_a_later_one_takes_its_place() -> None:
    first = edited(TEXT, [Edit((*PID, "gain"), "2.7", "anna at OS1 2024-05-01 10:22, was 2")], "control.yaml")
    assert (
        "        gain: 2.7             # % of output per % of measurement; "
        "[gain: anna at OS1 2024-05-01 10:22, was 2]" in first.splitlines()
    )
    second = edited(first, [Edit((*PID, "gain"), "2.9", "bert, was 2.7")], "control.yaml")
    assert (
        "        gain: 2.9             # % of output per % of measurement; [gain: bert, was 2.7]" in second.splitlines()
    )
    assert one((*PID, "sp"), "13 cm", "anna, was 12.3 cm") == ["        sp: 13 cm  # [sp: anna, was 12.3 cm]"]
    assert one((*PID, "td_s"), "1", "anna, was 0") == ["        td_s: 1  # [td_s: anna, was 0]"]


def test_several_values_of_one_line_keep_their_remarks_apart() -> None:
    row = ("modules", "LIC-101", "blocks", "ai")
    new = edited(TEXT, [Edit((*row, "a"), "1", "x"), Edit((*row, "b"), "2", "y")], "control.yaml")
    line = next(line for line in new.splitlines() if "ai:" in line)
    assert line.endswith("xd_scale: [4, 20, mA], a: 1, b: 2}   # a table row; [a: x]; [b: y]")


@pytest.mark.parametrize(
    ("text", "path", "sentence"),
    [
        ("a: &x {k: 1}\nb: *x\n", ("b", "k"), "an alias"),
        ("a: {k: [1, 2]}\n", ("a", "k"), "more than one value"),
        ("a: 1\n", ("b", "k"), "there is no `b.k`"),
    ],
)
def test_what_cannot_be_edited_line_by_line_is_refused(text: str, path: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        edited(text, [Edit(path, "1")], "control.yaml")


def test_windows_line_ends_stay() -> None:
    text = TEXT.replace("\n", "\r\n")
    new = edited(text, [Edit((*PID, "ti_s"), "45", "x"), Edit((*PID, "gain"), "3", "y")], "control.yaml")
    assert new.count("\r\n") == new.count("\n") == TEXT.count("\n") + 1


@given(
    st.dictionaries(st.sampled_from(["gain", "sp", "ti_s", "td_s", "beta", "n"]), st.integers(0, 99), min_size=1),
    st.booleans(),
)
def test_what_is_written_is_what_is_read(values: dict[str, int], remark: bool) -> None:
    """Promise: whatever is edited, the file says exactly that and everything else as before."""
    edits = [Edit((*PID, key), str(value), "who, when" if remark else "") for key, value in values.items()]
    before = parse_document(TEXT, "control.yaml")
    after = parse_document(edited(TEXT, edits, "control.yaml"), "control.yaml")
    for key, value in values.items():
        assert after.get((*PID, key)) == value
        before.put((*PID, key), value, before.place(PID))
    assert after.data == before.data
