"""What an operator may ask of a controller pair: these enter no scan.

Called by   dcs.node.controller.
Knows       the redundancy's own requests and the commands of the bus.
Promise     who asked for what is a line of the journal like every operator action, also when it was refused; its time
            is before that of whatever follows from it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from dcs.bus.messages import Command, Reply
from dcs.node.face import NodeFace
from dcs.redundancy.runtime import RedundantMember

PAIR_VERBS = {
    "switchover": RedundantMember.switchover,
    "standby_out": RedundantMember.take_out,
    "standby_in": RedundantMember.bring_back,
}
_ASKED = {
    "switchover": "switchover",
    "standby_out": "take the standby out",
    "standby_in": "bring the standby back",
    "link": "use link {value}",
}


def ask_pair(member: RedundantMember, command: Command) -> tuple[bool, str]:
    """(whether it was begun, one sentence); who asked becomes part of the event."""
    return PAIR_VERBS[command.verb](member, f"{command.user} at {command.station or 'no station'} asked for it")


def journalled(
    work: Callable[[Command], Awaitable[Reply]], face: NodeFace, pair: str
) -> Callable[[Command], Awaitable[Reply]]:
    """The same work, with its line in the journal."""

    async def answer(command: Command) -> Reply:
        asked = _ASKED[command.verb].format(value=command.value)
        subject = command.subject or pair
        event = face.make_event("operator", subject, "", command.user, command.station)
        reply = await work(command)
        refused = "" if reply.ok else f", refused: {reply.text}"
        face.outbox.put(replace(event, text=f"{subject}: {asked}{refused}"))
        return reply

    return answer
