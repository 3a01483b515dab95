"""Which address everything of one run listens on: ports written in the configuration, ports chosen at start.

Called by   the launcher (chooses free ports once, writes ``endpoints.json``), every node (reads it), the command line.
Knows       names and addresses; opens sockets only to find free ports.
"""

import json
import os
import socket
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from dcs.core.errors import Missing

FILE_NAME = "endpoints.json"


@dataclass(frozen=True)
class Endpoints:
    """Addresses of one run; a port is never 0 here."""

    plant: str
    config: str
    bus_url: str  # of a cluster: of all servers, with commas between
    nodes: dict[str, str] = field(default_factory=dict)  # name -> kind: bus | field | controller | witness
    pairs: dict[str, list[str]] = field(default_factory=dict)  # controller pair -> its members
    devices: dict[str, tuple[str, int]] = field(default_factory=dict)
    device_urls: dict[str, str] = field(default_factory=dict)  # of those that are more than modbus://host:port
    voters: dict[str, tuple[str, int]] = field(default_factory=dict)  # controllers and witnesses: pair network
    metrics: dict[str, tuple[str, int]] = field(default_factory=dict)
    title: str = ""  # of the plant, for people
    exercises: bool = False  # may nodes be killed and points be made to stick, on command?
    kept: str = ""  # where nodes keep what survives this run; "" is the run's own directory
    buses: dict[str, str] = field(default_factory=dict)  # bus node -> URL of its server
    routes: dict[str, tuple[str, int]] = field(default_factory=dict)  # of a cluster: bus node -> where others find it

    def write(self, run_dir: Path) -> None:
        """Write ``endpoints.json`` at once or not at all."""
        temporary = run_dir / (FILE_NAME + ".new")
        temporary.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        temporary.replace(run_dir / FILE_NAME)

    def of_node(self, node: str) -> dict[str, str]:
        """URLs of everything that a node serves or uses, by what it is."""
        found = {"bus": self.buses.get(node, self.bus_url)}
        if node in self.voters:
            host, port = self.voters[node]
            found["pair"] = f"udp+tcp://{host}:{port}"
        if node in self.metrics:
            host, port = self.metrics[node]
            found["metrics"] = f"http://{host}:{port}/metrics"
        if self.nodes.get(node, node) == "field":
            found |= {device: self.url_of(device) for device in self.devices}
        return found

    def url_of(self, device: str) -> str:
        """Where a device answers."""
        host, port = self.devices[device]
        return self.device_urls.get(device, f"modbus://{host}:{port}")

    @classmethod
    def read(cls, run_dir: Path) -> "Endpoints":
        """Raises ``Missing`` when this is not the directory of a run."""
        try:
            raw = json.loads((run_dir / FILE_NAME).read_text(encoding="utf-8"))
            known = {item.name for item in fields(cls)}  # a run of another version of ours may say more, or less
            raw = {name: value for name, value in raw.items() if name in known}
            for group in ("devices", "voters", "metrics", "routes"):
                raw[group] = {name: (host, port) for name, (host, port) in raw.get(group, {}).items()}
            return cls(**raw)
        except (OSError, ValueError, TypeError, AttributeError):
            raise Missing(f"{run_dir} is not the directory of a run. Start a plant with `dcs run`.") from None


class PortChooser:
    """Hands out free ports; keeps each bound until ``release``, so that no two are the same."""

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def choose(self, host: str, datagram: bool = False) -> int:
        """A port that is free for TCP (and, with ``datagram``, for UDP as well) on ``host``."""
        for _ in range(50):
            stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            stream.bind((host, 0))
            port: int = stream.getsockname()[1]
            self._held.append(stream)
            if not datagram:
                return port
            companion = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._held.append(companion)
            try:
                companion.bind((host, port))
            except OSError:
                continue
            return port
        raise Missing(f"no free port for TCP and UDP found on {host}. Close some programs and try again.")

    def release(self) -> None:
        """Free all of them for the nodes to bind."""
        for held in self._held:
            held.close()
        self._held.clear()


def is_here(url: str) -> bool:
    """Whether the host of a URL is this machine: a server of a cluster on another one is started there."""
    host = url.rpartition("/")[2].rpartition(":")[0]
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((host, 9))  # sends nothing; the way to an address of our own begins at that address
            ours, theirs = probe.getsockname()[0], probe.getpeername()[0]
    except OSError:
        return False
    return host == "0.0.0.0" or ours == theirs


def check_free(name: str, host: str, port: int) -> None:
    """Raises ``Missing`` with one clear sentence when somebody else listens on a configured port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Missing(
                f"{name}: port {port} on {host} cannot be used ({error.strerror}). "
                f"Stop the program that has it, or choose another: --set field.devices.{name}.port=auto"
            ) from None
