"""A control module for every redundant pair of controllers, made by itself: how its redundancy is, and its alarms.

Called by   ``dcs.config.load``, on finished strategies.
Knows       which controllers are pairs, and the keys of their alarms (``alarms:`` of the controller in plant.yaml).
Behaviour   decision 0020: what the active knows of the pair enters the scan as input channels, so that the alarm is in
            the state that is mirrored, and a takeover says nothing new.
"""

from collections.abc import Mapping
from dataclasses import replace

import dcs.blocks.library  # noqa: F401  (fills BLOCK_TYPES)
from dcs.blocks.declare import BLOCK_TYPES
from dcs.config.block_check import Block
from dcs.config.device_alarm import Texts, alarm_of
from dcs.config.device_modules import class_of_system_modules
from dcs.config.problems import Problems
from dcs.config.publish import module_spec, published_tags
from dcs.config.schema import BlockSection, ControllerSection, ModuleSection
from dcs.config.source import Document, KeyPath
from dcs.core.errors import Place
from dcs.engine.strategy import BEHIND, STANDBY, WITNESS, AlarmSpec, BlockSpec, Channel, Link, Strategy, device_channel

_TYPE, _BLOCK = "CONTROLLER_PAIR", "pair"
_CHANNELS = (STANDBY, WITNESS, BEHIND)


def with_pair_modules(
    strategies: Mapping[str, Strategy],
    controllers: Mapping[str, ControllerSection],
    document: Document,
    problems: Problems,
) -> dict[str, Strategy]:
    """The strategies with a module of the controller's name for each pair; a name that is taken: ``problems``."""
    taken = {module.name for strategy in strategies.values() for module in strategy.modules}
    done = dict(strategies)
    for name, section in controllers.items():
        strategy = strategies.get(name)
        if len(section.members) != 2 or strategy is None or not strategy.scan_classes:
            continue
        path = ("controllers", name)
        if name in taken:
            problems.add(
                document.place(path),
                f"controller {name} has the name of a module or a device. A redundant pair is a module itself, with "
                "its alarms. Rename one of them.",
            )
            continue
        done[name] = _with_pair(strategy, name, section, path, document)
    return done


def _with_pair(
    strategy: Strategy, name: str, section: ControllerSection, path: KeyPath, document: Document
) -> Strategy:
    place = document.place(path)
    scan_class = class_of_system_modules(strategy.scan_classes)
    about = ModuleSection.model_validate({"description": f"Controllers {' and '.join(section.members)}", "blocks": {}})
    told = BlockSection.model_validate({"type": _TYPE})
    block = Block(name, _BLOCK, BLOCK_TYPES[_TYPE], told, path, document)
    channels = [Channel(device_channel(name, what), "in", "", name, place) for what in _CHANNELS]
    links = [Link(device_channel(name, what), f"{block.name}.{what}", place) for what in _CHANNELS]
    ends = [channel for channel in strategy.channels if channel.direction == "in"]
    outs = [channel for channel in strategy.channels if channel.direction != "in"]
    return replace(
        strategy,
        channels=(*ends, *channels, *outs),
        blocks=(*strategy.blocks, BlockSpec(block.name, _TYPE, scan_class, place=place)),
        links=(*strategy.links, *links),
        alarms=(*strategy.alarms, *_alarms(name, section, block.name, place)),
        tags=(*strategy.tags, *published_tags([block], block, about, {})),
        modules=(*strategy.modules, module_spec(block, about, scan_class, (), {}, {})),
    )


def _alarms(name: str, section: ControllerSection, block: str, place: Place) -> list[AlarmSpec]:
    """Those that are not switched off."""
    given, (first, second) = section.alarms, section.members
    known = (
        ("STANDBY", "not_ready", given.standby, Texts(
            f"Controller {name} has no standby that could take over",
            "None now. If the active controller fails, nobody controls, and outputs go to their fail action.",
            "A controller that is off, has stopped or starts again and again; the link between the two; two results "
            "that differed (state SUSPENDED).",
            f"See what `dcs status` says of {first} and {second}. Start what has stopped; after a difference, "
            "`dcs standby in`.",
        )),
        ("TAKEN_OUT", "taken_out", given.taken_out, Texts(
            f"Controller {name} works alone: its standby has been taken out for long",
            "None now. If the controller fails, nobody controls, and outputs go to their fail action.",
            "Maintenance that takes longer than planned, or was forgotten.",
            "When the work is done, bring it back: `dcs standby in`.",
        )),
        ("WITNESS", "no_witness", given.witness, Texts(
            f"Witness {section.witness} of controller {name} is not heard",
            "None now. If one of the two controllers, or the link between them, fails as well, the other one stops.",
            f"The node {section.witness} or its machine has stopped, or its network is cut.",
            f"Start {section.witness}, or see to its network.",
        )),
        ("PATHS", "fewer_paths", given.paths, Texts(
            f"The standby of controller {name} reaches the field worse than the active",
            "None now. If it has to take over, the devices that it does not reach are lost.",
            "A cable, a switch or a network card of the standby.",
            "See what `dcs status` says of the devices, and have the network of the standby repaired.",
        )),
    )  # fmt: skip
    return [
        alarm_of(f"{name}.{alarm}", f"{block}.{terminal}", keys.spec, texts, place)
        for alarm, terminal, keys, texts in known
        if keys.enable
    ]
