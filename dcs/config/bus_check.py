"""The section ``bus`` of plant.yaml: one server, a cluster of our own, or servers of somebody else.

Called by   ``dcs.config.load``.
Knows       which numbers make a cluster, and what an address of a NATS server looks like.
"""

from dcs.config.plant_config import BusConfig
from dcs.config.problems import Problems
from dcs.config.schema import BusSection, PlantFile
from dcs.config.source import Document, KeyPath

CLUSTER_PORTS = 10_000
"""A server of a cluster talks with the others on its client port plus this, where the client port is configured."""
_PORT_MAX = 65_535


def check_bus(file: PlantFile, document: Document, problems: Problems) -> BusConfig:
    """Where the bus is."""
    section = file.bus
    urls = [section.url] if section.url else list(section.urls)
    _check_urls(section, urls, document, problems)
    _check_nodes(section, document, problems)
    hosts = tuple(section.hosts) or (section.host,) * section.nodes
    return BusConfig(
        hosts, section.port, tuple(urls), section.store, section.store_samples * 1_000_000, section.store_events
    )


def _check_urls(section: BusSection, urls: list[str], document: Document, problems: Problems) -> None:
    key = "url" if section.url else "urls"
    for number, url in enumerate(urls):
        if not url.startswith(("nats://", "tls://")):
            path: KeyPath = ("bus", "url") if section.url else ("bus", "urls", number)
            problems.add(
                document.place(path),
                f"bus: `{url}` is not the address of a NATS server. Write it as `nats://host:port`.",
            )
    if section.url and section.urls:
        problems.add(
            document.place(("bus", "urls")),
            "bus: `url` names one server and `urls` those of a cluster. Delete one or the other.",
        )
    ours = {"host", "port", "nodes", "hosts"} & section.model_fields_set
    if urls and ours:
        problems.add(
            document.place(("bus", key)),
            f"bus: with `{key}` the bus is not ours to start, so {' and '.join(sorted(ours))} "
            f"mean{'s' if len(ours) == 1 else ''} nothing. Delete one or the other.",
        )


def _check_nodes(section: BusSection, document: Document, problems: Problems) -> None:
    count = section.nodes
    if count % 2 == 0:
        problems.add(
            document.place(("bus", "nodes")),
            f"bus: a cluster of {count} nodes survives no more losses than {count - 1} would, because it works "
            f"only while more than half of them do. Write {count - 1} or {count + 1}.",
        )
    if section.hosts and len(section.hosts) != count:
        place: KeyPath = ("bus", "hosts")
        problems.add(
            document.place(place),
            f"bus: {len(section.hosts)} hosts for {count} node{'' if count == 1 else 's'}. "
            "Write one address for each node, or set `nodes` to their number.",
        )
    if len(set(section.hosts)) > 1 and not section.port:
        problems.add(
            document.place(("bus", "hosts")),
            "bus: servers on several hosts must know the port of the others. Write one, such as `port: 4222`.",
        )
    if section.hosts and "host" in section.model_fields_set:
        problems.add(
            document.place(("bus", "host")),
            "bus: `hosts` says where each node listens, so `host` means nothing. Delete one or the other.",
        )
    if count > 1 and section.port and section.port + count - 1 + CLUSTER_PORTS > _PORT_MAX:
        problems.add(
            document.place(("bus", "port")),
            f"bus: the servers of a cluster talk with each other on port + {CLUSTER_PORTS}, beyond {_PORT_MAX}. "
            f"Choose a port up to {_PORT_MAX - CLUSTER_PORTS - count + 1}, or `auto`.",
        )
