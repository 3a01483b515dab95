"""The instrument of a signal: does what is written fit the point?

Called by   ``dcs.config.signal_check``.
Knows       what each key needs of the others and of the point.
"""

from collections.abc import Callable

from dcs.config.misbehaviour_schema import InstrumentSection
from dcs.config.problems import Problems
from dcs.config.source import Document, KeyPath
from dcs.core.errors import ConfigError
from dcs.core.units import parse_quantity
from field_io.instruments import HOLD, STRAIGHT, InstrumentSpec
from field_io.specs import PointSpec

_NS_PER_S = 1_000_000_000
_Wrong = Callable[[str, str], None]
_OF_ACTUATORS = ("fails",)
_OF_SWITCHES = ("filter", "sample", "skew")


def build_instrument(
    section: InstrumentSection | None,
    point: PointSpec,
    span: float,
    document: Document,
    path: KeyPath,
    problems: Problems,
) -> InstrumentSpec:
    """What the simulation needs; ``span`` is that of the field values. What is wrong goes to ``problems``."""
    if section is None:
        return STRAIGHT

    def wrong(key: str, sentence: str) -> None:
        problems.add(document.place((*path, key)), f"{point.name}: {sentence}")

    given = section.model_fields_set
    for key in sorted(given):
        if point.direction == "out" and key not in _OF_ACTUATORS:
            wrong(key, f"`{key}` is for measurements; of an actuator there is `fails`. Delete it.")
            return STRAIGHT
        if point.type == "bool" and key not in _OF_SWITCHES:
            wrong(key, f"`{key}` means nothing for a switch. Delete it.")
            return STRAIGHT
    if section.fails == HOLD and point.direction == "in":
        wrong("fails", "a transmitter fails low or high; hold is for actuators. Write one of them.")
    if not 0.0 <= section.cut < 100.0:
        wrong("cut", f"the low cut is {section.cut:g} %. Write at least 0 and less than 100 % of the range.")
    for key, value in (("zero_error", section.zero_error), ("span_error", section.span_error)):
        if abs(value) > 50.0:
            wrong(key, f"the calibration error is {value:g} % of the span. Write at most 50 % either way.")
    if section.skew and section.skew >= section.sample:
        wrong("skew", "`skew` must be less than `sample`, the period of the channel. Correct one of them.")
    if section.bits and "resolution" in given:
        wrong("resolution", "`bits` and `resolution` say the same. Delete one of them.")
    return InstrumentSpec(
        characteristic=section.characteristic,
        cut=section.cut / 100.0,
        zero_error=section.zero_error / 100.0,
        span_error=section.span_error / 100.0,
        fails=section.fails,
        filter_s=section.filter / _NS_PER_S,
        resolution=abs(span) / (2**section.bits - 1) if section.bits else _resolution(section, point, wrong),
        period_ns=section.sample,
        skew_ns=section.skew,
    )


def _resolution(section: InstrumentSection, point: PointSpec, wrong: _Wrong) -> float:
    value = section.resolution
    try:
        step = parse_quantity(value, point.unit, difference=True) if isinstance(value, str) else value
    except ConfigError as exc:
        wrong("resolution", f"resolution {exc.message}")
        return 0.0
    if step < 0.0:
        wrong("resolution", f"resolution {step:g} is negative. A step is at least 0.")
    return step
