"""``dcs print``: the strategy of one module as a drawing."""

from pathlib import Path

from dcs.config.find import find_config
from dcs.config.plant_config import PlantConfig
from dcs.config.problems import did_you_mean
from dcs.core.errors import ConfigError, Missing
from dcs.drawing.picture import module_drawing
from dcs.engine.strategy import Strategy
from dcs.node.assembly import load_configuration


def print_module(config_name: str, module: str, out: Path | None, live: bool, run_dir: Path | None) -> int:
    """Write the drawing; with ``live``, with the values of the running plant."""
    config = load_configuration(find_config(config_name))
    strategy = _strategy_of(config, module)
    values = _live_values(strategy, module, run_dir) if live else {}
    text = module_drawing(strategy, module, values, {"plant": config.title})
    path = out or Path(f"{module}.svg")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise Missing(f"{path} cannot be written: {exc.strerror}. Name another file with --out.") from exc
    print(f"{path}: {module}{' with values' if values else ''}.")
    return 0


def _strategy_of(config: PlantConfig, module: str) -> Strategy:
    known = [spec.name for controller in config.controllers for spec in controller.strategy.modules]
    for controller in config.controllers:
        if any(spec.name == module for spec in controller.strategy.modules):
            return controller.strategy
    raise ConfigError(f"there is no module `{module}`. {did_you_mean(module, known, 'Modules')}")


def _live_values(strategy: Strategy, module: str, run_dir: Path | None) -> dict[str, str]:
    """Texts by terminal, of what the module publishes."""
    from dcs.cli.client import PlantClient, with_plant

    sources = {tag.name: tag.source for tag in strategy.tags}
    found: dict[str, str] = {}

    async def work(client: PlantClient) -> int:
        for name, reading in (await client.readings()).items():
            if name in sources:
                text = f"{reading.shown()} {reading.info.unit}".strip()
                found[sources[name]] = text if reading.to_dict()["good"] else f"{text} ?"
        return 0

    with_plant(run_dir, work)
    return found
