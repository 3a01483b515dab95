"""What every unit type keeps: documented, complete, with constants that fit its declaration."""

import inspect
import sys
from types import ModuleType

import pytest

from plant_models.units.declare import UnitType
from plant_models.units.library import UNIT_TYPES
from plant_models.units.run import SOURCE as FIRST
from plant_models.units.run import TRANSMITTER as LAST

SECTIONS = ("Equations", "Symbols", "Validity", "Reference")
TYPES = list(UNIT_TYPES.values())


def module_of(kind: UnitType) -> ModuleType:
    """The module whose variable holds the unit type under its own name."""
    for name, module in list(sys.modules.items()):
        if name.startswith("plant_models.units.") and vars(module).get(kind.name.upper()) is kind:
            return module
    raise AssertionError(f"no module of plant_models.units holds {kind.name} in a variable of its own")


@pytest.mark.parametrize("kind", TYPES, ids=UNIT_TYPES)
def test_its_docstring_gives_equations_symbols_validity_and_reference(kind: UnitType) -> None:
    doc = inspect.getdoc(module_of(kind)) or ""
    for section in SECTIONS:
        assert f"{section}\n{'-' * len(section)}\n" in doc, f"{kind.name}: no section {section} in its docstring"
    assert ".. math::" in doc
    reference = doc.split("Reference\n")[1]
    assert any(str(year) in reference for year in range(1900, 2100)), f"{kind.name}: the reference has no year"
    symbols = doc.split("Symbols\n")[1].split("Validity\n")[0]
    assert "symbol" in symbols
    assert "unit" in symbols
    for quantity in kind.outputs:
        words = (quantity.name, quantity.name.removeprefix("flowing_"), quantity.name.removeprefix("hot_"))
        assert any(word in doc for word in words), f"{kind.name}: {quantity.name} is not in its docstring"


@pytest.mark.parametrize("kind", TYPES, ids=UNIT_TYPES)
def test_its_constants_are_the_places_of_its_slots(kind: UnitType) -> None:
    """Promise: ``KV = 0`` in the module means that ``kv`` is the first slot; kernels read by these numbers."""
    constants = vars(module_of(kind))
    slots = [quantity.name for quantity in kind.slots]
    for place, name in enumerate(slots):
        assert constants.get(name.upper()) == place, f"{kind.name}: the constant {name.upper()} should be {place}"


@pytest.mark.parametrize("kind", TYPES, ids=UNIT_TYPES)
def test_every_quantity_has_unit_range_and_meaning(kind: UnitType) -> None:
    quantities = (*kind.slots, *kind.states, *kind.outputs)
    for quantity in quantities:
        assert quantity.unit or kind.name == "transmitter", f"{kind.name}.{quantity.name}: a pure number has the unit 1"
        assert quantity.meaning
        assert quantity.low < quantity.high
        assert quantity.required or quantity.low <= quantity.default <= quantity.high
    names = [quantity.name for quantity in quantities]
    assert len(set(names)) == len(names), f"{kind.name}: a name is used twice"


def test_numbers_of_types_are_those_that_the_kernels_know() -> None:
    assert [kind.number for kind in TYPES] == list(range(FIRST, LAST + 1))
