"""The desk for faults: commands that make points, devices and cables fail, and the labels of what has failed.

Called by   the field node (points, devices) and every controller of a run for exercises (its cables).
Knows       ``field_io.faults``, commands, the journal. ``stick``, ``free``, ``cut`` and ``heal`` are names for faults
            of the same mechanism.
Promise     a run that was not started for exercises refuses. The journal says nothing of a fault unless the
            configuration asks for labels; then it says each as what it is, when it begins and when it ends.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from dcs.bus.messages import Command, Reply, command_subject
from dcs.core.clock import utc_text
from dcs.core.errors import DcsError
from dcs.core.units import duration_text
from dcs.node.face import NodeFace
from field_io.drivers.links.link import LinkFaults
from field_io.fault_kinds import POINT, FaultKind, PlannedFault, Subject
from field_io.faults import ActiveFault, FaultTarget, FieldFaults

NO_EXERCISES = "This run was not started for exercises. Start it with `dcs demo`, or with `dcs run --exercises`."
VERBS = ("fault", "clear", "faults", "stick", "free", "cut", "heal")
ALL = "all"
FAULT_KEYS = ("kind", "value", "probability", "for")


class FaultDesk:
    """Faults of one node on command, and those that its configuration plans."""

    def __init__(
        self,
        face: NodeFace,
        targets: Mapping[str, FaultTarget],
        links: Mapping[str, LinkFaults],
        *,
        seed: int,
        exercises: bool,
        labels: bool,
    ) -> None:
        self.exercises = exercises
        self._face = face
        self._by = ("", "")  # user and station of the command that is being done
        self.faults = FieldFaults(targets, links, face.clock, seed, self._label if labels else None)

    def start(self, planned: Iterable[PlannedFault] = ()) -> None:
        """From now on: what is planned comes, what came with a snapshot ends in time."""
        self.faults.arm()
        self.faults.plan(planned)

    async def serve(self, target: str) -> None:
        """Take commands to ``target`` from the bus."""

        async def answer(subject: str, payload: bytes) -> bytes:
            try:
                command = Command.from_bytes(payload)
            except (ValueError, TypeError) as error:
                return Reply("", False, f"This is not a command: {error}").to_bytes()
            return (await self.do(command)).to_bytes()

        await self._face.bus.serve(command_subject(self._face.plant, target), answer)

    # --- commands ---------------------------------------------------------------------------------------------
    async def do(self, command: Command) -> Reply:
        """One of ``VERBS``; refused with one sentence."""
        if not self.exercises:
            return Reply(command.id, False, NO_EXERCISES)
        work: dict[str, Callable[[Command], Awaitable[str]]] = {
            "fault": self._fault, "clear": self._clear, "faults": self._list,
            "stick": self._stick, "free": self._free, "cut": self._cut, "heal": self._heal,
        }  # fmt: skip
        if command.verb not in work:
            return Reply(command.id, False, f"Faults take {', '.join(work)}, not {command.verb}.")
        self._by = (command.user, command.station)
        try:
            return Reply(command.id, True, await work[command.verb](command))
        except (KeyError, ValueError, DcsError) as error:
            return Reply(command.id, False, str(error.args[0] if error.args else error))
        finally:
            self._by = ("", "")

    async def _fault(self, command: Command) -> str:
        asked = fault_from_text(command.value)
        begun = self.faults.begin(
            command.subject, str(asked.get("kind", "")), asked.get("value"), asked.get("probability"), asked.get("for")
        )
        return f"{command.subject}: {words_of(begun)}"

    async def _clear(self, command: Command) -> str:
        if command.subject == ALL:
            ended = await self.faults.clear_all()
        else:
            ended = await self.faults.clear(command.subject, str(command.value or ""))
        if not ended:
            return f"Nothing is wrong with {'anything' if command.subject == ALL else command.subject}."
        return "Over: " + ", ".join(f"{each.fault.target}: {each.fault.words}" for each in ended)

    async def _list(self, command: Command) -> str:
        return json.dumps(
            {
                "targets": [subject_row(subject) for subject in self.faults.subjects()],
                "active": [fault_row(active) for active in self.faults.active()],
            }
        )

    async def _stick(self, command: Command) -> str:
        return self.faults.stick(command.subject, None if command.value is None else float(command.value))

    async def _free(self, command: Command) -> str:
        await self.faults.clear(command.subject, "stuck")
        return f"{command.subject} moves freely"

    async def _cut(self, command: Command) -> str:
        self._need(command.subject)
        self.faults.cut(command.subject)
        return f"{command.subject} {'has failed' if self._is_card(command.subject) else 'is off the network'}"

    async def _heal(self, command: Command) -> str:
        self._need(command.subject)
        await self.faults.clear(command.subject)
        is_card = self._is_card(command.subject)
        return f"{command.subject} {'is repaired and tests itself' if is_card else 'is back on the network'}"

    def _is_card(self, name: str) -> bool:
        return "card" in self.faults.target(name).subject.traits

    def _need(self, name: str) -> None:
        subjects = [each for each in self.faults.subjects() if each.scope != POINT]
        if name not in [each.name for each in subjects]:
            known = ", ".join(each.name for each in subjects)
            raise KeyError(f"there is no simulated device or cable {name}; there are {known}")

    # --- the journal ------------------------------------------------------------------------------------------
    def _label(self, active: ActiveFault, begins: bool) -> None:
        fault = active.fault
        what = fault.words
        text = f"begins: {words_of(active)}" if begins else f"is over: {what}, since {utc_text(active.began_ns)}"
        event = self._face.make_event("fault", fault.target, text, *self._by)
        self._face.outbox.put(replace(event, old="" if begins else what, new=what if begins else ""))


def links_target(node: str) -> str:
    """Where the cables of a controller take their commands."""
    return f"{node}.links"


def own_links(node: str, links: Mapping[str, LinkFaults]) -> dict[str, LinkFaults]:
    """The cables of one controller."""
    return {name: link for name, link in links.items() if name.startswith(f"{node}>")}


def fault_from_text(value: Any) -> dict[str, Any]:
    """``{"kind": "bias", "value": 0.5, "for": "60 s"}`` as a command carries it. Raises ``ValueError``."""
    try:
        asked = json.loads(value)
        assert isinstance(asked, dict)
    except (TypeError, ValueError, AssertionError):
        raise ValueError(f"a fault is a JSON object with {', '.join(FAULT_KEYS)}, not {value!r}") from None
    strange = [key for key in asked if key not in FAULT_KEYS]
    if strange:
        raise ValueError(f"a fault has {', '.join(FAULT_KEYS)}; found {', '.join(map(str, strange))}")
    return asked


def words_of(active: ActiveFault) -> str:
    """``bias 0.5 mA for 1 min``."""
    fault = active.fault
    chance = f" in {fault.chance_pct:g} % of the steps" if fault.kind == "spike" else ""
    return fault.words + chance + (f" for {duration_words(fault.for_ns)}" if fault.for_ns else "")


def duration_words(duration_ns: int) -> str:
    """``1 min``; below a minute with fractions: ``0.5 s``."""
    return duration_text(duration_ns) if duration_ns % 1_000_000_000 == 0 else f"{duration_ns / 1e9:g} s"


def fault_row(active: ActiveFault) -> dict[str, Any]:
    """One fault for ``dcs fault --list`` and the operator station."""
    fault = active.fault
    return {
        "target": fault.target,
        "kind": fault.kind,
        "value": fault.value if fault.value is not None and fault.value == fault.value else None,
        "unit": fault.unit,
        "words": words_of(active),
        "began_ns": active.began_ns,
        "ends_ns": active.ends_ns,
    }


def subject_row(subject: Subject) -> dict[str, Any]:
    """One target and what it can have."""
    return {
        "name": subject.name,
        "scope": subject.scope,
        "unit": subject.unit,
        "description": subject.description,
        "kinds": [kind_row(kind, subject.unit) for kind in subject.kinds],
    }


def kind_row(kind: FaultKind, unit: str) -> dict[str, Any]:
    """One kind of fault for a list."""
    return {
        "name": kind.name,
        "meaning": kind.meaning,
        "takes": kind.takes,
        "value": kind.value,
        "unit": unit if kind.unit == "@" else kind.unit,
        "default": kind.default,
        "chance": kind.chance,
    }
