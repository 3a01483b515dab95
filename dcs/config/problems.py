"""Collects everything that is wrong, so that one check tells the whole story.

Called by   every part of ``dcs.config``.
Knows       places, sentences, and which known name a misspelt one resembles.
"""

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

from dcs.core.errors import ConfigError, ConfigErrors, Place

FOUND_IN = "Found in "
"""How the sentence begins with which the line of a template names the instance in which it was found wrong."""


class Problems:
    """Errors refuse the start; notes do not."""

    def __init__(self) -> None:
        self.errors: list[ConfigError] = []
        self.notes: list[ConfigError] = []
        self._said: set[tuple[Place, str]] = set()
        self._said_for: dict[Place, str] = {}  # a line of a template -> the instance in which it was found wrong

    def add(self, place: Place, sentence: str) -> None:
        """One more thing that is wrong; the same one is kept once, and one in a template for its first instance."""
        if (place, sentence) in self._said:
            return
        if place.also.startswith(FOUND_IN) and self._said_for.setdefault(place, place.also) != place.also:
            return
        self._said.add((place, sentence))
        self.errors.append(ConfigError(sentence, place))

    def note(self, place: Place, sentence: str) -> None:
        """Something worth knowing that does not prevent a start."""
        self.notes.append(ConfigError(sentence, place))

    def take(self, error: ConfigError) -> None:
        """Keep an error that was raised."""
        self.errors.extend(error.errors if isinstance(error, ConfigErrors) else [error])

    def raise_if_any(self) -> None:
        """Raise ``ConfigErrors`` (in file order) when anything is wrong."""
        if self.errors:
            raise ConfigErrors(self.errors)


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The known names that ``name`` resembles most, best first; several when they resemble it alike."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    wanted = name.lower()
    found = get_close_matches(wanted, by_lower, n=3, cutoff=0.6)
    ratios = [SequenceMatcher(None, candidate, wanted).ratio() for candidate in found]
    alike = sorted(candidate for candidate, ratio in zip(found, ratios, strict=True) if ratio > ratios[0] - 0.001)
    swapped = sorted(candidate for candidate in by_lower if sorted(candidate) == sorted(wanted))
    if swapped and not set(swapped) & set(alike):
        alike = swapped  # letters in the wrong order are the commonest slip
    return [by_lower[candidate] for candidate in alike]


def did_you_mean(name: str, known: Iterable[str], what: str) -> str:
    """``Did you mean `poll`?``, or all that is known: ``Known keys: a, b.``"""
    names = list(known)
    near = nearest(name, names)
    if near:
        return f"Did you mean {listed(f'`{candidate}`' for candidate in near)}?"
    return f"{what}: {', '.join(names)}." if names else f"{what}: none."


def listed(names: Iterable[str], last: str = "or") -> str:
    """``a, b or c``."""
    items = list(names)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"
