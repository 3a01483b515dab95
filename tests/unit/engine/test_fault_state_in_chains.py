"""A controller that asks for the fault state gets it through whatever lies between it and its valves, for as long as it
asks; and it comes back by the handshake."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from dcs.core.modes import AUTO, CAS, LO
from dcs.core.status import STATUS_BAD, STATUS_GOOD
from dcs.engine.strategy import Strategy
from tests.unit.engine.test_chains import MIDDLES, Chain, override, split_range, through

FAULT_VALUE = 12.0
ASKS = {"ifs_if_bad": 1}
TAKES = {"fault_state": 2, "fault_value": FAULT_VALUE}

CHAINS: dict[str, tuple[Callable[[], Strategy], str, str]] = {
    **{name: (lambda name=name: through(name), "A.pid", "PVA") for name in MIDDLES},
    "splitter": (split_range, "T.pid", "PV"),
    "selector": (override, "A.pid", "PVA"),
}


def with_fault_state(spec: Strategy, asking: str) -> Strategy:
    """The same with a controller that asks when its measurement is Bad, and outputs that have a fault value."""
    more = {asking: ASKS} | {block.name: TAKES for block in spec.blocks if block.type == "AO"}
    blocks = [replace(block, params={**block.params, **more.get(block.name, {})}) for block in spec.blocks]
    return replace(spec, blocks=tuple(blocks))


def started(spec: Strategy) -> Chain:
    names = [channel.name for channel in spec.channels if channel.direction == "in"]
    reads = dict.fromkeys(names, 50.0) | {"P.readback": 40.0, "COLD.readback": 0.0, "HOT.readback": 37.0}
    chain = Chain.of(spec, **{name: reads[name] for name in names})
    chain.run(30)
    return chain


@pytest.mark.parametrize("name", CHAINS)
def test_the_fault_state_stands_as_long_as_it_is_asked_for(name):
    """Promise: all valves are at the fault value from the second scan on, and nobody takes them away from there."""
    build, asking, measurement = CHAINS[name]
    chain = started(with_fault_state(build(), asking))
    outputs = [block for block in chain.engine.plan.records if block.type.name == "AO"]
    assert [chain[f"{block.name}.mode"] for block in outputs] == [CAS] * len(outputs)
    chain.status[measurement] = STATUS_BAD
    chain.run(2)
    for _ in range(30):
        chain.run(1)
        assert [chain[f"{block.name}.mode"] for block in outputs] == [LO] * len(outputs)
        assert set(chain.field().values()) == {FAULT_VALUE}
    chain.status[measurement] = STATUS_GOOD
    for _ in range(30):
        before = chain.field()
        chain.run(1)
        assert all(abs(value - before[valve]) < 5.0 for valve, value in chain.field().items())  # bled, not stepped
    assert [chain[f"{block.name}.mode"] for block in outputs] == [CAS] * len(outputs)
    assert chain[f"{asking}.mode"] == AUTO
