"""The one place that builds nodes: from a configuration and from peers, and nothing else.

Called by   ``dcs node`` (one node on the wall clock) and the box (all of them in simulated time). Both call
            ``build_node``; what they build differs only in peers (a test holds them side by side).
Knows       every kind of node, the plant models and the simulated devices: the one door to them. Imports are made where
            they are used: a witness needs no compiler, and five processes start at the same time.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dcs.bus.messages import NodeReport
from dcs.config.plant_config import ControllerConfig, ModelConfig, PlantConfig
from dcs.core.errors import ConfigError
from dcs.node.endpoints import Endpoints
from dcs.node.face import NodeFace
from dcs.node.peers import Peers, derive_seed
from dcs.redundancy.protocol import PairConfig
from dcs.redundancy.timing import LeaseTiming
from field_io.specs import DeviceSpec, at_backup

if TYPE_CHECKING:
    from dcs.node.controller import Controller
    from dcs.node.direct import DirectPlant
    from dcs.node.field_node import Before, FieldNode
    from dcs.node.keep import Keep
    from dcs.node.versions import Version
    from dcs.node.witness_node import WitnessNode
    from field_io.devices.simulation import FieldSimulation
    from plant_models.model import Catalogue as Catalogue
    from plant_models.model import PlantModel
    from plant_models.model import PlantType as PlantType
    from plant_models.study.study import Study as Study
    from plant_models.tennessee_eastman.batch import Outcome

FIELD_NODE, BUS_NODE = "field", "bus"


class Node(Protocol):
    """A node: ``run`` until cancelled."""

    async def run(self) -> None: ...
    def report(self) -> NodeReport: ...


def load_configuration(folder: Path, overrides: Sequence[str] = ()) -> PlantConfig:
    """Load and check a plant folder against the plant models that we have."""
    from dcs.config.load import load_plant
    from plant_models.library import PLANTS

    return load_plant(folder, PLANTS, overrides)


def run_plant_batch(seeds: Iterable[int], duration_s: int) -> "list[Outcome]":
    """The Tennessee Eastman plant under its published controllers, once per seed, on all cores."""
    import plant_models.library  # noqa: F401  (fills the catalogue)
    from plant_models.tennessee_eastman.batch import Batch, run_batch

    return run_batch(seeds, Batch(duration_s))


def check_texts(folder: Path, texts: dict[str, str]) -> PlantConfig:
    """The plant as its files would say it with these texts. Raises ``ConfigErrors``."""
    from dcs.config.load import load_plant
    from plant_models.library import PLANTS

    return load_plant(folder, PLANTS, (), texts)


def load_version(version: "Version") -> PlantConfig:
    """Check what a version of the configuration says; its folder need not be here."""
    from dcs.config.load import load_plant
    from plant_models.library import PLANTS

    return load_plant(version.folder, PLANTS, version.overrides, dict(version.texts))


def warm_up(config: PlantConfig, tell: Callable[[str], None]) -> None:
    """Compile every kernel that the nodes of this plant need, unless the cache has them; ``tell`` hears of the work."""
    from dcs.blocks.declare import BLOCK_TYPES, INTERNAL_TYPES
    from dcs.engine.kernels import warm_cache

    used = {block.type for controller in config.controllers for block in controller.strategy.blocks}
    warm_cache(tell, [*(BLOCK_TYPES[name] for name in sorted(used)), *INTERNAL_TYPES.values()])
    plant = create_plant(config)
    plant.advance(plant.type.step_s)


def create_plant(config: PlantConfig, seed: int = 0) -> "PlantModel":
    """The plant of a configuration, at its setting, with the parameters that differ."""
    return create_model(config.model, seed)


def create_model(model: ModelConfig, seed: int = 0) -> "PlantModel":
    """A plant at its setting, with the parameters that differ. Raises ``KeyError``, ``ValueError`` with a sentence."""
    kind = plant_catalogue().open(model.type, model.file, model.text or None)
    plant = kind.create(model.setting, seed=seed, integrator=model.integrator)
    for name, value in model.parameters:
        plant.set(name, value)
    return plant


def plant_catalogue() -> "Catalogue":
    """Every plant model, and the kinds that are read from files."""
    from plant_models.library import PLANTS

    return PLANTS


def describe_plant(kind: "PlantType") -> dict[str, Any]:
    """All that is declared of a plant, as plain numbers, lists and texts."""
    from plant_models.study.study import describe

    return describe(kind)


def open_study(model: ModelConfig, seed: int = 0) -> "Study":
    """A plant alone, without a control system (``dcs plant``)."""
    from plant_models.study.study import Study

    return Study(create_model(model, seed))


def disturbances(config: PlantConfig) -> tuple[str, ...]:
    """Names of what may be disturbed in the plant of a configuration."""
    from plant_models.library import PLANTS

    info = PLANTS.open(config.model.type, config.model.file, config.model.text or None)
    return tuple(variable.name for variable in info.variables if variable.role == "disturbance")


def node_kind(config: PlantConfig, name: str) -> str:
    """bus | field | controller | witness. Raises ``ConfigError`` for a name that is no node of this plant."""
    if name in config.bus.nodes:
        return BUS_NODE
    if name == FIELD_NODE and name in config.nodes:
        return name
    if any(name in controller.members for controller in config.controllers):
        return "controller"
    if any(name == controller.witness for controller in config.controllers):
        return "witness"
    raise ConfigError(f"{config.folder}: there is no node {name}. This plant has: {', '.join(config.nodes)}.")


async def build_node(config: PlantConfig, endpoints: Endpoints, name: str, peers: Peers) -> Node:
    """Build one node. The bus has no node here: it is a server of its own."""
    kind = node_kind(config, name)
    if kind == "controller":
        return await _build_controller(config, endpoints, name, peers)
    if kind == "witness":
        return await _build_witness(config, endpoints, name, peers)
    if kind == FIELD_NODE:
        return await _build_field(config, endpoints, name, peers)
    raise ConfigError(f"node {name} is a {kind}; it is started by `dcs run`.")


def pair_config(config: PlantConfig, controller: ControllerConfig) -> PairConfig:
    """Members, witness and lease of one controller pair."""
    fastest_ns = min(scan_class.period_ns for scan_class in controller.strategy.scan_classes)
    timing = LeaseTiming.for_period(fastest_ns, controller.lease_ns or 0)
    return PairConfig(controller.name, controller.members, controller.witness or "", timing)


def devices_at(config: PlantConfig, endpoints: Endpoints) -> list[DeviceSpec]:
    """The devices with the addresses of this run."""
    found = []
    for device in config.devices:
        host, port = endpoints.devices[device.name]
        backup = endpoints.devices[at_backup(device).name] if device.backup else None
        found.append(replace(device, host=host, port=port, backup=backup))
    return found


async def _build_controller(config: PlantConfig, endpoints: Endpoints, name: str, peers: Peers) -> "Controller":
    from dcs.node.change_desk import ChangeParts
    from dcs.node.checkpoint import Checkpoints, read_checkpoint
    from dcs.node.controller import Controller
    from dcs.node.controller_parts import ControllerParts
    from dcs.node.drivers import build_drivers
    from dcs.node.field_side import FieldSide
    from dcs.node.program import first_program
    from dcs.node.sample_store import SampleStore
    from dcs.node.versions import Versions
    from dcs.redundancy.protocol.cold_start import NO_RANK
    from dcs.redundancy.runtime import RedundantMember

    controller = next(c for c in config.controllers if name in c.members)
    clock, keep = peers.clock(name), peers.keep(name)
    versions = Versions(keep)
    program = first_program(versions, config, controller.name, load_version, clock)
    plan = program.plan
    used = {*plan.input_channels, *plan.output_channels}
    face = await _face(config, endpoints, name, peers)
    devices = [one for one in devices_at(config, endpoints) if any(point.name in used for point in one.points)]
    drivers = build_drivers(devices, face, clock, program.strategy, peers)
    await _open_links(config, endpoints, face, peers)
    checkpoints = Checkpoints(keep)
    checkpoint = read_checkpoint(checkpoints, face.event)

    field_side = FieldSide(drivers, plan.input_channels, plan.output_channels, clock)

    def make_member(replica: Controller) -> RedundantMember:
        member = RedundantMember(
            pair_config(config, controller),
            name,
            clock,
            peers.pair_network(name),
            peers.voter_store(name),
            replica,
            replica.alive,
            derive_seed(peers.seed, name, "redundancy"),
            programs=replica.change_desk,
            execution=replica.execution,
            checkpoint=checkpoint.rank if checkpoint else NO_RANK,
        )
        field_side.on_stale_epoch = member.device_refused
        return member

    return Controller(
        ControllerParts(
            face=face,
            pair=controller.name,
            program=program,
            field_side=field_side,
            schedule=peers.schedule(name, clock),
            make_member=make_member,
            on_loop=peers.on_loop,
            prefer=peers.prefer,
            changes=ChangeParts(versions, load_version, peers.apart, config),
            checkpoints=checkpoints,
            samples=SampleStore(face.bus, clock, face.event, config.bus.store_ns, config.bus.store_bytes),
            checkpoint=checkpoint,
        )
    )


async def _build_witness(config: PlantConfig, endpoints: Endpoints, name: str, peers: Peers) -> "WitnessNode":
    from dcs.node.witness_node import WitnessNode
    from dcs.redundancy.witness import Witness

    pairs = {c.name: pair_config(config, c) for c in config.controllers if c.witness == name}
    clock = peers.clock(name)

    def make_witness(event: Callable[[str, str], None]) -> Witness:
        return Witness(name, pairs, clock, peers.pair_network(name), peers.voter_store(name), event)

    return WitnessNode(await _face(config, endpoints, name, peers), make_witness, _shared_host(config, endpoints, name))


def _shared_host(config: PlantConfig, endpoints: Endpoints, witness: str) -> str:
    host, _ = endpoints.voters[witness]
    together = [
        member
        for controller in config.controllers
        for member in controller.members
        if controller.witness == witness and endpoints.voters[member][0] == host
    ]
    return f"shares a host with {', '.join(together)}: a lost host may lose two voters" if together else ""


async def _build_field(config: PlantConfig, endpoints: Endpoints, name: str, peers: Peers) -> "FieldNode":
    from dcs.node.fault_desk import FaultDesk
    from dcs.node.field_node import FieldNode
    from field_io.devices.device import make_devices
    from field_io.devices.simulation import FieldSimulation

    clock, face = peers.clock(name), await _face(config, endpoints, name, peers)
    model = config.model
    plant = create_plant(config, peers.seed)
    simulated = [device for device in devices_at(config, endpoints) if device.simulate]
    devices = make_devices(simulated, clock, peers.device_network, peers.ua_network, peers.certificates(name))
    seed = derive_seed(peers.seed, name)
    simulation = FieldSimulation(plant, devices, clock, model.step_ns, seed)
    before = _before(simulation, face, peers.keep(name))
    desk = FaultDesk(
        face,
        simulation.fault_targets,
        peers.cables,
        seed=seed,
        exercises=endpoints.exercises,
        labels=config.labels,
    )
    return FieldNode(face, simulation, desk, config.faults, before)


async def _open_links(config: PlantConfig, endpoints: Endpoints, face: NodeFace, peers: Peers) -> None:
    """The cables of a controller take faults from commands, where there is no box that has them all in one place."""
    from dcs.node.fault_desk import FaultDesk, links_target, own_links

    planned = [each for each in config.faults if each.fault.target.startswith(f"{face.node}>")]
    if peers.device_network is not None or not (planned or endpoints.exercises):
        return
    links = own_links(face.node, peers.cables)
    seed = derive_seed(peers.seed, face.node)
    desk = FaultDesk(face, {}, links, seed=seed, exercises=endpoints.exercises, labels=config.labels)
    desk.start(planned)
    await desk.serve(links_target(face.node))


def _before(simulation: "FieldSimulation", face: NodeFace, keep: "Keep") -> "Before | None":
    """The computed past of this run, if it has one: the field goes on from its end."""
    from dcs.node.field_node import Before
    from dcs.node.past_store import read_past
    from dcs.node.sample_history import PlantHistory

    try:
        found = read_past(keep)
        if found is None:
            return None
        past, end_ns = found
        simulation.restore(past.field)
    except ValueError as error:
        face.event("system", "past", f"the computed past is not used: {error}")
        return None
    history = PlantHistory(past.sample_ns)
    history.samples.put_past(past, end_ns)
    return Before(history, past.events_at(end_ns))


def build_direct(
    config: PlantConfig, seed: int | None = None, every_s: float = 10.0, polled: bool = False
) -> "DirectPlant":
    """The plant without its network, for studies (``dcs.node.direct``)."""
    from dcs.node.direct import DirectPlant, StudyClock
    from field_io.devices.device import make_devices
    from field_io.devices.simulation import FieldSimulation
    from field_io.memory_network import MemoryNetwork
    from field_io.opc_ua.network import UaNetwork

    seed = config.model.seed if seed is None else seed
    clock, network = StudyClock(), MemoryNetwork()
    devices = make_devices([device for device in config.devices if device.simulate], clock, network, UaNetwork())
    plant = create_plant(config, seed)
    field = FieldSimulation(plant, devices, clock, config.model.step_ns, derive_seed(seed, FIELD_NODE))
    return DirectPlant(config, field, clock, every_s, polled)


async def _face(config: PlantConfig, endpoints: Endpoints, name: str, peers: Peers) -> NodeFace:
    own = endpoints.of_node(name)
    if peers.clock_note:
        own["clock"] = peers.clock_note
    return NodeFace(
        config.name, name, await peers.bus(name), peers.clock(name), peers.pid(name), own, config.bus.store_events
    )
