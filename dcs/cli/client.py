"""Look and act from a terminal: status, tags, get, set, ack, switchover, disturb.

Called by   ``dcs.cli.main``.
Knows       the bus of a running plant and the messages on it; nothing of engines or devices.
"""

import asyncio
import difflib
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import typer

from dcs.bus.api import Bus
from dcs.bus.commands import REPEATABLE, ask, patience_s
from dcs.bus.journal import Foreign, understood
from dcs.bus.messages import (
    EVENT_STREAM,
    AlarmInfo,
    Command,
    Event,
    Frame,
    Layout,
    NodeReport,
    Reply,
    TagInfo,
    frames_from_bytes,
    latest_subject,
    layout_subject,
    layouts_from_bytes,
    status_subject,
)
from dcs.bus.nats import connect_nats
from dcs.cli.table import table
from dcs.core.clock import WallClock, utc_text
from dcs.core.errors import ConfigError, LinkDown, Missing
from dcs.core.log import configure_logging
from dcs.core.modes import mode_name
from dcs.core.status import describe_status, is_good
from dcs.node.endpoints import Endpoints
from dcs.node.run_dirs import find_run

_TIMEOUT_S = 2.0
_TRIES, _PAUSE_S = 12, 0.25
"""Where nobody listens the bus says so at once; a takeover takes at most a second and a scan."""
_STATION = "terminal"


@dataclass(frozen=True, slots=True)
class TagReading:
    """One tag with its value now."""

    info: TagInfo
    value: float
    status: int
    time_ns: int

    def shown(self) -> str:
        """The value as a person reads it; never a number that is not known."""
        if self.value != self.value:
            return "—"
        if self.info.kind == "mode":
            return mode_name(self.value)
        if self.info.choices and 0 <= self.value < len(self.info.choices):
            return self.info.choices[int(self.value)] or str(int(self.value))
        if self.info.kind in ("bool", "int"):
            code = int(self.value)
            return (self.info.choices[code] if 0 <= code < len(self.info.choices) else "") or str(code)
        return f"{self.value:.{self.info.decimals}f}"

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``; a value that is not known is null."""
        known = self.value == self.value
        return {
            "tag": self.info.name,
            "value": self.value if known else None,
            "text": self.shown(),
            "unit": self.info.unit,
            "status": describe_status(self.status),
            "good": is_good(self.status),
            "time": utc_text(self.time_ns),
        }


class PlantClient:
    """The bus of one running plant, seen from a terminal."""

    def __init__(self, bus: Bus, endpoints: Endpoints) -> None:
        self.bus = bus
        self.endpoints = endpoints
        self.plant = endpoints.plant
        self._periods_ns: dict[str, list[int]] = {}  # of the scan classes of every pair, once its layouts are known

    async def reports(self) -> dict[str, NodeReport | None]:
        """Every node's report; None for one that does not answer."""

        async def report_of(node: str) -> NodeReport | None:
            try:
                return NodeReport.from_bytes(await self.bus.request(status_subject(self.plant, node), b"", 1.0))
            except LinkDown:
                return None

        answers = await asyncio.gather(*(report_of(node) for node in self.endpoints.nodes))
        return dict(zip(self.endpoints.nodes, answers, strict=True))

    async def layouts(self) -> list[Layout]:
        """What every pair publishes. Raises ``Missing`` when a pair has no active controller."""
        answers = [await self._ask(pair, layout_subject(self.plant, pair)) for pair in self.endpoints.pairs]
        found = [layout for answer in answers for layout in layouts_from_bytes(answer)]
        for layout in found:
            self._periods_ns.setdefault(layout.pair, []).append(layout.period_ns)
        return found

    async def frames(self) -> list[tuple[Layout, Frame]]:
        """The latest frame of every scan class of every pair, with its layout."""
        by_hash = {layout.hash: layout for layout in await self.layouts()}
        found = []
        for pair in self.endpoints.pairs:
            frames = frames_from_bytes(await self._ask(pair, latest_subject(self.plant, pair)))
            found += [(by_hash[frame.layout_hash], frame) for frame in frames if frame.layout_hash in by_hash]
        if not found:
            raise Missing("The controllers have not scanned yet. Try again in a second.")
        return found

    async def _ask(self, pair: str, subject: str) -> bytes:
        """Ask until the active answers: in the middle of a takeover there is none for a moment."""
        for _ in range(_TRIES):
            try:
                return await self.bus.request(subject, b"", _TIMEOUT_S)
            except LinkDown:
                await asyncio.sleep(_PAUSE_S)
        raise Missing(f"No active controller of pair {pair} answers. Look at `dcs status`.")

    async def readings(self) -> dict[str, TagReading]:
        """Every published tag with its value now, by name."""
        return {
            info.name: TagReading(info, float(frame.values[i]), int(frame.statuses[i]), frame.time_ns)
            for layout, frame in await self.frames()
            for i, info in enumerate(layout.tags)
        }

    async def alarms(self) -> list[tuple[AlarmInfo, int, int, float]]:
        """(alarm, state, time of the last transition into alarm, value then) of every configured alarm."""
        return [
            (info, int(row["state"]), int(row["time_ns"]), float(row["value"]))
            for layout, frame in await self.frames()
            for info, row in zip(layout.alarms, frame.alarms, strict=True)
        ]

    async def journal(self, last: int) -> tuple[list[Event], list[Foreign]]:
        """The newest lines of the durable journal, oldest first (those of a computed past came late, but were early),
        and what stands among them and is no event."""
        events, foreign = understood(await self.bus.read(EVENT_STREAM, ">", last))
        return sorted(events, key=lambda event: event.time_ns), foreign

    async def command(self, target: str, verb: str, subject: str = "", value: float | str | None = None) -> Reply:
        """Send a command to a pair or to ``field``; the answer of the one that holds the authority."""
        command = Command(secrets.token_hex(8), verb, subject, value, user="operator", station=_STATION)
        if target in self.endpoints.pairs and target not in self._periods_ns and verb in REPEATABLE:
            await self.layouts()
        try:
            return await ask(self.bus, self.plant, target, command, patience_s(self._periods_ns.get(target, ())))
        except LinkDown:
            return Reply(
                command.id, False, f"{target} did not answer. Look at `dcs status`; it is not known to be done."
            )

    def pair_of(self, layouts: list[Layout], tag: str) -> str | None:
        """The pair that publishes a tag."""
        return next((layout.pair for layout in layouts if any(info.name == tag for info in layout.tags)), None)


