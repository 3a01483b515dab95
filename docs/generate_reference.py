"""Write ``docs/reference`` from the declarations in the code; with ``--check``, only say what is out of date.

Called by   ``make docs`` (write) and the tests (``--check``).
Knows       where pages go; their text is made in ``generator``. Pages that nobody makes any more are removed, so
            nothing in ``docs/reference`` is written by hand.
"""

import sys
from pathlib import Path

from generator.block_pages import block_pages
from generator.command_page import command_pages
from generator.configuration_page import configuration_pages
from generator.device_page import device_pages
from generator.markdown import page, table
from generator.plant_pages import plant_pages
from generator.scenario_page import scenario_pages
from generator.story_page import story_pages
from generator.transition_page import transition_pages
from generator.unit_pages import unit_pages

REFERENCE = Path(__file__).parent / "reference"


def all_pages() -> dict[str, str]:
    """Text of every page by its path below ``docs/reference``."""
    index = page(
        "Reference",
        "Made from the code, so that it is true of the version it comes with.",
        table(
            ("page", "what"),
            (
                ("[Command line](command-line.md)", "`dcs …`: commands, options, exit codes"),
                ("[Configuration files](configuration.md)", "every key of a plant folder"),
                ("[Function blocks](blocks/index.md)", "terminals, parameters, equations"),
                ("[Plant models](plants/index.md)", "variables, settings, equations"),
                (
                    "[Units of flowsheets](units/index.md)",
                    "ports, parameters, equations, from which a file wires a plant",
                ),
                ("[Device types](devices.md)", "maps of real devices with their sources, behaviours of simulated ones"),
                ("[Scenarios](scenarios.md)", "what may happen in a simulated run, and when"),
                (
                    "[Redundancy](redundancy-transitions.md)",
                    "phases of a controller in a pair, and what leads from one to another",
                ),
                ("[Stories](story.md)", "what an operator station offers with one click"),
            ),
        ),
    )
    return {
        "index.md": index,
        **block_pages(),
        **plant_pages(),
        **unit_pages(),
        **configuration_pages(),
        **command_pages(),
        **device_pages(),
        **scenario_pages(),
        **story_pages(),
        **transition_pages(),
    }


def differences(pages: dict[str, str], folder: Path) -> list[str]:
    """One line for every page that is missing, different or no longer made."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}
    lines = [f"{name}: missing" for name in pages if name not in found]
    lines += [f"{name}: nothing makes it any more" for name in found if name not in pages]
    lines += [
        f"{name}: differs from the code"
        for name, text in pages.items()
        if name in found and (folder / name).read_text(encoding="utf-8") != text
    ]
    return sorted(lines)


def write(pages: dict[str, str], folder: Path) -> None:
    """Make the folder hold these pages and no others."""
    for path in folder.rglob("*.md"):
        if path.relative_to(folder).as_posix() not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def main() -> int:
    """0 when all is well; 1 when ``--check`` found differences."""
    pages = all_pages()
    if "--check" not in sys.argv[1:]:
        write(pages, REFERENCE)
        return 0
    lines = differences(pages, REFERENCE)
    if lines:
        print("docs/reference is not what the code says. Run `make docs` and commit the result.", *lines, sep="\n  ")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
