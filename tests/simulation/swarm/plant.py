"""The plant of a run: its configuration, checked once per process, and what is overridden in it.

Called by   tests.simulation.swarm.world, campaign.
Knows       plant folders; the same texts give the same configuration object, so a hundred runs check it once.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from dcs.config import load
from dcs.config.find import find_config
from dcs.config.plant_config import ControllerConfig, PlantConfig
from dcs.config.writers_check import writers_of
from dcs.engine.plan import Plan
from dcs.engine.strategy import Strategy
from dcs.node import assembly, program
from field_io.specs import OPC_UA
from tests.simulation.swarm.draw import Drawn
from tests.support.opc_ua_plant import make_opc_ua_plant

_LONG_LEASES = 0.85
"""Share of the runs with a lease of a second, as a user may configure it: the protocol is the same, and a run costs
half as much as with the one that follows from the scans."""

_WINDOW = 9000
"""First register of the output window of a device that checks epochs: free in all shipped plants."""

OPC_UA_PLANT = "quadruple_tank_opc_ua"
"""The quadruple tank with its outputs behind OPC UA; made for the swarm, not shipped."""

MOVES = ("quadruple_tank", OPC_UA_PLANT, "heated_tank")
"""Plants that an operator may move about without running into a trip within minutes."""


@cache
def folder_of(plant: str) -> Path:
    """Where the texts of a plant are. Raises ``ConfigError`` for a name that nobody knows."""
    if plant == OPC_UA_PLANT:
        return make_opc_ua_plant(Path(mkdtemp(prefix="dcs-swarm-")) / plant)
    return find_config(plant)


@cache
def plant_config(plant: str, overrides: tuple[str, ...]) -> PlantConfig:
    """Checked once. ``plant``: a name or a folder, or with a variant ``drum_boiler:redundant_io``."""
    name, _, variant = plant.partition(":")
    return assembly.load_configuration(folder_of(name), (*([f"variant={variant}"] if variant else ()), *overrides))


def overrides_of(plant: str, drawn: Drawn) -> tuple[str, ...]:
    """What this run changes in the plant's configuration."""
    found = []
    config = plant_config(plant, ())
    is_fast = drawn.fast and plant in MOVES  # others are tuned for the periods that they have
    for device in config.devices:
        strategies = {pair.name: pair.strategy for pair in config.controllers}
        shared = len(writers_of(device.name, strategies)) > 1  # epochs are those of one pair
        can_check = not shared and device.station is None and device.protocol != OPC_UA
        if device.simulate and any(point.direction == "out" for point in device.points):
            found.append(f"field.devices.{device.name}.watchdog={drawn.watchdog_s:g} s")
            if not drawn.checks:  # a device may check epochs by its own configuration
                found.append(f"field.devices.{device.name}.epoch=null")
            elif device.epoch is None and can_check:
                found.append(f"field.devices.{device.name}.epoch.address={_WINDOW}")
        if is_fast:
            found.append(f"field.devices.{device.name}.poll=100 ms")
    if is_fast:
        names = dict.fromkeys(c.name for pair in config.controllers for c in pair.strategy.scan_classes)
        found += [f"scan_classes.{name}.period=100 ms" for name in names]
    elif drawn.rng("lease").random() < _LONG_LEASES:
        found += [f"controllers.{controller.name}.lease=1 s" for controller in config.controllers if controller.witness]
    return tuple(found)


def writes_to(pair: ControllerConfig, device: str) -> bool:
    """Whether some output of the device is this pair's."""
    return bool(writers_of(device, {pair.name: pair.strategy}))


def pair_of(config: PlantConfig) -> ControllerConfig:
    """The redundant pair that is put to the test, the first of several. Raises ``ValueError`` where there is none."""
    for controller in config.controllers:
        if len(controller.members) == 2:
            return controller
    raise ValueError(f"{config.name} has no redundant pair")


@contextmanager
def checked_once() -> Iterator[None]:
    """While this lasts, texts that were checked before are not checked again, nor a strategy compiled that was: every
    run changes to the same few, and every node that starts anew executes the same."""
    check, compiles = load.load_plant, program.compile_strategy
    known: dict[Any, PlantConfig] = {}
    plans: dict[int, Plan] = {}

    def remembered(
        folder: Path, plants: Any, overrides: Sequence[str] = (), texts: dict[str, str] | None = None
    ) -> PlantConfig:
        key = (folder, tuple(overrides), None if texts is None else tuple(sorted(texts.items())))
        if key not in known:
            known[key] = check(folder, plants, overrides, texts)
        return known[key]

    def compiled(strategy: Strategy) -> Plan:
        plan = plans.get(id(strategy))
        if plan is None or plan.strategy is not strategy:
            plan = plans[id(strategy)] = compiles(strategy)
            plan.links.flags.writeable = plan.reads.flags.writeable = False
        return plan

    load.load_plant, program.compile_strategy = remembered, compiled
    try:
        yield
    finally:
        load.load_plant, program.compile_strategy = check, compiles
