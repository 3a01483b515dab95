"""The real assembly with one rule broken: what tests.simulation.redundancy_mutants breaks in the pure protocol.

Called by   tests.simulation.swarm.run.
Knows       where the assembly takes the parts of the protocol from.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

from dcs.core.clock import NS_PER_S
from dcs.node import assembly
from dcs.node.box import Box
from dcs.node.controller import Controller
from dcs.node.memory_peers import MemoryPeers
from dcs.node.takeover import Takeover
from dcs.redundancy import runtime, witness
from dcs.redundancy.protocol import PairConfig
from dcs.redundancy.store import MemoryStore
from dcs.redundancy.timing import LeaseTiming
from field_io.devices.output_gate import OutputGate
from field_io.devices.ua_gate import UaOutputGate
from tests.simulation.redundancy_mutant import Mutant
from tests.simulation.redundancy_mutants import MUTANTS
from tests.simulation.redundancy_mutants_of_sets import MORE
from tests.simulation.swarm.mutants import OF_THE_ASSEMBLY, BoxMutant

IN_THE_BOX = (*OF_THE_ASSEMBLY, *(mutant for mutant in MUTANTS if mutant not in MORE))
"""Those that are hunted in the whole system."""
ALL = (*OF_THE_ASSEMBLY, *MUTANTS)
"""Those that can be put into it: of some only a story of the pure protocol brings about what they break."""


@contextmanager
def mutated(mutant: Mutant | None) -> Iterator[None]:
    """While this lasts every box is built with that rule broken; None = none."""
    if mutant is None:
        yield
        return
    load, build, store_of = MemoryStore.load, assembly.pair_config, MemoryPeers.voter_store
    owner: dict[int, str] = {}  # of a store, by its identity

    def voter_store(peers: MemoryPeers, node: str) -> Any:
        store = store_of(peers, node)
        owner[id(store)] = node
        return store

    def loads(store: MemoryStore, pair: str) -> Any:
        return mutant.loads(load(store, pair), owner[id(store)])

    def pair_config(*args: Any) -> PairConfig:
        config = build(*args)
        return replace(config, timing=_timing(mutant, config.timing))

    with (
        patch.object(runtime, "PairMember", mutant.member_class),
        patch.object(witness, "WitnessVoter", partial(witness.WitnessVoter, voter_class=mutant.voter_class)),
        patch.object(MemoryStore, "load", loads),
        patch.object(MemoryPeers, "voter_store", voter_store),
        patch.object(OutputGate, "epoch", property(lambda gate: 0)) if mutant.device_ignores_epochs else nullcontext(),
        patch.object(assembly, "pair_config", pair_config),
        patch.object(UaOutputGate, "epoch", property(lambda gate: 0))
        if mutant.device_ignores_epochs
        else nullcontext(),
        patch.object(Takeover, "begin", _nothing_at_once) if mutant.first_write_waits else nullcontext(),
        patch.object(Box, "freeze", _with_its_clock) if mutant.clock_stops else nullcontext(),
        _early(mutant.checks_early),
        ExitStack() as more,
    ):
        for broken in mutant.patches() if isinstance(mutant, BoxMutant) else ():
            more.enter_context(broken)
        yield


def _nothing_at_once(takeover: Takeover, classes: Any) -> None:
    """A new holder writes with its next scan."""


def _with_its_clock(box: Box, name: str, seconds: float) -> None:
    """``Box.freeze``, and the clock of the node stands still as well."""
    now_ns = box.loop.now_ns()
    stands_ns = max(0, now_ns + round(seconds * NS_PER_S) - box.loop.leaves_ns(name))
    box.loop.freeze(name, now_ns + round(seconds * NS_PER_S))
    clock = box.peers.clocks[name]
    clock._own_base_ns -= round(stands_ns * clock.rate)


def _timing(mutant: Mutant, timing: LeaseTiming) -> LeaseTiming:
    """The mutant's relation of lease and promise, at the times of this plant."""
    wrong = mutant.timing()
    if wrong == LeaseTiming():
        return timing
    found = replace(timing)
    object.__setattr__(found, "hold_ns", timing.promise_ns * wrong.hold_ns // wrong.promise_ns)
    return found


@contextmanager
def _early(is_so: bool) -> Iterator[None]:
    """The gate is asked when a scan begins, and never again for its outputs."""
    if not is_so:
        yield
        return
    with patch.object(Controller, "_gate", lambda self: self.member.write_epoch if self._scanning else 0):
        yield
