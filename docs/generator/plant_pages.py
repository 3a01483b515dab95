"""``reference/plants``: one page for every plant model, from its declaration and the docstring of its module.

Called by   ``docs/generate_reference.py``.
Knows       ``plant_models``.
"""

import inspect
import sys

from generator.markdown import code, from_docstring, limits, number, page, section, sentence, table
from plant_models.library import PLANTS
from plant_models.model import DISTURBANCE, INPUT, OUTPUT, PARAMETER, STATE, PlantType

_ROLES = (
    (INPUT, "Inputs", "What actuators do to the plant; an `out` point of field.yaml moves one of them."),
    (OUTPUT, "Outputs", "What transmitters can see; an `in` point of field.yaml reads one of them."),
    (DISTURBANCE, "Disturbances", "What the world does to the plant."),
    (STATE, "States", "What the plant remembers."),
    (PARAMETER, "Parameters", "Sizes and constants, by setting."),
)


def plant_pages() -> dict[str, str]:
    """Text of every page by its path below ``reference``."""
    pages = {f"plants/{plant.name}.md": _plant_page(plant) for plant in PLANTS.values()}
    rows = [[f"[{plant.name}]({plant.name}.md)", plant.title, plant.description] for _, plant in sorted(PLANTS.items())]
    pages["plants/index.md"] = page(
        "Plant models",
        "Plants that `model.type` in plant.yaml may name.",
        table(("model", "title", "what it is"), rows),
    )
    return pages


def _module_doc(plant: PlantType) -> str:
    for name, module in sorted(sys.modules.items()):
        if name.startswith("plant_models.") and any(value is plant for value in vars(module).values()):
            return inspect.getdoc(module) or ""
    raise LookupError(f"plant {plant.name} is in no variable of a module of plant_models: where is its docstring?")


def _plant_page(plant: PlantType) -> str:
    summary, _, rest = _module_doc(plant).partition("\n\n")
    body = "\n\n".join(part for part in rest.split("\n\n") if not part.startswith("Called by"))
    return page(
        plant.title,
        summary,
        from_docstring(body),
        *(section(title, words, _variables(plant, role)) for role, title, words in _ROLES if plant.of_role(role)),
        section("Settings", table(("setting", "what it is"), ([code(s.name), s.meaning] for s in plant.settings))),
        section(
            "Events",
            table(("condition", "what has happened"), ([code(c.name), sentence(c.meaning)] for c in plant.conditions)),
        ),
        section(
            "Integration", f"Step of the fixed-step integrators when plant.yaml gives none: {number(plant.step_s)} s."
        ),
    )


def _variables(plant: PlantType, role: str) -> str:
    settings = plant.settings if role != OUTPUT else ()
    rows = []
    for v in plant.of_role(role):
        starts = []
        for s in settings:
            values = {**s.states, **s.inputs, **s.parameters, **s.disturbances}
            starts.append(f"{values.get(v.name, 0.0):.6g}")
        rows.append([code(v.name), v.unit, limits(v.low, v.high), v.meaning, *starts])
    return table(("variable", "unit", "range", "meaning", *(f"`{s.name}`" for s in settings)), rows)
