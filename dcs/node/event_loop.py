"""The event loop of a process: uvloop for nodes whose work is talking to devices, where it is installed.

Called by   ``dcs node``, the benchmarks of the field I/O.
Why         measured (decision 0012): a Modbus request costs our client about half the CPU time that it costs on
            asyncio's own loop. It is no part of the promise: without uvloop (Windows has none) everything works.
"""

import asyncio
import importlib
import importlib.util
from collections.abc import Coroutine
from typing import Any

TALKS_TO_DEVICES = ("field", "controller")
"""Kinds of nodes."""


def has_fast_loop() -> bool:
    """True where uvloop is installed."""
    return importlib.util.find_spec("uvloop") is not None


def run_on_loop(work: Coroutine[Any, Any, None], fast: bool) -> None:
    """``asyncio.run``; ``fast``: on uvloop where there is one."""
    if not (fast and has_fast_loop()):
        asyncio.run(work)
        return
    with asyncio.Runner(loop_factory=importlib.import_module("uvloop").new_event_loop) as runner:
        runner.run(work)
