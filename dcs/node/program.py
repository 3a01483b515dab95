"""A configuration as one controller executes it: compiled, with an engine of its own.

Made by     ``build_program``, apart from the scan: it takes seconds for a large plant.
Known by    its key, eight bytes: which configuration, compiled by which software. Two controllers with the same key
            give the same bits.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from dcs.bus.messages import Layout
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import Clock
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine
from dcs.engine.migrate import Transfer
from dcs.engine.plan import Plan
from dcs.engine.shape import Shape, shape_of
from dcs.engine.strategy import ScanClass, Strategy
from dcs.node.versions import STARTED, Version, Versions, version_of

KEY_BYTES = 8
Loader = Callable[[Version], PlantConfig]
"""Reads and checks the texts of a version. Raises ``ConfigErrors``."""


@dataclass(eq=False)
class Program:
    """What a controller can execute."""

    version: Version
    config: PlantConfig
    strategy: Strategy
    plan: Plan
    engine: Engine
    layouts: list[Layout]

    @cached_property
    def key(self) -> bytes:
        """Which configuration, compiled by which software."""
        text = f"{self.version.digest} {self.plan.digest.hex()}"
        return hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest()

    @cached_property
    def shape(self) -> Shape:
        """How its memory can be read."""
        return shape_of(self.plan)

    @property
    def scan_classes(self) -> tuple[ScanClass, ...]:
        """In the order of their indices."""
        return self.strategy.scan_classes


@dataclass(eq=False)
class Loaded:
    """A program that waits, with the way from the memory of another one."""

    program: Program
    came_from: bytes  # key of the program whose memory ``transfer`` reads
    transfer: Transfer


def build_program(version: Version, config: PlantConfig, pair: str) -> Program:
    """Compile. Raises ``ConfigError`` for what cannot be executed."""
    strategy = config.controller(pair).strategy
    plan = compile_strategy(strategy)
    engine = Engine(plan)
    layouts = engine.layouts(config.name)
    for layout in layouts:
        assert layout.hash  # computed now, not in the first scan
    program = Program(version, config, strategy, plan, engine, layouts)
    assert program.key
    return program


def load_program(version: Version, load: Loader, running: Program, pair: str) -> Loaded:
    """Check and compile a version, and find the way from the running memory to its memory. Raises ``ConfigErrors``."""
    program = build_program(version, load(version), pair)
    return Loaded(program, running.key, Transfer(running.shape, program.plan))


def first_program(versions: Versions, config: PlantConfig, pair: str, load: Loader, clock: Clock) -> Program:
    """What a controller begins with: what was applied online in this run, else ``config``, as it was started.

    Raises ``ConfigError`` when that cannot be executed.
    """
    current = versions.current(config.digest)
    if current is None:
        current = version_of(config, versions.next_number(), clock.time_ns(), STARTED, "", "")
        versions.make_current(current, config.digest)
    elif current.digest != config.digest:
        config = load(current)
    return build_program(current, config, pair)
