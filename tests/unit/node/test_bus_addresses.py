"""Which servers of a cluster are started here, and where each listens."""

import re
import shutil
from pathlib import Path

from dcs.cli.launch import choose_endpoints
from dcs.config.find import find_config
from dcs.node.assembly import load_configuration
from dcs.node.endpoints import Endpoints, is_here


def endpoints_of(tmp_path: Path, bus: str) -> Endpoints:
    """Addresses of the quadruple tank with that section ``bus``."""
    folder = tmp_path / "tank"
    shutil.copytree(find_config("quadruple_tank"), folder)
    plant = folder / "plant.yaml"
    text = re.sub(r"^bus:.*$", f"bus: {bus}", plant.read_text(encoding="utf-8"), flags=re.MULTILINE)
    plant.write_text(text, encoding="utf-8")
    return choose_endpoints(load_configuration(folder), auto_ports=True)


def test_servers_that_share_a_host_count_their_ports_up(tmp_path: Path) -> None:
    found = endpoints_of(tmp_path, "{nodes: 3, port: 21422}")
    assert found.buses == {f"bus-{n}": f"nats://127.0.0.1:{21421 + n}" for n in (1, 2, 3)}
    assert found.routes == {f"bus-{n}": ("127.0.0.1", 31421 + n) for n in (1, 2, 3)}
    assert found.bus_url == ",".join(found.buses.values())
    found.write(tmp_path)
    assert Endpoints.read(tmp_path) == found


def test_servers_on_hosts_of_their_own_have_the_same_port(tmp_path: Path) -> None:
    found = endpoints_of(tmp_path, "{nodes: 3, port: 21422, hosts: [127.0.0.1, 198.51.100.2, 198.51.100.3]}")
    assert found.buses["bus-3"] == "nats://198.51.100.3:21422"
    assert [is_here(url) for url in found.buses.values()] == [True, False, False]


def test_an_existing_cluster_has_no_node_here(tmp_path: Path) -> None:
    urls = ["nats://198.51.100.1:4222", "nats://198.51.100.2:4222", "nats://198.51.100.3:4222"]
    found = endpoints_of(tmp_path, f"{{urls: {urls}}}")
    assert found.bus_url == ",".join(urls)
    assert found.buses == {}
    assert "bus" not in found.nodes
