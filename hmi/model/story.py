"""A story: acts that an operator station offers with one click, and what becomes of each.

Called by   ``hmi.story_file`` (makes one from a file); the story bar (clicks, looks); runs on the desk's commands.
Knows       tags, nodes, the desk. An act does nothing that an operator or an instructor could not ask for by hand.
Promise     a step counts as done when the plant has said so, and a refusal is shown in the plant's words; the steps
            after a refused one are not sent.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from dcs.core.clock import NS_PER_S
from dcs.core.errors import Place
from dcs.core.modes import mode_name

from .commands import DONE, NO_ANSWER, REFUSED, Request
from .exercise import LINKS
from .station import Station

FIELD, LAUNCHER = "field", "launcher"
WAS, HERE, ACTIVE_OF = "was", "here", "active of "
VERBS = {
    "set": "{TAG: value}: write a tag; `was`: back to what it was before the act",
    "move": "{TAG: difference}: write a tag that much higher, or lower",
    "disturb": "{variable: value}: a disturbance of the plant model, in its unit",
    "stick": "{POINT: value}: a valve or transmitter that sticks there, in the point's unit; `here`: where it stands",
    "free": "a point that stuck",
    "kill": "a controller or witness, or `active of PAIR`: ended at once; it is started again by itself",
    "switchover": "a controller pair: hand over to the standby",
    "cut": "a simulated device: off the network",
    "heal": "what was cut",
    "fault": "{TARGET: KIND VALUE}: such as {LT-101: bias 0.5 mA}; see how-to/make-the-field-misbehave",
    "clear": "a target: all that is wrong with it",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One command, ``after_s`` of the plant's time from the click on."""

    verb: str
    subject: str
    value: float | str | None = None
    after_s: float = 0.0
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Act:
    """One button."""

    title: str
    watch: str
    steps: tuple[Step, ...]
    undo: tuple[Step, ...] = ()
    takes_s: float = 0.0  # about how long there is something to see; 0 = not said
    display: str = ""
    trend: tuple[str, ...] = ()  # a module, or tags
    fit: bool = False  # the trend's value axis fits what is drawn, for small moves
    faceplate: str = ""
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Story:
    """All acts of a plant, in order."""

    title: str
    acts: tuple[Act, ...]


@dataclass(slots=True)
class _Doing:
    """An act that was clicked, or its undo."""

    act: Act
    steps: tuple[Step, ...]
    started_ns: int  # plant's time
    undoing: bool = False
    sent: list[Request] = field(default_factory=list)
    failed: str = ""


