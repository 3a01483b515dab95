"""A pause of Python's garbage collector while something large is made that stays.

Called by   ``dcs.config.load``: of a list of 50,000 points every object stays, and looking through them again and again
            for what could go costs a third of the time.
"""

import gc
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def collector_paused(function: Callable[P, T]) -> Callable[P, T]:
    """The same function with the collector off while it runs, if it was on."""

    @wraps(function)
    def paused(*args: P.args, **kwargs: P.kwargs) -> T:
        was_on = gc.isenabled()
        gc.disable()
        try:
            return function(*args, **kwargs)
        finally:
            if was_on:
                gc.enable()

    return paused
