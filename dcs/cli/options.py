"""Options that several commands share, checked with their names."""

from dcs.core.errors import ConfigError
from dcs.core.units import parse_duration


def duration_option(name: str, text: str) -> int:
    """A duration in ns. Raises ``ConfigError`` naming the option."""
    try:
        duration_ns = parse_duration(text)
    except ConfigError as error:
        raise ConfigError(f"{name} {text}: {error.message}") from None
    if duration_ns <= 0:
        raise ConfigError(f"{name} {text}: the time must be longer than nothing. Write for example {name} 1h.")
    return duration_ns


def speed_option(text: str) -> float | None:
    """A multiple of real time, or None for ``max``. Raises ``ConfigError``."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.0 < speed < float("inf"):
        raise ConfigError(f"--speed {text}: this is no speed. Write a number above 0 (1 = real time), or max.")
    return speed
