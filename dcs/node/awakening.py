"""A controller that begins with the data of its own checkpoint.

Called by   ``dcs.node.controller`` at start, and when it becomes the active without a living partner.
Promise     data from a checkpoint count only if nobody has newer ones; then the restart policy says how they wake, the
            field says where the outputs are, and the journal what was restored and how old it is. Only a memory that
            belongs to the very instant at which the field begins goes on as it is.
"""

from dcs.core.clock import NS_PER_S, Clock
from dcs.engine.restart import apply_restart_policy
from dcs.node.checkpoint import Checkpoint
from dcs.node.face import NodeFace
from dcs.node.replica import Replica

JOIN_S = 60.0
"""So long after its end a computed past may be joined: later the field has moved on without its controllers."""


class Awakening:
    """From the checkpoint to the first scan; the caller holds the replica's lock."""

    def __init__(self, replica: Replica, clock: Clock, checkpoint: Checkpoint | None, face: NodeFace) -> None:
        self._replica = replica
        self._clock = clock
        self._face = face
        self._made_ns = 0  # UTC of the checkpoint that the data are from; 0 = they are from elsewhere
        self._joins = False
        if checkpoint is not None:
            self._take(checkpoint)

    @property
    def counts(self) -> bool:
        """True while the data are those of the checkpoint."""
        return self._made_ns > 0

    def forget(self) -> None:
        """A copy from a living partner has taken their place."""
        self._made_ns = 0

    def _take(self, checkpoint: Checkpoint) -> None:
        try:
            report = self._replica.wake(checkpoint.copy, checkpoint.shape)
        except ValueError as error:
            self._tell(f"the checkpoint of this controller is not used: {error}")
            return
        self._made_ns, self._joins = checkpoint.time_ns, checkpoint.joins
        if report is not None:
            text = f"the configuration has changed since the checkpoint, changes: {len(report.changes)}"
            self._tell(f"{text}, values were carried over by name")

    def start(self) -> None:
        """Nobody had newer data: ours count."""
        engine, age_s = self._replica.engine, (self._clock.time_ns() - self._made_ns) / NS_PER_S
        if self._joins and age_s < JOIN_S:
            self._made_ns = 0
            self._tell(f"{self._face.node} goes on from a computed past, without a restart")
            return
        words = engine.memory.view("i8")
        notes = apply_restart_policy(engine.plan, words, words.view("f8"), age_s)
        self._made_ns = 0
        self._tell(f"{self._face.node} restored parameters, modes and states from its checkpoint, {age_s:.0f} s old")
        for note in notes:
            self._face.event("system", note.partition(":")[0], note)

    def _tell(self, text: str) -> None:
        self._face.event("system", self._face.node, text)
