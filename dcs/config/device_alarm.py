"""``alarm:`` of a device in field.yaml: how the loss of its values is annunciated.

Called by   ``dcs.config.field_schema``, ``dcs.config.field_check``.
Knows       the form; the alarm itself is made in ``dcs.config.device_modules``.
"""

from typing import Annotated

from pydantic import Field

from dcs.config.fields import DurationNs, Flag, Text, whole
from dcs.config.section import Section
from field_io.specs import DeviceAlarm

_S = 1_000_000_000


class DeviceAlarmSection(Section):
    """The one alarm of a device that gives no values; alarms BAD_PV of what it measures are suppressed meanwhile."""

    enable: Flag = Field(True, description="false: no such alarm, and every BAD_PV of its measurements annunciates")
    priority: Annotated[int, whole(1, 4)] = Field(2, description="1 critical, 2 high, 3 medium, 4 low")
    on_delay: DurationNs = Field(2 * _S, description="how long none of its values is there before it comes")
    off_delay: DurationNs = Field(5 * _S, description="how long values are there again before it goes")
    description: Text = Field("", description="what it says in the list; made from the device when not given")
    consequence: Text = Field("", description="what happens if nobody acts")
    cause: Text = Field("", description="what usually brings it")
    action: Text = Field("", description="what the operator does")

    @property
    def spec(self) -> DeviceAlarm:
        """For the device."""
        return DeviceAlarm(
            self.enable,
            self.priority,
            self.on_delay,
            self.off_delay,
            self.description,
            self.consequence,
            self.cause,
            self.action,
        )
