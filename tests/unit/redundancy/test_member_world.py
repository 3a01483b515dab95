"""What the pair link cannot carry is told, once; the standby would otherwise stay unready and nobody know why."""

from typing import Any

from dcs.redundancy.member_world import MemberWorld
from dcs.redundancy.messages import Generation, Record, Session
from dcs.redundancy.protocol import PairConfig
from dcs.redundancy.store import MemoryStore
from dcs.redundancy.transport import LARGEST_FRAME


class Around:
    """Network and replica in one: what was sent, what was told."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.told: list[str] = []

    def send_stream(self, to: str, payload: bytes) -> None:
        self.sent.append(len(payload))

    def event(self, text: str, kind: str) -> None:
        self.told.append(text)


def test_a_scan_that_is_too_large_for_the_link_is_told_once() -> None:
    around: Any = Around()
    config = PairConfig("C1", ("A", "B"), "W")
    nothing: Any = None
    world = MemberWorld(config, "A", around, MemoryStore(), around, nothing, nothing, nothing)
    session = Session(Generation(1, 0), 1, 1, 1)
    world.send_mirror(Record(session, 1, b"", bytes(1000)))
    assert len(around.sent) == 1
    assert not around.told
    for seq in (2, 3):
        world.send_mirror(Record(session, seq, b"", bytes(LARGEST_FRAME)))
    assert len(around.sent) == 1
    (text,) = around.told
    assert "16 MiB" in text
    assert "B cannot become ready" in text
