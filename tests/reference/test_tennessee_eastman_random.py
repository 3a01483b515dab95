"""The published generator of random numbers, to the bit, and the twelve signals that are made with it."""

import csv

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plant_models.tennessee_eastman.generator import PUBLISHED_START, next_state
from plant_models.tennessee_eastman.layout import GENERATOR, KEPT
from plant_models.tennessee_eastman.walks import WALKS, begin_walks, renew_walks, walk_value
from tests.reference.te_tables import FOLDER, table, worst


def test_the_stream_is_bit_equal_to_the_table() -> None:
    with (FOLDER / "lcg_seed4651207995.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert len(rows) == 200
    state = PUBLISHED_START
    for _, after, uniform in rows:
        state = next_state(state)
        assert state == float(after)
        assert state / 4294967296.0 == float(uniform)


@given(st.integers(0, (1 << 33) - 1))
def test_integers_give_the_bits_of_the_published_floating_remainder(state: int) -> None:
    assert next_state(state) == np.fmod(float(state) * 9228907.0, 4294967296.0)


def test_all_twelve_signals_over_twenty_hours() -> None:
    columns, reference = table("walks_all_seed4651207995")
    kept, active = np.zeros(KEPT), np.ones(20)
    kept[GENERATOR] = PUBLISHED_START
    begin_walks(kept)
    time_h, rows = 0.0, []
    for second in range(int(reference[-1, 0]) + 1):
        if second:
            time_h += 1.0 / 3600.0
        renew_walks(kept, active, time_h)
        if second % 180 == 0:
            rows.append([float(second), *(walk_value(kept, i, time_h) for i in range(WALKS))])
    off, column = worst(np.array(rows), reference, columns)
    assert off <= 1e-9, column
