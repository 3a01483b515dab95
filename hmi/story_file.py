"""story.yaml of a plant folder: read and checked, with file and line for everything that would not work.

Called by   ``dcs check``, ``dcs demo``, ``dcs run`` (check), ``dcs hmi`` (reads). Knows YAML; no Qt.
Format      docs/reference/story.md.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcs.config.problems import did_you_mean
from dcs.config.source import Document, read_document
from dcs.core.errors import ConfigError, ConfigErrors, Place
from dcs.core.units import parse_duration
from field_io.fault_kinds import Subject, checked

from .model.story import ACTIVE_OF, HERE, VERBS, WAS, Act, Step, Story

FILE_NAME = "story.yaml"
KEYS = {
    "title": "what stands on its button",
    "watch": "a sentence on what to watch",
    "takes": "about how long there is something to see",
    "open": "`display`, or `trend` (a module, or a list of tags; `fit: true` for small moves), and `faceplate`",
    "do": "a list of actions, each with one verb and, if not at once, `after`",
    "undo": "a list of actions that put things back",
}
_OPENS = ("display", "trend", "fit", "faceplate")
_MANY = ("set", "move", "disturb", "stick", "fault")


@dataclass(frozen=True)
class Known:
    """What an act may name."""

    tags: Collection[str]
    writable: Collection[str]
    modules: Collection[str]
    displays: Collection[str]
    points: Collection[str]
    devices: Collection[str]
    disturbances: Collection[str]
    nodes: Collection[str]
    pairs: Collection[str]
    subjects: Mapping[str, Subject]  # what can have faults


def load_story(path: Path) -> Story:
    """Read a story; names are not checked. Raises ``ConfigErrors``."""
    document = read_document(path)
    errors: list[ConfigError] = []
    acts = document.data.get("acts")
    for key in document.data:
        if key not in ("title", "acts"):
            errors.append(ConfigError(f"unknown key `{key}`. A story has title and acts.", document.place((key,))))
    if not isinstance(acts, list):
        errors.append(
            ConfigError("`acts` is missing. Write a list of acts, each with title, watch and do.", Place(str(path), 1))
        )
        raise ConfigErrors(errors)
    read = []
    for number, raw in enumerate(acts):
        try:
            read.append(_Reader(document, number).act(raw))
        except ConfigError as error:
            errors.append(error)
    if errors:
        raise ConfigErrors(errors)
    return Story(str(document.data.get("title", "Story")), tuple(read))


class _Reader:
    """One act."""

    def __init__(self, document: Document, number: int) -> None:
        self._document = document
        self._path: tuple[str | int, ...] = ("acts", number)

    def act(self, raw: Any) -> Act:
        place = self._document.place(self._path)
        if not isinstance(raw, dict) or not all(isinstance(raw.get(key), str) for key in ("title", "watch")):
            raise ConfigError("an act needs `title`, `watch` (a sentence) and `do`.", place)
        for key in raw:
            if key not in KEYS:
                where = self._document.place((*self._path, key))
                raise ConfigError(
                    f"act {raw['title']}: unknown key `{key}`. {did_you_mean(key, KEYS, 'Known keys')}", where
                )
        opens = raw.get("open") or {}
        if not isinstance(opens, dict) or set(opens) - set(_OPENS) or {"display", "trend"} <= set(opens):
            where = self._document.place((*self._path, "open"))
            raise ConfigError(f"act {raw['title']}: `open` takes {KEYS['open']}.", where)
        trend = opens.get("trend", ())
        return Act(
            raw["title"],
            " ".join(raw["watch"].split()),
            tuple(self._steps(raw, "do")),
            tuple(self._steps(raw, "undo")) if "undo" in raw else (),
            self._duration(raw, ("takes",)),
            str(opens.get("display", "")),
            (trend,) if isinstance(trend, str) else tuple(str(tag) for tag in trend),
            bool(opens.get("fit", False)),
            str(opens.get("faceplate", "")),
            place,
        )

    def _duration(self, raw: dict[str, Any], path: tuple[str | int, ...]) -> float:
        key = path[-1]
        if key not in raw:
            return 0.0
        try:
            return parse_duration(str(raw[str(key)])) / 1e9
        except ConfigError as error:
            raise ConfigError(f"{key}: {error.message}", self._document.place((*self._path, *path))) from None

    def _steps(self, raw: dict[str, Any], key: str) -> Iterator[Step]:
        actions, verbs = raw.get(key), ", ".join(VERBS)
        if not isinstance(actions, list) or not actions:
            where = self._document.place((*self._path, key))
            raise ConfigError(f"act {raw['title']}: `{key}` is a list of actions, each with one of {verbs}.", where)
        for number, action in enumerate(actions):
            place = self._document.place((*self._path, key, number))
            named = [word for word in action if word != "after"] if isinstance(action, dict) else []
            if len(named) != 1 or named[0] not in VERBS:
                raise ConfigError(
                    f"act {raw['title']}: an action has exactly one of {verbs}; found {', '.join(named) or 'none'}.",
                    place,
                )
            verb, what = named[0], action[named[0]]
            after_s = self._duration(action, (key, number, "after"))
            if verb not in _MANY:
                yield Step(verb, str(what), None, after_s, place)
                continue
            if not isinstance(what, dict) or not what:
                raise ConfigError(f"act {raw['title']}: {verb} takes {VERBS[verb]}.", place)
            for subject, value in what.items():
                yield Step(verb, str(subject), _value(verb, value, place), after_s, place)


def _value(verb: str, value: Any, place: Place) -> float | str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ConfigError(f"{verb}: `{value}` is neither a number nor a text.", place)
    if isinstance(value, str):
        if verb in ("move", "disturb") or (verb == "stick" and value != HERE):
            raise ConfigError(f"{verb} takes {VERBS[verb]}; `{value}` is no number.", place)
        return value
    return float(value)


def check_story(story: Story, known: Known) -> list[ConfigError]:
    """One error for everything that an act names and the plant does not have."""
    errors = []
    for act in story.acts:
        wanted = [("display", act.display, known.displays), ("module", act.faceplate, known.modules)]
        wanted += [("tag or module", name, {*known.tags, *known.modules}) for name in act.trend]
        for what, name, names in wanted:
            if name and name not in names:
                errors.append(_unknown(act.title, what, name, names, act.place))
        changed = {step.subject for step in act.steps if step.verb in ("set", "move")}
        for step in (*act.steps, *act.undo):
            errors += _check_step(act.title, step, known)
            if step.value == WAS and step.verb == "set" and step.subject not in changed:
                sentence = (
                    f"act {act.title}: `{WAS}` for {step.subject}, which its `do` does not change. Write a value."
                )
                errors.append(ConfigError(sentence, step.place))
    return errors


def _check_step(title: str, step: Step, known: Known) -> Iterator[ConfigError]:
    subject = step.subject
    names: Collection[str]
    what, names = {
        "set": ("tag", known.tags),
        "move": ("tag", known.tags),
        "disturb": ("disturbance", known.disturbances),
        "stick": ("simulated point", known.points),
        "free": ("simulated point", known.points),
        "kill": ("controller or witness", known.nodes),
        "switchover": ("controller pair", known.pairs),
        "cut": ("simulated device", known.devices),
        "heal": ("simulated device", known.devices),
        "fault": ("simulated point, device or cable", known.subjects),
        "clear": ("simulated point, device or cable", known.subjects),
    }[step.verb]
    if step.verb == "kill" and subject.startswith(ACTIVE_OF):
        subject, what, names = subject.removeprefix(ACTIVE_OF), "controller pair", known.pairs
    if subject not in names:
        yield _unknown(title, what, subject, names, step.place)
    elif step.verb == "fault":
        kind, _, value = str(step.value).partition(" ")
        try:
            checked(known.subjects[subject], kind, value)
        except ConfigError as error:
            yield ConfigError(f"act {title}: {error.message}", step.place)
    elif step.verb in ("set", "move") and subject not in known.writable:
        yield ConfigError(f"act {title}: {subject} cannot be written. Name a setpoint, mode or parameter.", step.place)


def _unknown(title: str, what: str, name: str, names: Collection[str], place: Place) -> ConfigError:
    return ConfigError(
        f"act {title}: there is no {what} {name}. {did_you_mean(name, sorted(names), 'There are')}", place
    )
