"""``dcs plant …``: a plant model alone, without a control system.

Called by   ``dcs.cli.main``, which takes the group in. Work is done elsewhere, imported when asked for.
"""

from pathlib import Path
from typing import Annotated

import typer

plant_app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="A plant model alone: list, look, run, step, linearise.",
)

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A plant model, a file (x.fmu, flowsheet.yaml), or a plant folder."),
]
Setting = Annotated[
    str | None,
    typer.Option("--setting", metavar="NAME", help="The operating point to start from (default: the first)."),
]
Step = Annotated[
    str | None, typer.Option("--step", metavar="DURATION", help="Integration step (default: the plant's own).")
]
Method = Annotated[
    str | None,
    typer.Option("--method", metavar="NAME", help="euler, rk4, stiff, adaptive, … (default: the plant's own)."),
]
Params = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=VALUE", help="Another value of a parameter, from the start."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@plant_app.command("list")
def list_them(as_json: AsJson = False) -> None:
    """List the plant models."""
    from dcs.cli.plant_info import list_plants

    raise typer.Exit(list_plants(as_json))


@plant_app.command()
def info(name: Name, as_json: AsJson = False) -> None:
    """Show variables with units and ranges, settings, events and the reference of a plant."""
    from dcs.cli.plant_info import show_plant

    raise typer.Exit(show_plant(name, as_json))


@plant_app.command()
def run(
    name: Name,
    duration: Annotated[str, typer.Option("--for", metavar="DURATION", help="Plant time: 1080s, 48h.")],
    step: Step = None,
    every: Annotated[
        str | None, typer.Option("--every", metavar="DURATION", help="Time between two rows (default: about 100 rows).")
    ] = None,
    method: Method = None,
    setting: Setting = None,
    noise: Annotated[
        str | None, typer.Option("--noise", metavar="on|off", help="Measurement noise (default: as the setting says).")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", metavar="N", min=0, help="Seed of everything random (default: the folder's, or 0)."),
    ] = None,
    control: Annotated[
        str,
        typer.Option("--control", metavar="none|reference", help="The controllers that were published with the plant."),
    ] = "none",
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="NAME=VALUE[@TIME]", help="Move an input: XMV3=+1, PUMP=3.2@100s, X:=-2."),
    ] = None,
    disturbances: Annotated[
        list[str] | None,
        typer.Option("--disturb", metavar="NAME[=VALUE][@TIME]", help="A disturbance: IDV4@0s, leak_1=1e-6@60s."),
    ] = None,
    parameters: Params = None,
    columns: Annotated[
        str | None,
        typer.Option("--columns", metavar="A,B,…", help="Which (default: outputs,inputs,states)."),
    ] = None,
    until_trip: Annotated[bool, typer.Option("--until-trip", help="End at the first event.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="A .csv or .parquet (default: CSV on the terminal).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a plant model alone and write its trajectories; events go to the standard error."""
    from dcs.cli.plant_run import RunOptions, run_plant

    options = RunOptions(
        name, duration, step, every, method, setting, seed, noise, control, tuple(inputs or ()),
        tuple(disturbances or ()), tuple(parameters or ()), columns, until_trip, out, as_json,
    )  # fmt: skip
    raise typer.Exit(run_plant(options))


@plant_app.command("step")
def step_response(
    name: Name,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="NAME=CHANGE", help="The step: X=+1. Several are made one at a time."),
    ] = None,
    outputs: Annotated[
        str | None, typer.Option("--outputs", metavar="A,B,…", help="Which outputs (default: all).")
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="Plant time (default: by the slowest time constant)."),
    ] = None,
    step: Step = None,
    method: Method = None,
    setting: Setting = None,
    parameters: Params = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A picture, .svg or .png.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show how outputs answer to a step of an input, in figures and as a picture."""
    from dcs.cli.plant_step import StepOptions, step_plant

    options = StepOptions(
        name, tuple(inputs or ()), outputs, duration, step, method, setting, tuple(parameters or ()), out, as_json
    )
    raise typer.Exit(step_plant(options))


@plant_app.command()
def linearise(
    name: Name,
    setting: Setting = None,
    inputs: Annotated[
        str | None,
        typer.Option("--inputs", metavar="A,B,…", help="Which inputs, or all (default: the published loops)."),
    ] = None,
    outputs: Annotated[
        str | None,
        typer.Option("--outputs", metavar="A,B,…", help="Which outputs, or all (default: the published loops)."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME|FILE[@TIME]", help="After that time of its run, or at a row of a table."),
    ] = None,
    parameters: Params = None,
    as_json: AsJson = False,
) -> None:
    """Linear analysis: steady state, gains, relative gains, poles, zeros, time constants."""
    from dcs.cli.plant_linear import LinearOptions, linearise_plant

    raise typer.Exit(
        linearise_plant(LinearOptions(name, setting, inputs, outputs, at, tuple(parameters or ()), as_json))
    )
