"""The event loop, which renews the lease, and the scan: neither waits for the other while a large state is copied."""

import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from dcs.node import execution as module
from dcs.node.execution import Execution
from dcs.node.state_copy import StateCopy
from tests.unit.node.test_state_copy import running

PATIENCE_S = 10.0


async def apart(call: Callable[[], Any], seconds: float) -> Any:
    return call()


def start(work: Coroutine[Any, Any, None]) -> None:
    work.close()


def test_the_event_loop_waits_for_no_scan_and_for_no_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: whatever the pair asks while the scan copies its state is answered at once; a lease is 90 ms."""
    replica = running(5)
    execution = Execution(replica, apart, start)
    freeze, is_copying, may_end = replica.freeze, threading.Event(), threading.Event()

    def slowly(copy: StateCopy) -> None:
        is_copying.set()
        assert may_end.wait(PATIENCE_S)
        freeze(copy)

    def scan() -> None:
        with replica.lock:
            execution.copy()

    def loop() -> None:
        execution.note(5, b"record", b"digest")
        execution.mirror_ends()
        execution.mirror_begins(False)

    monkeypatch.setattr(replica, "freeze", slowly)
    scanning, looping = threading.Thread(target=scan), threading.Thread(target=loop)
    scanning.start()
    assert is_copying.wait(PATIENCE_S)
    looping.start()
    looping.join(PATIENCE_S / 2)
    has_waited = looping.is_alive()
    may_end.set()
    scanning.join()
    looping.join()
    assert not has_waited


def test_a_copy_that_is_not_wanted_any_more_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: the room of a copy is not used again while it is on its way to the standby."""
    monkeypatch.setattr(module, "SMALL_BYTES", 0)
    execution = Execution(running(5), apart, start)
    assert execution.snapshot() is None
    first = execution.copy_wanted()
    assert first is not None
    assert execution.copy_wanted() is None, "it was asked for once"
    execution.mirror_ends()
    assert execution.packed(*first) is None
    execution.snapshot()
    second = execution.copy_wanted()
    assert second is not None
    assert execution.packed(*first) is None
    packed = execution.packed(*second)
    assert packed is not None
    assert len(packed) > 0
