"""``dcs run`` and ``dcs demo``: all nodes of a plant as processes on this machine, and the operator station.

Knows       the order: check everything, choose ports, start, watch, stop. Nothing is started before all is checked.
"""

import asyncio
import contextlib
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from dcs.bus.nats import connect_nats
from dcs.cli.check import check_pictures
from dcs.cli.client import PlantClient
from dcs.cli.options import duration_option, speed_option
from dcs.cli.status_line import status_line
from dcs.config.bus_check import CLUSTER_PORTS
from dcs.config.find import find_config
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import NS_PER_S, WallClock, sleep
from dcs.core.errors import ConfigError, DcsError
from dcs.core.log import configure_logging
from dcs.node.assembly import load_configuration, node_kind
from dcs.node.checked_plant import write_checked
from dcs.node.endpoints import Endpoints, PortChooser, check_free, is_here
from dcs.node.face import NodeFace
from dcs.node.launcher_desk import LauncherDesk
from dcs.node.lifeline import install_stop_signals
from dcs.node.past import Past
from dcs.node.past_store import lay_out, past_of
from dcs.node.run_dirs import kept_for, new_run_dir
from dcs.node.supervisor import ProcessSpec, ProcessStatus, Supervisor
from dcs.node.warm import ensure_warm
from dcs.node.wire_peers import file_keep
from field_io.specs import with_backups
from hmi.probe import display_available

_HMI = "hmi"
_LINE_PERIOD_S = 1.0
_LINES_APART = 25  # where progress cannot be rewritten in place


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of the command as they were given."""

    config: str
    headless: bool
    duration: str | None
    sets: tuple[str, ...]
    run_dir: Path | None
    auto_ports: bool
    verbose: bool
    fresh: bool = False
    past: bool = False  # begin with the past that the configuration asks for
    speed: str = "1"
    exercises: bool = False  # nodes may be killed and points made to stick on command


def run_plant(options: RunOptions) -> int:
    """Check, start, watch, stop; 0 when it ran as asked, 1 when a node was given up."""
    with ThreadPoolExecutor(1) as meanwhile:  # asking the display costs a second; checking and compiling need it too
        display = None if options.headless else meanwhile.submit(display_available)
        config = load_configuration(find_config(options.config), options.sets)
        check_pictures(config)
        duration_ns = duration_option("--for", options.duration) if options.duration else None
        if speed_option(options.speed) is None:
            raise ConfigError("--speed max: nobody can follow that. Write a number, such as 10, or see dcs simulate.")
        _warm_cache(config)
        past = _past(config) if options.past else None
        headless = display is None or not _tell_display(*display.result())
    if options.speed != "1":
        from dcs.cli.paced_demo import run_paced

        if headless:
            raise ConfigError("--speed shows the plant to somebody: it needs the operator station. See dcs simulate.")
        return run_paced(config, past, options.speed, options.duration)
    clock = WallClock()
    endpoints = choose_endpoints(config, options.auto_ports)
    run_dir = new_run_dir(config.name, clock, options.run_dir)
    private = options.fresh or options.run_dir is not None
    kept = kept_for(config.name, config.folder, run_dir, private=private)
    endpoints = replace(endpoints, kept=str(kept.resolve()), exercises=options.exercises)
    if past is not None:
        lay_out(past, config, partial(file_keep, kept), clock.time_ns())
    endpoints.write(run_dir)
    write_checked(config, run_dir)
    logs = configure_logging("launcher", clock, run_dir, verbose=1 if options.verbose else 0)
    try:
        return asyncio.run(_run(config, endpoints, run_dir, headless, duration_ns, options))
    finally:
        logs.close()


def _tell_display(available: bool, reason: str) -> bool:
    if not available:
        print(f"No operator station: {reason}. The plant runs without one.", flush=True)
    return available


def _warm_cache(config: PlantConfig) -> None:
    told = False

    def tell(text: str) -> None:
        nonlocal told
        if not told:
            print("Compiling function blocks and plant models (only the first time, about 20 s) …", flush=True)
            told = True

    ensure_warm(config, tell)


class _Progress:
    """One line, rewritten in place on a terminal; elsewhere a line now and then."""

    def __init__(self) -> None:
        self._in_place = sys.stdout.isatty()
        self._calls = 0

    def tell(self, text: str) -> None:
        if self._in_place:
            print(f"\r{text:<78}", end="", flush=True)
        elif self._calls % _LINES_APART == 0:
            print(text, flush=True)
        self._calls += 1

    def end(self) -> None:
        """What follows begins on a line of its own."""
        if self._in_place and self._calls:
            print(flush=True)


def _past(config: PlantConfig) -> Past | None:
    progress = _Progress()
    try:
        return past_of(config, progress.tell)
    finally:
        progress.end()


def choose_endpoints(config: PlantConfig, auto_ports: bool) -> Endpoints:
    """Every address of the run. Raises ``Missing`` when a configured port is taken."""
    chooser = PortChooser()
    voters = list(dict.fromkeys(n for c in config.controllers for n in (*c.members, c.witness) if n))
    kinds = {name: node_kind(config, name) for name in config.nodes}
    if config.bus.urls:
        del kinds["bus"]
    try:
        devices, urls = {}, {}
        for device in with_backups(config.devices):
            port = device.port
            if device.simulate and (auto_ports or not port):
                port = chooser.choose(device.host)
            elif device.simulate:
                check_free(device.name, device.host, port)
            devices[device.name] = (device.host, port)
            if not device.is_modbus:
                urls[device.name] = replace(device, port=port).url
        buses, routes = {}, {}
        for number, name in enumerate(config.bus.nodes if not config.bus.urls else ()):
            host = config.bus.hosts[number]
            port = config.bus.port + config.bus.hosts[:number].count(host) if config.bus.port else chooser.choose(host)
            buses[name] = f"nats://{host}:{port}"
            if len(config.bus.nodes) > 1:
                routes[name] = (host, port + CLUSTER_PORTS if config.bus.port else chooser.choose(host))
        return Endpoints(
            plant=config.name,
            title=config.title,
            config=str(config.folder.resolve()),
            bus_url=",".join(config.bus.urls or buses.values()),
            buses=buses,
            routes=routes,
            nodes=kinds,
            pairs={c.name: list(c.members) for c in config.controllers},
            devices=devices,
            device_urls=urls,
            voters={name: ("127.0.0.1", chooser.choose("127.0.0.1", datagram=True)) for name in voters},
            metrics={name: ("127.0.0.1", chooser.choose("127.0.0.1")) for name in kinds},
        )
    finally:
        chooser.release()


async def _run(
    config: PlantConfig,
    endpoints: Endpoints,
    run_dir: Path,
    headless: bool,
    duration_ns: int | None,
    options: RunOptions,
) -> int:
    clock = WallClock()
    stop = install_stop_signals(asyncio.get_running_loop())
    told = _Told(stop)
    supervisor = Supervisor(_specs(config, endpoints, run_dir, headless, options), run_dir, clock, told.tell)
    _say_hello(config, endpoints, run_dir)
    bus = await connect_nats(endpoints.bus_url, "launcher", wait_s=0.0)
    face = NodeFace(endpoints.plant, "launcher", bus, clock, os.getpid(), {})
    stop_nodes = asyncio.Event()
    running = asyncio.ensure_future(supervisor.run(stop_nodes))
    told.journal = face

    async def kill(node: str) -> None:
        supervisor.kill(node, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)

    await LauncherDesk(face, endpoints.nodes, kill, endpoints.exercises).open()
    helpers = [
        asyncio.ensure_future(_stop_after(clock, duration_ns, stop)),
        asyncio.ensure_future(face.outbox.run()),
    ]
    if headless:
        helpers.append(asyncio.ensure_future(_show_line(PlantClient(bus, endpoints), run_dir, clock)))
    try:
        await asyncio.wait({running, asyncio.ensure_future(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        for helper in helpers:  # before the nodes: a bus that stops on purpose is no news
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        await bus.close()
    finally:
        stop_nodes.set()
        await running
    failed = [status.name for status in supervisor.statuses() if status.state == "failed"]
    print(f"\nStopped. Logs and data: {run_dir}", flush=True)
    if failed:
        print(f"Given up: {', '.join(failed)}. See {run_dir / 'logs'}.", file=sys.stderr)
        return DcsError.exit_code
    return 0


class _Told:
    """Console and journal hear what the supervisor tells; an operator station that was closed ends the run."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self.journal: NodeFace | None = None

    def tell(self, status: ProcessStatus) -> None:
        if status.name == _HMI and status.state == "ended":
            if status.exit_code not in (0, None):
                print(f"The operator station ended with exit code {status.exit_code}.", file=sys.stderr)
            self._stop.set()
        elif status.state == "failed":
            print(f"\n{status.name}: {status.detail}", file=sys.stderr, flush=True)
            self._note(status.name, f"{status.name} was given up: {status.detail.splitlines()[0]}")
        elif status.state == "restarting":
            text = f"{status.name} ended ({status.detail}); it is started again"
            print(f"\n{text}.", flush=True)
            self._note(status.name, text)

    def _note(self, node: str, text: str) -> None:
        if self.journal is not None:
            self.journal.event("system", node, text)


