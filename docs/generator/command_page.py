"""``reference/command-line.md``: every command of ``dcs``, from the command line itself.

Called by   ``docs/generate_reference.py``.
Knows       the typer application and how it names arguments and options.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from dcs.cli.main import app
from generator.markdown import code, page, section, sentence, table

EXIT_CODES = (
    ("0", "done"),
    ("1", "a promise of the run failed"),
    ("2", "what you gave it is wrong; nothing was started"),
    ("3", "something outside is missing: a display, a port, a folder it may write, a program"),
)


def command_pages() -> dict[str, str]:
    """Text of the page by its path below ``reference``."""
    group: Any = typer.main.get_command(app)
    commands = list(_commands(group, "dcs"))
    return {
        "command-line.md": page(
            "Command line",
            sentence(inspect.cleandoc(group.help or "")),
            table(("command", "does"), ([f"[`{name}`](#{_anchor(name)})", _summary(c)] for name, c in commands)),
            section("Exit codes", table(("code", "meaning"), EXIT_CODES)),
            *(section(name, *_command(name, command)) for name, command in commands),
        )
    }


def _commands(group: Any, words: str) -> Iterator[tuple[str, Any]]:
    """Every command with the words that call it, those of groups too."""
    for command in group.commands.values():
        name = f"{words} {command.name}"
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _commands(command, name)
        else:
            yield name, command


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def _summary(command: Any) -> str:
    return inspect.cleandoc(command.help or "").split("\n\n")[0].replace("\n", " ")


def _command(name: str, command: Any) -> list[str]:
    shown = [item for item in command.params if not getattr(item, "hidden", False)]
    arguments = [item for item in shown if item.param_type_name == "argument"]
    options = [item for item in shown if item.param_type_name == "option"]
    line = " ".join([name, *(_metavar(item) for item in arguments), "[OPTIONS]" if options else ""])
    return [
        f"```text\n{line.strip()}\n```",
        inspect.cleandoc(command.help or ""),
        table(("argument", "meaning"), ([code(_metavar(item)), item.help or ""] for item in arguments)),
        table(("option", "default", "meaning"), ([_option(item), _default(item), item.help or ""] for item in options)),
    ]


def _metavar(item: Any) -> str:
    name = item.metavar or item.name.upper()
    return name if item.required or name.startswith("[") else f"[{name}]"


def _option(item: Any) -> str:
    names = ", ".join([*item.opts, *item.secondary_opts])
    return code(names if item.is_flag else f"{names} {item.metavar or item.type.name.upper()}")


def _default(item: Any) -> str:
    if item.is_flag or item.default is None or callable(item.default) or item.default in ("", (), []):
        return ""
    return code(str(item.default))
