"""What the active knows of its own pair, as channels of the input image.

Called by   ``dcs.node.field_side``, at the end of every read; ``dcs.node.controller`` says where the facts come from.
Knows       how the standby is, whether the witness is heard, and which devices the standby reaches worse. As inputs
            of the scan these are recorded and mirrored with it: both controllers raise the same alarms from them.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from dcs.blocks.io.controller_pair import STANDBY_STATES
from dcs.core.status import STATUS_GOOD
from dcs.engine.strategy import BEHIND, STANDBY, WITNESS, is_of_pair
from dcs.node.field_watch import FieldWatch
from dcs.node.scan_record import InputImage
from dcs.redundancy.protocol.field_view import FieldView
from dcs.redundancy.runtime import RedundantMember

_CODES = {name.lower(): code for name, code in STANDBY_STATES}


class PairFacts(NamedTuple):
    """``standby`` as in ``MemberReport``; "" = not known: nobody asks a pair, or this member is not the active."""

    standby: str = ""
    witness: bool = False
    behind: int = 0


def worse_ways(ours: FieldView, theirs: FieldView | None) -> int:
    """Devices that the standby reaches by fewer ways than we do, or not at all; 0 while that is not known."""
    if theirs is None or theirs.devices.key != ours.devices.key:
        return 0
    fewer = theirs.degraded & ~ours.degraded
    return (ours.reached & (theirs.lost | fewer)).bit_count()


def pair_facts(member: RedundantMember, watch: FieldWatch) -> PairFacts:
    """Of now; any thread."""
    return PairFacts(*member.others_stand(), worse_ways(watch.known, member.field_of_other))


class PairView:
    """The pair's channels of one wiring."""

    def __init__(self, inputs: Sequence[str]) -> None:
        place = {name.rpartition(":")[2]: at for at, name in enumerate(inputs) if is_of_pair(name)}
        self._at = np.array([place[what] for what in (STANDBY, WITNESS, BEHIND)] if place else [], np.intp)

    def fill(self, image: InputImage, ask: Callable[[], PairFacts], now_utc_ns: int) -> None:
        """Write them; what is not known stays as if it had never been read."""
        if not len(self._at):
            return
        facts = ask()
        code = _CODES.get(facts.standby)
        if code is None:
            return
        image.values[self._at] = code, facts.witness, facts.behind
        image.statuses[self._at] = STATUS_GOOD
        image.times_ns[self._at] = now_utc_ns
