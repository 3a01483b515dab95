"""The chart as people write it: steps, transitions and actions from the structure below a block.

Called by   the translation of SFC. Knows the shape of the text, not what it is compiled to.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dcs.blocks.sequence.procedure import CHART_NAMES, COMMAND_NAMES
from dcs.blocks.sequence.qualifiers import QUALIFIERS, TIMED
from dcs.core.errors import ConfigError
from dcs.core.units import parse_duration
from dcs.structured_text.errors import suggestion

END = "END"
"""Where a transition leads that ends its chart."""

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_STEP_KEYS = ("min_time", "max_time", "actions", "initial")
_TRANSITION_KEYS = ("from", "to", "when")


@dataclass(frozen=True, slots=True)
class ActionUse:
    """One action of one step: a name, or statements of its own."""

    qualifier: str
    name: str
    statements: str
    time_ns: int
    where: str  # for messages


@dataclass(frozen=True, slots=True)
class Step:
    """One step."""

    name: str
    min_ns: int
    max_ns: int  # 0: none
    actions: tuple[ActionUse, ...]
    initial: bool


@dataclass(frozen=True, slots=True)
class Transition:
    """From all of some steps to all of others; to none at the end of the chart."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    condition: str
    where: str

    @property
    def label(self) -> str:
        """``FILL → HEAT``."""
        return f"{' + '.join(self.sources)} → {' + '.join(self.targets) or END}"


@dataclass(frozen=True, slots=True)
class ChartText:
    """The steps and transitions of one chart."""

    name: str
    steps: tuple[Step, ...]
    transitions: tuple[Transition, ...]

    @property
    def initial(self) -> str:
        """The step with which it begins."""
        return next((step.name for step in self.steps if step.initial), self.steps[0].name)


def read_charts(given: Mapping[str, Any]) -> list[ChartText | None]:
    """The charts in the order of ``CHART_NAMES``; None for one that is not given. Raises ``ConfigError``."""
    if "steps" not in given:
        raise ConfigError("there are no steps. Write them below `steps:`, and below `transitions:` how one follows on.")
    main = _chart("", given["steps"], given.get("transitions"))
    charts: list[ChartText | None] = [main]
    for name in CHART_NAMES[1:]:
        if name not in given:
            charts.append(None)
            continue
        section = _mapping(given[name], name, ("steps", "transitions"))
        if "steps" not in section:
            raise ConfigError(f"{name}: there are no steps. Write `steps:` and `transitions:` below `{name}`.")
        charts.append(_chart(name, section["steps"], section.get("transitions")))
    return charts


def read_actions(given: Mapping[str, Any]) -> dict[str, str]:
    """Named actions with their statements. Raises ``ConfigError``."""
    section = given.get("actions", {})
    if not isinstance(section, dict):
        raise ConfigError("actions: names with statements are needed, such as `DOSE: OUT1 := 25.0;`.")
    return {_name(name, "actions"): text_of(text, f"actions: {name}") for name, text in section.items()}


def read_commands(given: Mapping[str, Any]) -> dict[str, str]:
    """Conditions that give a command by themselves. Raises ``ConfigError``."""
    section = given.get("commands", {})
    if not isinstance(section, dict):
        raise ConfigError("commands: commands with conditions are needed, such as `ABORT: IN1 > 95.0`.")
    found: dict[str, str] = {}
    for name, text in section.items():
        known = COMMAND_NAMES[1:]
        if str(name).upper() not in known:
            hint = suggestion(str(name), known) or f" There are {', '.join(known)}."
            raise ConfigError(f"commands: there is no command `{name}`.{hint}")
        found[str(name).upper()] = text_of(text, f"commands: {name}")
    return found


def text_of(value: Any, where: str) -> str:
    """Structured text; YAML may have read a number or a truth value. Raises ``ConfigError``."""
    if isinstance(value, bool | int | float):
        return str(value).upper()
    if not isinstance(value, str):
        raise ConfigError(f"{where}: structured text is needed.")
    return value


def _chart(name: str, steps: Any, transitions: Any) -> ChartText:
    prefix = f"{name}: " if name else ""
    if not isinstance(steps, dict) or not steps:
        raise ConfigError(f"{prefix}steps: names of steps are needed, each with what it does.")
    made = tuple(_step(step, content, prefix) for step, content in steps.items())
    first = [step.name for step in made if step.initial]
    if len(first) > 1:
        raise ConfigError(f"{prefix}{first[0]} and {first[1]} are both initial. One step is.")
    names: dict[str, str] = {}
    for step in made:
        if step.name.upper() in names:
            raise ConfigError(f"{prefix}the step {step.name} is there twice. Rename one.")
        names[step.name.upper()] = step.name
    transitions = [] if transitions is None else transitions
    if not isinstance(transitions, list):
        raise ConfigError(f"{prefix}transitions: a list is needed, each item `{{from: A, to: B, when: IN1 > 5.0}}`.")
    found = tuple(_transition(number, item, names, prefix) for number, item in enumerate(transitions, 1))
    return ChartText(name, made, found)


