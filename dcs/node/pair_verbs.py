"""What an operator may ask of a controller pair: these enter no scan.

Called by   dcs.node.controller.
Knows       the redundancy's own requests and the commands of the bus.
"""

from dcs.bus.messages import Command
from dcs.redundancy.runtime import RedundantMember

PAIR_VERBS = {
    "switchover": RedundantMember.switchover,
    "standby_out": RedundantMember.take_out,
    "standby_in": RedundantMember.bring_back,
}


def ask_pair(member: RedundantMember, command: Command) -> tuple[bool, str]:
    """(whether it was begun, one sentence); who asked becomes part of the event."""
    return PAIR_VERBS[command.verb](member, f"{command.user} at {command.station or 'no station'} asked for it")
