"""Where the machines of a chaos run stand: network namespaces where this system allows them, else one loopback.

Called by   ``dcs.bench.machines.plant``.
Knows       names of nodes and of their networks (pair, witness, bus, field). In namespaces every node has an interface
            of its own for each of them, whose other end is in the hub: there are the relays, the bus and the devices,
            and there a cable is pulled. On a loopback the relays play the cut.
Promise     whatever was made is removed by ``close``; names begin with ``dcs-chaos-<pid>``.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from dcs.core.errors import Missing

NETWORKS = ("pair", "witness", "bus", "field")
_LOOPBACK = "127.0.0.1"
_CLONE_NEWNET = 0x40000000


class Networks(Protocol):
    """The machines' way to each other."""

    kind: str

    def command(self, node: str) -> list[str]:
        """What goes before the command that starts a node on its machine."""
        ...

    def hub(self, node: str, network: str) -> str:
        """The host at which a node reaches the relays of one network."""
        ...

    def machine(self, node: str, network: str) -> str:
        """The host at which the relays reach a node."""
        ...

    def listen(self, node: str) -> str:
        """The host on which a node listens."""
        ...

    def pull(self, node: str, network: str) -> bool:
        """Pull the plug; False: it cannot be pulled here."""
        ...

    def plug(self, node: str, network: str) -> None:
        """Put it back."""
        ...

    def close(self) -> None:
        """Remove everything."""
        ...


class Loopback:
    """All on one loopback interface."""

    kind = "loopback relays"

    def command(self, node: str) -> list[str]:
        return []

    def hub(self, node: str, network: str) -> str:
        return _LOOPBACK

    def machine(self, node: str, network: str) -> str:
        return _LOOPBACK

    def listen(self, node: str) -> str:
        return _LOOPBACK

    def pull(self, node: str, network: str) -> bool:
        return False

    def plug(self, node: str, network: str) -> None:
        """Nothing was pulled."""

    def close(self) -> None:
        """Nothing was made."""


class Namespaces:
    """A network namespace for every node and one for the hub, which this process enters for good."""

    kind = "network namespaces"

    def __init__(self, nodes: Sequence[str]) -> None:
        """Raises ``Missing`` where the system does not allow it."""
        self._nodes = list(nodes)
        self._name = f"dcs-chaos-{os.getpid()}"
        self._made: list[str] = []
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY) if sys.platform == "linux" else -1
        try:
            self._build()
        except (OSError, subprocess.CalledProcessError) as error:
            detail = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
            self.close()
            raise Missing(f"network namespaces cannot be made here ({detail})") from None

    def _build(self) -> None:
        if self._home < 0 or not shutil.which("ip"):
            raise OSError("there is no command `ip`")
        for name in ("hub", *self._nodes):
            _run("ip", "netns", "add", self._of(name))
            self._made.append(name)
            _run("ip", "-n", self._of(name), "link", "set", "lo", "up")
        hub = self._of("hub")
        for i, node in enumerate(self._nodes):
            for j, network in enumerate(NETWORKS):
                near, far, inside = f"h{i}{j}", f"n{j}", self._of(node)
                _run("ip", "-n", hub, "link", "add", near, "type", "veth", "peer", "name", far, "netns", inside)
                _run("ip", "-n", hub, "address", "add", self.hub(node, network) + "/24", "dev", near)
                _run("ip", "-n", inside, "address", "add", self.machine(node, network) + "/24", "dev", far)
                _run("ip", "-n", hub, "link", "set", near, "up")
                _run("ip", "-n", inside, "link", "set", far, "up")
        handle = os.open(f"/run/netns/{hub}", os.O_RDONLY)
        try:
            _enter(handle)
        finally:
            os.close(handle)

    def command(self, node: str) -> list[str]:
        return ["ip", "netns", "exec", self._of(node)] if node in self._nodes else []

    def hub(self, node: str, network: str) -> str:
        return self._address(node, network, 1)

    def machine(self, node: str, network: str) -> str:
        return self._address(node, network, 2)

    def listen(self, node: str) -> str:
        return "0.0.0.0"

    def pull(self, node: str, network: str) -> bool:
        self._set(node, network, "down")
        return True

    def plug(self, node: str, network: str) -> None:
        self._set(node, network, "up")

    def close(self) -> None:
        if self._home >= 0:
            _enter(self._home)
            os.close(self._home)
            self._home = -1
        made, self._made = self._made, []
        for name in made:
            subprocess.run(["ip", "netns", "del", self._of(name)], capture_output=True, check=False)

    def _of(self, node: str) -> str:
        return f"{self._name}-{node}"

    def _address(self, node: str, network: str, last: int) -> str:
        return f"10.213.{16 * self._nodes.index(node) + NETWORKS.index(network)}.{last}"

    def _set(self, node: str, network: str, state: str) -> None:
        near = f"h{self._nodes.index(node)}{NETWORKS.index(network)}"
        _run("ip", "-n", self._of("hub"), "link", "set", near, state)


def choose_networks(nodes: Sequence[str], wanted: str = "auto") -> Networks:
    """``namespaces``, ``loopback``, or what this machine can (``auto``). Raises ``Missing``."""
    if wanted == "loopback" or (wanted == "auto" and not Path("/run/netns").parent.exists()):
        return Loopback()
    try:
        return Namespaces(nodes)
    except Missing:
        if wanted == "namespaces":
            raise
        return Loopback()


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, text=True, check=True)


def _enter(handle: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(handle, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "the namespace cannot be entered")
