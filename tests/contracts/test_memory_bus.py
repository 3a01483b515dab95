"""What only the memory bus can do: the silence of a cluster that elects a leader, to the millisecond."""

import asyncio
from typing import Any

import pytest

from dcs.bus.api import STORE_TIMEOUT_S
from dcs.bus.memory import MemoryHub
from dcs.core.errors import LinkDown
from dcs.core.simulated_time import run_simulated
from tests.contracts.bus_worlds import elapsed


def test_a_stall_holds_up_what_is_durable_and_nothing_that_is_live() -> None:
    async def main(loop: Any) -> None:
        hub = MemoryHub()
        bus = hub.connect("A")
        heard: list[bytes] = []

        async def hear(subject: str, payload: bytes) -> None:
            heard.append(payload)

        await bus.subscribe("live", hear)
        hub.stall(4.5)
        bus.publish("live", b"1")
        await asyncio.sleep(0.001)
        assert heard == [b"1"]
        assert await elapsed(bus.append("s", "x", b"1", "id1")) == pytest.approx(4.5, abs=0.01)
        hub.stall(8.0)
        for work in (bus.append("s", "x", b"2", "id2"), bus.put("b", "k", b"v"), bus.get("b", "k"), bus.read("s")):
            hub.stall(8.0)
            with pytest.raises(LinkDown, match="no answer within 5 s"):
                await work
        await asyncio.sleep(8.0 - STORE_TIMEOUT_S)
        assert hub.entries("s") == [("x", b"1")]
        await bus.close()

    run_simulated(main)


def test_a_write_without_an_answer_may_be_stored_and_is_stored_once() -> None:
    async def main(loop: Any) -> None:
        hub = MemoryHub()
        bus = hub.connect("A")
        hub.stall(8.0, stores=True)
        with pytest.raises(LinkDown):
            await bus.append("s", "x", b"1", "id1")
        assert hub.entries("s") == [("x", b"1")]
        await bus.append("s", "x", b"1", "id1")
        assert hub.entries("s") == [("x", b"1")]
        await bus.close()

    run_simulated(main)
