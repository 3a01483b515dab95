"""The command line: ``dcs …`` (DESIGN §10).

Knows       the commands, their options and the exit codes: 0 done, 1 a promise of the run failed, 2 the user's input
            is wrong (nothing was started), 3 something outside is missing. Work is done elsewhere, imported when asked
            for, so that ``dcs --help`` answers at once.
"""

import contextlib
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dcs.cli.device import device_app
from dcs.cli.engineering import register
from dcs.cli.faults import register as register_faults
from dcs.cli.looking_back import register as register_looking_back
from dcs.cli.plant import plant_app
from dcs.cli.recording import Record, with_recording
from dcs.cli.starts import Labels, with_labels
from dcs.cli.starts import register as register_starts
from dcs.core.errors import DcsError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="A distributed control system: simulated plant, field devices, redundant controllers, operator station.",
)

Config = Annotated[str, typer.Argument(metavar="CONFIG", help="A plant folder, or the name of a shipped plant.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override one value: --set scan_classes.loops.period=100ms"),
]
RunDir = Annotated[
    Path | None,
    typer.Option("--run-dir", metavar="DIR", help="The run's directory (default: the newest that is alive)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Hidden = Annotated[bool, typer.Option("--hidden", help="Also those that are suppressed by design.")]


class StandbyChange(StrEnum):
    """What ``dcs standby`` can do."""

    OUT = "out"
    IN = "in"


Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the nodes' log lines on the console.")]


register_starts(app)


@app.command()
def node(
    config: Config,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A node of the plant: bus, field, a controller, a witness.")
    ],
    run_dir: RunDir = None,
    sets: Sets = None,
    lifeline: Annotated[bool, typer.Option("--lifeline", hidden=True)] = False,
    verbose: Verbose = False,
) -> None:
    """Run one node in the foreground."""
    from dcs.cli.node import run_node

    raise typer.Exit(run_node(config, name, run_dir, tuple(sets or ()), lifeline, verbose))


@app.command()
def simulate(
    config: Config,
    speed: Annotated[str, typer.Option("--speed", metavar="N|max", help="Multiple of real time.")] = "max",
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Seed of everything random.")] = None,
    duration: Annotated[str, typer.Option("--for", metavar="DURATION", help="Simulated time.")] = "1h",
    scenario: Annotated[
        str | None,
        typer.Option("--scenario", metavar="FILE|NAME", help="What happens meanwhile (scenarios/NAME.yaml)."),
    ] = None,
    hmi: Annotated[bool, typer.Option("--hmi", help="With an operator station (needs --speed N).")] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where the logs go.")] = None,
    io: Annotated[
        str,
        typer.Option(
            "--io",
            metavar="memory|direct",
            help="How controllers reach simulated devices: with real messages, or faster by looking into them.",
        ),
    ] = "memory",
    record: Record = None,
    sets: Sets = None,
    labels: Labels = False,
    as_json: AsJson = False,
) -> None:
    """Run the whole plant in the box: one process, simulated time, the same code, repeatable to the bit."""
    from dcs.cli.simulate import SimulateOptions, simulate_plant

    given = with_recording(config, with_labels(sets, labels), record)
    options = SimulateOptions(config, speed, seed, duration, scenario, hmi, out, given, as_json, io)
    raise typer.Exit(simulate_plant(options))


@app.command()
def hmi(
    target: Annotated[
        str | None, typer.Argument(metavar="[CONFIG|URL]", help="A plant, or the URL of its bus.")
    ] = None,
    run_dir: RunDir = None,
    dark: Annotated[bool, typer.Option("--dark", help="Dark theme.")] = False,
    lifeline: Annotated[bool, typer.Option("--lifeline", hidden=True)] = False,
    screenshot: Annotated[
        Path | None, typer.Option("--screenshot", metavar="FILE", help="Save a picture of the window and leave.")
    ] = None,
    after: Annotated[
        float, typer.Option("--after", metavar="SECONDS", help="Take the picture after that time.")
    ] = 20.0,
    page: Annotated[
        str, typer.Option("--page", metavar="NAME", help="The page to start with: system, alarms, trend, a drawing, …")
    ] = "",
    faceplate: Annotated[str, typer.Option("--faceplate", metavar="MODULE", help="Open this faceplate.")] = "",
) -> None:
    """Open the operator station of a running plant."""
    from dcs.cli.operator_station import HmiOptions, open_operator_station

    options = HmiOptions(target, run_dir, dark, lifeline, screenshot, after, page, faceplate)
    raise typer.Exit(open_operator_station(options))


@app.command()
def check(config: Config, sets: Sets = None, as_json: AsJson = False) -> None:
    """Check a configuration whole; exit 2 with file:line messages if anything is wrong."""
    from dcs.cli.check import check_plant

    raise typer.Exit(check_plant(config, tuple(sets or ()), as_json))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; it must not exist yet.")],
    template: Annotated[
        str | None,
        typer.Option("--template", metavar="NAME", help="A shipped plant to copy (default: quadruple_tank)."),
    ] = None,
    io_list: Annotated[
        Path | None,
        typer.Option("--from-io-list", metavar="FILE", help="An I/O list, CSV or XLSX, to make the plant from."),
    ] = None,
) -> None:
    """Make a new plant folder that runs."""
    from dcs.cli.init import init_plant

    raise typer.Exit(init_plant(folder, template, io_list))


