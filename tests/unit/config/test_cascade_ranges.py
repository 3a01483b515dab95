"""Notes on cascades whose two sides have different ranges: said, not refused."""

from pathlib import Path

import pytest

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.load import load_plant
from plant_models.model import PLANTS
from tests.unit.config.plants import Hunk, apply

PRIMARY = "LIC-101.pid (PID): `out` goes from"
BELOW = "but `cas_in` of FIC-101.pid (PID) from 0 to 40 cm3/s (`pv_scale`)"
CUT = "what is asked for beyond that is cut off (the limit is told back, so that nothing winds up)"
NEVER = "the rest of it is never asked for"


def notes_with(tank: Path, scale: str) -> list[str]:
    apply(
        Hunk("control.yaml", "        out_scale: [0, 40, cm3/s]\n        gain", f"        {scale}\n        gain"), tank
    )
    return [str(note) for note in load_plant(tank, PLANTS).notes if "goes from" in str(note)]


@pytest.mark.parametrize(
    ("scale", "ends", "happens"),
    [
        ("[0, 50, cm3/s]", "0 to 50", CUT),
        ("[0, 30, cm3/s]", "0 to 30", NEVER),
        ("[5, 50, cm3/s]", "5 to 50", f"{CUT} and {NEVER}"),
    ],
)
def test_another_range_than_that_of_the_setpoint_below_is_noted(scale, ends, happens, tank):
    """Promise: with file and line, both ranges, what happens, and what to do."""
    [note] = notes_with(tank, f"out_scale: {scale}")
    assert note == (
        f"tank/control.yaml:18: {PRIMARY} {ends} cm3/s (`out_scale`), {BELOW}: {happens}. "
        "Give both one range, unless this is meant."
    )


def test_one_range_is_not_worth_a_word(tank):
    assert notes_with(tank, "out_scale: [0, 40, cm3/s]") == []


def test_defaults_count_as_well(tank):
    """Promise: a valve in another range than the % of the controller above it."""
    apply(Hunk("control.yaml", "        type: AO\n", "        type: AO\n        pv_scale: [0, 200, '%']\n"), tank)
    notes = [str(note) for note in load_plant(tank, PLANTS).notes if "goes from" in str(note)]
    assert len(notes) == 1
    assert "FIC-101.pid (PID): `out` goes from 0 to 100 % (`out_scale`), but `cas_in` of FIC-101.ao (AO)" in notes[0]
