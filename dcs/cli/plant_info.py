"""``dcs plant list`` and ``dcs plant info``: which plants there are, and what one is.

Called by   ``dcs.cli.plant``.
Knows       declarations; nothing is run.
"""

import json
from typing import Any

from dcs.cli.plant_subject import KINDS_OF_FILES, find_subject
from dcs.cli.table import table
from dcs.node.assembly import describe_plant, plant_catalogue

_ROLES = (
    ("input", "Inputs"),
    ("output", "Outputs"),
    ("disturbance", "Disturbances"),
    ("state", "States"),
    ("parameter", "Parameters"),
)


def list_plants(as_json: bool) -> int:
    """Every plant that comes with the product, and what files can be read."""
    catalogue = plant_catalogue()
    found = [describe_plant(kind) for _, kind in sorted(catalogue.items())]
    counts = [{role: sum(v["role"] == role for v in one["variables"]) for role, _ in _ROLES} for one in found]
    if as_json:
        keep = ("name", "title", "description", "reference", "step_s", "integrator", "reference_control")
        rows: list[dict[str, Any]] = [
            {**{key: one[key] for key in keep}, "counts": count, "settings": [s["name"] for s in one["settings"]]}
            for one, count in zip(found, counts, strict=True)
        ]
        print(json.dumps({"plants": rows, "files": sorted(catalogue.readers)}, indent=1))
        return 0
    heads = ["name", "plant", ">states", ">inputs", ">outputs", "method", "settings"]
    lines = [
        [one["name"], one["title"], str(count["state"]), str(count["input"]), str(count["output"]),
         f"{one['integrator']}, {one['step_s']:g} s", _settings(one)]
        for one, count in zip(found, counts, strict=True)
    ]  # fmt: skip
    print(table(heads, lines))
    kinds = [
        f"{kind} (*{ending})"
        for ending, kind in KINDS_OF_FILES.items()
        if kind in catalogue.readers and ending != ".yml"
    ]
    if kinds:
        print(f"\nand what a file describes: {', '.join(kinds)}; or the plant of a folder with a plant.yaml.")
    return 0


def _settings(one: dict[str, Any]) -> str:
    names = [setting["name"] for setting in one["settings"]]
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def show_plant(name: str, as_json: bool) -> int:
    """Variables with units and ranges, settings, conditions, reference."""
    subject = find_subject(name)
    about = describe_plant(subject.kind)
    if as_json:
        print(json.dumps(about, indent=1))
        return 0
    print(f"{about['title']} ({about['name']})\n{about['description']}")
    print(f"Reference: {about['reference']}" if about["reference"] else "Reference: none given")
    own = "; has controllers of its own (--control reference)" if about["reference_control"] else ""
    print(f"Integrated by {about['integrator']} with {about['step_s']:g} s{own}")
    for role, title in _ROLES:
        rows = [
            [v["name"], v["unit"], _number(v["low"]), _number(v["high"]), v["meaning"]]
            for v in about["variables"]
            if v["role"] == role
        ]
        if rows:
            print(f"\n{title}\n" + table(["name", "unit", ">from", ">to", "meaning"], rows))
    print("\nSettings\n" + table(["name", "meaning"], [[s["name"], s["meaning"]] for s in about["settings"]]))
    if about["conditions"]:
        print("\nEvents\n" + table(["name", "meaning"], [[c["name"], c["meaning"]] for c in about["conditions"]]))
    return 0


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
