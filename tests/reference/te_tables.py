"""The reference files of the Tennessee Eastman plant, and how a run is held against them."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]
FOLDER = Path(__file__).parent / "tennessee_eastman"


def table(name: str) -> tuple[list[str], Table]:
    """(column names, numbers) of a file."""
    with (FOLDER / f"{name}.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    return header, np.array([[float(cell) for cell in row] for row in rows])


def named(name: str) -> dict[str, float]:
    """Of a file with one number per line; a line with an index has it in its name: ``FTM_3``."""
    with (FOLDER / f"{name}.csv").open(newline="") as file:
        _, *rows = csv.reader(file)
    return {"_".join(row[:-1]): float(row[-1]) for row in rows}


def worst(run: Table, reference: Table, columns: list[str]) -> tuple[float, str]:
    """Largest difference of any column, as a share of the column's largest number, and that column."""
    assert run.shape == reference.shape
    largest = np.max(np.abs(reference), axis=0)
    off = np.max(np.abs(run - reference), axis=0) / np.where(largest > 0.0, largest, 1.0)
    assert np.all(np.isfinite(off))
    column = int(np.argmax(off))
    return float(off[column]), columns[column]
