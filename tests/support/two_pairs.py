"""The quadruple tank with a pair of controllers for each of its two cascades, and one witness for both."""

from pathlib import Path

from dcs.config.find import find_config

_FIRST, _SECOND = ("LIC-101", "FIC-101", "V-101", "LI-103"), ("LIC-102", "FIC-102", "V-102", "LI-104")


def make_two_pairs(folder: Path) -> Path:
    """Write the texts into a new folder; returns it. The drive cabinet serves both pairs: it checks no epochs."""
    folder.mkdir(parents=True)
    shipped = find_config("quadruple_tank")
    texts = {
        name: (shipped / name).read_text(encoding="utf-8") for name in ("plant.yaml", "field.yaml", "control.yaml")
    }
    for pair, modules in (("C1", _FIRST), ("C2", _SECOND)):
        for module in modules:
            head = f"\n  {module}:\n"
            assert texts["control.yaml"].count(head) == 1, module
            texts["control.yaml"] = texts["control.yaml"].replace(head, f"{head}    controller: {pair}\n")
    second = "    lease: auto\n  C2: {members: [C2A, C2B], witness: W1}\n"
    texts["plant.yaml"] = texts["plant.yaml"].replace("    lease: auto\n", second)
    kept = [line for line in texts["field.yaml"].splitlines() if not line.strip().startswith("epoch:")]
    texts["field.yaml"] = "\n".join(kept)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
