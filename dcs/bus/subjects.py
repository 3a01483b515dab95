"""Subjects, wildcards and names, with the same rules for every bus.

Called by   the bus peers.
Knows       dot-separated words; ``*`` stands for one word, a trailing ``>`` for one or more.
Raises      ``ValueError`` for a name that cannot travel: that is a bug of the caller, not trouble in the field.
"""

import re
from functools import lru_cache

PAYLOAD_BYTES_MAX = 8 * 1024 * 1024
"""Largest message on any bus; our server is configured for it."""

_WORD = r"[^\s.*>]+"
_SUBJECT = re.compile(rf"{_WORD}(\.{_WORD})*")
_PATTERN = re.compile(rf"(({_WORD}|\*)(\.({_WORD}|\*))*(\.>)?)|>")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_KEY = re.compile(r"[A-Za-z0-9_/=-]+(\.[A-Za-z0-9_/=-]+)*")


@lru_cache(maxsize=4096)
def check_subject(subject: str) -> str:
    """A subject to publish to: words without wildcards."""
    if not _SUBJECT.fullmatch(subject) or subject[0] in "_$":
        raise ValueError(
            f"subject {subject!r}: needed dot-separated words without *, > or spaces, not starting with _ $"
        )
    return subject


@lru_cache(maxsize=4096)
def check_pattern(pattern: str) -> str:
    """A subject to subscribe to: words, ``*``, and ``>`` at the end."""
    if not _PATTERN.fullmatch(pattern) or pattern[0] in "_$":
        raise ValueError(f"subject {pattern!r}: needed dot-separated words, with * for one word and > only at the end")
    return pattern


@lru_cache(maxsize=256)
def check_name(name: str) -> str:
    """The name of a stream or bucket."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"stream or bucket {name!r}: needed letters, digits, _ and - only")
    return name


@lru_cache(maxsize=4096)
def check_key(key: str) -> str:
    """A key of a bucket."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"key {key!r}: needed letters, digits, _ - / = and single dots between them")
    return key


def check_payload(subject: str, payload: bytes) -> None:
    """Refuse what no bus would carry."""
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise ValueError(f"{subject}: {len(payload)} bytes in one message; at most {PAYLOAD_BYTES_MAX} can travel")


def matches(pattern: str, subject: str) -> bool:
    """Whether ``subject`` falls under ``pattern``."""
    if pattern in (subject, ">"):
        return True
    wanted, found = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted.pop()
        if len(found) <= len(wanted):
            return False
    elif len(found) != len(wanted):
        return False
    return all(want in ("*", word) for want, word in zip(wanted, found, strict=False))
