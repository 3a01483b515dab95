"""The bus node: runs the server and reports on it like every other node.

Called by   ``dcs node CONFIG bus``. Light: this process only watches.
"""

import asyncio
import os
from pathlib import Path

from dcs.bus.messages import NodeReport, node_subject, status_subject
from dcs.bus.nats import connect_nats
from dcs.core.clock import WallClock, sleep
from dcs.node.bus_server import BusServer
from dcs.node.endpoints import Endpoints
from dcs.node.metrics import MetricsServer

_PERIOD_S = 2.0


async def run_bus(run_dir: Path, endpoints: Endpoints, stop: asyncio.Event) -> None:
    """Serve until ``stop``. Raises ``Missing`` when the server cannot start, ``DcsError`` when it ends by itself."""
    host, _, port = endpoints.bus_url.removeprefix("nats://").rpartition(":")
    server = BusServer(run_dir, int(port), host)
    reporting = asyncio.ensure_future(_report(server, endpoints))
    try:
        await server.run(stop)
    finally:
        reporting.cancel()
        await asyncio.wait({reporting})


async def _report(server: BusServer, endpoints: Endpoints) -> None:
    clock = WallClock()
    host, port = endpoints.metrics["bus"]
    bus = await connect_nats(endpoints.bus_url, "bus")

    def report() -> NodeReport:
        return NodeReport(
            node="bus",
            kind="bus",
            pid=os.getpid(),
            time_ns=clock.time_ns(),
            state="running",
            endpoints={"bus": endpoints.bus_url, "metrics": f"http://{host}:{port}/metrics"},
            detail=f"nats-server, pid {server.pid}",
        )

    async def answer(subject: str, payload: bytes) -> bytes:
        return report().to_bytes()

    metrics = MetricsServer(report, host, port)
    await metrics.start()
    try:
        await bus.serve(status_subject(endpoints.plant, "bus"), answer)
        while True:
            bus.publish(node_subject(endpoints.plant, "bus"), report().to_bytes())
            await sleep(clock, _PERIOD_S)
    finally:
        await metrics.stop()
        await bus.close()
