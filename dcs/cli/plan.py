"""``dcs plan``: what the controllers of a configuration execute, for people or as JSON."""

import json

from dcs.config.find import find_config
from dcs.core.errors import ConfigError
from dcs.engine.compile import compile_strategy
from dcs.engine.describe import describe, describe_lines
from dcs.node.assembly import load_configuration


def show_plan(config: str, controller: str | None, as_json: bool) -> int:
    """Compile and print. Raises ``ConfigError`` for a controller that is not there."""
    strategies = {one.strategy.name: one.strategy for one in load_configuration(find_config(config)).controllers}
    if controller is not None and controller not in strategies:
        raise ConfigError(f"there is no controller {controller}. There are: {', '.join(strategies)}.")
    chosen = [strategies[controller]] if controller is not None else list(strategies.values())
    plans = [compile_strategy(strategy) for strategy in chosen]
    if as_json:
        print(json.dumps([describe(plan) for plan in plans], indent=1))
    else:
        print("\n\n".join("\n".join(describe_lines(plan)) for plan in plans))
    return 0
