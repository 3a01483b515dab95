"""Rows of zeros and ones in, a row out: how timing diagrams stand in the tests of the discrete blocks."""

from dcs.core.status import STATUS_BAD, STATUS_GOOD
from tests.unit.blocks.bench import OnBench


def feed(block: OnBench, scan: int, rows: dict[str, str]) -> None:
    """Inputs of one scan: 0, 1, or ? for a Bad one (which reads as 1, so that whoever looks at it is found out)."""
    for name, row in rows.items():
        letter = row[scan]
        setattr(block.record, name, 0.0 if letter == "0" else 1.0)
        setattr(block.record, f"{name}_status", STATUS_BAD if letter == "?" else STATUS_GOOD)


def trace(block: OnBench, output: str = "out", **rows: str) -> str:
    """Outputs for rows of inputs; spaces are for the eye."""
    rows = {name: row.replace(" ", "") for name, row in rows.items()}
    seen = ""
    for scan in range(len(next(iter(rows.values())))):
        feed(block, scan, rows)
        seen += str(int(getattr(block.step(), output)))
    return seen


def values(block: OnBench, output: str, **rows: str) -> list[float]:
    """The same for an output that is a number."""
    found = []
    for scan in range(len(next(iter(rows.values())))):
        feed(block, scan, rows)
        found.append(float(getattr(block.step(), output)))
    return found
