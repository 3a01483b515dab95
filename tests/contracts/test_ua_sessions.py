"""What every OPC UA session must do, over TCP and in memory alike, against the simulated device."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dcs.core.clock import NS_PER_MS
from dcs.core.errors import LinkDown
from dcs.core.simulated_time import run_simulated
from field_io.drivers.gate import GateClosed
from field_io.drivers.links.link import LinkFaults
from field_io.drivers.opc_ua.session import Watched
from field_io.opc_ua.refusals import SessionRefused
from field_io.opc_ua.status import CODES, is_bad
from field_io.specs import OpcUaAccess, PointSpec
from tests.support.ua_bench import IT, LT, LV, NAME, POINTS, Heard, N, P, UaBench, always, spec_of, ua_bench

SPEC = spec_of(100 * NS_PER_MS, 200 * NS_PER_MS)
TIMEOUT_S = 0.2
PUBLISHING_NS = 40 * NS_PER_MS

Runner = Callable[[Callable[[UaBench], Awaitable[None]]], None]


@pytest.fixture(params=["memory", pytest.param("wire", marks=pytest.mark.system)])
def on_peer(request: pytest.FixtureRequest, tmp_path: Path) -> Runner:
    def run(scenario: Callable[[UaBench], Awaitable[None]]) -> None:
        async def main(folder: Path | None) -> None:
            async with ua_bench(SPEC, folder) as bench:
                await scenario(bench)

        if request.param == "memory":
            run_simulated(lambda loop: main(None))
        else:
            asyncio.run(main(tmp_path))

    return run


def test_values_come_with_type_code_and_source_time(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        session = await bench.connected()
        infos = await session.find()
        assert [info.type for info in infos] == ["Double", "Float", "String", "Float", "Int16", "Boolean"]
        assert not any(is_bad(info.code) for info in infos)
        before_ns = bench.clock.time_ns()
        bench.device.set_value("LT-1", 1.5)
        level, name, pump = await session.read([LT, NAME, P])
        assert (level.value, name.value, pump.value) == (1.5, "rig", False)
        assert abs(level.source_ns - before_ns) < 50 * NS_PER_MS
        bench.device.mark("LT-1", CODES["BadSensorFailure"])
        (level,) = await session.read([LT])
        assert (level.value, level.code) == (None, CODES["BadSensorFailure"])
        assert await session.ask() == ""

    on_peer(scenario)


def test_writes_arrive_in_the_nodes_own_types(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        session = await bench.connected()
        heard: list[tuple[str, float]] = []
        bench.device.on_output = lambda name, value: heard.append((name, value))
        codes = await session.write({LV: 42.5, N: -123, P: True}, always)
        assert codes == {LV: 0, N: 0, P: 0}
        assert heard == [("LV-1", 42.5), ("N-1", pytest.approx(-12.3)), ("P-1", 1.0)]
        assert [sample.value for sample in await session.read([LV, N, P])] == [42.5, -123, True]

    on_peer(scenario)


def test_what_may_not_be_written_is_refused_point_by_point(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        session = await bench.connected()
        codes = await session.write({LT: 1.0, LV: 10.0}, always)
        assert codes == {LT: CODES["BadUserAccessDenied"], LV: 0}
        assert session.connected

    on_peer(scenario)


def test_a_closed_gate_lets_nothing_out_and_is_asked_once(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        session = await bench.connected()
        with pytest.raises(GateClosed):
            await session.write({LV: 99.0}, lambda: False)
        asked: list[float] = []

        def gate() -> bool:
            asked.append(bench.device.value("LV-1"))
            return True

        await session.write({LV: 5.0}, gate)
        assert asked == [0.0], "once, and nothing had been sent before"
        assert session.connected

    on_peer(scenario)


def test_a_write_on_a_slow_cable_is_not_sent_after_the_gate_closed(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        session = await bench.connected(faults=LinkFaults(latency_s=0.03))
        still_ours = [True]
        asyncio.get_running_loop().call_later(0.01, lambda: still_ours.__setitem__(0, False))
        with pytest.raises(GateClosed):
            await session.write({LV: 99.0}, lambda: still_ours[0])
        assert bench.device.value("LV-1") == 0.0

    on_peer(scenario)


def test_a_subscription_tells_all_once_and_then_what_changes(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        session, heard = await bench.connected(), Heard()
        watched = [Watched(at, PUBLISHING_NS) for at in (LT, IT, NAME)]
        made = await session.subscribe(watched, PUBLISHING_NS, 2 * PUBLISHING_NS, heard)
        assert not any(is_bad(code) for code in made.codes)
        assert made.keep_alive_ns == 2 * PUBLISHING_NS
        await bench.until(lambda: len(heard.last) == 3, 1.0, "first values")
        assert heard.last == {LT: 1.25, IT: 12.0, NAME: "rig"}
        bench.device.set_value("LT-1", 1.75)
        await bench.until(lambda: heard.last[LT] == 1.75, 0.3, "the change")
        assert heard.messages[-1][-1][0] == LT
        quiet = len(heard.messages)
        await bench.until(lambda: len(heard.messages) >= quiet + 3, 0.6, "keep-alives")
        assert heard.messages[-1] == []
        assert (heard.losses, heard.ends) == ([], [])
        await session.unsubscribe()
        await bench.sleep(0.1)
        ended = len(heard.messages)
        bench.device.set_value("LT-1", 0.5)
        await bench.sleep(0.2)
        assert len(heard.messages) == ended

    on_peer(scenario)


def test_a_node_that_is_not_there_spoils_nothing(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        wrong = tuple(
            PointSpec(f"X-{n}", "node", type="float64", node=node)
            for n, node in enumerate(("nsu=urn:maker:rig;s=NOTHING", "nsu=urn:nobody;i=1"))
        )
        session = bench.session(spec=replace(bench.spec, points=(*POINTS, *wrong)))
        await session.connect()
        infos = await session.find()
        assert [info.code for info in infos[-2:]] == [CODES["BadNodeIdUnknown"]] * 2
        samples = await session.read(range(len(infos)))
        assert samples[LT].value == 1.25
        assert [is_bad(sample.code) for sample in samples] == [False] * 6 + [True] * 2

    on_peer(scenario)


def test_nobody_listening_is_link_down(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        bench.device.stop()
        session = bench.session()
        with pytest.raises(LinkDown, match="accepts no connection"):
            await session.connect()
        assert not session.connected
        assert not await session.knock()
        with pytest.raises(LinkDown, match="not connected"):
            await session.read([LT])
        await bench.device.start()
        assert await session.knock()

    on_peer(scenario)


def test_a_device_that_closes_is_noticed_and_keeps_its_values(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        session, heard = await bench.connected(), Heard()
        await session.subscribe([Watched(LT, PUBLISHING_NS)], PUBLISHING_NS, PUBLISHING_NS, heard)
        await session.write({LV: 42.0}, always)
        bench.device.stop()
        await bench.until(lambda: not session.connected, 0.2, "the loss")
        await bench.device.start()
        await session.connect()
        await session.find()
        assert [sample.value for sample in await session.read([LV])] == [42.0]

    on_peer(scenario)


def test_silence_ends_at_the_timeout_and_drops_the_connection(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        session = await bench.connected()
        bench.device.cut(silent=True)
        start_ns = bench.clock.monotonic_ns()
        with pytest.raises(LinkDown, match="no answer within 200 ms"):
            await session.read([LT])
        waited_s = (bench.clock.monotonic_ns() - start_ns) / 1e9
        assert 0.99 * TIMEOUT_S <= waited_s < 2 * TIMEOUT_S
        assert not session.connected, "a late answer must never meet the next request"
        assert not await session.knock()
        with pytest.raises(LinkDown, match="no answer"):
            await session.connect()

    on_peer(scenario)


def test_abort_ends_a_request_under_way_at_once(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        session = await bench.connected()
        bench.device.cut(silent=True)
        start_ns = bench.clock.monotonic_ns()
        asyncio.get_running_loop().call_later(0.02, session.abort)
        with pytest.raises(LinkDown):
            await session.write({LV: 1.0}, always)
        assert (bench.clock.monotonic_ns() - start_ns) / 1e9 < TIMEOUT_S / 2
        assert not session.connected

    on_peer(scenario)


def test_a_cut_cable_swallows_everything_and_tells_nobody(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        faults = LinkFaults()
        session = await bench.connected(faults=faults)
        other = await bench.connected("C1B")
        faults.cut = True
        with pytest.raises(LinkDown, match="no answer"):
            await session.write({LV: 9.0}, always)
        with pytest.raises(LinkDown):
            await session.connect()
        assert bench.device.value("LV-1") == 0.0
        assert [sample.value for sample in await other.read([LT])] == [1.25], "another cable to the device is whole"
        faults.cut = False
        await session.connect()
        await session.find()
        assert (await session.write({LV: 9.0}, always)) == {LV: 0}

    on_peer(scenario)


def test_latency_of_cable_and_device_add_up(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        faults = LinkFaults()
        session = await bench.connected(faults=faults)
        faults.latency_s = 0.03
        bench.device.set_latency(0.02)
        start_ns = bench.clock.monotonic_ns()
        await session.read([LT])
        assert 0.0499 <= (bench.clock.monotonic_ns() - start_ns) / 1e9 < TIMEOUT_S

    on_peer(scenario)


def test_a_server_that_wants_more_security_is_one_sentence(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        session = bench.session(spec=replace(bench.spec, opc_ua=OpcUaAccess(security="sign")))
        with pytest.raises(SessionRefused, match="offers no sign with Basic256Sha256; it offers") as refused:
            await session.connect()
        assert "\n" not in str(refused.value)

    on_peer(scenario)
