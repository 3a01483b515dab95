"""The sections of a flowsheet file but for the connections: general data, units with their numbers, where it begins.

Called by   ``plant_models.flowsheet.plant``.
Knows       unit types and quantities. Every finding goes to ``Problems`` with its line; nothing stops at the first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from plant_models.flowsheet.quantities import in_si
from plant_models.flowsheet.source import Item, Problems, did_you_mean, is_name
from plant_models.flowsheet.unit import Unit
from plant_models.units.declare import T_MAX_K, T_MIN_K, Quantity
from plant_models.units.library import UNIT_TYPES

TOP_KEYS = (
    "title", "description", "liquid", "components", "ambient", "step", "units", "connections",
    "inputs", "outputs", "disturbances", "initial",
)  # fmt: skip
COMPONENTS_MAX = 8
_LIQUID = (
    Quantity("density", "kg/m3", 100.0, 20000.0, "density", 998.2),
    Quantity("heat_capacity", "J/kgK", 100.0, 20000.0, "heat capacity", 4182.0),
)
_AMBIENT = Quantity("ambient", "K", T_MIN_K, T_MAX_K, "temperature of the surroundings", 293.15)
_STEP = Quantity("step", "s", 1e-3, 60.0, "integration step", 0.1)


@dataclass
class Flowsheet:
    """A file, read: all in SI."""

    title: str = ""
    description: str = ""
    components: tuple[str, ...] = ()
    liquid: dict[str, float] = field(default_factory=dict)
    ambient_k: float = _AMBIENT.default
    step_s: float | None = None
    units: dict[str, Unit] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)  # units that stand in the file but could not be read


def read_flowsheet(top: Item, problems: Problems) -> Flowsheet:
    """Everything but connections and choices."""
    sections = top.keys()
    for key, item in sections.items():
        if key not in TOP_KEYS:
            hint = did_you_mean(key, TOP_KEYS, "Known keys")
            problems.add(item.line, f"there is no key `{key}` in a flowsheet. {hint}")
    found = Flowsheet(
        sections["title"].text() if "title" in sections else "",
        sections["description"].text() if "description" in sections else "",
    )
    found.components = _components(sections.get("components"), problems)
    liquid = sections["liquid"].keys() if "liquid" in sections else {}
    found.liquid = {q.name: q.default for q in _LIQUID} | _numbers("liquid", liquid, _LIQUID, problems)
    general: dict[str, Item] = {key: sections[key] for key in ("ambient", "step") if key in sections}
    numbers = _numbers("flowsheet", general, (_AMBIENT, _STEP), problems)
    found.ambient_k = numbers.get("ambient", _AMBIENT.default)
    found.step_s = numbers.get("step")
    if "units" not in sections or not sections["units"].keys():
        problems.add(top.line, "a flowsheet needs units. Add `units:` with a tank, a source, a valve …")
        return found
    for name, item in sections["units"].keys().items():
        unit = _unit(name, item, found.components, problems)
        if unit is None:
            found.broken.add(name)
        else:
            found.units[name] = unit
    initial = sections.get("initial")
    _read_initial(found, initial.keys() if initial else {}, problems)
    return found


def _components(item: Item | None, problems: Problems) -> tuple[str, ...]:
    if item is None:
        return ()
    names = [one.text() for one in item.items()]
    taken = {q.name for kind in UNIT_TYPES.values() for q in (*kind.slots, *kind.outputs)}
    for name in names:
        if not is_name(name) or name in taken or names.count(name) > 1:
            problems.add(item.line, f"`{name}` cannot be the name of a component. Choose another, such as `salt`.")
    if not names or len(names) > COMPONENTS_MAX:
        problems.add(
            item.line, f"components: {len(names)} names, but 1 to {COMPONENTS_MAX} are needed. Write `[salt]`."
        )
    return tuple(names)


def _numbers(owner: str, given: Mapping[str, Item], known: Iterable[Quantity], problems: Problems) -> dict[str, float]:
    """What is given of the known quantities; what is wrong is told and left out."""
    by_name = {q.name: q for q in known}
    found = {}
    for key, item in given.items():
        if key not in by_name:
            problems.add(item.line, f"{owner}: there is no `{key}`. {did_you_mean(key, by_name, 'There are')}")
            continue
        try:
            found[key] = in_si(item.text(), by_name[key])
        except ValueError as error:
            problems.add(item.line, f"{owner}: {key}: {error}")
    return found


def _unit(name: str, item: Item, components: tuple[str, ...], problems: Problems) -> Unit | None:
    keys = item.keys()
    if not is_name(name):
        problems.add(item.line, f"`{name}` is not a name. Use letters, digits, `-` and `_`, beginning with a letter.")
        return None
    kind = keys["type"].text() if "type" in keys else ""
    if kind not in UNIT_TYPES:
        said = f"there is no unit type `{kind}`" if kind else "a unit needs a type"
        hint = did_you_mean(kind, UNIT_TYPES, "Unit types")
        problems.add(keys["type"].line if "type" in keys else item.line, f"{name}: {said}. {hint}")
        return None
    unit = Unit(name, UNIT_TYPES[kind], item.line, components)
    unit.texts = {key: keys[key] for key in unit.type.texts if key in keys}
    for key in ("gas", "measures"):
        if key in unit.type.texts and key not in keys:
            problems.add(item.line, f"{name}: a {kind} needs `{key}`. Add `{key}: …`.")
    known = (*unit.parameters, *unit.disturbances)
    given = {key: one for key, one in keys.items() if key != "type" and key not in unit.type.texts}
    unit.values = {q.name: q.default for q in (*known, *unit.inputs) if not q.required}
    unit.values |= _numbers(f"{name} ({kind})", given, known, problems)
    for quantity in known:
        if quantity.required and quantity.name not in given:
            problems.add(item.line, f"{name} ({kind}): `{quantity.name}` ({quantity.meaning}) is not given. Add it.")
    return unit


def _read_initial(found: Flowsheet, given: Mapping[str, Item], problems: Problems) -> None:
    for name, item in given.items():
        if name not in found.units and name not in found.broken:
            hint = did_you_mean(name, found.units, "Units")
            problems.add(item.line, f"initial: there is no unit `{name}`. {hint}")
    for name, unit in found.units.items():
        begin = given.get(name)
        _begin(unit, begin.keys() if begin else {}, begin.line if begin else unit.line, problems)


def _begin(unit: Unit, given: Mapping[str, Item], line: int, problems: Problems) -> None:
    """Inputs and states at the start: given, or as the unit type says, or by default."""
    by_key: dict[str, Quantity] = {q.name: q for q in (*unit.inputs, *unit.type.starts)}
    for state in unit.states:  # cells of a pipe share one key
        by_key.setdefault(state.key, replace(state, name=state.key))
    numbers = _numbers(f"{unit.name} ({unit.type.name})", given, by_key.values(), problems)
    for quantity in unit.inputs:
        unit.values[quantity.name] = numbers.get(quantity.name, quantity.default)
    unit.begins = {state.name: numbers.get(state.key, state.default) for state in unit.states}
    for state in unit.states:
        if state.required and state.key not in given:
            problems.add(line, f"{unit.name}: its {state.key} at the start is not given. Add it under `initial:`.")
    if unit.type.start is None or problems.any:
        return
    known = {**unit.values, **unit.begins, **{q.name: q.default for q in unit.type.starts}, **numbers}
    for name, value in unit.type.start(known).items():
        key = next(state.key for state in unit.states if state.name == name)
        if key not in given:
            unit.begins[name] = value
