"""A flowsheet file as a plant type: read, checked, laid out.

Called by   ``plant_models.library``: ``PLANTS.open("flowsheet", file, text)``.
Knows       the order of the steps, and how variables of the plant follow from units.
Reports     ``PlantFileError`` with everything that is wrong, by line.
"""

from collections.abc import Callable
from pathlib import Path

from plant_models.compiled import Kernels, compiled_factory
from plant_models.flowsheet.layout import Order, lay_out
from plant_models.flowsheet.reading import Flowsheet, read_flowsheet
from plant_models.flowsheet.source import Item, Problems, did_you_mean, parse
from plant_models.flowsheet.unit import Unit
from plant_models.flowsheet.wiring import Branch, read_connections
from plant_models.kernel import Parts
from plant_models.model import (
    DISTURBANCE,
    INPUT,
    OUTPUT,
    PARAMETER,
    STATE,
    Condition,
    PlantFileError,
    PlantType,
    Setting,
    Variable,
)
from plant_models.units.declare import T_MAX_K, T_MIN_K, Quantity
from plant_models.units.run import advance, derivatives, measure, settle
from plant_models.units.table import U_LINK, U_STATE, U_TYPE, UNIT_COLUMNS, net_of
from plant_models.units.transmitter import TRANSMITTER

STEP_S = 0.1
_REFERENCE = "the units' own: docs/reference/units"


