"""A control module for every device that a controller uses, made by itself: what is known of it, and its alarm COMM.

Called by   ``dcs.config.load``, on finished strategies.
Knows       which points come from which device, and along the wires which measurements come from which points: the
            alarms BAD_PV of those are suppressed by design while their device gives no values (decision 0014).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import dcs.blocks.library  # noqa: F401  (fills BLOCK_TYPES)
from dcs.blocks.declare import BLOCK_TYPES
from dcs.config.block_check import Block
from dcs.config.problems import Problems
from dcs.config.publish import module_spec, published_tags
from dcs.config.schema import BlockSection, ModuleSection
from dcs.config.source import Document
from dcs.core.clock import NS_PER_S
from dcs.engine.strategy import ERRORS, LINK, ROUND_TRIP, AlarmSpec, BlockSpec, Channel, Link, Strategy, device_channel
from field_io.specs import DeviceSpec

ALARM = "COMM"
_BLOCK = "device"
_CHANNELS = ((LINK, "%"), (ERRORS, ""), (ROUND_TRIP, "ms"))
_SLOWEST_NS = NS_PER_S
"""A device is looked at about once a second, in the scan class that comes nearest."""


def with_device_modules(
    strategies: Mapping[str, Strategy], devices: Sequence[DeviceSpec], document: Document, problems: Problems
) -> dict[str, Strategy]:
    """The strategies of all controllers with a module for each of their devices.

    The module has the device's name; where several controllers use one device each has its own view of it, and all but
    the first call theirs ``RTU-1@C2``. A device with the name of a module goes to ``problems``.
    """
    taken = {module.name for strategy in strategies.values() for module in strategy.modules}
    for device in devices:
        if device.name in taken:
            problems.add(
                device.place,
                f"device {device.name} has the name of a module in control.yaml. Every device is a module itself, "
                "with its alarm COMM. Rename one of them.",
            )
    known: set[str] = set()
    done = {}
    for name, strategy in strategies.items():
        used = {channel.device for channel in strategy.channels}
        mine = {
            device.name if device.name not in known else f"{device.name}@{name}": device
            for device in devices
            if device.name in used and device.name not in taken
        }
        known |= {device.name for device in mine.values()}
        done[name] = _with_devices(strategy, mine, document) if mine and strategy.scan_classes else strategy
    return done


def _with_devices(strategy: Strategy, devices: Mapping[str, DeviceSpec], document: Document) -> Strategy:
    """``devices`` by the names of their modules."""
    classes = sorted(strategy.scan_classes, key=lambda one: one.period_ns)
    chosen = [one for one in classes if one.period_ns <= _SLOWEST_NS][-1:] or classes[:1]
    scan_class = chosen[0].name
    channels: list[Channel] = []
    blocks: list[BlockSpec] = []
    links: list[Link] = []
    alarms: list[AlarmSpec] = []
    tags, modules = [], []
    for name, device in devices.items():
        about = device.description or f"Device {device.name}"
        section = ModuleSection.model_validate({"description": about, "blocks": {}})
        path = ("devices", device.name)
        kind, told = BLOCK_TYPES["FIELD_DEVICE"], BlockSection.model_validate({"type": "FIELD_DEVICE"})
        block = Block(name, _BLOCK, kind, told, path, document)
        blocks.append(BlockSpec(block.name, block.type.name, scan_class, place=device.place))
        for what, unit in _CHANNELS:
            channel = device_channel(device.name, what)
            channels.append(Channel(channel, "in", unit, device.name, device.place))
            links.append(Link(channel, f"{block.name}.{what}", device.place))
        tags += published_tags([block], block, section, {})
        modules.append(module_spec(block, section, scan_class, (), {}, {}))
        if device.alarm.enable:
            alarms.append(_alarm(name, device, f"{block.name}.lost"))
    ends = [channel for channel in strategy.channels if channel.direction == "in"]
    outs = [channel for channel in strategy.channels if channel.direction != "in"]
    explained = _Explained(strategy, {device.name: device for device in devices.values()})
    return replace(
        strategy,
        channels=(*ends, *channels, *outs),
        blocks=(*strategy.blocks, *blocks),
        links=(*strategy.links, *links),
        alarms=(*(explained.alarm(alarm) for alarm in strategy.alarms), *alarms),
        tags=(*strategy.tags, *tags),
        modules=(*strategy.modules, *modules),
    )


def _alarm(module: str, device: DeviceSpec, source: str) -> AlarmSpec:
    given, name = device.alarm, device.name
    about = f" ({device.description})" if device.description else ""
    return AlarmSpec(
        name=f"{module}.{ALARM}",
        module=module,
        source=source,
        kind="ON",
        priority=given.priority,
        on_delay_s=given.on_delay_ns / NS_PER_S,
        off_delay_s=given.off_delay_ns / NS_PER_S,
        description=given.description or f"{name}{about} gives no values",
        consequence=given.consequence
        or "Everything that it measures is Bad: loops shed as configured, its outputs are not written.",
        cause=given.cause or "No power, a cable or switch, a wrong address, a device that has stopped.",
        action=given.action or f"See what `dcs status` says of {name}; check its power, its cable and {device.url}.",
        place=device.place,
    )


class _Explained:
    """Finds the devices that a measurement comes from, upstream along the wires."""

    def __init__(self, strategy: Strategy, devices: Mapping[str, DeviceSpec]) -> None:
        self._devices = devices
        self._device_of = {channel.name: channel.device for channel in strategy.channels if channel.direction == "in"}
        self._type = {block.name: BLOCK_TYPES[block.type] for block in strategy.blocks if block.type in BLOCK_TYPES}
        self._source: dict[str, str] = {}
        self._into: dict[str, list[tuple[str, str]]] = {}  # block -> (input, source)
        for link in strategy.links:
            block, _, terminal = link.target.rpartition(".")
            self._source[link.target] = link.source
            self._into.setdefault(block, []).append((terminal, link.source))

    def alarm(self, alarm: AlarmSpec) -> AlarmSpec:
        """The alarm, with its devices where it is about a bad measurement and all of them have an alarm."""
        if alarm.kind != "BAD_PV":
            return alarm
        names = sorted({self._device_of[channel] for channel in self._channels(alarm.source)})
        devices = [self._devices[name] for name in names if name in self._devices]
        if not devices or not all(device.alarm.enable for device in devices):
            return alarm
        # A device of several blocks and poll groups is known dead a little after its first value is: no impatience.
        grace_ns = max(device.poll_ns + device.timeout_ns for device in devices)
        causes = tuple(device_channel(device.name, LINK) for device in devices)
        return replace(alarm, causes=causes, grace_s=grace_ns / NS_PER_S)

    def _channels(self, terminal: str) -> set[str]:
        """Points upstream of a terminal. What comes back from below (``bkcal_in``) makes no measurement."""
        found: set[str] = set()
        seen: set[str] = set()
        todo = [terminal]
        while todo:
            here = todo.pop()
            if here in seen:
                continue
            seen.add(here)
            if here in self._device_of:
                found.add(here)
            elif here in self._source:  # an input: its wire
                todo.append(self._source[here])
            else:
                todo += self._inputs(here.rpartition(".")[0])
        return found

    def _inputs(self, block: str) -> Iterator[str]:
        kind = self._type.get(block)
        for terminal, source in self._into.get(block, ()):
            if source in self._device_of or kind is None or not kind.is_feedback(terminal):
                yield source
