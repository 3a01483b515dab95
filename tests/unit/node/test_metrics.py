"""What a node shows to Prometheus."""

import asyncio
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dcs.bus.messages import LinkReport, NodeReport, ScanReport
from dcs.core.errors import Missing
from dcs.node.metrics import MetricsServer, metrics_text

SCAN = ScanReport("loops", 1000.0, 120, 3, 1.5, 2.5, 9.0, 0.1, 0.4, 2.0)
LINKS = (
    LinkReport("RTU-1", "modbus", "up", "modbus://127.0.0.1:5020", round_trip_ms=0.8, errors=2),
    LinkReport('odd "name"\\', "bus", "down", "nats://127.0.0.1:4222"),
)


def report(role: str = "active") -> NodeReport:
    return NodeReport(
        "C1A", "controller", 1, 0, "running", role, "C1", epoch=7, sync_pct=50.0, scans=(SCAN,), links=LINKS
    )


def samples(text: bytes) -> dict[tuple[str, str], float]:
    """(name, labels that are not the node) → value."""
    return {
        (sample.name, ",".join(v for k, v in sorted(sample.labels.items()) if k != "node")): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_a_scrape_has_the_figures_of_the_report() -> None:
    found = samples(metrics_text(report))
    assert found["dcs_active", ""] == 1.0
    assert found["dcs_epoch", ""] == 7.0
    assert found["dcs_sync_ratio", ""] == 0.5
    assert found["dcs_scans_total", "loops"] == 120.0
    assert found["dcs_scan_overruns_total", "loops"] == 3.0
    assert found["dcs_scan_time_seconds", "0.99,loops"] == 0.0025
    assert found["dcs_scan_jitter_seconds", "1,loops"] == 0.002
    assert found["dcs_link_up", "modbus,RTU-1"] == 1.0
    assert found["dcs_link_up", 'bus,odd "name"\\'] == 0.0
    assert found["dcs_link_errors_total", "modbus,RTU-1"] == 2.0
    assert found["dcs_link_round_trip_seconds", "modbus,RTU-1"] == 0.0008
    assert found["dcs_node_info", "controller,C1,active,running"] == 1.0


def test_each_scrape_is_fresh() -> None:
    roles = iter(("active", "standby"))
    assert [samples(metrics_text(lambda: report(next(roles))))["dcs_active", ""] for _ in range(2)] == [1.0, 0.0]


def test_a_node_without_a_pair_has_no_role() -> None:
    text = metrics_text(lambda: NodeReport("field", "field", 1, 0, "running"))
    assert b"dcs_active" not in text
    assert b"dcs_node_info" in text


def fetch(url: str, method: str = "GET") -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.system
def test_the_endpoint_answers_http() -> None:
    async def main() -> None:
        server = MetricsServer(report)
        port = await server.start()
        assert server.url == f"http://127.0.0.1:{port}/metrics"
        status, body = await asyncio.to_thread(fetch, server.url)
        assert status == 200
        assert samples(body)["dcs_epoch", ""] == 7.0
        assert (await asyncio.to_thread(fetch, server.url.replace("metrics", "else")))[0] == 404
        assert (await asyncio.to_thread(fetch, server.url, "POST"))[0] == 405
        with pytest.raises(Missing, match=rf"metrics: port {port} on 127\.0\.0\.1 cannot be used"):
            await MetricsServer(report, port=port).start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)  # an open connection does not hold it up
        writer.write(b"GET /metrics")
        await asyncio.sleep(0.05)
        async with asyncio.timeout(1.0):
            await server.stop()
        assert await reader.read() == b""
        writer.close()
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


@pytest.mark.system
def test_nonsense_does_not_end_the_endpoint() -> None:
    async def main() -> None:
        server = MetricsServer(report)
        port = await server.start()
        for nonsense in (b"\x00\xff\r\n\r\n", b"a" * 20_000, b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 200, b""):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(nonsense)
            if not nonsense:
                writer.close()
            else:
                await reader.read()
                writer.close()
        assert (await asyncio.to_thread(fetch, server.url))[0] == 200
        await server.stop()

    asyncio.run(main())
