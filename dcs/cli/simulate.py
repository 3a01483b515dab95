"""``dcs simulate``: the whole plant in the box."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from dcs.config.find import find_config
from dcs.core.clock import NS_PER_S
from dcs.core.errors import ConfigError
from dcs.core.simulated_time import SimulatedLoop, run_simulated
from dcs.core.units import parse_duration
from dcs.node.assembly import load_configuration
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from dcs.node.scenario import NOTHING, Director, Scenario, load_scenario


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """The options of the command as they were given."""

    config: str
    speed: str
    seed: int | None
    duration: str
    scenario: str | None
    hmi: bool
    out: Path | None
    sets: tuple[str, ...]
    as_json: bool


def simulate_plant(options: SimulateOptions) -> int:
    """Run, write the logs, print what came out."""
    config = load_configuration(find_config(options.config), options.sets)
    duration_ns = duration_option("--for", options.duration)
    speed = speed_option(options.speed)
    scenario = _find_scenario(options.scenario, config.folder) if options.scenario else NOTHING
    seed = config.model.seed if options.seed is None else options.seed
    if options.hmi and speed is None:
        raise ConfigError("--hmi needs a pace that a person can follow. Add --speed 1, or --speed 10.")

    async def main(loop: SimulatedLoop) -> Recorder:
        async with Box(config, loop, seed) as box:
            recorder = Recorder(config.name, await box.peers.bus("recorder"))
            await recorder.start()
            await Director(box, scenario).run(duration_ns)
            return recorder

    if not options.as_json:
        print(f"Simulating {config.title} for {options.duration}, seed {seed}, speed {options.speed} …", flush=True)
    started_s = time.perf_counter()
    recorder = run_simulated(main, speed)
    elapsed_s = time.perf_counter() - started_s
    simulated_s = duration_ns / NS_PER_S
    summary = recorder.summary(seed, simulated_s)
    if options.out is not None:
        recorder.write(options.out, summary)
    figures = {"elapsed_s": round(elapsed_s, 3), "times_real_time": round(simulated_s / elapsed_s, 1)}
    if options.as_json:
        print(json.dumps({**summary, **figures}, indent=1))
    else:
        _print_summary(summary, figures, options)
    return 0


def _print_summary(summary: dict, figures: dict, options: SimulateOptions) -> None:  # type: ignore[type-arg]
    events = ", ".join(f"{count} {kind}" for kind, count in summary["events"].items()) or "no"
    print(
        f"{summary['simulated_s']:g} s in {figures['elapsed_s']:g} s: {figures['times_real_time']:g} times real time. "
        f"{summary['scans']} scans, {events} events, epochs {', '.join(map(str, summary['epochs']))}."
    )
    if options.out is not None:
        print(f"Written to {options.out}: events.jsonl, samples.parquet, summary.json")
    else:
        print("Nothing was kept; --out DIR writes the events and samples.")


def duration_option(name: str, text: str) -> int:
    """A duration in ns. Raises ``ConfigError`` naming the option."""
    try:
        duration_ns = parse_duration(text)
    except ConfigError as error:
        raise ConfigError(f"{name} {text}: {error.message}") from None
    if duration_ns <= 0:
        raise ConfigError(f"{name} {text}: the time must be longer than nothing. Write for example {name} 1h.")
    return duration_ns


def speed_option(text: str) -> float | None:
    """A multiple of real time, or None for ``max``. Raises ``ConfigError``."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.0 < speed < float("inf"):
        raise ConfigError(f"--speed {text}: this is no speed. Write a number above 0 (1 = real time), or max.")
    return speed


def _find_scenario(name: str, folder: Path) -> Scenario:
    for path in (Path(name), folder / "scenarios" / f"{name}.yaml"):
        if path.is_file():
            return load_scenario(path)
    known = sorted(path.stem for path in (folder / "scenarios").glob("*.yaml"))
    has = f"This plant has: {', '.join(known)}." if known else "This plant has none."
    raise ConfigError(f"--scenario {name}: there is no such file, and no scenario of that name. {has}")
