"""What a device says of itself decides what its values are worth: NE 107 status points applied to an image.

Called by   every driver, once per image.
Knows       which point is the status of which (``PointSpec.status``). No link, no clock.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dcs.core.status import GOOD, UNCERTAIN, quality_of
from field_io import ne107
from field_io.specs import PointSpec


class Diagnosis:
    """The status points of one device."""

    def __init__(self, points: Sequence[PointSpec]) -> None:
        at = {point.name: number for number, point in enumerate(points)}
        self._pairs = [
            (at[point.name], at[point.status], points[at[point.status]].ne107) for point in points if point.status in at
        ]

    def __bool__(self) -> bool:
        """False where no point names another one as its status: there is nothing to do then."""
        return bool(self._pairs)

    def apply(self, values: NDArray[np.float64], statuses: NDArray[np.uint8]) -> None:
        """Judge ``statuses`` in place, both in the order of the points; with no diagnosis a value is Uncertain."""
        for at, status_at, way in self._pairs:
            known = quality_of(int(statuses[status_at])) in (GOOD, UNCERTAIN)
            condition = ne107.decoded(float(values[status_at]), way) if known else -1
            statuses[at] = ne107.judged(int(statuses[at]), condition)
