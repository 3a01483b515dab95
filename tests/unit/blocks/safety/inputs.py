"""Safety blocks on the bench: wired inputs from letters, lines of the journal by code."""

from typing import Any

from dcs.core.status import STATUS_BAD, STATUS_GOOD
from tests.unit.blocks.bench import OnBench

LETTERS = {"H": (1.0, STATUS_GOOD), "T": (0.0, STATUS_GOOD), "h": (1.0, STATUS_BAD), "t": (0.0, STATUS_BAD)}
"""Healthy, tripped; in small letters Bad and stuck there (de-energise to trip)."""


def wired(text: str, count: int, name: str = "inp") -> dict[str, Any]:
    """Fields of ``count`` inputs of which the first are as the letters say and the rest is not wired."""
    values = [LETTERS[letter] for letter in text]
    rest = count - len(text)
    return {
        name: [value for value, _ in values] + [0.0] * rest,
        f"{name}_status": [status for _, status in values] + [STATUS_BAD] * rest,
        f"{name}_linked": [1] * len(text) + [0] * rest,
    }


def voter(text: str, m: int, kind: str = "VOTER_D", **values: Any) -> OnBench:
    """A discrete voter with these inputs."""
    return OnBench(kind, elapsed_s=1.0, m=m, **{**wired(text, 8), **values})


def set_inputs(block: OnBench, text: str) -> None:
    """Change the inputs of a voter."""
    for name, value in wired(text, len(block.inp)).items():
        setattr(block, name, value)


def taken(block: OnBench) -> list[tuple[int, int]]:
    """Lines for the journal (code, what it is about) since the last call, as the kernel takes them."""
    lines = [(code, int(value)) for code, value in zip(block.event, block.event_value, strict=True) if code != 0]
    block.event = [0] * len(block.event)
    return lines
