"""The real assembly with one rule broken: what tests.simulation.redundancy_mutants breaks in the pure protocol.

Called by   tests.simulation.swarm.run.
Knows       where the assembly takes the parts of the protocol from.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

from dcs.node import assembly
from dcs.node.controller import Controller
from dcs.redundancy import runtime, witness
from dcs.redundancy.protocol import PairConfig
from dcs.redundancy.store import MemoryStore
from dcs.redundancy.timing import LeaseTiming
from tests.simulation.redundancy_mutants import Mutant


@contextmanager
def mutated(mutant: Mutant | None) -> Iterator[None]:
    """While this lasts every box is built with that rule broken; None = none."""
    if mutant is None:
        yield
        return
    load, build = MemoryStore.load, assembly.pair_config

    def loads(store: MemoryStore, pair: str) -> Any:
        return mutant.loads(load(store, pair))

    def pair_config(*args: Any) -> PairConfig:
        config = build(*args)
        return replace(config, timing=_timing(mutant, config.timing))

    with (
        patch.object(runtime, "PairMember", mutant.member_class),
        patch.object(witness, "WitnessVoter", partial(witness.WitnessVoter, voter_class=mutant.voter_class)),
        patch.object(MemoryStore, "load", loads),
        patch.object(assembly, "pair_config", pair_config),
        _early(mutant.checks_early),
    ):
        yield


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
