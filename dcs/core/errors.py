"""The one tree of errors. Trouble in the field is status, not one of these."""

from dataclasses import dataclass, field


class DcsError(Exception):
    """Base of everything we raise on purpose; ``str()`` is one sentence for the user."""

    exit_code = 1


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in a configuration something stands (1-based line; 0 = the whole file).

    ``also`` is a sentence on the other place that has a part in it: the template of an instance, or an instance.
    """

    file: str = ""
    line: int = 0
    also: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class ConfigError(DcsError):
    """The configuration is wrong: where, what was found, what was needed, what to do. Nothing was started."""

    exit_code = 2

    def __init__(self, message: str, place: Place | None = None) -> None:
        self.place = place or Place()
        self.message = message
        text = f"{message} {self.place.also}" if self.place.also else message
        super().__init__(f"{self.place}: {text}" if self.place.file else text)


class ConfigErrors(ConfigError):
    """All that is wrong with a configuration, in file order."""

    def __init__(self, errors: list[ConfigError]) -> None:
        self.errors = sorted(errors, key=lambda error: error.place)
        super().__init__("\n".join(str(error) for error in self.errors))


class Missing(DcsError):
    """Something outside is missing: a display, a port, a folder we may write, a program."""

    exit_code = 3


class LinkDown(DcsError):
    """No answer from the other side. Callers turn it into status; it never leaves a driver or a bus client silently."""


class NotAuthorised(DcsError):
    """A command was refused; it is answered and journalled."""
