"""The keys of field.yaml for instruments that are not ideal, and for faults.

Called by   ``dcs.config.field_schema``.
Knows       the form alone; what fits which point is checked in ``instrument_check`` and ``fault_check``.
"""

from typing import Annotated, Any

from pydantic import Field

from dcs.config.fields import DurationNs, Number, Quantity, Text, choice, whole
from dcs.config.section import Section
from field_io.instruments import CHARACTERISTICS, HIGH, HOLD, LOW


class InstrumentSection(Section):
    """What stands between the variable and the register, besides range, noise and lag."""

    characteristic: Annotated[str, choice(*CHARACTERISTICS)] = Field(
        "linear",
        description="square_root: the variable is a differential pressure, its root is sent; dp: the variable is a "
        "flow, its differential pressure is sent and the AI block takes the root; dp_root: the same, the root is sent",
    )
    cut: Number = Field(0.0, description="low cut: below so many % of the range it says the low end")
    zero_error: Number = Field(0.0, description="calibration error of the zero, in % of the span")
    span_error: Number = Field(0.0, description="calibration error of the span, in % of the span")
    fails: Annotated[str, choice(LOW, HIGH, HOLD)] = Field(
        "",
        description="where it goes when it fails: a 4–20 mA transmitter to 3.6 mA (low) or 21 mA (high), an actuator "
        "without a signal to its low end, its high end, or nowhere (hold); when not given, low",
    )
    filter: DurationNs = Field(0, description="time constant of the filter in the input card")
    bits: Annotated[int, whole(6, 24)] = Field(0, description="A/D converter: bits over the range")
    resolution: Quantity = Field(0.0, description="A/D converter: its step, in the unit of the point")
    sample: DurationNs = Field(0, description="the card samples the channel so often; 0 s: at every step of the plant")
    skew: DurationNs = Field(0, description="and so long after the beginning of its cycle; below `sample`")


class FaultSection(Section):
    """Something that goes wrong by itself."""

    target: Text = Field(description="a simulated point or device, or a cable: `LT-101`, `RTU-1`, `C1A>RTU-1`")
    kind: Text = Field(description="what goes wrong, see docs/how-to/make-the-field-misbehave.md")
    value: Any = Field(None, description="how much, in the unit of its kind")
    probability: Any = Field(None, description="of a spike, in % of the steps of the plant")
    at: DurationNs = Field(0, description="when, after the start")
    lasts: DurationNs = Field(0, alias="for", description="for how long; 0 s: until it is cleared")
