"""The commands that start a plant on this machine: demo, run.

Called by   ``dcs.cli.main``, which takes them into the command line. Work is done elsewhere, imported when asked for.
"""

from pathlib import Path
from typing import Annotated

import typer

from dcs.cli.recording import Record, with_recording

DEMO_PLANT = "tennessee_eastman"
"""The plant that ``dcs demo`` launches when none is named."""

Config = Annotated[str, typer.Argument(metavar="CONFIG", help="A plant folder, or the name of a shipped plant.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override one value: --set scan_classes.loops.period=100ms"),
]
RunDir = Annotated[
    Path | None,
    typer.Option("--run-dir", metavar="DIR", help="The run's directory (default: the newest that is alive)."),
]
Headless = Annotated[bool, typer.Option("--headless", help="Without the operator station.")]
For = Annotated[str | None, typer.Option("--for", metavar="DURATION", help="Stop after that time: 90s, 10min, 1h.")]
AutoPorts = Annotated[bool, typer.Option("--auto-ports", help="Choose free ports for everything.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="From the configuration, not from what earlier runs kept.")]
Labels = Annotated[bool, typer.Option("--labels", help="The journal says of each fault what it is, and when.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the nodes' log lines on the console.")]


def demo(
    plant: Annotated[str, typer.Option("--plant", metavar="NAME", help="A shipped plant.")] = DEMO_PLANT,
    headless: Headless = False,
    duration: For = None,
    sets: Sets = None,
    run_dir: RunDir = None,
    auto_ports: AutoPorts = False,
    past: Annotated[bool, typer.Option("--past/--no-past", help="With the hours before it, computed.")] = True,
    speed: Annotated[
        str, typer.Option("--speed", metavar="N", help="N times real time, in the box: the clock is marked.")
    ] = "1",
    labels: Labels = False,
    verbose: Verbose = False,
) -> None:
    """Launch a shipped plant and its operator station."""
    from dcs.cli.launch import RunOptions, run_plant

    given = (plant, headless, duration, with_labels(sets, labels), run_dir, auto_ports, verbose)
    raise typer.Exit(run_plant(RunOptions(*given, fresh=True, past=past, speed=speed, exercises=True)))


def run(
    config: Config,
    headless: Headless = False,
    duration: For = None,
    sets: Sets = None,
    run_dir: RunDir = None,
    auto_ports: AutoPorts = False,
    verbose: Verbose = False,
    fresh: Fresh = False,
    exercises: Annotated[
        bool, typer.Option("--exercises", help="Nodes may be killed and the field made to fail on command.")
    ] = False,
    labels: Labels = False,
    record: Record = None,
) -> None:
    """Run all nodes of a plant on this machine, supervised, on the wall clock."""
    from dcs.cli.launch import RunOptions, run_plant

    given = with_recording(config, with_labels(sets, labels), record)
    options = RunOptions(config, headless, duration, given, run_dir, auto_ports, verbose, fresh, exercises=exercises)
    raise typer.Exit(run_plant(options))


def with_labels(sets: list[str] | None, labels: bool) -> tuple[str, ...]:
    """What was set, and that faults are labelled in the journal."""
    return (*(sets or ()), *(("labels=true",) if labels else ()))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(demo)
    app.command()(run)
