"""A bus node: runs its server and reports on it like every other node.

Called by   ``dcs node CONFIG bus`` (one server) or ``bus-1``, ``bus-2`` … (a cluster). Light: it only watches.
"""

import asyncio
import os
from pathlib import Path

from dcs.bus.messages import LinkReport, NodeReport, node_subject, status_subject
from dcs.bus.nats import connect_nats
from dcs.core.clock import WallClock, sleep
from dcs.node.bus_server import BusServer, Cluster, greets
from dcs.node.endpoints import Endpoints
from dcs.node.metrics import MetricsServer

_PERIOD_S = 1.0


async def run_bus(name: str, run_dir: Path, endpoints: Endpoints, stop: asyncio.Event) -> None:
    """Serve until ``stop``. Raises ``Missing`` when the server cannot start, ``DcsError`` when it ends by itself."""
    host, port = _address(endpoints.buses[name])
    server = BusServer(run_dir, port, host, name, _cluster(name, endpoints))
    reporting = asyncio.ensure_future(_Watch(name, server, endpoints).run())
    try:
        await server.run(stop)
    finally:
        reporting.cancel()
        await asyncio.wait({reporting})


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("nats://").rpartition(":")
    return host, int(port)


def _cluster(name: str, endpoints: Endpoints) -> Cluster | None:
    if name not in endpoints.routes:
        return None
    others = tuple(address for node, address in endpoints.routes.items() if node != name)
    return Cluster(endpoints.plant, endpoints.routes[name], others)


class _Watch:
    """What one bus node says of its server and of the others of its cluster."""

    def __init__(self, name: str, server: BusServer, endpoints: Endpoints) -> None:
        self._name = name
        self._server = server
        self._endpoints = endpoints
        self._clock = WallClock()
        self._answers: dict[str, bool] = dict.fromkeys(endpoints.buses, True)

    def report(self) -> NodeReport:
        """As ``dcs status`` and the page System show it."""
        endpoints, answers = self._endpoints, self._answers
        host, port = endpoints.metrics[self._name]
        alive = sum(answers.values())
        detail = f"nats-server, pid {self._server.pid}"
        if len(answers) > 1:
            detail += f"; {alive} of {len(answers)} servers answer"
        return NodeReport(
            node=self._name,
            kind="bus",
            pid=os.getpid(),
            time_ns=self._clock.time_ns(),
            state="running" if 2 * alive > len(answers) else "no majority",
            links=tuple(
                LinkReport(node, "bus", "up" if answers[node] else "down", url)
                for node, url in endpoints.buses.items()
                if node != self._name
            ),
            endpoints={"bus": endpoints.buses[self._name], "metrics": f"http://{host}:{port}/metrics"},
            detail=detail,
        )

    async def run(self) -> None:
        """Report until cancelled."""
        host, port = self._endpoints.metrics[self._name]
        bus = await connect_nats(self._endpoints.bus_url, self._name)

        async def answer(subject: str, payload: bytes) -> bytes:
            return self.report().to_bytes()

        metrics = MetricsServer(self.report, host, port)
        await metrics.start()
        try:
            await bus.serve(status_subject(self._endpoints.plant, self._name), answer)
            while True:
                buses = self._endpoints.buses  # all at once: one that does not answer takes a second
                found = await asyncio.gather(*(greets(*_address(url)) for url in buses.values()))
                self._answers.update(zip(buses, found, strict=True))
                bus.publish(node_subject(self._endpoints.plant, self._name), self.report().to_bytes())
                await sleep(self._clock, _PERIOD_S)
        finally:
            await metrics.stop()
            await bus.close()
