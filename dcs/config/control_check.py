"""control.yaml against block declarations and field points: one strategy per controller.

Called by   ``dcs.config.load``.
Knows       which block is on which controller and in which scan class; the parts are in ``block_check``, ``wiring``,
            ``loops``, ``publish`` and ``alarm_check``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import dcs.blocks.library  # noqa: F401  (fills BLOCK_TYPES)
from dcs.blocks.declare import BLOCK_TYPES
from dcs.config.alarm_check import check_alarms
from dcs.config.block_check import Block, check_parameters
from dcs.config.loops import check_loops
from dcs.config.monitors import monitor_of
from dcs.config.problems import Problems, did_you_mean
from dcs.config.publish import MoreParts, module_spec, more_parts, published_tags
from dcs.config.schema import AlarmsFile, ControlFile, ModuleSection
from dcs.config.source import Document
from dcs.config.wiring import Names, Wiring
from dcs.engine.strategy import AlarmSpec, BlockSpec, Channel, Link, ScanClass, Strategy
from field_io.specs import DeviceSpec, PointSpec


@dataclass
class Module:
    """A module while it is being checked."""

    name: str
    section: ModuleSection
    scan_class: str
    controller: str
    blocks: dict[str, Block] = field(default_factory=dict)
    main: Block | None = None
    more: MoreParts = field(default_factory=dict)


UNUSED_NAMED = 100
"""So many points that nothing uses are named one by one: a long list is read before its modules are written."""


class ControlCheck:
    """Builds the strategies; what is wrong goes to ``problems``."""

    def __init__(
        self,
        document: Document,
        scan_classes: Sequence[ScanClass],
        controllers: Sequence[str],
        devices: Sequence[DeviceSpec],
        broken_points: frozenset[str],
        problems: Problems,
        *,
        types_complete: bool = True,
    ) -> None:
        self._document = document
        self._types_complete = types_complete
        self._scan_classes = {item.name: item for item in scan_classes}
        self._controllers = list(controllers)
        self._devices = devices
        self._points: dict[str, PointSpec] = {}
        self._device_of: dict[str, DeviceSpec] = {}
        for device in devices:
            for point in device.points:
                self._points.setdefault(point.name, point)
                self._device_of.setdefault(point.name, device)
        self._broken = set(broken_points)
        self._problems = problems

    def run(
        self, file: ControlFile, alarms: AlarmsFile | None, alarms_document: Document | None
    ) -> dict[str, Strategy]:
        """The strategy of every controller by name."""
        modules = {name: self._module(name, section) for name, section in file.modules.items()}
        gone = [name for name in self._document.names(("modules",)) if name not in modules]
        self._broken.update(gone)
        names = self._names(modules, complete=not gone)
        wiring = Wiring(names, self._problems)
        for block in names.blocks.values():
            wiring.wire_block(block)
        wiring.check_complete()
        scan_class_of = {name: module.scan_class for name, module in modules.items()}
        check_loops(names.blocks, scan_class_of, wiring.links, self._problems)
        self._check_borders(modules, wiring.links)
        self._note_unused(wiring.links, names)
        links = [*wiring.links, *self._add_monitors(modules)]
        specs = {
            name: check_alarms(
                name,
                alarms.alarms.get(name, {}),
                module.main,
                module.blocks,
                module.section.description,
                alarms_document,
                self._problems,
            )
            for name, module in modules.items()
            if alarms is not None and alarms_document is not None
        }
        if alarms is not None and alarms_document is not None:
            self._check_alarm_modules(alarms, alarms_document, modules)
        strategies = {}
        for controller in self._controllers:
            mine = [module for module in modules.values() if module.controller == controller]
            strategies[controller] = self._strategy(
                controller, mine, links, tuple(spec for module in mine for spec in specs.get(module.name, ()))
            )
        return strategies

    # --- modules and blocks -------------------------------------------------------------------------------
    def _module(self, name: str, section: ModuleSection) -> Module:
        path = ("modules", name)
        scan_class = self._one_of(name, "scan", "scan class", section.scan, list(self._scan_classes))
        controller = self._one_of(name, "controller", "controller", section.controller, self._controllers)
        module = Module(name, section, scan_class, controller)
        for short_name, block_section in section.blocks.items():
            block_path = (*path, "blocks", short_name)
            kind = BLOCK_TYPES.get(block_section.type)
            if kind is None and not self._types_complete:
                continue  # it may be in the file of the user that could not be read
            if kind is None:
                self._problems.add(
                    self._document.place((*block_path, "type")),
                    f"{name}.{short_name}: there is no block type `{block_section.type}`. "
                    f"{did_you_mean(block_section.type, BLOCK_TYPES, 'Known types')}",
                )
                continue
            block = Block(name, short_name, kind, block_section, block_path, self._document)
            check_parameters(block, self._problems)
            module.blocks[short_name] = block
        for short_name in self._document.names((*path, "blocks")):
            if short_name not in module.blocks:
                self._broken.add(f"{name}.{short_name}")
        module.main = self._main_block(module)
        module.more = more_parts(name, module.blocks, module.main, section.publish, self._problems)
        return module

    def _one_of(self, module: str, key: str, what: str, given: str | None, known: list[str]) -> str:
        """The value of a key that may be left out when there is only one possibility."""
        if given is None:
            if len(known) == 1:
                return known[0]
            if known:
                self._problems.add(
                    self._document.place(("modules", module)),
                    f"{module}: there are several {what}{'es' if what.endswith('s') else 's'}, and none is named. "
                    f"Add `{key}:` with one of {', '.join(known)}.",
                )
            return ""
        if given not in known and given not in self._broken:
            self._problems.add(
                self._document.place(("modules", module, key)),
                f"{module}: there is no {what} `{given}`. {did_you_mean(given, known, 'Known')}",
            )
        return given

    def _main_block(self, module: Module) -> Block | None:
        written = self._document.names(("modules", module.name, "blocks"))
        place = self._document.place(("modules", module.name))
        if not written:
            self._problems.add(place, f"{module.name} has no blocks. Add one below `blocks`, or delete the module.")
            return None
        name = module.section.main
        if name is None:
            if len(written) > 1:
                self._problems.add(
                    place,
                    f"{module.name} has several blocks, and none is named as the one that represents it. "
                    f"Add `main:` with one of {', '.join(written)}.",
                )
                return None
            name = written[0]
        elif name not in written:
            self._problems.add(
                self._document.place(("modules", module.name, "main")),
                f"{module.name}: there is no block `{name}`. {did_you_mean(name, written, 'Its blocks')}",
            )
        return module.blocks.get(name)

    def _names(self, modules: Mapping[str, Module], complete: bool) -> Names:
        blocks = {block.name: block for module in modules.values() for block in module.blocks.values()}
        all_there = all(
            len(self._document.names(("modules", name, "blocks"))) == len(module.blocks)
            for name, module in modules.items()
        )
        return Names(
            blocks=blocks,
            modules={name: module.blocks for name, module in modules.items()},
            main={name: module.main for name, module in modules.items() if module.main is not None},
            points=self._points,
            broken=frozenset(self._broken),
            complete=complete and all_there,
        )

    # --- between modules ----------------------------------------------------------------------------------
    def _check_borders(self, modules: Mapping[str, Module], links: Sequence[Link]) -> None:
        """No wire between controllers: what crosses would have to go over the bus, which control does not depend on."""
        for link in links:
            source, target = link.source.split(".")[0], link.target.split(".")[0]
            if source not in modules or target not in modules:
                continue
            a, b = modules[source].controller, modules[target].controller
            if a and b and a != b:
                self._problems.add(
                    link.place,
                    f"{link.source} is on controller {a} and {link.target} on {b}: a wire cannot go from one "
                    "controller to another. Put both modules on one controller.",
                )

    def _note_unused(self, links: Sequence[Link], names: Names) -> None:
        used = {link.source for link in links} | {link.target for link in links}
        unused = [  # a map is taken whole, whatever of it is wired
            p for p in self._points.values() if p.name not in used and p.direction == "in" and not p.of_map
        ]
        if not names.complete:
            return
        for point in unused if len(unused) <= UNUSED_NAMED else ():
            self._problems.note(point.place, f"{point.name} is read, but no block uses it.")
        if len(unused) > UNUSED_NAMED:
            first = ", ".join(point.name for point in unused[:3])
            self._problems.note(
                unused[0].place, f"{len(unused)} points are read, but no block uses them ({first} and others)."
            )

    def _add_monitors(self, modules: Mapping[str, Module]) -> list[Link]:
        """Put a loop monitor into each module that wants one; returns their links."""
        links: list[Link] = []
        for name, module in modules.items():
            if module.section.monitor:
                found = monitor_of(name, module.main, list(module.blocks), self._document, self._problems)
                if found is not None:
                    module.blocks[found[0].short_name] = found[0]
                    links += found[1]
        return links

    def _check_alarm_modules(self, alarms: AlarmsFile, document: Document, modules: Mapping[str, Module]) -> None:
        for name in alarms.alarms:
            if name not in modules and name not in self._broken:
                self._problems.add(
                    document.place(("alarms", name)),
                    f"there is no module {name}. {did_you_mean(name, modules, 'Known modules')}",
                )

    # --- the result ---------------------------------------------------------------------------------------
    def _strategy(
        self, name: str, modules: Sequence[Module], links: Sequence[Link], alarms: tuple[AlarmSpec, ...]
    ) -> Strategy:
        blocks = {block.name: (block, module) for module in modules for block in module.blocks.values()}
        mine = tuple(
            link
            for link in links
            if link.target.rpartition(".")[0] in blocks or link.source.rpartition(".")[0] in blocks
        )
        class_names = {module.scan_class for module in modules}
        self._note_slow_devices(mine, modules)
        return Strategy(
            name=name,
            scan_classes=tuple(item for item in self._scan_classes.values() if item.name in class_names),
            channels=self._channels(mine),
            blocks=tuple(
                BlockSpec(
                    block.name,
                    block.type.name,
                    module.scan_class,
                    block.all_params,
                    block.scale_units,
                    block.labels,
                    block.place(),
                )
                for block, module in blocks.values()
            ),
            links=mine,
            alarms=alarms,
            tags=tuple(
                tag
                for module in modules
                for tag in published_tags(module.blocks.values(), module.main, module.section, module.more)
            ),
            modules=tuple(
                module_spec(module.main, module.section, module.scan_class, mine, self._points, module.more)
                for module in modules
                if module.main is not None
            ),
        )

    def _channels(self, links: Sequence[Link]) -> tuple[Channel, ...]:
        """Points that are read (an output that is read back among them), then points that are written."""
        directions = (("in", {link.source for link in links}), ("out", {link.target for link in links}))
        return tuple(
            Channel(point.name, direction, point.unit, self._device_of[point.name].name, point.place)
            for direction, used in directions
            for point in self._points.values()
            if point.name in used
        )

    def _note_slow_devices(self, links: Sequence[Link], modules: Sequence[Module]) -> None:
        """A device that is polled slower than its values are used: they repeat."""
        fastest: dict[str, int] = {}
        period_of = {
            module.name: self._scan_classes[module.scan_class].period_ns
            for module in modules
            if module.scan_class in self._scan_classes
        }
        for link in links:
            device = self._device_of.get(link.source)
            period_ns = period_of.get(link.target.split(".")[0])
            if device is not None and period_ns is not None:
                fastest[device.name] = min(fastest.get(device.name, period_ns), period_ns)
        for device in self._devices:
            period_ns = fastest.get(device.name)
            if period_ns is not None and device.poll_ns > period_ns:
                self._problems.note(
                    device.place,
                    f"device {device.name} is read every {device.poll_ns / 1e9:g} s, but its values are used every "
                    f"{period_ns / 1e9:g} s, so each is used several times. Shorten `poll` if that matters.",
                )