def _specs(
    config: PlantConfig, endpoints: Endpoints, run_dir: Path, headless: bool, options: RunOptions
) -> list[ProcessSpec]:
    common = ["--run-dir", str(run_dir.resolve()), "--lifeline"]
    sets = [part for one in options.sets for part in ("--set", one)]
    specs = [
        ProcessSpec(name, kind, ("-m", "dcs", "node", endpoints.config, name, *common, *sets))
        for name, kind in endpoints.nodes.items()
        if name not in endpoints.buses or is_here(endpoints.buses[name])
    ]
    if not headless:
        specs.append(ProcessSpec(_HMI, "hmi", ("-m", "dcs", "hmi", *common), restart=False))
    return specs


def _say_hello(config: PlantConfig, endpoints: Endpoints, run_dir: Path) -> None:
    print(f"{config.title}: {', '.join(endpoints.nodes)}")
    for name in endpoints.devices:
        print(f"  {name}: {endpoints.url_of(name)}")
    print(f"  run directory: {run_dir}")
    if Path(endpoints.kept) != run_dir.resolve():
        print(f"  settings kept from run to run: {endpoints.kept} (start anew with --fresh)")
    print("  look from another terminal: dcs status, dcs tags, dcs alarms, dcs hmi. Stop with Ctrl-C.", flush=True)


async def _stop_after(clock: WallClock, duration_ns: int | None, stop: asyncio.Event) -> None:
    if duration_ns is not None:
        await sleep(clock, duration_ns / NS_PER_S)
        stop.set()


async def _show_line(client: PlantClient, run_dir: Path, clock: WallClock) -> None:
    """Headless: one live line, rewritten in place on a terminal."""
    print(f"  attach an operator station where there is a display: dcs hmi --run-dir {run_dir}", flush=True)
    in_place = sys.stdout.isatty()
    width = 0
    while True:
        with contextlib.suppress(DcsError):
            line = await status_line(client)
            width = max(width, len(line))
            print(f"\r{line:<{width}}" if in_place else line, end="" if in_place else "\n", flush=True)
        await sleep(clock, _LINE_PERIOD_S if in_place else 5 * _LINE_PERIOD_S)
