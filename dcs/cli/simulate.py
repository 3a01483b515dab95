"""``dcs simulate``: the whole plant in the box."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcs.cli.options import duration_option, speed_option
from dcs.config.find import find_config
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import NS_PER_S, WallClock
from dcs.core.errors import ConfigError
from dcs.core.log import configure_logging
from dcs.core.simulated_time import SimulatedLoop, run_simulated
from dcs.node.assembly import load_configuration, node_kind
from dcs.node.box import Box
from dcs.node.bridge import Bridge
from dcs.node.endpoints import Endpoints, PortChooser
from dcs.node.recorder import Recorder, prepare_results
from dcs.node.run_dirs import new_run_dir
from dcs.node.scenario import NOTHING, Director, Scenario, check_faults, load_scenario


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
    io: str = "memory"  # memory: with messages; direct: without


def simulate_plant(options: SimulateOptions) -> int:
    """Run, write the logs, print what came out."""
    config = load_configuration(find_config(options.config), options.sets)
    duration_ns = duration_option("--for", options.duration)
    speed = speed_option(options.speed)
    scenario = _find_scenario(options.scenario, config.folder) if options.scenario else NOTHING
    check_faults(scenario, config)
    seed = config.model.seed if options.seed is None else options.seed
    if options.hmi and speed is None:
        raise ConfigError("--hmi needs a pace that a person can follow. Add --speed 1, or --speed 10.")

    if options.io not in ("memory", "direct"):
        raise ConfigError(f"--io {options.io}: write `memory` (real messages) or `direct` (faster, without).")

    async def main(loop: SimulatedLoop) -> Recorder:
        box = Box(config, loop, seed, direct=options.io == "direct")
        if window is not None:
            window.look_into(box)
        async with box:
            recorder = Recorder(config.name, await box.peers.bus("recorder"))
            await recorder.start()
            await Director(box, scenario).run(duration_ns)
            return recorder

    if options.out is not None:
        prepare_results(options.out)  # before the hour is simulated, not after
    logs = configure_logging("box", WallClock())
    window = Window(config, options.speed) if options.hmi else None
    if not options.as_json:
        print(f"Simulating {config.title} for {options.duration}, seed {seed}, speed {options.speed} …", flush=True)
    started_s = time.perf_counter()
    try:
        recorder = run_simulated(main, speed)
    finally:
        if window is not None:
            window.close()
        logs.close()
    elapsed_s = time.perf_counter() - started_s
    simulated_s = duration_ns / NS_PER_S
    summary = recorder.summary(seed, simulated_s)
    if options.out is not None:
        recorder.write(options.out, summary)
        if window is not None:
            window.write_commands(options.out)
    figures = {"elapsed_s": round(elapsed_s, 3), "times_real_time": round(simulated_s / elapsed_s, 1)}
    if options.as_json:
        print(json.dumps({**summary, **figures}, indent=1))
    else:
        _print_summary(summary, figures, options)
    return 0


def _print_summary(summary: dict[str, Any], figures: dict[str, float], options: SimulateOptions) -> None:
    events = ", ".join(f"{count} {kind}" for kind, count in summary["events"].items()) or "no"
    print(
        f"{summary['simulated_s']:g} s in {figures['elapsed_s']:g} s: {figures['times_real_time']:g} times real time. "
        f"{summary['scans']} scans, {events} events, epochs {', '.join(map(str, summary['epochs']))}."
    )
    if options.out is not None:
        print(f"Written to {options.out}: events.jsonl, samples.parquet, summary.json")
    else:
        print("Nothing was kept; --out DIR writes the events and samples.")


class Window:
    """An operator station beside the box: a bridge, a run directory to find it by, a process."""

    def __init__(self, config: PlantConfig, speed: str, exercises: bool = False) -> None:
        self._speed = speed
        chooser = PortChooser()
        port = chooser.choose("127.0.0.1")
        chooser.release()
        run_dir = new_run_dir(config.name, WallClock())
        self._bridge = Bridge(config.name, run_dir, port)
        Endpoints(
            plant=config.name,
            title=config.title,
            config=str(config.folder.resolve()),
            bus_url=self._bridge.url,
            nodes={name: node_kind(config, name) for name in config.nodes if name not in config.bus.nodes},
            pairs={c.name: list(c.members) for c in config.controllers},
            exercises=exercises,
        ).write(run_dir)
        self._bridge.start()
        command = [sys.executable, "-m", "dcs", "hmi", "--run-dir", str(run_dir), "--lifeline"]
        self._station = subprocess.Popen(command, stdin=subprocess.PIPE)

    def look_into(self, box: Box) -> None:
        """Carry messages between the box and the station for as long as the box runs."""
        box.peers.clock_note = f"simulated x{self._speed}"

        async def carry() -> None:
            await self._bridge.run(await box.peers.bus("bridge"), box.clock)

        self._carrying = box.loop.create_task(carry())

    @property
    def is_open(self) -> bool:
        """False once the station has been closed."""
        return self._station.poll() is None

    def write_commands(self, out: Path) -> None:
        """What came in from the station, with the simulated time of each."""
        lines = [entered.to_bytes() + b"\n" for entered in self._bridge.entered]
        (out / "commands.jsonl").write_bytes(b"".join(lines))

    def close(self) -> None:
        """Close the station and the bridge."""
        self._station.terminate()
        self._station.wait(timeout=5)
        self._bridge.stop()


def _find_scenario(name: str, folder: Path) -> Scenario:
    for path in (Path(name), folder / "scenarios" / f"{name}.yaml"):
        if path.is_file():
            return load_scenario(path)
    known = sorted(path.stem for path in (folder / "scenarios").glob("*.yaml"))
    has = f"This plant has: {', '.join(known)}." if known else "This plant has none."
    raise ConfigError(f"--scenario {name}: there is no such file, and no scenario of that name. {has}")
