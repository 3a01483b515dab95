"""A configuration as a controller executes it: compiled once, with a memory of its own each time."""

from types import SimpleNamespace
from typing import Any, cast

from dcs.bench.loops_plan import START_NS, loops_strategy
from dcs.config.plant_config import PlantConfig
from dcs.engine.engine import good_inputs
from dcs.engine.strategy import Strategy
from dcs.node.program import Program, build_program
from dcs.node.versions import STARTED, Version

VERSION = Version(1, "00", 0, STARTED, "", "", "", (), ())


def program(strategy: Strategy) -> Program:
    config: Any = SimpleNamespace(name="plant", controller=lambda pair: SimpleNamespace(strategy=strategy))
    return build_program(VERSION, cast(PlantConfig, config), "C1")


def test_controllers_of_one_configuration_share_the_plan_and_nothing_else() -> None:
    """Promise: what one controller executes leaves the memory of the other one as it is."""
    strategy = loops_strategy(3)
    first, second = program(strategy), program(strategy)
    assert first.plan is second.plan
    untouched = second.engine.snapshot()
    first.engine.set_inputs(*good_inputs([12.0] * len(first.plan.input_channels), START_NS))
    first.engine.scan(0, START_NS)
    assert second.engine.snapshot() == untouched != first.engine.snapshot()


def test_another_configuration_has_another_plan() -> None:
    """Promise: a strategy that is gone is not taken for the one that came to lie in its place."""
    plans = [program(loops_strategy(loops)).plan.digest for loops in (1, 2, 3, 4)]
    assert len(set(plans)) == 4
