"""Real-time priority: asked for by the thread that needs it, for itself alone, and never a reason to fail."""

import os
import threading

import pytest

from dcs.node.box import Box
from dcs.node.memory_peers import MemoryPeers
from dcs.node.priority import HOLDS, WAITS, ask_for_priority
from dcs.node.recorder import Recorder
from tests.support.boxes import in_box

needs_policies = pytest.mark.skipif(not hasattr(os, "SCHED_RESET_ON_FORK"), reason="only Linux has these policies")


def _in_a_thread() -> dict[str, object]:
    """What came of asking, the policy of the thread that asked, and that of one which it has started."""
    found: dict[str, object] = {}

    def ask() -> None:
        found["granted"] = ask_for_priority(HOLDS)
        found["policy"] = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
        found["priority"] = os.sched_getparam(0).sched_priority
        child = threading.Thread(target=lambda: found.setdefault("child", os.sched_getscheduler(0)))
        child.start()
        child.join()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return found


@needs_policies
def test_the_thread_that_asks_goes_first_and_those_it_starts_do_not() -> None:
    """A full copy is made in a thread that a scan starts: it must not run before the scans."""
    before = os.sched_getscheduler(0)
    found = _in_a_thread()
    if not found["granted"]:
        pytest.skip("not granted here (needs root, CAP_SYS_NICE or RLIMIT_RTPRIO)")
    assert (found["policy"], found["priority"]) == (os.SCHED_RR, HOLDS)
    assert found["child"] == os.SCHED_OTHER
    assert os.sched_getscheduler(0) == before  # of the thread that did not ask


@needs_policies
def test_a_refusal_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, policy: int, param: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    found = _in_a_thread()
    assert not found["granted"]
    assert found["policy"] == os.SCHED_OTHER


def test_a_system_without_policies_is_told_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "SCHED_RESET_ON_FORK", raising=False)
    assert not ask_for_priority(WAITS)


def test_who_holds_the_authority_goes_before_who_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: on one machine a standby that unpacks a full copy does not cost the active its lease."""
    assert HOLDS > WAITS
    asked: list[bool] = []
    monkeypatch.setattr(MemoryPeers, "prefer", lambda peers, holds: asked.append(holds))

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30.0)
        assert asked.count(True) == 1
        asked.clear()
        assert (await box.command("C1", "switchover")).ok
        await box.run_for(5.0)
        assert asked == [False, True]

    in_box(story)
