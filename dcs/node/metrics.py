"""A node's figures for Prometheus: ``GET /metrics`` on a loopback port.

Called by   every node, with a function that returns its ``NodeReport``.
Knows       the report only; keeps no figures of its own, so a scrape costs nothing between scrapes.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dcs.core.errors import Missing

if TYPE_CHECKING:  # the message types load numpy, which a bus process does without
    from dcs.bus.messages import NodeReport

_REQUEST_TIMEOUT_S = 5.0
_REQUEST_LINES_MAX = 100


class _ReportCollector(Collector):
    """Turns a node report into metric families."""

    def __init__(self, make_report: "Callable[[], NodeReport]") -> None:
        self._make_report = make_report

    def collect(self) -> Iterable[Metric]:
        report = self._make_report()
        node = [report.node]
        info = GaugeMetricFamily(
            "dcs_node_info", "1, with what the node is as labels", labels=["node", "kind", "pair", "role", "state"]
        )
        info.add_metric([*node, report.kind, report.pair, report.role, report.state], 1.0)
        yield info
        if report.pair:
            yield _gauge("dcs_active", "1 while this node holds the output authority", node, report.role == "active")
            yield _gauge("dcs_epoch", "Epoch of the output authority", node, report.epoch)
            yield _gauge("dcs_sync_ratio", "Share of the state the standby has, 0 to 1", node, report.sync_pct / 100.0)
        yield from _scan_metrics(report)
        yield from _link_metrics(report)


def _gauge(name: str, text: str, node: list[str], value: float) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["node"])
    family.add_metric(node, float(value))
    return family


def _scan_metrics(report: "NodeReport") -> Iterable[Metric]:
    labels = ["node", "scan_class"]
    period = GaugeMetricFamily("dcs_scan_period_seconds", "Configured period", labels=labels)
    scans = CounterMetricFamily("dcs_scans", "Scans since the start", labels=labels)
    overruns = CounterMetricFamily("dcs_scan_overruns", "Scans that were not done in time", labels=labels)
    time = GaugeMetricFamily("dcs_scan_time_seconds", "Duration of a scan", labels=[*labels, "quantile"])
    jitter = GaugeMetricFamily("dcs_scan_jitter_seconds", "Lateness of a scan's start", labels=[*labels, "quantile"])
    for scan in report.scans:
        key = [report.node, scan.scan_class]
        period.add_metric(key, scan.period_ms / 1e3)
        scans.add_metric(key, scan.scans)
        overruns.add_metric(key, scan.overruns)
        for quantile, time_ms, jitter_ms in (
            ("0.5", scan.time_p50_ms, scan.jitter_p50_ms),
            ("0.99", scan.time_p99_ms, scan.jitter_p99_ms),
            ("1", scan.time_max_ms, scan.jitter_max_ms),
        ):
            time.add_metric([*key, quantile], time_ms / 1e3)
            jitter.add_metric([*key, quantile], jitter_ms / 1e3)
    return (period, scans, overruns, time, jitter)


def _link_metrics(report: "NodeReport") -> Iterable[Metric]:
    labels = ["node", "link", "kind"]
    up = GaugeMetricFamily("dcs_link_up", "1 while the link works", labels=labels)
    errors = CounterMetricFamily("dcs_link_errors", "Failed exchanges since the start", labels=labels)
    trip = GaugeMetricFamily("dcs_link_round_trip_seconds", "Last round trip", labels=labels)
    for link in report.links:
        key = [report.node, link.name, link.kind]
        up.add_metric(key, float(link.state == "up"))
        errors.add_metric(key, link.errors)
        if link.round_trip_ms is not None:
            trip.add_metric(key, link.round_trip_ms / 1e3)
    return (up, errors, trip)


def metrics_text(make_report: "Callable[[], NodeReport]") -> bytes:
    """One scrape in the Prometheus text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_ReportCollector(make_report))
    return generate_latest(registry)


class MetricsServer:
    """The smallest HTTP server that Prometheus is content with."""

    def __init__(self, make_report: "Callable[[], NodeReport]", host: str = "127.0.0.1", port: int = 0) -> None:
        self._make_report = make_report
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, None] = {}

    @property
    def url(self) -> str:
        """Where to scrape."""
        return f"http://{self._host}:{self._port}/metrics"

    async def start(self) -> int:
        """Listen; returns the port. Raises ``Missing`` when it is taken."""
        try:
            self._server = await asyncio.start_server(self._answer, self._host, self._port, limit=8192)
        except OSError as error:
            raise Missing(
                f"metrics: port {self._port} on {self._host} cannot be used ({error.strerror}). "
                "Stop the program that has it, or choose another port."
            ) from None
        self._port = self._server.sockets[0].getsockname()[1]
        return self._port

    async def stop(self) -> None:
        """Stop listening and drop open connections."""
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._open):
            writer.close()
        await self._server.wait_closed()
        self._server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = None
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT_S):
                writer.write(self._response(await _request_line(reader)))
                await writer.drain()
        except (OSError, TimeoutError, ValueError):
            pass  # a client that goes away or talks nonsense is its own affair
        finally:
            self._open.pop(writer, None)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _response(self, line: str) -> bytes:
        method, _, rest = line.partition(" ")
        path = rest.split(" ")[0].split("?")[0]
        if method not in ("GET", "HEAD"):
            return _http("405 Method Not Allowed", b"only GET\n")
        if path not in ("/", "/metrics"):
            return _http("404 Not Found", b"see /metrics\n")
        body = metrics_text(self._make_report)
        return _http("200 OK", body, CONTENT_TYPE_LATEST, with_body=method == "GET")


async def _request_line(reader: asyncio.StreamReader) -> str:
    """The first line of a request whose headers have been read. Raises ``ValueError`` when it is not HTTP."""
    first = (await reader.readline()).decode("latin-1").strip()
    for _ in range(_REQUEST_LINES_MAX):
        if not (await reader.readline()).strip():
            return first
    raise ValueError("too many header lines")


def _http(status: str, body: bytes, content_type: str = "text/plain", with_body: bool = True) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (body if with_body else b"")