def read_file(path: Path) -> PlantType:
    """The plant that a file describes. Raises ``PlantFileError``."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PlantFileError(str(path), [(1, f"cannot be read ({reason}). Correct `file` in plant.yaml.")]) from None
    except UnicodeDecodeError:
        raise PlantFileError(str(path), [(1, "is not UTF-8. Save the file in UTF-8 encoding.")]) from None
    return read_text(text, path)


def read_text(text: str, path: Path) -> PlantType:
    """The plant that a text describes; ``path`` is what messages call it. Raises ``PlantFileError``."""
    problems = Problems(str(path))
    top = parse(text, str(path), problems)
    sheet = read_flowsheet(top, problems)
    sections = top.keys()
    line = sections["units"].line if "units" in sections else top.line
    _check_names(sheet, problems)
    wires = sections.get("connections")
    branches = read_connections(wires, sheet.units, sheet.broken, line, problems) if sheet.units else []
    chosen = {key: _chosen(key, sections.get(key), sheet, problems) for key in ("inputs", "outputs", "disturbances")}
    problems.raise_if_any()
    return _plant(sheet, branches, chosen, path.stem)


def _check_names(sheet: Flowsheet, problems: Problems) -> None:
    """Names of other units and of components that units give."""
    for unit in sheet.units.values():
        for key, item in unit.texts.items():
            if item.text().partition(".")[0] in sheet.broken:
                continue
            if key == "driven_by":
                motors = [name for name, other in sheet.units.items() if other.type.name == "motor"]
                _one_of(item, motors, f"{unit.name}: there is no motor", "Motors", problems)
            elif key == "gas":
                _one_of(item, sheet.components, f"{unit.name}: there is no component", "Components", problems)
            else:
                _measured(unit, item, sheet, problems)


def _one_of(item: Item, known: "list[str] | tuple[str, ...]", said: str, what: str, problems: Problems) -> None:
    if item.text() not in known:
        problems.add(item.line, f"{said} `{item.text()}`. {did_you_mean(item.text(), known, what)}")


def _measured(unit: Unit, item: Item, sheet: Flowsheet, problems: Problems) -> None:
    known = {
        f"{name}.{quantity.name}": quantity
        for name, other in sheet.units.items()
        if other.type is not TRANSMITTER
        for quantity in other.outputs
    }
    if item.text() in known:
        unit.measured = known[item.text()]
        return
    name, dot, _ = item.text().partition(".")
    near = [one for one in known if one.startswith(f"{name}.")] or list(known)
    said = f"there is no output `{item.text()}`" if dot else f"`{item.text()}` is not UNIT.OUTPUT"
    problems.add(item.line, f"{unit.name}: {said}. {did_you_mean(item.text(), near, 'Outputs')}")


def _chosen(key: str, item: Item | None, sheet: Flowsheet, problems: Problems) -> list[str]:
    """Names in a section ``inputs``, ``outputs`` or ``disturbances``; all there are without it."""
    known = [f"{name}.{q.name}" for name, unit in sheet.units.items() for q in getattr(unit, key)]
    if item is None:
        return known
    found = []
    for one in item.items():
        if one.text() in found:
            problems.add(one.line, f"{key}: `{one.text()}` is given twice. Delete one.")
        elif one.text() in known:
            found.append(one.text())
        else:
            hint = did_you_mean(one.text(), known, "There are")
            problems.add(one.line, f"{key}: there is no `{one.text()}`. {hint}")
    if not item.items():
        problems.add(item.line, f"{key}: a list of names is needed. Write `{key}: [UNIT.NAME]`, or delete it for all.")
    return found


def _plant(sheet: Flowsheet, branches: list[Branch], chosen: dict[str, list[str]], name: str) -> PlantType:
    variables: list[Variable] = []
    for unit in sheet.units.values():
        variables += _of(unit, unit.inputs, lambda n: INPUT if n in chosen["inputs"] else PARAMETER)
        variables += _of(unit, unit.disturbances, lambda n: DISTURBANCE if n in chosen["disturbances"] else PARAMETER)
        variables += _of(unit, unit.parameters, lambda _: PARAMETER)
        variables += _of(unit, unit.states, lambda _: STATE)
    variables.append(Variable("ambient", "K", T_MIN_K, T_MAX_K, "temperature of the surroundings", DISTURBANCE))
    by_name = {f"{u.name}.{q.name}": (u, q) for u in sheet.units.values() for q in u.outputs}
    variables += [_variable(*by_name[output], OUTPUT) for output in chosen["outputs"]]
    facts = [(u, fact) for u in sheet.units.values() for fact in u.type.facts]
    names = {r: [v.name for v in variables if v.role == r] for r in (INPUT, DISTURBANCE, PARAMETER, STATE)}
    order = Order(names[INPUT], names[DISTURBANCE], names[PARAMETER], names[STATE])
    kept = lay_out(
        sheet.units,
        branches,
        order,
        chosen["outputs"],
        (sheet.liquid["density"], sheet.liquid["heat_capacity"], len(sheet.components)),
        [f"{u.name}.{fact.name}" for u, fact in facts],
    )
    given = {f"{u.name}.{n}": value for u in sheet.units.values() for n, value in {**u.values, **u.begins}.items()}
    given["ambient"] = sheet.ambient_k
    values = {role: {v.name: given[v.name] for v in variables if v.role == role} for role in (STATE, INPUT, PARAMETER)}
    setting = Setting(
        "initial", "as the file begins", values[STATE], values[INPUT], values[PARAMETER],
        {v.name: given[v.name] for v in variables if v.role == DISTURBANCE},
    )  # fmt: skip

    def begin(p: Parts, seed: int) -> None:
        """Put the tables into the memory; transmitters begin at what they measure."""
        p.kept[:] = kept
        measure(p)
        net = net_of(p)
        for row in range(net.units, net.slots, UNIT_COLUMNS):
            if net.k[row + U_TYPE] == TRANSMITTER.number:
                p.states[int(net.k[row + U_STATE])] = net.k[net.outputs + int(net.k[row + U_LINK])]

    return PlantType(
        name=name,
        title=sheet.title or name,
        description=sheet.description,
        reference=_REFERENCE,
        variables=tuple(variables),
        settings=(setting,),
        create_model=compiled_factory(Kernels(advance, derivatives, settle, measure, begin=begin)),
        conditions=tuple(Condition(f"{u.name}.{fact.name}", f"{u.name} {fact.meaning}") for u, fact in facts),
        step_s=sheet.step_s or _step_s(sheet),
        kept=kept.size,
    )


def _step_s(sheet: Flowsheet) -> float:
    """Short enough for the fastest lag."""
    lags = [unit.values["lag"] for unit in sheet.units.values() if "lag" in unit.values]
    return min([STEP_S, *(lag / 2.0 for lag in lags)])


def _of(unit: Unit, quantities: tuple[Quantity, ...], role: Callable[[str], str]) -> list[Variable]:
    return [_variable(unit, q, role(f"{unit.name}.{q.name}")) for q in quantities]


def _variable(unit: Unit, quantity: Quantity, role: str) -> Variable:
    meaning = f"{unit.name}: {quantity.meaning}"
    return Variable(f"{unit.name}.{quantity.name}", quantity.unit, quantity.low, quantity.high, meaning, role)