def _step(name: Any, content: Any, prefix: str) -> Step:
    name = _name(name, f"{prefix}steps")
    where = f"{prefix}step {name}"
    if name.upper() == END:
        raise ConfigError(f"{where}: `{END}` means the end of the chart in `to`. Rename the step.")
    section = _mapping({} if content is None else content, where, _STEP_KEYS)
    actions = section.get("actions", [])
    if not isinstance(actions, list):
        raise ConfigError(f"{where}: actions: a list is needed, such as `[N OUT1, D OUT2 5 s]`.")
    initial = section.get("initial", False)
    if not isinstance(initial, bool):
        raise ConfigError(f"{where}: initial must be true or false.")
    low, high = (_duration(section.get(key, 0), f"{where}: {key}") for key in ("min_time", "max_time"))
    if high and high <= low:
        raise ConfigError(f"{where}: max_time is not above min_time. Exchange or correct them.")
    uses = tuple(_action(item, f"{where}, action {number}") for number, item in enumerate(actions, 1))
    return Step(name, low, high, uses, initial)


def _action(item: Any, where: str) -> ActionUse:
    """``N OUT1``, ``D OUT2 5 s``, ``{P1: OUT3 := 50.0;}`` or ``{L: DOSE, time: 5 s}``."""
    if isinstance(item, str):
        qualifier, _, rest = item.strip().partition(" ")
        name, _, time = rest.strip().partition(" ")
        return _use(qualifier, name, time.strip() or None, where)
    if not isinstance(item, dict):
        raise ConfigError(f"{where}: a qualifier and an action are needed, such as `N OUT1`.")
    keys = [key for key in item if key != "time"]
    if len(keys) != 1:
        raise ConfigError(f"{where}: one qualifier with its action is needed, such as `{{P1: OUT1 := 50.0;}}`.")
    return _use(str(keys[0]), text_of(item[keys[0]], where), item.get("time"), where)


def _use(qualifier: str, action: str, time: Any, where: str) -> ActionUse:
    if qualifier.upper() not in QUALIFIERS:
        raise ConfigError(f"{where}: there is no qualifier `{qualifier}`. There are {', '.join(QUALIFIERS)}.")
    qualifier = qualifier.upper()
    if not action.strip():
        raise ConfigError(f"{where}: {qualifier} of what? Write the name of an action, or statements.")
    if qualifier in TIMED and time is None:
        raise ConfigError(f"{where}: {qualifier} needs a time, such as `{qualifier} {action.strip()[:20]} 5 s`.")
    if qualifier not in TIMED and time is not None:
        raise ConfigError(f"{where}: {qualifier} takes no time, but `{time}` stands there.")
    time_ns = 0 if time is None else _duration(time, where)
    is_name = _NAME.fullmatch(action.strip()) is not None
    if not is_name and qualifier == "R":
        raise ConfigError(f"{where}: R resets an action by its name, but these are statements.")
    return ActionUse(
        qualifier, action.strip() if is_name else "", "" if is_name else action, time_ns, f"{where} ({qualifier})"
    )


def _transition(number: int, item: Any, names: dict[str, str], prefix: str) -> Transition:
    where = f"{prefix}transition {number}"
    section = _mapping(item, where, _TRANSITION_KEYS)
    for key in _TRANSITION_KEYS:
        if key not in section:
            raise ConfigError(f"{where}: the key `{key}` is missing. Write `{{from: A, to: B, when: IN1 > 5.0}}`.")
    sources = _steps(section["from"], f"{where}: from", names)
    to = section["to"]
    targets = () if isinstance(to, str) and to.upper() == END else _steps(to, f"{where}: to", names)
    made = Transition(sources, targets, text_of(section["when"], where), where)
    return Transition(sources, targets, made.condition, f"{where} ({made.label})")


def _steps(value: Any, where: str, names: dict[str, str]) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise ConfigError(f"{where}: a step is needed.")
    for name in listed:
        if str(name).upper() not in names:
            hint = suggestion(str(name), names.values()) or f" There are {', '.join(names.values())}."
            raise ConfigError(f"{where}: there is no step `{name}`.{hint}")
    found = tuple(names[str(name).upper()] for name in listed)
    if len(set(found)) < len(found):
        raise ConfigError(f"{where}: a step is named twice. Delete one.")
    return found


def _mapping(value: Any, where: str, keys: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: the keys {', '.join(keys)} are possible here, but this is no mapping.")
    for key in value:
        if key not in keys:
            hint = suggestion(str(key), keys) or f" There are {', '.join(keys)}."
            raise ConfigError(f"{where}: unknown key `{key}`.{hint}")
    return value


def _name(value: Any, where: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ConfigError(f"{where}: `{value}` is no name: letters, digits and _ only, a letter first.")
    return value


def _duration(value: Any, where: str) -> int:
    try:
        return parse_duration(str(value))
    except ConfigError as exc:
        raise ConfigError(f"{where}: {exc.message}") from None
