"""One unit of a flowsheet: its type, its numbers, and what its variables are called.

Made by     ``plant_models.flowsheet.reading``; used by the wiring and the layout.
Knows       a unit type and the flowsheet's components. Names are ``UNIT.QUANTITY``.
"""

from dataclasses import dataclass, field, replace

from plant_models.flowsheet.source import Item
from plant_models.units.declare import Quantity, UnitType, share, temperature

SLACK = 1e-6
"""By so much a mass fraction may leave 0 … 1 without an event: rounding."""


@dataclass
class Unit:
    """``values`` by the names of parameters, inputs and disturbances, ``begins`` by those of states; SI."""

    name: str
    type: UnitType
    line: int
    components: tuple[str, ...]
    values: dict[str, float] = field(default_factory=dict)
    begins: dict[str, float] = field(default_factory=dict)
    texts: dict[str, Item] = field(default_factory=dict)
    measured: Quantity | None = None  # of a transmitter: what it measures

    @property
    def parameters(self) -> tuple[Quantity, ...]:
        """Sizes and constants."""
        return self.type.parameters

    @property
    def inputs(self) -> tuple[Quantity, ...]:
        """What actuators do; the speed of a pump that a motor drives is not one."""
        return tuple(q for q in self.type.inputs if not (q.name == "speed" and "driven_by" in self.texts))

    @property
    def disturbances(self) -> tuple[Quantity, ...]:
        """What the world does; at a boundary also what the liquid is made of."""
        own = tuple(self._in_unit(q) for q in self.type.disturbances)
        if not self.type.boundary:
            return own
        return (*own, *(share(c, f"mass fraction of {c} in what comes from there") for c in self.components))

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of everything that its kernels read, in the order of the table."""
        fractions = self.components if self.type.boundary else ()
        return (*(q.name for q in self.type.slots), *fractions)

    @property
    def cells(self) -> tuple[str, ...]:
        """Names of its contents."""
        if self.type.numbered:
            return tuple(str(i + 1) for i in range(round(self.values.get("cells", 1.0))))
        return self.type.cells

    @property
    def own_states(self) -> tuple[Quantity, ...]:
        """States but for those of its contents."""
        return tuple(self._in_unit(q) for q in self.type.states)

    @property
    def states(self) -> tuple[Quantity, ...]:
        """Own states, then temperature and fractions of every content that is balanced; ``key``: see ``initial``."""
        if self.type.boundary:
            return ()
        found = [*self.own_states]
        for cell in self.cells:
            before = f"{cell}_" if cell and not self.type.numbered else ""
            after = f"_{cell}" if self.type.numbered else ""
            where = f" ({cell})" if cell else ""
            found.append(temperature(f"{before}T{after}", f"temperature{where}", key=f"{before}temperature"))
            for c in self.components:
                fraction = share(f"{before}w_{c}{after}", f"mass fraction of {c}{where}")
                found.append(replace(fraction, low=-SLACK, high=1.0 + SLACK, key=f"{before}{c}"))
        return tuple(found)

    @property
    def outputs(self) -> tuple[Quantity, ...]:
        """What can be measured, in the order of the table."""
        own = tuple(self._in_unit(q) for q in self.type.outputs)
        if not self.type.fractions_out:
            return own
        flowing = "flowing_" if self.type.boundary else ""
        return (*own, *(share(f"{flowing}{c}", f"mass fraction of {c}") for c in self.components))

    def _in_unit(self, quantity: Quantity) -> Quantity:
        """A transmitter's quantities without a unit have that of what it measures."""
        if quantity.unit or self.measured is None:
            return quantity
        return replace(quantity, unit=self.measured.unit)
