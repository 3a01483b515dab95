"""The commands that look back: events, history.

Called by   ``dcs.cli.main``, which takes them into the command line. Work is done elsewhere, imported when asked for.
"""

from pathlib import Path
from typing import Annotated

import typer

RunDir = Annotated[
    Path | None,
    typer.Option("--run-dir", metavar="DIR", help="The run's directory (default: the newest that is alive)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def events(
    last: Annotated[int, typer.Option("--last", metavar="N", min=1, help="How many.")] = 50,
    run_dir: RunDir = None,
    as_json: AsJson = False,
) -> None:
    """Show the journal's newest lines."""
    from dcs.cli.journal import show_events

    raise typer.Exit(show_events(run_dir, last, as_json))


def history(
    names: Annotated[list[str], typer.Argument(metavar="TAG..", help="LIC-101.PV FIC-101.OUT …")],
    since: Annotated[
        str | None, typer.Option("--since", metavar="DURATION", help="The last so long (default: 10 min).")
    ] = None,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From then on: 2026-01-31T14:05:00Z.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Up to then (default: now).")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for a spreadsheet.")] = False,
    run_dir: Annotated[
        Path | None,
        typer.Option(
            "--run-dir",
            metavar="DIR",
            help="The run's directory (default: the newest that is alive), or what `dcs simulate --out` left.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print samples of tags: time, value, status, and the epoch of the controller that wrote each; gaps as lines."""
    from dcs.cli.history import HistoryOptions, show_history

    raise typer.Exit(show_history(run_dir, HistoryOptions(tuple(names), since, begin, end, as_csv, as_json)))


def register(app: typer.Typer) -> None:
    """Take the commands into the command line."""
    for command in (events, history):
        app.command()(command)
