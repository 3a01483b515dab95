"""When a new active begins to scan."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from dcs.core.simulated_time import SimulatedClock, run_simulated
from dcs.node.controller import Controller


@pytest.mark.parametrize("active", [True, False])
def test_a_gate_that_is_closed_for_an_instant_does_not_end_the_scans(active: bool) -> None:
    """The lease was renewed late, or a switchover is about to be given up, just when the first image is there."""

    async def main(loop: Any) -> bool:
        controller: Any = SimpleNamespace(
            _p=SimpleNamespace(field_side=SimpleNamespace(timeout_ns=0, all_tried=lambda: True)),
            _clock=SimulatedClock(loop),
            replica=SimpleNamespace(lock=threading.RLock()),
            member=SimpleNamespace(active=active, may_write=lambda now_ns: False),
            _scanning=True,
        )
        await Controller._wait_for_first_image(controller)
        return bool(controller._scanning)

    assert run_simulated(main) is active
