"""What people write as text in a block, and what it means in numbers: formulas, programs, the steps of a sequence.

Called by   ``dcs.blocks.declare`` (which passes these names on) and the types that have such parameters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

ParamValue = float | tuple[float, ...]
"""Value of a parameter: a number, or the first elements of an array."""


@dataclass(frozen=True, slots=True)
class Text:
    """A parameter that people write as text or as a structure: an expression, the steps of a sequence, a matrix."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Named:
    """An array of state whose elements, from ``first`` on (counted from 0), have the names of the labels ``names``.

    An online change finds the values again by them; a new one begins with its element of the parameter ``initial``.
    """

    array: str
    names: str
    first: int = 0
    initial: str = ""


@dataclass(frozen=True, slots=True)
class Translation:
    """What the text parameters of one block mean in numbers."""

    params: Mapping[str, ParamValue]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the codes 0, 1, 2 … of a field (``{"step": ("FILL", "HEAT")}``), for people; ``event`` names the values
    of events."""


Translate = Callable[[Mapping[str, Any]], Translation]
"""From the given text parameters, as they stand in the file, to numbers. Raises ``ConfigError`` with a sentence."""


class Carried(Protocol):
    """What an online change makes of the state of a block whose texts have changed."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """What the new record is to hold, by field; arrays whole."""
        ...

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences: why it should not be done now."""
        ...


Carry = Callable[[Mapping[str, Any], Translation, Translation], Carried]
"""From the fields of the old record (arrays as lists) and both translations to what is carried over."""
