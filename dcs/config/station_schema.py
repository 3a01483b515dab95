"""The keys of redundant field I/O in field.yaml: second addresses, stations with cards.

Called by   ``dcs.config.field_schema``; the documentation generator.
Knows       the form alone; what one key says of another is checked in ``dcs.config.station_check``.
"""

from typing import Annotated

from pydantic import Field

from dcs.config.fields import Flag, Host, Name, PortNumber, choice, whole
from dcs.config.section import Section
from field_io.station import CARD_KINDS, CHANNELS_MAX


class BackupSection(Section):
    """The second address of a device: another coupler, another network card."""

    host: Host = Field("127.0.0.1", description="its address")
    port: PortNumber = Field(502, description="its TCP port; `auto` takes a free one (simulated devices only)")


class CardSection(Section):
    """A card of a station, or a pair of them."""

    type: Annotated[str, choice(*CARD_KINDS)] = Field(description="analogue or discrete, input or output")
    channels: Annotated[int, whole(1, CHANNELS_MAX)] = Field(16, description="how many channels it has")
    duplex: Flag = Field(False, description="true: a pair of cards in this slot and the next; one carries on alone")


class StationSection(Section):
    """A node unit: cards in slots behind the couplers (`host`/`port` is coupler A, `backup` is coupler B)."""

    cards: dict[Name, CardSection] = Field(description="by slot: `S1` to `S32`; a duplex pair has two slots")
