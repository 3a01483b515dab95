"""A control module for every device that a controller uses, made by itself: what is known of it, and its alarms.

Called by   ``dcs.config.load``, on finished strategies.
Knows       which points come from which device, and along the wires which measurements come from which points: the
            alarms BAD_PV of those are suppressed by design while their device gives no values (decision 0014). What is
            redundant in a device has an alarm of its own (decision 0020).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import dcs.blocks.library  # noqa: F401  (fills BLOCK_TYPES)
from dcs.blocks.declare import BLOCK_TYPES
from dcs.config.block_check import Block
from dcs.config.device_alarm import Texts, alarm_of
from dcs.config.problems import Problems
from dcs.config.publish import module_spec, published_tags
from dcs.config.schema import BlockSection, ModuleSection
from dcs.config.source import Document, KeyPath
from dcs.core.clock import NS_PER_S
from dcs.engine.strategy import (
    ERRORS,
    LINK,
    ROUND_TRIP,
    WHOLE,
    AlarmSpec,
    BlockSpec,
    Channel,
    Link,
    ScanClass,
    Strategy,
    device_channel,
)
from field_io.specs import DeviceSpec

ALARM, REDUNDANCY_ALARM = "COMM", "REDUNDANCY"
_BLOCK, _REDUNDANCY_BLOCK = "device", "redundancy"
_CHANNELS = ((LINK, "%"), (ERRORS, ""), (ROUND_TRIP, "ms"))
_SLOWEST_NS = NS_PER_S
"""A device is looked at about once a second, in the scan class that comes nearest."""


def class_of_system_modules(scan_classes: Sequence[ScanClass]) -> str:
    """The slowest class that looks once a second, else the fastest there is. One must be there."""
    classes = sorted(scan_classes, key=lambda one: one.period_ns)
    return ([one for one in classes if one.period_ns <= _SLOWEST_NS][-1:] or classes[:1])[0].name


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
    scan_class = class_of_system_modules(strategy.scan_classes)
    channels: list[Channel] = []
    blocks: list[BlockSpec] = []
    links: list[Link] = []
    alarms: list[AlarmSpec] = []
    tags, modules = [], []
    for name, device in devices.items():
        about = device.description or f"Device {device.name}"
        section = ModuleSection.model_validate({"description": about, "blocks": {}})
        path = ("devices", device.name)
        block = _block(name, _BLOCK, "FIELD_DEVICE", path, document)
        mine, wires, more = [block], [(block, what, unit) for what, unit in _CHANNELS], {}
        if device.alarm.enable:
            alarms.append(_comm(name, device, f"{block.name}.lost"))
        if device.is_redundant:
            beside = _block(name, _REDUNDANCY_BLOCK, "DEVICE_REDUNDANCY", path, document)
            mine.append(beside)
            wires.append((beside, WHOLE, ""))
            more = {"REDUNDANCY_LOST": (beside, "LOST")}
            if device.redundancy_alarm.enable:
                alarms.append(_redundancy(name, device, f"{beside.name}.lost"))
        blocks += [BlockSpec(each.name, each.type.name, scan_class, place=device.place) for each in mine]
        for each, what, unit in wires:
            channel = device_channel(device.name, what)
            channels.append(Channel(channel, "in", unit, device.name, device.place))
            links.append(Link(channel, f"{each.name}.{what}", device.place))
        tags += published_tags([block], block, section, more)
        modules.append(module_spec(block, section, scan_class, (), {}, more))
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


def _block(module: str, name: str, kind: str, path: KeyPath, document: Document) -> Block:
    return Block(module, name, BLOCK_TYPES[kind], BlockSection.model_validate({"type": kind}), path, document)


def _comm(module: str, device: DeviceSpec, source: str) -> AlarmSpec:
    texts = Texts(
        f"{_called(device)} gives no values",
        "Everything that it measures is Bad: loops shed as configured, its outputs are not written.",
        "No power, a cable or switch, a wrong address, a device that has stopped.",
        f"See what `dcs status` says of {device.name}; check its power, its cable and {device.url}.",
    )
    return alarm_of(f"{module}.{ALARM}", source, device.alarm, texts, device.place)


def _redundancy(module: str, device: DeviceSpec, source: str) -> AlarmSpec:
    texts = Texts(
        f"{_called(device)} is no longer redundant",
        "None now. The next failure takes its points.",
        "A cable, a switch, a coupler or a card that is out; the journal names it.",
        f"See what `dcs status` says of {device.name} and have what is lost repaired. Everything goes on meanwhile.",
    )
    return alarm_of(f"{module}.{REDUNDANCY_ALARM}", source, device.redundancy_alarm, texts, device.place)


def _called(device: DeviceSpec) -> str:
    return f"{device.name} ({device.description})" if device.description else device.name


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
