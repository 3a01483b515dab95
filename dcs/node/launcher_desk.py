"""What the launcher does on command: kill a node as ``kill -9`` does, so that people see what becomes of it.

Called by   ``dcs run`` and ``dcs demo``; the box has the same desk in front of its own nodes.
Promise     only in a run that was started for exercises, only controllers and witnesses, and never without a line in
            the journal that says who asked.
"""

from collections.abc import Awaitable, Callable, Mapping

from dcs.bus.messages import Command, Reply, command_subject
from dcs.node.face import NodeFace
from dcs.node.fault_desk import NO_EXERCISES

LAUNCHER = "launcher"
_KINDS = ("controller", "witness")
Kill = Callable[[str], Awaitable[None]]


class LauncherDesk:
    """Serves the commands to ``launcher``. ``kinds``: name of a node -> its kind."""

    def __init__(self, face: NodeFace, kinds: Mapping[str, str], kill: Kill, exercises: bool) -> None:
        self._face = face
        self._mortal = tuple(name for name, kind in kinds.items() if kind in _KINDS)
        self._kill = kill
        self._exercises = exercises

    async def open(self) -> None:
        """Take commands from now on."""
        await self._face.bus.serve(command_subject(self._face.plant, LAUNCHER), self._serve)

    async def _serve(self, subject: str, payload: bytes) -> bytes:
        try:
            command = Command.from_bytes(payload)
        except (ValueError, TypeError) as error:
            return Reply("", False, f"This is not a command: {error}").to_bytes()
        return (await self.do(command)).to_bytes()

    async def do(self, command: Command) -> Reply:
        """``kill NODE``; refused with the reason."""
        node = command.subject
        if command.verb != "kill":
            return Reply(command.id, False, f"The launcher takes `kill NODE`, not {command.verb}.")
        if not self._exercises:
            return Reply(command.id, False, NO_EXERCISES)
        if node not in self._mortal:
            return Reply(command.id, False, f"{node} is not killed on command; {', '.join(self._mortal)} are.")
        text = f"{node} is killed on command"
        self._face.event("operator", node, text, command.user, command.station)
        await self._kill(node)
        return Reply(command.id, True, text)
