"""The witness node: the third voter of every pair, nothing else.

Called by   ``dcs.node.assembly`` builds it; ``run`` is the node.
Knows       grants and time; it belongs on a third machine and says so when it shares one.
"""

import asyncio
from collections.abc import Callable

from dcs.bus.messages import LinkReport, NodeReport
from dcs.node.face import NodeFace
from dcs.redundancy.witness import Witness

MakeWitness = Callable[[Callable[[str, str], None]], Witness]


class WitnessNode:
    """A ``Witness`` with a face on the bus."""

    def __init__(self, face: NodeFace, make_witness: MakeWitness, detail: str) -> None:
        self.face = face
        self.witness = make_witness(lambda text, kind: face.event(kind, face.node, text))
        self._detail = detail

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.witness.run())
            group.create_task(self.face.run(self.report))

    def report(self) -> NodeReport:
        """For ``dcs status``."""
        return NodeReport(
            node=self.face.node,
            kind="witness",
            pid=self.face.pid,
            time_ns=self.face.clock.time_ns(),
            state="running",
            links=(
                *(LinkReport(link.name, link.kind, link.state) for link in self.witness.links()),
                self.face.bus_link(),
            ),
            endpoints=self.face.endpoints,
            detail=self._detail,
        )
