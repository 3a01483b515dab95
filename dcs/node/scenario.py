"""A scripted run: what happens to the plant and its nodes, and when.

Called by   ``dcs simulate --scenario``; the actions are done to a ``Box``.
Format      scenarios/NAME.yaml: ``title``, ``description`` and ``actions``, each with ``at`` and one verb
            (docs/reference/scenarios.md).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dcs.config.plant_config import PlantConfig
from dcs.config.source import read_document
from dcs.core.errors import ConfigError, ConfigErrors, Place
from dcs.core.units import parse_duration
from dcs.node.box import Box
from dcs.node.fault_desk import ALL
from field_io.fault_kinds import POINT, checked, checked_target, subjects_of

VERBS = {
    "set": "{TAG: value}: write a tag as an operator does",
    "ack": "an alarm, or all",
    "switchover": "a controller pair: hand over to the standby",
    "kill": "a node, or `active of PAIR`",
    "restart": "a node, or `killed` for all that were killed",
    "cut": "a device, a cable (C1A>RTU-1), a pair link (C1A-C1B), or `bus of NODE`",
    "heal": "what was cut",
    "apply": "{PATH: value} of the configuration, or the folder of another one: an online change",
    "disturb": "{variable: value}: a disturbance of the plant model, in its unit",
    "stick": "{POINT: value}: a valve or transmitter that sticks there, in the point's unit; `here`: where it stands",
    "free": "a point that stuck",
    "fault": "{target, kind, value, for}: a fault of a point, a device or a cable, see how-to/make-the-field-misbehave",
    "clear": "a target: all faults that it has; or `all`",
}

_KEYS = ("title", "description", "actions")
_FAULT_KEYS = ("target", "kind", "value", "probability", "for")


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that happens ``at_ns`` after the start."""

    at_ns: int
    verb: str
    what: Any
    place: Place


@dataclass(frozen=True, slots=True)
class Scenario:
    """All actions in order of time."""

    title: str
    description: str
    actions: tuple[Action, ...]


NOTHING = Scenario("", "", ())


def load_scenario(path: Path) -> Scenario:
    """Read and check a scenario. Raises ``ConfigError`` with file and line."""
    document = read_document(path)
    strange = [str(key) for key in document.data if key not in _KEYS]
    if strange:
        raise ConfigError(
            f"`{strange[0]}` is not a key of a scenario. It has {', '.join(_KEYS)}.", document.place((strange[0],))
        )
    actions = document.data.get("actions")
    if not isinstance(actions, list):
        raise ConfigError(
            "`actions` is missing. Write a list of `{at: 5 min, set: {LIC-101.SP: 14}}`.", document.place(())
        )
    read = [_read_action(raw, document.place(("actions", i))) for i, raw in enumerate(actions)]
    return Scenario(
        str(document.data.get("title", path.stem)),
        str(document.data.get("description", "")),
        tuple(sorted(read, key=lambda action: action.at_ns)),
    )


def _read_action(raw: Any, place: Place) -> Action:
    verbs = ", ".join(VERBS)
    if not isinstance(raw, dict) or "at" not in raw:
        raise ConfigError(f"an action needs `at` and one of {verbs}.", place)
    named = [key for key in raw if key != "at"]
    if len(named) != 1 or named[0] not in VERBS:
        raise ConfigError(
            f"an action has `at` and exactly one of {verbs}; found {', '.join(named) or 'nothing'}.", place
        )
    try:
        at_ns = parse_duration(str(raw["at"]))
    except ConfigError as error:
        raise ConfigError(f"at: {error.message}", place) from None
    verb, what = named[0], raw[named[0]]
    if verb in ("set", "disturb", "stick", "fault") and not isinstance(what, dict):
        raise ConfigError(f"{verb} takes {VERBS[verb]}; found `{what}`.", place)
    strange = [str(key) for key in what if key not in _FAULT_KEYS] if verb == "fault" else []
    if strange:
        raise ConfigError(f"fault takes {', '.join(_FAULT_KEYS)}; found {', '.join(strange)}.", place)
    return Action(at_ns, verb, what, place)