@app.command("print")
def print_drawing(
    config: Config,
    module: Annotated[str, typer.Argument(metavar="MODULE", help="The module to draw: LIC-101.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.svg", help="Where the drawing goes (default: MODULE.svg).")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="With the values of the running plant.")] = False,
    run_dir: RunDir = None,
) -> None:
    """Draw the strategy of one module: blocks, wires, parameters, on an A4 page."""
    from dcs.cli.print_module import print_module

    raise typer.Exit(print_module(config, module, out, live, run_dir))


@app.command()
def where(
    config: Config,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A point, module, block, terminal, tag or device: LT-101, LIC-101.PV.")
    ],
    sets: Sets = None,
    as_json: AsJson = False,
) -> None:
    """Show what uses a name: wires, alarms, displays, scenarios, with file and line."""
    from dcs.cli.where import show_where

    raise typer.Exit(show_where(config, name, tuple(sets or ()), as_json))


@app.command()
def plan(
    config: Config,
    controller: Annotated[str | None, typer.Option("--controller", metavar="NAME", help="Only that one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the controllers execute: order, runs, counts, memory, wires."""
    from dcs.cli.plan import show_plan

    raise typer.Exit(show_plan(config, controller, as_json))


@app.command()
def status(run_dir: RunDir = None, as_json: AsJson = False) -> None:
    """Show the nodes of a running plant: roles, scan times, overruns, links."""
    from dcs.cli.client import show_status

    raise typer.Exit(show_status(run_dir, as_json))


@app.command()
def tags(
    pattern: Annotated[str, typer.Argument(metavar="[PATTERN]", help="Only tags that match: 'LIC-*'.")] = "*",
    run_dir: RunDir = None,
    as_json: AsJson = False,
) -> None:
    """List the tags of a running plant with their values."""
    from dcs.cli.client import show_tags

    raise typer.Exit(show_tags(run_dir, pattern, as_json))


@app.command()
def get(
    names: Annotated[list[str], typer.Argument(metavar="TAG..", help="LIC-101.PV FIC-101.OUT …")],
    run_dir: RunDir = None,
    as_json: AsJson = False,
) -> None:
    """Read tags of a running plant."""
    from dcs.cli.client import get_tags

    raise typer.Exit(get_tags(run_dir, names, as_json))


@app.command("set", context_settings={"ignore_unknown_options": True})
def set_tag(
    name: Annotated[str, typer.Argument(metavar="TAG", help="LIC-101.SP, LIC-101.MODE …")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="A number, or a mode: MAN AUTO CAS OOS.")],
    run_dir: RunDir = None,
    as_json: AsJson = False,
) -> None:
    """Write a tag as an operator does; answers when the controllers have it."""
    from dcs.cli.client import write_tag

    raise typer.Exit(write_tag(run_dir, name, value, as_json))


@app.command()
def tune(
    tag: Annotated[str, typer.Argument(metavar="TAG", help="A loop: FIC-101.")],
    apply: Annotated[
        str | None, typer.Option("--apply", metavar="RULE", help="Write the tuning of a rule: simc, lambda or amigo.")
    ] = None,
    form: Annotated[str, typer.Option("--form", metavar="PI|PID", help="With or without derivative action.")] = "PI",
    last: Annotated[bool, typer.Option("--last", help="No new test: take the results of the last one.")] = False,
    abort: Annotated[bool, typer.Option("--abort", help="End a test that runs.")] = False,
    run_dir: RunDir = None,
    as_json: AsJson = False,
) -> None:
    """Find out by a relay test how a loop's process behaves, and propose its tuning; Ctrl-C ends the test."""
    from dcs.cli.tune import TuneOptions
    from dcs.cli.tune import tune as tune_plant

    options = TuneOptions(tag, apply, form.upper(), abort, last, as_json)
    raise typer.Exit(tune_plant(run_dir, options))


@app.command()
def alarms(run_dir: RunDir = None, hidden: Hidden = False, as_json: AsJson = False) -> None:
    """List the alarms of a running plant that are not normal."""
    from dcs.cli.alarm_list import show_alarms

    raise typer.Exit(show_alarms(run_dir, hidden, as_json))


@app.command(name="abnormal")
def list_abnormal(run_dir: RunDir = None, as_json: AsJson = False) -> None:
    """List what is forced, simulated, bypassed, in Man or in another mode than the normal one."""
    from dcs.cli.abnormal import show_abnormal

    raise typer.Exit(show_abnormal(run_dir, as_json))


@app.command()
def ack(
    alarm: Annotated[str, typer.Argument(metavar="ALARM|all", help="LIC-101.HI, or all.")],
    run_dir: RunDir = None,
    as_json: AsJson = False,
) -> None:
    """Acknowledge an alarm, or all of them."""
    from dcs.cli.client import acknowledge

    raise typer.Exit(acknowledge(run_dir, alarm, as_json))


@app.command()
def switchover(
    pair: Annotated[
        str | None, typer.Argument(metavar="[PAIR]", help="The controller pair (default: the only one).")
    ] = None,
    run_dir: RunDir = None,
    as_json: AsJson = False,
) -> None:
    """Hand control of a pair to its standby."""
    from dcs.cli.client import ask_pair

    raise typer.Exit(ask_pair(run_dir, pair, "switchover", as_json))


@app.command()
def standby(
    change: Annotated[StandbyChange, typer.Argument(help="out: the active goes on alone and needs nobody; in: back.")],
    pair: Annotated[
        str | None, typer.Argument(metavar="[PAIR]", help="The controller pair (default: the only one).")
    ] = None,
    run_dir: RunDir = None,
    as_json: AsJson = False,
) -> None:
    """Take the standby of a pair out, for maintenance, or bring it back."""
    from dcs.cli.client import ask_pair

    raise typer.Exit(ask_pair(run_dir, pair, f"standby_{change.value}", as_json))


@app.command(context_settings={"ignore_unknown_options": True})
def disturb(
    variable: Annotated[str, typer.Argument(metavar="VARIABLE", help="A disturbance of the plant model: leak_1.")],
    value: Annotated[float, typer.Argument(metavar="VALUE", help="In the model's unit.")],
    run_dir: RunDir = None,
    as_json: AsJson = False,
) -> None:
    """Change a disturbance of the simulated plant."""
    from dcs.cli.client import disturb_plant

    raise typer.Exit(disturb_plant(run_dir, variable, value, as_json))


@app.command()
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME..]", help="Which benchmarks (default: all).")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there.")] = None,
) -> None:
    """Measure, and print a table with limits and ratios."""
    from dcs.cli.bench import run_benchmarks

    raise typer.Exit(run_benchmarks(names or [], json_file))


register_looking_back(app)
register_faults(app)
register(app)
app.add_typer(plant_app, name="plant")
app.add_typer(device_app, name="device")


def main() -> None:
    """Entry point: errors that we raise on purpose become one sentence and an exit code."""
    try:
        app()
        code = 0
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else int(leave.code is not None)
    except DcsError as error:
        print(error, file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    # Everything is closed by now. Taking down an interpreter that holds compiled kernels costs up to a second, and
    # Ctrl-C should not feel slow.
    with contextlib.suppress(OSError):  # a closed pipe: nobody reads any more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
