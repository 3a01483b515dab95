"""What an operator reads is what the plant reports; what an operator may enter is inside the limits."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs.bus.messages import AlarmInfo, TagInfo
from dcs.core.errors import ConfigError
from dcs.core.status import LIMIT_HIGH, STATUS_GOOD, UNCERTAIN, make_status
from dcs.core.value import ProcessValue
from hmi.model.displays import load_displays
from hmi.model.tags import Link, Reading
from hmi.theme.palette import DARK, LIGHT, Palette, contrast
from hmi.viewmodels.clock import PlantClock
from hmi.viewmodels.loop import LoopView
from hmi.viewmodels.pens import TrendView, pens_of
from hmi.viewmodels.places import GROUPS, Trail, places, search
from hmi.viewmodels.shown import age_text, limit_text, number_text, show

from .conftest import DISPLAYS, Rig

INFO = TagInfo("LIC-101.PV", "cm3/s", 0.0, 20.0, "", 2)


# --- numbers ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (12.345, 2, "12.35"), (-0.001, 2, "0.00"), (-1.5, 1, "−1.5"), (math.nan, 2, "—"), (math.inf, 2, "—"),
        (1234.5, 0, "1234"), (-0.0, 0, "0"), (-10.0, 0, "−10"),
    ],
)  # fmt: skip
def test_numbers_have_fixed_decimals(value: float, decimals: int, text: str) -> None:
    assert number_text(value, decimals) == text


@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_number_text_always_has_its_decimals(value: float, decimals: int) -> None:
    text = number_text(value, decimals)
    assert len(text.partition(".")[2]) == decimals
    assert text.strip("−-0.") or not text.startswith("−")


def test_ages_are_rough() -> None:
    assert [age_text(age) for age in (4.2, 99.0, 120.0, 7200.0)] == ["4 s", "99 s", "2 min", "2 h"]


def reading(status: int = STATUS_GOOD, link: Link = Link.LIVE, value: float = 5.0, age_s: float = 0.5) -> Reading:
    return Reading(ProcessValue(value, status, 1), link, age_s)


def test_good_value_is_shown_with_its_unit_and_place() -> None:
    shown = show(reading(), INFO)
    assert (shown.text, shown.unit, shown.mark, shown.struck, shown.fraction) == ("5.00", "cm³/s", "", False, 0.25)


@pytest.mark.parametrize(
    ("given_reading", "text", "mark", "struck"),
    [
        (reading(make_status(0, 5)), "5.00", "BAD", True),
        (reading(make_status(0, 6), value=math.nan), "—", "BAD", False),
        (reading(link=Link.STALE, age_s=12.0), "5.00", "12 s", False),
        (reading(link=Link.COMM), "—", "COMM", False),
        (reading(make_status(0, 5), link=Link.COMM), "—", "COMM", False),
    ],
)
def test_value_that_cannot_be_believed_is_never_drawn(
    given_reading: Reading, text: str, mark: str, struck: bool
) -> None:
    """Promise: no bar, no level, no live colour for Bad, stale or lost values."""
    shown = show(given_reading, INFO)
    assert (shown.text, shown.mark, shown.struck) == (text, mark, struck)
    assert shown.fraction is None
    assert not shown.live


def test_uncertain_is_marked_and_limited_is_told() -> None:
    shown = show(reading(make_status(UNCERTAIN, 4) | LIMIT_HIGH), INFO)
    assert (shown.mark, shown.limited, shown.live) == ("UNC", "high", True)


def test_unknown_tag_shows_nothing() -> None:
    assert show(reading(), None).text == "—"


# --- loop ---------------------------------------------------------------------------------------------------
def test_loop_as_reported(rig: Rig) -> None:
    shown = LoopView(rig.station, "LIC-101").sample()
    assert (shown.kind, shown.mode.actual, shown.mode.target, shown.mode.agrees) == ("loop", "AUTO", "AUTO", True)
    assert shown.mode.permitted == ("OOS", "MAN", "AUTO")
    assert shown.sp.text == "12.30"
    assert [tick.info.kind for tick in shown.ticks] == ["HIHI", "HI", "LO"]
    assert shown.band == (0.25, 0.8)


@pytest.mark.parametrize(
    ("text", "value", "refused", "confirm"),
    [
        ("12.8", 12.8, "", False),
        ("12,8", 12.8, "", False),
        ("20.01", None, "at most 20.00 cm", False),
        ("-1", None, "at least 0.00 cm", False),
        ("18", 18.0, "", True),
        ("abc", None, "not a number", False),
        ("nan", None, "not a number", False),
        ("inf", None, "not a number", False),
        ("", None, "not a number", False),
    ],
)
def test_entry_is_checked(rig: Rig, text: str, value: float | None, refused: str, confirm: bool) -> None:
    entry = LoopView(rig.station, "LIC-101").check("SP", text)
    assert refused in entry.refused
    assert bool(entry.refused) == bool(refused)
    assert bool(entry.confirm) == confirm
    if value is not None:
        assert entry.value == value


def test_steps_stay_inside_the_range(rig: Rig) -> None:
    view = LoopView(rig.station, "LIC-101")
    assert view.step("SP", "12.30", 1.0) == "12.40"
    assert view.step("SP", "12.30", -10.0) == "11.30"
    assert view.step("SP", "19.95", 1.0) == "20.00"
    assert view.step("SP", "0.05", -10.0) == "0.00"
    assert view.step("SP", "rubbish", 1.0) == "12.40", "steps start from the plant's value then"


def test_limits_in_force_narrow_the_range(rig: Rig) -> None:
    rig.plant.loops["LIC-101"].sp_low, rig.plant.loops["LIC-101"].sp_high = 2.0, 18.0
    rig.run(1.1)
    view = LoopView(rig.station, "LIC-101")
    assert "at most 18.00 cm" in view.check("SP", "18.01").refused
    assert "at least 2.00 cm" in view.check("SP", "1.99").refused
    assert view.step("SP", "17.95", 10.0) == "18.00"


def test_without_communication_nothing_can_be_entered(rig: Rig) -> None:
    rig.hub.cut("hmi")
    rig.run(0.5)
    assert "no communication" in LoopView(rig.station, "LIC-101").may_write("SP")


def test_mode_decides_what_may_be_written(rig: Rig) -> None:
    upper, lower = LoopView(rig.station, "LIC-101"), LoopView(rig.station, "FIC-101")
    assert upper.may_write("SP") == ""
    assert "MAN" in upper.may_write("OUT")
    assert "cascade" in lower.may_write("SP")
    assert LoopView(rig.station, "V-101").may_write("OUT") == ""
    assert LoopView(rig.station, "LI-103").may_write("SP")


def test_mode_that_differs_from_its_target_names_both_and_the_reason(rig: Rig) -> None:
    rig.station.write("FIC-101.MODE", "AUTO")
    rig.run(2.1)
    mode = LoopView(rig.station, "LIC-101").mode()
    assert (mode.actual, mode.target, mode.agrees) == ("IMAN", "AUTO", False)
    assert mode.reason == "the block below does not follow"
    rig.plant.emit("system", "LIC-101.MODE", "LIC-101.MODE Auto → IMan: FIC-101 not in Cas", old="Auto", new="IMan")
    rig.run(1.1)
    assert LoopView(rig.station, "LIC-101").mode().reason == "FIC-101 not in Cas"


def test_pending_entries_are_shown_as_pending(rig: Rig) -> None:
    rig.station.write("LIC-101.SP", 13.0)
    rig.station.write("LIC-101.MODE", "MAN")
    shown = LoopView(rig.station, "LIC-101").sample()
    assert (shown.sp_pending, shown.sp.text) == ("13.00", "12.30")
    assert (shown.mode.pending, shown.mode.actual) == ("MAN", "AUTO")


def test_unknown_module_shows_nothing(rig: Rig) -> None:
    shown = LoopView(rig.station, "NO-SUCH").sample()
    assert not shown.pv.live
    assert not shown.mode.permitted


# --- trend window ---------------------------------------------------------------------------------------------
def test_window_is_live_until_panned_and_live_again_at_now(rig: Rig) -> None:
    trend = TrendView(rig.station, ("LIC-101.PV",))
    start_s, end_s = trend.window()
    assert end_s > trend.now_s() > start_s
    trend.pan(-300.0)
    assert not trend.live
    held = trend.window()
    rig.run(5.0)
    assert trend.window() == held, "a picture that was moved stays where it is"
    trend.pan(1000.0)
    assert trend.live


def test_zoom_keeps_the_time_under_the_cursor(rig: Rig) -> None:
    trend = TrendView(rig.station, ("LIC-101.PV",))
    trend.pan(-300.0)
    start_s, end_s = trend.window()
    around_s = start_s + 0.25 * (end_s - start_s)
    trend.zoom(0.5, around_s)
    new_start_s, new_end_s = trend.window()
    assert new_end_s - new_start_s == pytest.approx(0.5 * (end_s - start_s))
    assert (around_s - new_start_s) / (new_end_s - new_start_s) == pytest.approx(0.25)


def test_pens_of_a_loop_are_pv_sp_out(rig: Rig) -> None:
    assert pens_of(rig.station, "LIC-101") == ("LIC-101.PV", "LIC-101.SP_WRK", "LIC-101.OUT")
    assert pens_of(rig.station, "LI-103") == ("LI-103.PV",)
    trend = TrendView(rig.station, pens_of(rig.station, "LIC-101"))
    assert not trend.add("LIC-101.PV")
    assert trend.add("LI-103.PV")
    assert [pen.unit for pen in trend.pens()] == ["cm", "cm", "cm3/s", "cm"]


# --- places -------------------------------------------------------------------------------------------------
def test_places_and_search(rig: Rig) -> None:
    found = places(rig.station, load_displays(DISPLAYS))
    assert [place.key for place in found] == [
        "display:overview", "group:0", "trend", "alarms", "abnormal", "journal", "system",
    ]  # fmt: skip
    assert "LIC-101" in found[0].modules
    assert search(rig.station, found, "lic 101")[0].key == "LIC-101"
    assert search(rig.station, found, "tank 3")[0].key == "LI-103"
    assert search(rig.station, found, "jour")[0].key == "journal"
    assert search(rig.station, found, "zzz") == []


def test_many_groups_stand_below_one_entry(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmi.viewmodels.places.GROUP_SIZE", 2)
    found = places(rig.station, [])
    groups = [place for place in found if place.key.startswith("group:")]
    assert len(groups) == 5
    assert {place.parent for place in groups} == {GROUPS}
    assert found[0].key == GROUPS
    assert set(found[0].modules) == {module for place in groups for module in place.modules}
    assert all(hit.key != GROUPS for hit in search(rig.station, found, ""))


def test_trail_goes_back_and_forward() -> None:
    trail = Trail()
    for key in ("a", "b", "b", "c"):
        trail.visit(key)
    assert (trail.back(), trail.back(), trail.back()) == ("b", "a", None)
    assert trail.forward() == "b"
    trail.visit("d")
    assert trail.forward() is None
    assert trail.back() == "b"


def test_simulated_clock_is_marked_with_its_speed(rig: Rig) -> None:
    clock = PlantClock(rig.station)
    assert not clock.simulated
    rig.plant.clock_note = "simulated x10"
    rig.run(1.1)
    assert clock.simulated
    assert clock.text().startswith("SIM ×10")
    assert rig.station.tags.pace == 10.0


# --- theme --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda p: p.name)
def test_text_and_markers_have_contrast(palette: Palette) -> None:
    """Text 4.5:1, symbols 3:1 (WCAG AA); a marker may get it from its outline."""
    for ground in (palette.background, palette.panel, palette.raised):
        for ink in (palette.text, palette.dim, palette.live):
            assert contrast(ink, ground) >= 4.5, (ink, ground)
        for colour in palette.priority:
            assert max(contrast(colour, ground), contrast(palette.priority_edge, ground)) >= 3.0
    for colour, ink in zip(palette.priority, palette.priority_text, strict=True):
        assert contrast(colour, ink) >= 4.5, (colour, ink)
    for pen in palette.pens:
        assert contrast(pen, palette.raised) >= 3.0, pen


# --- displays -----------------------------------------------------------------------------------------------
def test_shipped_drawing_binds_to_the_plant(rig: Rig) -> None:
    (display,) = load_displays(DISPLAYS)
    assert display.missing_tags(rig.station.tags.names(), rig.station.tags.modules) == []


def test_absent_folder_has_no_displays(tmp_path: Path) -> None:
    assert load_displays(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("yaml_text", "line", "words"),
    [
        ("title: X\nbindings:\n  - {element: nope, kind: value, tag: A.PV}\n", 3, "no element with the id `nope`"),
        ("title: X\nbindings:\n  - {element: a, kind: bubble, tag: A.PV}\n", 3, "unknown kind `bubble`"),
        ("title: X\nbindings:\n  - {element: a, kind: value}\n", 3, "needs a `tag`"),
        ("title: X\nbindings:\n  - {element: a, kind: value, tag: A, colour: red}\n", 3, "unknown key `colour`"),
        ("title: X\ncolour: red\nbindings: []\n", 2, "unknown key `colour`"),
        ("title: X\nbindings:\n  - {element: a, kind: trend, tag: A, normal: [5, 1]}\n", 3, "two numbers"),
        ("title: X\ndrawing: none.svg\n", 0, "cannot be read"),
        ("title: X\nbindings:\n  - {element: a, kind: link}\n", 3, "needs a `display`"),
        ("title: X\nbindings:\n  - {element: a, kind: link, display: e}\n", 3, "no display `e` in this folder"),
        ("title: [\n", 2, "not YAML"),
        ("just text\n", 0, "has the keys"),
        ("title: X\nbindings:\n  - what\n", 3, "names an `element`"),
    ],
)
def test_wrong_display_names_file_line_and_remedy(tmp_path: Path, yaml_text: str, line: int, words: str) -> None:
    (tmp_path / "d.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><rect id="a"/></svg>')
    (tmp_path / "d.yaml").write_text(yaml_text)
    with pytest.raises(ConfigError) as caught:
        load_displays(tmp_path)
    assert words in str(caught.value)
    assert caught.value.place.line == line
    assert str(caught.value).startswith(str(tmp_path))


def test_binding_to_an_unknown_tag_is_an_error_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "d.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><rect id="a"/></svg>')
    (tmp_path / "d.yaml").write_text("title: X\nbindings:\n  - {element: a, kind: value, tag: X.PV}\n")
    (error,) = load_displays(tmp_path)[0].missing_tags({"A.PV"}, {"A"})
    assert error.place.line == 3
    assert "X.PV" in str(error)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("HI", "> 16.00"), ("LO", "< 16.00"), ("ROC", "> 16.00"), ("ON", ""), ("OFF", ""), ("BAD_PV", "")],
)
def test_a_state_has_no_limit(kind: str, text: str) -> None:
    """Promise: an alarm on a state or on quality shows no number that could be taken for a limit."""
    assert limit_text(AlarmInfo("M-101.FAILED", "M-101.FAIL", kind, 2, 16.0), sign=True) == text
