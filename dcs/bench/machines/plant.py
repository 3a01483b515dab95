"""A real plant whose nodes stand on machines of their own: each a process with its own run directory and addresses.

Called by   the chaos suite, the benchmark of takeovers.
Knows       ``dcs node``; the relays between the machines; the operator station's model, without a screen. Whoever kills
            a node here starts it again himself, at once: there is no launcher that would take it for a crash loop.
"""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from dcs.bench.machines.cables import Cable, Relay
from dcs.bench.machines.field_log import FieldLog
from dcs.bench.machines.networks import Networks
from dcs.bench.machines.station import Onlooker
from dcs.bus.messages import Event, NodeReport, event_subject, status_subject
from dcs.bus.nats import connect_nats
from dcs.cli.launch import choose_endpoints
from dcs.config.plant_config import PlantConfig
from dcs.core.errors import LinkDown, Missing
from dcs.node.checked_plant import write_checked
from dcs.node.endpoints import Endpoints, PortChooser

_READY_S = 60.0
_LOOK_S = 0.05
_STOP_S = 3.0
_TICK_S, _STALL_S = 0.005, 0.02


class Machines:
    """The nodes, the cables between them, who looks on. Use from one event loop."""

    def __init__(self, config: PlantConfig, networks: Networks, root: Path) -> None:
        self.config = config
        self.networks = networks
        self.root = root
        self.log = FieldLog()
        self.cables: dict[str, Cable] = {}
        """``pair``, ``C1A-witness``, ``C1A-bus``, ``C1A-field`` …"""
        self.events: list[Event] = []
        """What the nodes told of themselves, as it came; who cares for the last few forgets the others."""
        self.stalls: list[tuple[float, float]] = []
        """When the relays stood still, and for how long (s): then every cable was as if cut. That is our fault."""
        self._pulled: list[str] = []
        self.base = choose_endpoints(config, auto_ports=True)
        (pair,) = config.controllers
        self.members = pair.members
        assert pair.witness is not None
        self.witness = pair.witness
        self._ports = PortChooser()
        self._relays: list[tuple[Relay, str, str]] = []  # with the node and the device whose requests are noted
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._own = {node: self._addresses_of(node) for node in (*self.members, self.witness)}

    # --- laying the cables ----------------------------------------------------------------------------------
    def _addresses_of(self, node: str) -> Endpoints:
        base = self.base
        host, _, port = base.bus_url.removeprefix("nats://").rpartition(":")
        near = self._relay(node, "bus", f"{node}-bus", (host, int(port)))
        voters = {node: (self.networks.listen(node), base.voters[node][1])}
        for other in base.voters:
            if other != node:
                network = "witness" if self.witness in (node, other) else "pair"
                member = node if other == self.witness else other
                cable = "pair" if network == "pair" else f"{member}-witness"
                far = (self.networks.machine(other, network), base.voters[other][1])
                voters[other] = self._relay(node, network, cable, far, datagrams=True)
        devices = base.devices
        if node in self.members:
            devices = {
                device: self._relay(node, "field", f"{node}-field", far, device=device)
                for device, far in base.devices.items()
            }
        kept = str((self.root / node).resolve())
        bus_url = f"nats://{near[0]}:{near[1]}"
        return replace(base, bus_url=bus_url, voters=voters, devices=devices, kept=kept)

    def _relay(
        self, node: str, network: str, cable: str, far: tuple[str, int], *, datagrams: bool = False, device: str = ""
    ) -> tuple[str, int]:
        host = self.networks.hub(node, network)
        near = (host, self._ports.choose(host, datagrams))
        through = self.cables.setdefault(cable, Cable(len(self.cables)))
        self._relays.append((Relay(through, near, far, datagrams=datagrams), node, device))
        return near

    async def cut(self, *cables: str) -> None:
        """Cut them, where namespaces are by pulling their plugs."""
        for cable in cables:
            # Apart: the relays run on this event loop, and must not stand still while the system works.
            if await asyncio.to_thread(self.networks.pull, *self._plug(cable)):
                self._pulled.append(cable)
            else:
                self.cables[cable].cut()

    async def repair(self) -> None:
        """All cables as new."""
        pulled, self._pulled = self._pulled, []
        for cable in pulled:
            await asyncio.to_thread(self.networks.plug, *self._plug(cable))
        for each in self.cables.values():
            each.repair()

    def _plug(self, cable: str) -> tuple[str, str]:
        node, _, network = (f"{self.members[0]}-pair" if cable == "pair" else cable).partition("-")
        return node, network

    # --- processes ------------------------------------------------------------------------------------------
    async def start_all(self) -> None:
        """Relays, every node; returns when one controller is active and the other ready. Raises ``Missing``."""
        self._ports.release()
        for relay, node, device in self._relays:
            await relay.start((lambda n=node, d=device: self.log.ears(n, d)) if device else None)  # type: ignore[misc]
        for node in self.config.nodes:
            folder = self.root / node
            (folder / "logs").mkdir(parents=True)
            self._own.get(node, replace(self.base, kept=str(folder.resolve()))).write(folder)
            write_checked(self.config, folder)
        for node in self.config.nodes:
            self.start(node)
        self.bus = await connect_nats(self.base.bus_url, "chaos", wait_s=0.0)
        await self.bus.subscribe(event_subject(self.config.name, "*"), self._on_event)
        self.onlooker = Onlooker(self.config.name, self.bus)
        self.onlooker.start()
        self._stall_watch = asyncio.get_running_loop().create_task(self._watch_stalls())
        await self.ready()

    def start(self, node: str) -> None:
        """Start a node that does not run; no effect on one that does."""
        old = self._processes.get(node)
        if old is not None:
            if old.poll() is None:
                return
            if old.stdin is not None:
                old.stdin.close()
        folder = self.root / node
        command = [*self.networks.command(node), sys.executable, "-m", "dcs", "node", self.config.name, node]
        with (folder / "logs" / "output.log").open("ab") as output:
            self._processes[node] = subprocess.Popen(
                [*command, "--run-dir", str(folder), "--lifeline"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "DCS_STATE_DIR": str(self.root / "state")},
                start_new_session=True,
            )

    def start_dead(self) -> None:
        """Start whatever has ended."""
        for node in self.config.nodes:
            self.start(node)

    def pid(self, node: str) -> int:
        """Process id of a node."""
        return self._processes[node].pid

    def send(self, node: str, number: int) -> float:
        """Send a signal to a node; returns when (monotonic, s)."""
        self._processes[node].send_signal(number)
        return time.monotonic()

    def kill(self, node: str) -> float:
        """``kill -9``; returns when."""
        at_s = self.send(node, signal.SIGKILL)
        self._processes[node].wait()
        return at_s

    def kill_bus(self) -> float:
        """``kill -9`` of the NATS server itself."""
        children = Path(f"/proc/{self.pid('bus')}/task/{self.pid('bus')}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        return time.monotonic()

    def fill_disk(self, node: str) -> None:
        """No file of this node grows any more: as on a full disk, or with no quota left. Linux only."""
        resource.prlimit(self.pid(node), resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def make_room(self, node: str) -> None:
        """The disk has room again."""
        with contextlib.suppress(ProcessLookupError):
            unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(self.pid(node), resource.RLIMIT_FSIZE, unlimited)

    @staticmethod
    def now_s() -> float:
        """The clock of everything that is noted: monotonic, in s."""
        return time.monotonic()

    async def _watch_stalls(self) -> None:
        while True:
            before_s = self.now_s()
            await asyncio.sleep(_TICK_S)
            late_s = self.now_s() - before_s - _TICK_S
            if late_s > _STALL_S:
                self.stalls.append((before_s, late_s))

    async def _on_event(self, subject: str, payload: bytes) -> None:
        self.events.append(Event.from_bytes(payload))

    # --- how it is ------------------------------------------------------------------------------------------
    async def report(self, node: str) -> NodeReport | None:
        """A node's own report; None when it does not answer."""
        try:
            return NodeReport.from_bytes(await self.bus.request(status_subject(self.config.name, node), b"", 0.5))
        except LinkDown:
            return None

    async def ready(self, within_s: float = _READY_S) -> tuple[str, str]:
        """(active, standby), once the pair is whole. Raises ``Missing`` when it takes longer."""
        give_up_s = time.monotonic() + within_s
        found: Sequence[NodeReport | None] = ()
        while time.monotonic() < give_up_s:
            found = await asyncio.gather(*(self.report(member) for member in self.members))
            witness = await self.report(self.witness)
            states = {report.state: report.node for report in found if report}
            if {"active", "ready"} <= set(states) and witness is not None and self.onlooker.is_fresh():
                return states["active"], states["ready"]
            await asyncio.sleep(_LOOK_S)
        seen = ", ".join(f"{r.node} {r.state}" if r else "no answer" for r in found)
        raise Missing(f"the pair is not whole after {within_s:g} s ({seen}); see the logs in {self.root}")

    async def until(self, condition: Callable[[], bool], within_s: float) -> bool:
        """Wait for something; False: it did not come."""
        give_up_s = time.monotonic() + within_s
        while not condition() and time.monotonic() < give_up_s:
            await asyncio.sleep(0.01)
        return condition()

    async def stop_all(self) -> None:
        """End every process that was started here."""
        with contextlib.suppress(AttributeError, LinkDown):
            self._stall_watch.cancel()
            await self.onlooker.stop()
            await self.bus.close()
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        give_up_s = time.monotonic() + _STOP_S
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, give_up_s - time.monotonic()))
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdin is not None:
                process.stdin.close()
        for relay, _, _ in self._relays:
            relay.close()


@asynccontextmanager
async def machines(config: PlantConfig, networks: Networks) -> AsyncIterator[Machines]:
    """A plant that runs and is whole; all of it is gone afterwards, but the logs of one that had trouble stay."""
    folder = Path(tempfile.mkdtemp(prefix="dcs-chaos-"))
    plant, keeps = Machines(config, networks, folder), False
    try:
        await plant.start_all()
        yield plant
    except Missing:
        keeps = True
        raise
    finally:
        await plant.stop_all()
        if not keeps:
            shutil.rmtree(folder, ignore_errors=True)
