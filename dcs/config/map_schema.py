"""The keys of a map file: a device type with its points.

Called by   ``dcs.config.map_files``; the documentation generator.
Knows       the form alone. A point has the keys that it has in field.yaml, without those that only one plant can give.
"""

from typing import Annotated, Any

from pydantic import Field

from dcs.config.field_schema import ForbiddenSection, IdentitySection, LimitsSection, PointSection, PollSection
from dcs.config.fields import Behaviours, DurationNs, Flag, Name, choice, duration_between, whole
from dcs.config.section import Section
from field_io.specs import PROTOCOLS

OF_A_PLANT = ("signal", "use")
"""Keys of a point that a map cannot give."""

DEVICE_KEYS = (
    "protocol",
    "word_order",
    "byte_order",
    "gap_max",
    "limits",
    "forbidden",
    "polls",
    "poll",
    "timeout",
    "watchdog",
    "verify",
    "identity",
    "behaviour",
)
"""Keys of a map that hold for a device in field.yaml where it does not give them itself."""


class MapFile(Section):
    """A device type."""

    identity: IdentitySection = Field(description="maker, model, and the document that the map is from")
    protocol: Annotated[str, choice(*PROTOCOLS)] = Field("modbus-tcp", description="how it is spoken to")
    word_order: Annotated[str, choice("high_first", "low_first")] = Field(
        "high_first", description="order of the words of one value"
    )
    byte_order: Annotated[str, choice("high_first", "low_first")] = Field(
        "high_first", description="order of the bytes in a word"
    )
    gap_max: Annotated[int, whole(0, 120)] = Field(16, description="unused registers that one read may span")
    limits: LimitsSection = Field(
        default_factory=lambda: LimitsSection.model_validate({}), description="what the device can take"
    )
    forbidden: list[ForbiddenSection] = Field(
        default_factory=list, description="addresses that no request may touch, not even as a gap"
    )
    polls: dict[Name, PollSection] = Field(default_factory=dict, description="poll groups with periods of their own")
    poll: Annotated[int | None, duration_between("10 ms", "1 h")] = Field(
        None, description="time from reading to reading"
    )
    timeout: Annotated[int | None, duration_between("10 ms", "60 s")] = Field(
        None, description="how long an answer may take"
    )
    watchdog: DurationNs = Field(0, description="its own watchdog; 0 s: it has none")
    verify: Flag = Field(False, description="true: what was written is read back and compared, point by point")
    behaviour: Behaviours = Field(
        default_factory=list, description="what a simulated one does, in the names of the points of this map"
    )
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="keys of points, for every point that does not give them itself"
    )
    points: dict[Name, PointSection] = Field(default_factory=dict, description="by their names in the device")
