"""Units of time in which a flow or a rate is given.

Called by   declarations and step functions of TOTALISER and DERIVATIVE.
Knows       four units.
"""

PER_SECOND, PER_MINUTE, PER_HOUR, PER_DAY = 0, 1, 2, 3
TIME_BASE_CHOICES = (("SECOND", PER_SECOND), ("MINUTE", PER_MINUTE), ("HOUR", PER_HOUR), ("DAY", PER_DAY))


def seconds_of(time_base: int) -> float:
    """Seconds in one unit of time."""
    if time_base == PER_MINUTE:
        return 60.0
    if time_base == PER_HOUR:
        return 3600.0
    if time_base == PER_DAY:
        return 86400.0
    return 1.0
