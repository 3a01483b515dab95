"""The command line in this process: what it prints, and with which code it ends.

Used by     tests of commands that start nothing.
Knows       the typer application and how ``dcs.cli.main.main`` turns errors into codes.
"""

from dataclasses import dataclass

from typer.testing import CliRunner

from dcs.cli.main import app
from dcs.core.errors import DcsError


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str


def dcs(*words: object) -> Done:
    """Run ``dcs …``. Errors that are none of ours are raised."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    error = result.exception
    if isinstance(error, DcsError):
        return Done(error.exit_code, result.stdout, result.stderr + str(error))
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return Done(result.exit_code, result.stdout, result.stderr)
