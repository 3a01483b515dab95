"""How the functions of a plant are compiled, and how they find their numbers in one block of memory.

Called by   every plant module (``@kernel``) and ``plant_models.compiled`` (``parts_of``, ``sizes_of``).
Knows       Numba's cache, and the layout: one float64 array holds time, vectors and the ring of events of a plant, so
            that a snapshot is a copy and a call unpacks two arrays instead of a dozen (0.8 µs each).

With ``NUMBA_DISABLE_JIT=1`` everything here runs as plain Python.
"""

import hashlib
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numba
import numpy as np
from numba.core import config as numba_config
from numpy.typing import NDArray

from plant_models.model import Vector

Ends = NDArray[np.int64]
F = TypeVar("F", bound=Callable[..., Any])

EVENTS_KEPT = 64
"""Changes of conditions that one plant remembers until they are taken; older ones are overwritten."""

EVENT_WORDS = 4
REARM = 1e-3  # share of its range by which a state must be inside again before it counts as back


class Parts(NamedTuple):
    """Views on a plant's memory."""

    clock: Vector  # time_s, count of events, 1 = frozen because a state was not finite
    states: Vector
    inputs: Vector
    disturbances: Vector
    parameters: Vector
    outputs: Vector
    start: Vector  # the integrator's: states at the start of the step
    rates: Vector  # derivatives of the states
    slope: Vector  # the integrator's: weighted sum of derivatives
    flags: Vector  # one per condition, then one per state: it is outside its range
    events: Vector  # rows of time_s, condition, active, value
    kept: Vector  # what the plant remembers beyond its states: delay lines, analysers, generators of random numbers
    jacobian: Vector  # the stiff integrator's: matrix and pivots; empty for the others
    low: Vector  # validity range of every state
    high: Vector


def _sources_key() -> str:
    """Numba looks only at a function's own file: a cache directory named by all sources forgets none of them."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.relative_to(Path(__file__).parent).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def cache_root() -> Path:
    """``DCS_CACHE_DIR``, else the user's cache folder."""
    if chosen := os.environ.get("DCS_CACHE_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "dcs-emulator"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "dcs-emulator"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dcs-emulator"


_CACHE_DIR = str(cache_root() / f"plants-{_sources_key()}")


def kernel(function: F) -> F:
    """Compile on first call, keep the machine code between runs; division by zero gives inf, as in NumPy."""
    return _compiled(function)


def inlined(function: F) -> F:
    """A kernel that becomes part of its caller: a plant's ``Parts`` are a hundred words to pass (0.1 µs a call)."""
    return _compiled(function, forceinline=True)


def nogil(function: F) -> F:
    """A kernel for long calls from several threads at a time."""
    return _compiled(function, nogil=True)


def _compiled(function: F, **options: bool) -> F:
    before = numba_config.CACHE_DIR
    numba_config.CACHE_DIR = _CACHE_DIR
    try:
        compiled: F = numba.njit(cache=True, error_model="numpy", **options)(function)
    finally:
        numba_config.CACHE_DIR = before
    return compiled


def sizes_of(lengths: Sequence[int], conditions: int, kept: int = 0, *, stiff: bool = False) -> tuple[int, ...]:
    """Where each part of ``Parts`` ends, in words; ``lengths`` of states, inputs, disturbances, parameters, outputs."""
    states = lengths[0]
    jacobian = states * states + states if stiff else 0
    own = (states, states, states, conditions + states, EVENT_WORDS * EVENTS_KEPT, kept, jacobian, states, states)
    ends = [3]
    for length in (*lengths, *own):
        ends.append(ends[-1] + length)
    return tuple(ends)


@kernel
def parts_of(memory: Vector, ends: Ends) -> Parts:
    """The views on ``memory`` whose parts end at ``ends``."""
    return Parts(
        memory[0 : ends[0]],
        memory[ends[0] : ends[1]],
        memory[ends[1] : ends[2]],
        memory[ends[2] : ends[3]],
        memory[ends[3] : ends[4]],
        memory[ends[4] : ends[5]],
        memory[ends[5] : ends[6]],
        memory[ends[6] : ends[7]],
        memory[ends[7] : ends[8]],
        memory[ends[8] : ends[9]],
        memory[ends[9] : ends[10]],
        memory[ends[10] : ends[11]],
        memory[ends[11] : ends[12]],
        memory[ends[12] : ends[13]],
        memory[ends[13] : ends[14]],
    )


@kernel
def note(p: Parts, condition: int, active: float, value: float) -> None:
    """Condition number ``condition`` is now ``active`` (0.0 or 1.0): remember the change, if it is one."""
    if p.flags[condition] == active:
        return
    p.flags[condition] = active
    row = EVENT_WORDS * (int(p.clock[1]) % EVENTS_KEPT)
    p.events[row] = p.clock[0]
    p.events[row + 1] = condition
    p.events[row + 2] = active
    p.events[row + 3] = value
    p.clock[1] += 1.0


@inlined
def finish_step(p: Parts) -> None:
    """After a step (its time is on the clock) and what happens at its limits: the states are looked at.

    A state that leaves its range is an event. One that is not finite is an event too, and stops the plant: it stands
    where it stood before the step, and every later step leaves it there; nothing that is not a number gets out.
    """
    count = p.states.shape[0]
    first = p.flags.shape[0] - count
    inside = 0
    for i in range(count):  # the usual case first, in a loop without branches
        inside += (p.low[i] <= p.states[i]) & (p.states[i] <= p.high[i]) & (p.flags[first + i] == 0.0)
    if inside == count and p.clock[2] == 0.0:
        return
    for i in range(count):
        value = p.states[i]
        if p.low[i] <= value <= p.high[i]:
            if p.flags[first + i] != 0.0 and p.clock[2] == 0.0:
                margin = REARM * (p.high[i] - p.low[i])
                if p.low[i] + margin <= value <= p.high[i] - margin:
                    note(p, first + i, 0.0, value)
        else:
            note(p, first + i, 1.0, value)
            if not math.isfinite(value):
                p.clock[2] = 1.0
    if p.clock[2] != 0.0:
        for i in range(count):
            p.states[i] = p.start[i]
