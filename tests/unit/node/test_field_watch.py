"""What the journal hears of a device: that it is lost, and that it answers again; nothing of what we did ourselves."""

from types import SimpleNamespace
from typing import Any

import pytest

from dcs.core.simulated_time import SimulatedClock, SimulatedLoop, run_simulated
from dcs.node.field_watch import FieldWatch


class Face:
    node = "C1A"

    def __init__(self) -> None:
        self.told: list[str] = []

    def event(self, kind: str, subject: str, text: str) -> None:
        self.told.append(text)

    def publish_report(self) -> None:
        pass


def driver(name: str) -> Any:
    return SimpleNamespace(
        spec=SimpleNamespace(name=name, points=[]),
        contact=SimpleNamespace(is_lost=False, changed=None),
        state="up",
        errors=0,
        answered_ns=0,
        degraded=False,
        reached=lambda now_ns: True,
        report=lambda: SimpleNamespace(detail="192.0.2.1:502 accepts no connection"),
    )


LOST, ANSWERS = "C1A: RTU-1 does not answer: 192.0.2.1:502 accepts no connection", "C1A: RTU-1 answers again"


@pytest.mark.parametrize(
    ("is_lost", "told"),
    [(True, [LOST, ANSWERS]), (False, [])],
    ids=["the last attempt had no answer", "we dropped the connection and make it anew"],
)
def test_only_a_device_that_is_lost_does_not_answer(is_lost: bool, told: list[str]) -> None:
    async def main(loop: SimulatedLoop) -> None:
        clock, face, rtu = SimulatedClock(loop), Face(), driver("RTU-1")
        watch = FieldWatch([rtu], face, clock, lambda view: None, lambda: None)  # type: ignore[arg-type]
        running = loop.create_task(watch.run())
        await clock.sleep_until(2_500_000_000)
        rtu.state, rtu.contact.is_lost = "down", is_lost
        await clock.sleep_until(4_500_000_000)
        rtu.state, rtu.contact.is_lost = "up", False
        await clock.sleep_until(6_500_000_000)
        running.cancel()
        assert face.told == told

    run_simulated(main)