def with_plant(run_dir: Path | None, work: Callable[[PlantClient], Awaitable[int]]) -> int:
    """Connect to the running plant, do ``work``, leave; returns its exit code."""
    _, endpoints = find_run(run_dir)

    async def connected() -> int:
        logs = configure_logging("cli", WallClock())
        bus = await connect_nats(endpoints.bus_url, "cli", _TIMEOUT_S)
        try:
            return await work(PlantClient(bus, endpoints))
        finally:
            await bus.close()
            logs.close()

    return asyncio.run(connected())


def show_status(run_dir: Path | None, as_json: bool) -> int:
    """``dcs status``."""

    async def work(client: PlantClient) -> int:
        reports = await client.reports()
        nodes = [
            _node_dict(name, kind, reports[name], client.endpoints) for name, kind in client.endpoints.nodes.items()
        ]
        if as_json:
            print_json({"plant": client.plant, "nodes": nodes})
        else:
            _print_status(client.plant, reports, client.endpoints)
        return 0

    return with_plant(run_dir, work)


def show_tags(run_dir: Path | None, pattern: str, as_json: bool) -> int:
    """``dcs tags``."""

    async def work(client: PlantClient) -> int:
        readings = [r for name, r in (await client.readings()).items() if fnmatchcase(name.upper(), pattern.upper())]
        _print_readings(readings, as_json)
        return 0

    return with_plant(run_dir, work)


def get_tags(run_dir: Path | None, names: list[str], as_json: bool) -> int:
    """``dcs get``."""

    async def work(client: PlantClient) -> int:
        readings = await client.readings()
        for name in names:
            if name not in readings:
                raise ConfigError(unknown_tag(name, readings))
        _print_readings([readings[name] for name in names], as_json)
        return 0

    return with_plant(run_dir, work)


def write_tag(run_dir: Path | None, name: str, value: str, as_json: bool) -> int:
    """``dcs set``."""

    async def work(client: PlantClient) -> int:
        layouts = await client.layouts()
        pair = client.pair_of(layouts, name)
        if pair is None:
            raise ConfigError(unknown_tag(name, [info.name for layout in layouts for info in layout.tags]))
        return print_reply(await client.command(pair, "set", name, _number_or_text(value)), as_json)

    return with_plant(run_dir, work)


def acknowledge(run_dir: Path | None, alarm: str, as_json: bool) -> int:
    """``dcs ack``."""

    async def work(client: PlantClient) -> int:
        if alarm == "all":
            replies = [await client.command(pair, "ack_all") for pair in client.endpoints.pairs]
            return max(print_reply(reply, as_json) for reply in replies)
        alarms = {info.name: layout.pair for layout in await client.layouts() for info in layout.alarms}
        if alarm not in alarms:
            raise ConfigError(f"There is no alarm {alarm}.{nearest_tags(alarm, alarms)}")
        return print_reply(await client.command(alarms[alarm], "ack", alarm), as_json)

    return with_plant(run_dir, work)


