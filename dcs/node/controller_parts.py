"""What a controller is made of; the peers of every link are chosen by the assembly.

Called by   ``dcs.node.assembly`` fills it in, ``dcs.node.controller`` uses it.
Knows       the parts, and nothing of what is done with them.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcs.node.change_desk import ChangeParts
from dcs.node.checkpoint import Checkpoint, Checkpoints
from dcs.node.face import NodeFace
from dcs.node.field_side import FieldSide
from dcs.node.program import Program
from dcs.node.sample_store import SampleStore
from dcs.node.scan_schedule import ScanSchedule
from dcs.redundancy.runtime import RedundantMember

if TYPE_CHECKING:
    from dcs.node.controller import Controller


@dataclass(eq=False)
class ControllerParts:
    """Of one controller."""

    face: NodeFace
    pair: str
    program: Program
    field_side: FieldSide
    schedule: ScanSchedule
    make_member: Callable[["Controller"], RedundantMember]
    on_loop: Callable[[asyncio.AbstractEventLoop, Callable[[], None]], None]  # from the scan to the event loop
    prefer: Callable[[bool], None]  # we hold the authority, or wait for it: who goes first on a busy machine
    changes: ChangeParts
    checkpoints: Checkpoints
    samples: SampleStore
    checkpoint: Checkpoint | None = None  # what was found at the start
