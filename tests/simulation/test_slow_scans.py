"""Scans of many seconds: a command waits for one, and is answered, also when its holder dies meanwhile."""

from dcs.bus.commands import ask, patience_s
from dcs.bus.messages import Command
from dcs.core.clock import NS_PER_S
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from tests.support.boxes import in_box

PERIOD_S = 20.0
SLOW = (f"scan_classes.loops.period={PERIOD_S:g}s",)


def test_patience_grows_with_the_fastest_scans_alone() -> None:
    """The next scan of any class takes a command: slow analysers beside fast loops delay nobody."""
    assert patience_s([NS_PER_S, 60 * NS_PER_S]) == patience_s([NS_PER_S])
    assert patience_s([60 * NS_PER_S]) > 120.0
    assert patience_s([]) < patience_s([NS_PER_S])  # nothing is known of the pair yet


async def _just_missed(box: Box, recorder: Recorder) -> None:
    await box.run_for(100.5)  # the scan of 100 s is over: the next one is 19.5 s away
    bus = await box.peers.bus("station")
    for victim in ("", box.active("C1")):
        command = Command(f"set:{victim}", "set", "LIC-101.SP", 13.0 if victim else 12.0)
        asked = box.loop.create_task(ask(bus, box.config.name, "C1", command, patience_s([round(PERIOD_S * NS_PER_S)])))
        await box.run_for(PERIOD_S - 1.0)
        if victim:
            await box.kill(victim)
        await box.run_for(2.0 * PERIOD_S)
        assert asked.done()
        assert asked.result().ok
    assert box.controller(box.active("C1")).replica.engine.field("LIC-101.pid", "sp") == 13.0
    await bus.close()


def test_a_command_that_just_missed_a_scan_is_answered() -> None:
    """Promise: an operator of a slow plant is told what became of a command, not that nobody answers."""
    in_box(_just_missed, overrides=SLOW)


async def _by_hand(box: Box, recorder: Recorder) -> None:
    await box.run_for(100.5)
    assert (await box.command("C1", "set", "LIC-101.SP", 12.5)).ok


def test_a_script_waits_for_slow_scans_too() -> None:
    in_box(_by_hand, overrides=SLOW)