def ask_pair(run_dir: Path | None, pair: str | None, verb: str, as_json: bool) -> int:
    """``dcs switchover`` and ``dcs standby``."""

    async def work(client: PlantClient) -> int:
        pairs = list(client.endpoints.pairs)
        if pair is None and len(pairs) != 1:
            raise ConfigError(f"Which pair? There are {', '.join(pairs)}.")
        chosen = pair or pairs[0]
        if chosen not in pairs:
            raise ConfigError(f"There is no controller pair {chosen}. There are: {', '.join(pairs)}.")
        return print_reply(await client.command(chosen, verb, chosen), as_json)

    return with_plant(run_dir, work)


def disturb_plant(run_dir: Path | None, variable: str, value: float, as_json: bool) -> int:
    """``dcs disturb``."""

    async def work(client: PlantClient) -> int:
        return print_reply(await client.command("field", "disturb", variable, value), as_json)

    return with_plant(run_dir, work)


# --- printing --------------------------------------------------------------------------------------------
def _node_dict(name: str, kind: str, report: NodeReport | None, endpoints: Endpoints) -> dict[str, Any]:
    if report is None:
        silent = asdict(NodeReport(name, kind, 0, 0, "no answer", endpoints=endpoints.of_node(name)))
        return {**silent, "name": silent.pop("node"), "pid": None}
    found = asdict(report)
    found["name"] = found.pop("node")
    return found


def _print_status(plant: str, reports: dict[str, NodeReport | None], endpoints: Endpoints) -> None:
    nodes, scans, links = [], [], []
    for name, kind in endpoints.nodes.items():
        report = reports[name]
        if report is None:
            nodes.append([name, kind, "", "", "no answer", "", ""])
            continue
        epoch = str(report.epoch) if report.pair else ""
        nodes.append([name, kind, str(report.pid), report.role, report.state, epoch, report.detail])
        scans += [
            [name, s.scan_class, f"{s.period_ms:g} ms", str(s.scans),
             f"{s.time_p50_ms:.2f} / {s.time_p99_ms:.2f} / {s.time_max_ms:.2f} ms",
             f"{s.jitter_p50_ms:.2f} / {s.jitter_p99_ms:.2f} / {s.jitter_max_ms:.2f} ms", str(s.overruns)]
            for s in report.scans if report.role != "standby"  # those would be of its last term as the active
        ]  # fmt: skip
        for link in report.links:
            trip = "" if link.round_trip_ms is None else f"{link.round_trip_ms:.1f} ms"
            links.append([name, link.name, link.kind, link.state, trip, str(link.errors), link.url, link.detail])
    print(f"Plant {plant}\n")
    print(table(["node", "kind", "pid", "role", "state", "epoch", "detail"], nodes))
    if scans:
        print(
            "\n"
            + table(["node", "class", "period", "scans", "time p50/p99/max", "jitter p50/p99/max", "overruns"], scans)
        )
    if links:
        print("\n" + table(["node", "link", "kind", "state", "round trip", "errors", "url", "detail"], links))


def _print_readings(readings: list[TagReading], as_json: bool) -> None:
    if as_json:
        print_json([reading.to_dict() for reading in readings])
        return
    rows = [[r.info.name, r.shown(), r.info.unit, describe_status(r.status), r.info.description] for r in readings]
    print(table(["tag", ">value", "unit", "status", "description"], rows))


def print_reply(reply: Reply, as_json: bool) -> int:
    if as_json:
        print_json(asdict(reply))
    else:
        print(reply.text)
    return 0 if reply.ok else 1


def print_json(data: Any) -> None:
    """JSON for a script."""
    typer.echo(json.dumps(data, indent=1, ensure_ascii=False))


def _number_or_text(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def unknown_tag(name: str, known: Any, of_running: bool = True) -> str:
    """One sentence, the nearest names, and where all of them are listed (those of a running plant)."""
    where = " `dcs tags` lists them all." if of_running else ""
    return f"There is no tag {name}.{nearest_tags(name, known)}{where}"


def nearest_tags(name: str, known: Any) -> str:
    """`` Did you mean …?``, or nothing."""
    near = difflib.get_close_matches(name.upper(), list(known), n=3)
    return f" Did you mean {' or '.join(near)}?" if near else ""