class StoryRunner:
    """Does one act after the other; ``tick`` sends what is due and looks at the answers."""

    def __init__(self, station: Station, story: Story) -> None:
        self.story = story
        self.version = 0
        self._station = station
        self._doing: _Doing | None = None
        self._was: dict[str, float] = {}  # tag -> value before the first act that changed it

    # --- clicks -------------------------------------------------------------------------------------------
    def start(self, act: Act) -> None:
        """Begin an act; one that still has steps to come is left where it is."""
        self._begin(act, act.steps, undoing=False)

    def undo(self) -> None:
        """Put back what the present act has done."""
        doing = self._doing
        if doing is not None and doing.act.undo:
            self._begin(doing.act, doing.act.undo, undoing=True)

    def _begin(self, act: Act, steps: Sequence[Step], *, undoing: bool) -> None:
        now_ns = self._station.tags.plant_time_ns()
        self._doing = _Doing(act, tuple(sorted(steps, key=lambda step: step.after_s)), now_ns, undoing)
        self.tick()

    def tick(self) -> None:
        """Send the steps that are due, as long as none was refused."""
        doing = self._doing
        if doing is None:
            return
        self._look(doing)
        elapsed_s = self.elapsed_s
        while not doing.failed and len(doing.sent) < len(doing.steps):
            step = doing.steps[len(doing.sent)]
            if step.after_s > elapsed_s:
                break
            self._send(doing, step)
        self.version += 1

    def _look(self, doing: _Doing) -> None:
        doing.sent = [self._station.desk.find(request.command.id) or request for request in doing.sent]
        for request in doing.sent:
            if request.state in (REFUSED, NO_ANSWER) and not doing.failed:
                doing.failed = f"{request.state}: {request.text}"

    def _send(self, doing: _Doing, step: Step) -> None:
        station = self._station
        try:
            target, verb, subject, value = self._command(step)
        except LookupError as why:
            doing.failed = str(why.args[0])
            return
        doing.sent.append(station.desk.submit(verb, subject, target, value))

    def _command(self, step: Step) -> tuple[str, str, str, float | str | None]:
        """(target, verb, subject, value) as it is sent. Raises ``LookupError`` with a sentence."""
        if step.verb in ("set", "move"):
            return self._write(step)
        if step.verb == "switchover":
            return step.subject, "switchover", step.subject, None
        if step.verb == "kill":
            return LAUNCHER, "kill", self._node(step.subject), None
        if step.verb in ("fault", "clear"):
            kind, _, value = str(step.value or "").partition(" ")
            fault = json.dumps({"kind": kind, "value": value} if value else {"kind": kind})
            return self._desk_of(step.subject), step.verb, step.subject, fault if step.verb == "fault" else None
        return FIELD, step.verb, step.subject, None if step.value == HERE else step.value

    def _desk_of(self, target: str) -> str:
        """A cable belongs to the controller that it begins at; in a box the field node has them all."""
        node, arrow, _ = target.partition(">")
        return f"{node}.{LINKS}" if arrow and not self._station.nodes.clock_note() else FIELD

    def _write(self, step: Step) -> tuple[str, str, str, float | str | None]:
        tag = step.subject
        pair, reading = self._station.tags.pair_of(tag), self._station.tags.read(tag)
        if pair is None or not reading.believable:
            raise LookupError(f"{tag} is not known now")
        value = step.value
        if value == WAS:
            if tag not in self._was:
                raise LookupError(f"{tag} has not been changed by an act")
            return pair, "set", tag, self._as_written(tag, self._was.pop(tag))
        self._was.setdefault(tag, reading.value)
        if step.verb == "move":
            assert isinstance(value, float)
            value = reading.value + value
        return pair, "set", tag, value

    def _as_written(self, tag: str, value: float) -> float | str:
        """A mode by its name, anything else as a number."""
        info = self._station.tags.info(tag)
        return mode_name(value).upper() if info is not None and info.kind == "mode" else value

    def _node(self, subject: str) -> str:
        if not subject.startswith(ACTIVE_OF):
            return subject
        pair = subject.removeprefix(ACTIVE_OF)
        for row in self._station.nodes.rows():
            if row.report.pair == pair and row.report.role == "active" and not row.silent:
                return row.report.node
        raise LookupError(f"{pair} has no active controller now")

    # --- looking ------------------------------------------------------------------------------------------
    @property
    def act(self) -> Act | None:
        """The act that was clicked last."""
        return self._doing.act if self._doing else None

    @property
    def elapsed_s(self) -> float:
        """Plant's time since the click."""
        if self._doing is None:
            return 0.0
        return max((self._station.tags.plant_time_ns() - self._doing.started_ns) / NS_PER_S, 0.0)

    @property
    def can_undo(self) -> bool:
        """Is there something to put back?"""
        doing = self._doing
        return doing is not None and bool(doing.act.undo) and not doing.undoing

    @property
    def pending(self) -> bool:
        """True while something was asked for that the plant has not reported."""
        return self._doing is not None and any(request.pending for request in self._doing.sent)

    @property
    def state(self) -> str:
        """One phrase: what the plant has said so far, and what comes next."""
        doing = self._doing
        if doing is None:
            return ""
        if doing.failed:
            return doing.failed
        waiting = [request for request in doing.sent if request.pending]
        if waiting:
            command = waiting[0].command
            return f"pending: {command.verb} {command.subject}"
        left = doing.steps[len(doing.sent) :]
        if left:
            return f"next: {left[0].verb} {left[0].subject} in {max(left[0].after_s - self.elapsed_s, 0.0):.0f} s"
        done = [request.text for request in doing.sent if request.state == DONE and request.text]
        head = "put back: " if doing.undoing else "done: "
        return head + (done[-1] if done else "")

    @property
    def failed(self) -> bool:
        """Was a step refused, or not answered?"""
        return bool(self._doing and self._doing.failed)
