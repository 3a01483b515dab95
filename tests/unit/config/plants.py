"""The good plant of the configuration tests, in a private folder and with edits."""

import shutil
from dataclasses import dataclass
from pathlib import Path

GOOD = Path(__file__).parent / "good_plant"
FOLDER = "tank"
"""The folder's name as messages show it: tests run next to it."""


@dataclass(frozen=True)
class Hunk:
    """Lines of one file and what replaces them; ``old`` occurs exactly once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Case:
    """A wrong configuration and the whole message that it must give."""

    name: str
    hunks: tuple[Hunk, ...]
    message: str


def copy_good(to: Path) -> Path:
    """A fresh copy of the good plant below ``to``."""
    folder = to / FOLDER
    shutil.copytree(GOOD, folder)
    return folder


def apply(hunk: Hunk, folder: Path) -> None:
    """Edit one file; an edit that does not fit is a mistake in the test."""
    path = folder / hunk.file
    text = path.read_text(encoding="utf-8")
    assert ("\n" + text).count("\n" + hunk.old) == 1, f"{hunk.file} must contain exactly once:\n{hunk.old}"
    path.write_text(("\n" + text).replace("\n" + hunk.old, "\n" + hunk.new, 1)[1:], encoding="utf-8")


def read_cases(path: Path) -> list[Case]:
    """``== name``, then ``@@ file`` with lines ``-old``, ``+new``, `` same``, then ``=> message``."""
    cases = []
    for part in path.read_text(encoding="utf-8").split("== ")[1:]:
        name, *lines = part.splitlines()
        hunks: list[tuple[str, list[str]]] = []
        message = []
        for line in lines:
            if line.startswith("@@ "):
                hunks.append((line[3:], []))
            elif line.startswith("=> "):
                message.append(line[3:])
            elif line:
                hunks[-1][1].append(line)
        cases.append(Case(name, tuple(_hunk(file, body) for file, body in hunks), "\n".join(message)))
    return cases


def _hunk(file: str, lines: list[str]) -> Hunk:
    old = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
    new = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
    return Hunk(file, old, new)
