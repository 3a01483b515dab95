"""The keys of alarms that are made by themselves: how the loss of a device, or of redundancy, is annunciated.

Called by   ``dcs.config.field_schema``, ``dcs.config.field_check``, ``dcs.config.schema``.
Knows       the form, and how an alarm is made of it; which alarms there are is in ``dcs.config.device_modules`` and
            ``dcs.config.pair_modules``.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from dcs.config.fields import DurationNs, Flag, Text, whole
from dcs.config.section import Section
from dcs.core.clock import NS_PER_S
from dcs.core.errors import Place
from dcs.engine.strategy import AlarmSpec
from field_io.specs import DeviceAlarm


class DeviceAlarmSection(Section):
    """The one alarm of a device that gives no values; alarms BAD_PV of what it measures are suppressed meanwhile."""

    enable: Flag = Field(True, description="false: no such alarm, and every BAD_PV of its measurements annunciates")
    priority: Annotated[int, whole(1, 4)] = Field(2, description="1 critical, 2 high, 3 medium, 4 low")
    on_delay: DurationNs = Field(2 * NS_PER_S, description="how long none of its values is there before it comes")
    off_delay: DurationNs = Field(5 * NS_PER_S, description="how long values are there again before it goes")
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


class RedundancyAlarmSection(DeviceAlarmSection):
    """An alarm of lost redundancy: nothing fails now, and the next failure would be felt."""

    enable: Flag = Field(True, description="false: no such alarm")
    priority: Annotated[int, whole(1, 4)] = Field(4, description="1 critical, 2 high, 3 medium, 4 low")
    on_delay: DurationNs = Field(10 * NS_PER_S, description="how long redundancy is lost before it comes")
    off_delay: DurationNs = Field(10 * NS_PER_S, description="how long all is whole again before it goes")


class StandbyAlarmSection(RedundancyAlarmSection):
    """The alarm of a pair whose standby could not take over; a takeover and a copy are over long before it comes."""

    on_delay: DurationNs = Field(30 * NS_PER_S, description="how long redundancy is lost before it comes")


class TakenOutAlarmSection(RedundancyAlarmSection):
    """The reminder of a standby that was taken out on command: maintenance rings nothing while it lasts that long."""

    on_delay: DurationNs = Field(3600 * NS_PER_S, description="how long it may be out before it comes")
    off_delay: DurationNs = Field(0, description="how long it is back before it goes")


class PairAlarmsSection(Section):
    """The alarms of a redundant pair about itself. A single controller has none."""

    standby: StandbyAlarmSection = Field(
        default_factory=lambda: StandbyAlarmSection.model_validate({}),
        description="STANDBY: the standby could not take over, though nobody has taken it out",
    )
    taken_out: TakenOutAlarmSection = Field(
        default_factory=lambda: TakenOutAlarmSection.model_validate({}),
        description="TAKEN_OUT: the standby was taken out on command, and is out for long",
    )
    witness: StandbyAlarmSection = Field(
        default_factory=lambda: StandbyAlarmSection.model_validate({}),
        description="WITNESS: the third voter is not heard",
    )
    paths: StandbyAlarmSection = Field(
        default_factory=lambda: StandbyAlarmSection.model_validate({}),
        description="PATHS: the standby reaches fewer devices, or by fewer links, than the active",
    )


@dataclass(frozen=True, slots=True)
class Texts:
    """What such an alarm says when the configuration does not."""

    description: str
    consequence: str
    cause: str
    action: str


def alarm_of(name: str, source: str, given: DeviceAlarm, texts: Texts, place: Place) -> AlarmSpec:
    """``name``: with its module, ``C1.STANDBY``; ``source``: the terminal that is 1 in alarm."""
    return AlarmSpec(
        name=name,
        module=name.rpartition(".")[0],
        source=source,
        kind="ON",
        priority=given.priority,
        on_delay_s=given.on_delay_ns / NS_PER_S,
        off_delay_s=given.off_delay_ns / NS_PER_S,
        description=given.description or texts.description,
        consequence=given.consequence or texts.consequence,
        cause=given.cause or texts.cause,
        action=given.action or texts.action,
        place=place,
    )
