"""The engineer's commands: diff, apply, versions, upload, export-tuning, import-tuning.

Called by   ``dcs.cli.main``, which takes them into the command line. Work is done elsewhere, imported when asked for.
"""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[str, typer.Argument(metavar="CONFIG", help="A plant folder, or the name of a shipped plant.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override one value: control.modules.LIC-101.blocks.pid.gain=3"),
]
RunDir = Annotated[
    Path | None,
    typer.Option("--run-dir", metavar="DIR", help="The run's directory (default: the newest that is alive)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Table = Annotated[Path, typer.Argument(metavar="FILE", help="A table: NAME.csv or NAME.xlsx.")]


def diff(
    config: Config,
    against: Annotated[
        str,
        typer.Option("--against", metavar="running|VERSION|FOLDER", help="What to compare with (default: running)."),
    ] = "running",
    sets: Sets = None,
    run_dir: RunDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what applying a configuration would change, and what happens to each block. Exit 1 when something would."""
    from dcs.cli.change import show_diff

    raise typer.Exit(show_diff(run_dir, config, against, tuple(sets or ()), as_json))


def apply(
    config: Config,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    sets: Sets = None,
    run_dir: RunDir = None,
    as_json: AsJson = False,
) -> None:
    """Change the configuration of the running plant: checked, shown, applied between two scans on both controllers."""
    from dcs.cli.change import apply_change

    raise typer.Exit(apply_change(run_dir, config, yes, tuple(sets or ()), as_json))


def versions(run_dir: RunDir = None, as_json: AsJson = False) -> None:
    """List the configurations that the running plant has had."""
    from dcs.cli.change import show_versions

    raise typer.Exit(show_versions(run_dir, as_json))


def upload(
    config: Config,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show only; write nothing.")] = False,
    run_dir: RunDir = None,
    as_json: AsJson = False,
) -> None:
    """Write what operators have changed into control.yaml, with who and when."""
    from dcs.cli.change import upload as upload_values

    raise typer.Exit(upload_values(run_dir, config, dry_run, as_json))


def export_tuning(config: Config, file: Table, sets: Sets = None) -> None:
    """Write all tuning and limits of a plant folder into a table."""
    from dcs.cli.bulk import export_table

    raise typer.Exit(export_table(config, file, tuple(sets or ())))


def import_tuning(
    config: Config,
    file: Table,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only; write nothing.")] = False,
) -> None:
    """Read tuning and limits from a table into a plant folder; nothing is written unless all of it is right."""
    from dcs.cli.bulk import import_table

    raise typer.Exit(import_table(config, file, dry_run))


def register(app: typer.Typer) -> None:
    """Take the commands into the command line."""
    for command in (diff, apply, versions, upload, export_tuning, import_tuning):
        app.command()(command)
