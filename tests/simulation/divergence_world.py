"""The world of the redundancy simulation, in which also bits flip in the memory of the controllers.

Called by   tests.simulation.test_divergence_seeds.
Knows       the pure protocol; a flipped bit is a command that nobody gave, in the state of one controller.

Judged beside all that the world judges: while nothing else goes wrong, no flip survives in the active, none is copied
to the other one, and both are whole again. Who is wrong is found by repeating, which takes up to half a second here.
"""

import zlib
from random import Random

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.redundancy.protocol import VoterRecord
from tests.simulation.redundancy_checkers import Broken, Faults
from tests.simulation.redundancy_mutants import Mutant
from tests.simulation.redundancy_world import NODES, A, B, Node, World

MS, S = NS_PER_MS, NS_PER_S
_HELD_BYTES = 2048
STRAY = 1 << 10_000  # bits from here on are in no command
_LONGEST_RECHECK_NS = 500 * MS


class FlippedNode(Node):
    """A controller that can repeat its scans from the last copy."""

    def start(self) -> None:
        self.kept: tuple[int, int] = (0, 0)
        self.steps: list[tuple[int, bytes]] = []  # commands and own digest of every scan since
        super().start()

    def _build(self, record: VoterRecord | None, incarnation: int, now_ns: int) -> None:
        self.member = self.world.mutant.member_class(
            self.world.config, self.name, record, self, self.alive, self.world.rng.random, now_ns, incarnation,
            execution=self,
        )  # fmt: skip

    def event(self, text: str) -> None:
        self.world.checkers.counts["results that differ"] += "differs from the active's" in text
        self.world.checkers.counts["copies held back"] += "no copy is made until" in text
        super().event(text.replace("differs", "is another one than"))

    def snapshot(self) -> tuple[int, bytes | memoryview]:
        self.kept, self.steps = (self.scan, self.held), []
        return super().snapshot()

    def restore(self, seq: int, state: bytes | memoryview) -> None:
        super().restore(seq, state)
        self.kept, self.steps = (self.scan, self.held), []

    def _apply(self, commands: int) -> None:
        super()._apply(commands)
        self.steps.append((commands, self._digest(self.scan, self.held)))

    def _digest(self, scan: int, held: int) -> bytes:
        return zlib.crc32(held.to_bytes(_HELD_BYTES, "little"), scan).to_bytes(4, "little")

    # --- how it executes ------------------------------------------------------------------------------------
    def software(self) -> str:
        return "the same"

    def mirror_begins(self, by_copy: bool) -> None:
        assert not by_copy

    def mirror_ends(self) -> None:
        pass

    def measured(self, data: bytes) -> None:
        """The toy has no field."""

    def recheck(self, seq: int) -> None:
        self.world.at(self, self.world.rng.randrange(_LONGEST_RECHECK_NS), self._rechecked, seq)

    def _rechecked(self, seq: int) -> None:
        assert self.member is not None
        scan, held = self.kept
        repeats = True
        for commands, digest in self.steps[: seq - scan]:
            scan, held = scan + 1, held | commands
            repeats = repeats and self._digest(scan, held) == digest
        self.member.rechecked(self.local_ns(), seq, repeats)
        self.arm()


class FlippingWorld(World):
    """``flips``: how many; each waits until the one before is repaired, or for some seconds."""

    def __init__(self, seed: int, flips: int, faults: Faults | None, mutant: Mutant | None = None) -> None:
        super().__init__(seed, mutant, faults, trace=True)
        self.nodes = {name: FlippedNode(self, name) for name in NODES}
        self._luck = Random(f"flips {seed}")
        self._flips = flips
        self.at(None, 2 * S, self._flip)

    def _flip(self) -> None:
        if self._flips and not self._healed:
            if self.is_whole() and not self.stray():
                node = self.nodes[self._luck.choice((A, B))]
                role = "active" if node.member is not None and node.member.active else "standby"
                self.tell(node.name, f"a bit flips in the {role}")
                self.checkers.counts[f"flips in the {role}"] += 1
                node.held |= STRAY << self._flips
                self._flips -= 1
            self.at(None, 2 * S, self._flip)

    def stray(self) -> list[str]:
        """Controllers with a flipped bit in their memory."""
        return [name for name in (A, B) if self.nodes[name].is_up and self.nodes[name].held >= STRAY]


def run_with_flips(
    seed: int, flips: int = 5, faults: Faults | None = None, mutant: Mutant | None = None
) -> FlippingWorld:
    """One run; ``faults`` None: nothing but flips goes wrong. Raises ``Broken`` with the seed and the world."""
    is_calm = faults is None
    world = FlippingWorld(seed, flips, faults or Faults(), mutant)
    try:
        world.start()
        world.run_until(round((4 + 3 * flips) * S))
        world.heal()
        world.run_until(world.now_ns + 8 * S)
        if is_calm and world.stray():
            raise Broken(f"a flipped bit is still in the memory of {' and '.join(world.stray())}")
        if is_calm and world.checkers.counts["copies held back"]:
            raise Broken("one of the two can be told to be right, but nobody decided")
        _settle(world)
        a, b = (world.nodes[name] for name in (A, B))
        if a.scan == b.scan and a.held != b.held:
            raise Broken("the two hold different data at the end")
    except Broken as exc:
        raise Broken(f"seed {seed}: at {world.now_ns / S:.4f} s: {exc}", world) from None
    return world


def _settle(world: FlippingWorld) -> None:
    deadline_ns = world.now_ns + 12 * S
    while not world.is_whole():
        if world.now_ns >= deadline_ns:
            raise Broken("no life: there is no active with a ready standby and three votes")
        for name in (A, B):
            node = world.nodes[name]
            if node.member is not None and node.member.active:
                node.member.resynchronise(node.local_ns())
        world.bring_back()
        world.run_until(world.now_ns + 50 * MS)