class Director:
    """Does the actions of a scenario to a box."""

    def __init__(self, box: Box, scenario: Scenario) -> None:
        self._box = box
        self._scenario = scenario
        self._killed: list[str] = []

    async def run(self, until_ns: int) -> None:
        """Run the box to ``until_ns`` since the start, with every action at its time.

        Raises ``ConfigError`` for an action that names something this plant does not have.
        """
        for action in self._scenario.actions:
            if action.at_ns > until_ns:
                break
            await self._box.run_until_ns(action.at_ns)
            await self.do(action)
        await self._box.run_until_ns(until_ns)

    async def do(self, action: Action) -> None:
        """Do one action now."""
        box, what = self._box, action.what
        match action.verb:
            case "set":
                for tag, value in what.items():
                    self._check(await box.command(self._pair_of(tag, action), "set", tag, value), action)
            case "disturb":
                for name, value in what.items():
                    self._check(await box.command("field", "disturb", name, float(value)), action)
            case "stick":
                for point, value in what.items():
                    place = None if value == "here" else float(value)
                    self._check(await box.command("field", "stick", point, place), action)
            case "free":
                self._check(await box.command("field", "free", str(what)), action)
            case "fault":
                asked = {key: value for key, value in what.items() if key != "target"}
                reply = await box.command("field", "fault", str(what.get("target", "")), json.dumps(asked))
                self._check(reply, action)
            case "clear":
                self._check(await box.command("field", "clear", str(what)), action)
            case "apply":
                await self._apply(what, action)
            case "ack":
                for controller in box.config.controllers:
                    verb = "ack_all" if what == "all" else "ack"
                    self._check(await box.command(controller.name, verb, str(what)), action)
            case "switchover":
                self._check(await box.command(str(what), "switchover", str(what)), action)
            case "kill":
                name = self._node(str(what), action)
                self._killed.append(name)
                await box.kill(name)
            case "restart":
                for name in list(self._killed) if what == "killed" else [self._node(str(what), action)]:
                    await box.start(name)
                    self._killed = [killed for killed in self._killed if killed != name]
            case "cut" | "heal":
                await self._cut_or_heal(str(what), action)

    async def _apply(self, what: Any, action: Action) -> None:
        if isinstance(what, dict):
            replies = await self._box.apply(overrides=[f"{path}={_as_yaml(value)}" for path, value in what.items()])
        else:
            replies = await self._box.apply(Path(action.place.file).parent / str(what))
        for reply in replies:
            self._check(reply, action)

    def _cuttable(self) -> list[str]:
        return [subject.name for subject in self._box.faults().subjects() if subject.scope != POINT]

    def _node(self, what: str, action: Action) -> str:
        if what.startswith("active of "):
            return self._box.active(what.removeprefix("active of "))
        if what not in self._box.config.nodes:
            known = ", ".join(self._box.config.nodes)
            raise ConfigError(f"there is no node {what}. Use one of {known}, or `active of PAIR`.", action.place)
        return what

    def _pair_of(self, tag: str, action: Action) -> str:
        for controller in self._box.running.controllers:
            if any(published.name == tag for published in controller.strategy.tags):
                return controller.name
        raise ConfigError(f"there is no tag {tag}.", action.place)

    def _check(self, reply: Any, action: Action) -> None:
        if not reply.ok:
            raise ConfigError(f"{action.verb} {action.what} was refused: {reply.text}", action.place)

    async def _cut_or_heal(self, what: str, action: Action) -> None:
        box, cut = self._box, action.verb == "cut"
        names = box.config.nodes
        first, _, second = what.partition("-") if what.count("-") == 1 else ("", "", "")
        if what.startswith("bus of "):
            hub = box.peers.hub
            (hub.cut if cut else hub.heal)(self._node(what.removeprefix("bus of "), action))
        elif first in names and second in names:
            (box.peers.pair_links.cut if cut else box.peers.pair_links.heal)(first, second)
        elif what in self._cuttable():
            if cut:
                box.faults().cut(what)
            else:
                await box.faults().heal(what)
        else:
            known = ", ".join(self._cuttable())
            raise ConfigError(f"there is nothing called {what} to {action.verb}. Known: {known}.", action.place)


def check_faults(scenario: Scenario, config: PlantConfig) -> None:
    """Faults that this plant cannot have, before anything starts. Raises ``ConfigErrors`` with file and line."""
    nodes = [member for controller in config.controllers for member in controller.members]
    subjects, problems = subjects_of(config.devices, nodes), []
    for action in scenario.actions:
        try:
            if action.verb == "fault":
                what = action.what
                subject = checked_target(str(what.get("target", "")), subjects)
                checked(subject, str(what.get("kind", "")), what.get("value"), what.get("probability"), what.get("for"))
            elif action.verb == "clear" and action.what != ALL:
                checked_target(str(action.what), subjects)
        except ConfigError as error:
            problems.append(ConfigError(f"{error.message[0].upper()}{error.message[1:]}", action.place))
    if problems:
        raise ConfigErrors(problems)


def _as_yaml(value: Any) -> str:
    """A value of a scenario as one line of YAML."""
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000).split("\n")[0]
