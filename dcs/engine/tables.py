"""The plan as the driver reads it: rows of runs, and wires packed so that a signal is one step of the copying loop.

Called by   the engine when it is made, and by the C program of the benchmark.
Knows       the plan. Addresses of kernels are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dcs.core.errors import ConfigError
from dcs.engine import memory
from dcs.engine.plan import Plan


@dataclass(frozen=True, slots=True)
class Tables:
    """``rows``: per scan class (n, 7): kernel, first word, count, first wire, last wire + 1, first subject, first of
    the words to read.

    ``wires``: (m, 3): target word, source of that word, source of the word after it. ``reads``: words that steps read.
    """

    rows: tuple[NDArray[np.int64], ...]
    wires: NDArray[np.uint32]
    reads: NDArray[np.uint32]


def tables(plan: Plan, kernels: Mapping[str, int], none: int = 0) -> Tables:
    """Pack a plan; ``kernels``: address (or number) by name of type, ``none`` where a run has no kernel.

    A value and its status lie side by side in a record, so most wires fill two words; one that fills a single word
    copies the next one onto itself. Words are 32 bits wide here: half of what the loop reads is this table.
    Raises ``ConfigError`` for a plan beyond that.
    """
    if plan.words >= 2**32:
        raise ConfigError(f"controller {plan.strategy.name}: {plan.words} words of memory are too many for one plan.")
    wires: list[tuple[int, int, int]] = []
    rows: list[NDArray[np.int64]] = []
    for runs in plan.runs:
        numbered = []
        for run in runs:
            first = len(wires)
            wires += _packed(plan.links[run.gather_from : run.gather_to].tolist())
            kernel = kernels[run.type.name] if run.type else none
            numbered.append((kernel, run.at, run.count, first, len(wires), run.first_subject, run.reads_from))
        rows.append(np.array(numbered, np.int64).reshape(-1, 7))
    return Tables(tuple(rows), _in_aligned(wires).reshape(-1, 3), _in_aligned(plan.reads))


def _in_aligned(numbers: ArrayLike) -> NDArray[np.uint32]:
    """Numbers in memory of the kind that the buffer has: every scan walks through all of them, too."""
    flat = np.asarray(numbers, np.uint32).ravel()
    kept = memory.aligned_bytes(flat.nbytes).view(np.uint32)
    kept[:] = flat
    return kept


def _packed(pairs: list[list[int]]) -> list[tuple[int, int, int]]:
    found = []
    index = 0
    while index < len(pairs):
        target, source = pairs[index]
        if index + 1 < len(pairs) and pairs[index + 1][0] == target + 1:
            found.append((target, source, pairs[index + 1][1]))
            index += 2
        else:
            found.append((target, source, target + 1))
            index += 1
    return found
