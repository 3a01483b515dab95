"""A node ends when it is asked to, and when its launcher is gone.

Called by   the start of every node process.
Knows       signals; a pipe on stdin that the launcher holds open (its end means that the launcher is dead, on every
            system); on Linux also the kernel's parent-death signal.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable

GRACE_S = 2.0
"""How long an orderly stop may take after the launcher died; then the process ends at once."""
EXIT_LIFELINE = 70

_PR_SET_PDEATHSIG = 1


def install_stop_signals(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """An event that SIGINT or SIGTERM sets (Windows: Ctrl-C, Ctrl-Break). A second Ctrl-C ends the process at once."""
    stop = asyncio.Event()
    interrupts = 0

    def on_signal(number: int) -> None:
        nonlocal interrupts
        interrupts += number == signal.SIGINT
        # Only a person is impatient: when the launcher dies, SIGTERM may come once for each of its threads.
        if interrupts > 1:
            os._exit(128 + signal.SIGINT)
        stop.set()

    if sys.platform == "win32":
        for number in (signal.SIGINT, signal.SIGBREAK):
            signal.signal(number, lambda found, _: loop.call_soon_threadsafe(on_signal, found))
    else:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal, number)
    return stop


def die_with_parent(number: int | None = None) -> None:
    """Ask the kernel for a signal (SIGTERM unless another is given) when the parent dies; does nothing off Linux."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):  # another libc: the pipe on stdin does the work alone
        ctypes.CDLL(None, use_errno=True).prctl(
            _PR_SET_PDEATHSIG, signal.SIGTERM if number is None else number, 0, 0, 0
        )


def hold_lifeline(loop: asyncio.AbstractEventLoop, on_lost: Callable[[], None]) -> None:
    """Call ``on_lost`` in the loop when the launcher is gone; after ``GRACE_S`` more the process ends, come what may.

    Reads stdin in a daemon thread, because no event loop can watch a pipe on every system.
    """
    descriptor = sys.__stdin__.fileno() if sys.__stdin__ is not None else 0
    threading.Thread(target=_watch, args=(descriptor, loop, on_lost), name="lifeline", daemon=True).start()
    die_with_parent()


def _watch(descriptor: int, loop: asyncio.AbstractEventLoop, on_lost: Callable[[], None]) -> None:
    with contextlib.suppress(OSError):
        while os.read(descriptor, 64):
            pass
    with contextlib.suppress(RuntimeError):  # the loop is closed: the process is about to end anyway
        loop.call_soon_threadsafe(on_lost)
    threading.Event().wait(GRACE_S)
    os._exit(EXIT_LIFELINE)
