"""``dcs node``: one node of a plant in the foreground; what ``dcs run`` starts as processes."""

import asyncio
import contextlib
import gc
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from dcs.core.clock import WallClock
from dcs.core.errors import DcsError
from dcs.core.log import configure_logging
from dcs.node.endpoints import Endpoints
from dcs.node.event_loop import TALKS_TO_DEVICES, run_on_loop
from dcs.node.lifeline import hold_lifeline, install_stop_signals
from dcs.node.priority import HOLDS, WAITS, ask_for_priority
from dcs.node.run_dirs import find_run

if TYPE_CHECKING:
    from dcs.config.plant_config import PlantConfig

_log = structlog.get_logger("dcs.node")
_GOODBYE_S = 0.5
_SWITCH_INTERVAL_S = 0.0005
"""How long one thread may keep the interpreter from another: the scan's thread waits at most that long."""


def run_node(
    config_name: str, name: str, run_dir: Path | None, overrides: tuple[str, ...], lifeline: bool, verbose: bool
) -> int:
    """Run until a signal, the launcher's end, or a failure (which ends the process with its message)."""
    if run_dir is None:
        run_dir, endpoints = find_run(None)
    else:  # the bus of this run may be about to start: this node waits for it
        endpoints = Endpoints.read(run_dir)
    logs = configure_logging(name, WallClock(), run_dir, verbose=1 if verbose else 0)
    try:
        if name in endpoints.buses:
            work = _bus(name, run_dir, endpoints)
        else:
            work = _node(config_name, name, run_dir, endpoints, overrides)
        run_on_loop(_until_stopped(work, lifeline), endpoints.nodes.get(name) in TALKS_TO_DEVICES)
    except DcsError as error:
        _log.error(str(error))
        return error.exit_code
    finally:
        logs.close()
    return 0


async def _until_stopped(work: Callable[[asyncio.Event], Awaitable[None]], lifeline: bool) -> None:
    loop = asyncio.get_running_loop()
    stop = install_stop_signals(loop)
    if lifeline:
        hold_lifeline(loop, stop.set)
    await work(stop)


def _bus(name: str, run_dir: Path, endpoints: Endpoints) -> Callable[[asyncio.Event], Awaitable[None]]:
    """The bus node: light, because its process only watches the server."""

    async def work(stop: asyncio.Event) -> None:
        from dcs.node.bus_node import run_bus

        await run_bus(name, run_dir, endpoints, stop)

    return work


def _node(
    config_name: str, name: str, run_dir: Path, endpoints: Endpoints, overrides: tuple[str, ...]
) -> Callable[[asyncio.Event], Awaitable[None]]:
    async def work(stop: asyncio.Event) -> None:
        from dcs.node.assembly import build_node
        from dcs.node.checked_plant import read_checked
        from dcs.node.metrics import MetricsServer
        from dcs.node.wire_peers import WirePeers

        config = read_checked(run_dir) or _load(config_name, overrides)
        peers = WirePeers(endpoints, run_dir, config.model.seed)
        node = await build_node(config, endpoints, name, peers)
        host, port = endpoints.metrics[name]
        metrics = MetricsServer(node.report, host, port)
        await metrics.start()
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        # Measured: collections of a loaded heap pause a 10 ms loop for 100 ms; frozen, for 4 ms.
        gc.collect()
        gc.freeze()
        votes_only = endpoints.nodes[name] == "witness"
        granted = name in endpoints.voters and ask_for_priority(HOLDS if votes_only else WAITS)
        _log.info("node runs", plant=config.name, node_name=name, realtime=granted)
        running = asyncio.ensure_future(node.run())
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                _raise_first(running)
        finally:
            stopping.cancel()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await metrics.stop()
            with contextlib.suppress(TimeoutError):  # the bus may be stopping as well, and then nobody answers
                async with asyncio.timeout(_GOODBYE_S):
                    await peers.close()

    return work


def _load(config_name: str, overrides: tuple[str, ...]) -> "PlantConfig":
    from dcs.config.find import find_config
    from dcs.node.assembly import load_configuration

    return load_configuration(find_config(config_name), overrides)


def _raise_first(task: "asyncio.Future[None]") -> None:
    """A node's task group wraps what went wrong; the user wants the sentence inside."""
    try:
        task.result()
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
