"""Promises of the restart policy: each module wakes as its configuration says, and nothing moves before it was read."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from dcs.config.find import find_config
from dcs.core.errors import ConfigError
from dcs.core.modes import AUTO, CAS, IMAN, MAN, OOS
from dcs.core.status import STATUS_BAD, STATUS_GOOD
from dcs.engine.compile import compile_strategy
from dcs.engine.restart import apply_restart_policy, is_cold
from dcs.engine.strategy import ModuleSpec, RestartPolicy, Strategy
from dcs.node.assembly import load_configuration
from tests.unit.engine.strategies import Bench, cascade

HOUR_NS = 3_600_000_000_000


def with_policy(spec: Strategy, policy: RestartPolicy) -> Strategy:
    names = dict.fromkeys(block.name.partition(".")[0] for block in spec.blocks)
    modules = tuple(ModuleSpec(name, "", "loop", "loops", {}, (), policy) for name in names)
    return replace(spec, modules=modules)


def after_power_cut(policy: RestartPolicy, outage_s: float, moved_to: float) -> tuple[Bench, list[str], float]:
    """A cascade that ran, was changed by its operator, lost its power, and wakes with the field somewhere else."""
    spec = with_policy(cascade(outer={"ti_s": 60.0}), policy)
    before = Bench.of(spec, LT=12.0, FT=12.0, **{"P.readback": 30.0})
    for _ in range(60):
        before.scan()
        before.follow()
    before.must_set("LIC.pid.SP", 11.0)
    before.must_set("LIC.pid.GAIN", 3.0)
    before.must_set("FIC.ai.FORCE", 1.0)
    before.must_set("FIC.ai.FORCE", 0.0)
    for _ in range(5):
        before.scan()
        before.follow()
    last_out = before.out()
    memory = np.frombuffer(before.engine.snapshot(), np.int64).copy()
    done = apply_restart_policy(before.engine.plan, memory, memory.view(np.float64), outage_s)
    after = Bench.of(spec, LT=12.0, FT=12.0, **{"P.readback": moved_to})
    after.engine.restore(memory.tobytes())
    after.time_ns = before.time_ns + round(outage_s * 1e9)
    return after, done, last_out


def valid(at: Bench) -> bool:
    return bool(at.engine.outputs()[2][0])


@pytest.mark.parametrize("policy", [RestartPolicy(), RestartPolicy(then="man"), RestartPolicy("cold")])
def test_pitfall_19_nothing_is_sent_before_the_field_was_read_and_then_what_it_has(policy):
    """Promise: after a power cut the first output is the field's own, whatever the memory says."""
    at, _, last_out = after_power_cut(policy, 60.0, moved_to=70.0)
    assert last_out < 60.0
    assert not valid(at), "what was sent before the cut is not sent again"
    at.status["P.readback"] = STATUS_BAD
    at.scan()
    assert [at[f"{block}.mode"] for block in ("FIC.ao", "FIC.pid")] == [IMAN, IMAN], "from the first scan on"
    at.scan(count=2)
    assert [at[f"{block}.mode"] for block in ("FIC.ao", "FIC.pid", "LIC.pid")] == [IMAN, IMAN, IMAN]
    assert not valid(at)
    at.status["P.readback"] = STATUS_GOOD
    at.scan()
    assert valid(at)
    assert at.out() == pytest.approx(70.0)


def test_pitfall_19_warm_and_hold_goes_on_with_modes_setpoints_and_tuning():
    at, done, _ = after_power_cut(RestartPolicy(), 60.0, moved_to=30.0)
    assert done == ["LIC: warm start after 60 s, goes on as it was", "FIC: warm start after 60 s, goes on as it was"]
    outs = []
    for _ in range(12):
        at.scan()
        at.follow()
        outs.append(at.out())
    assert outs[0] == pytest.approx(30.0), "it starts where the field is"
    assert max(abs(b - a) for a, b in pairwise(outs)) < 5.0, "and comes up without a bump"
    assert (at["FIC.pid.mode"], at["LIC.pid.mode"], at["LIC.pid.sp"], at["LIC.pid.gain"]) == (CAS, AUTO, 11.0, 3.0)


def test_pitfall_19_warm_and_man_waits_for_the_operator_where_the_field_is():
    at, done, _ = after_power_cut(RestartPolicy(then="man"), 60.0, moved_to=70.0)
    assert done[0] == "LIC: warm start after 60 s, in Man"
    for _ in range(10):
        at.scan()
        at.follow()
    modes = [at[f"{block}.{word}"] for block in ("LIC.pid", "FIC.pid", "FIC.ao") for word in ("target",)]
    assert modes == [MAN, MAN, MAN]
    assert (at.out(), at["LIC.pid.sp"], at["LIC.pid.gain"]) == (pytest.approx(70.0), 11.0, 3.0)


def test_pitfall_19_warm_and_out_of_service_sends_nothing():
    at, done, _ = after_power_cut(RestartPolicy(then="oos"), 60.0, moved_to=70.0)
    at.scan(count=5)
    assert done[1] == "FIC: warm start after 60 s, out of service"
    assert (at["FIC.ao.mode"], at["LIC.pid.mode"], at["FIC.ai.mode"], valid(at)) == (OOS, OOS, OOS, False)


@pytest.mark.parametrize(
    ("policy", "outage_s", "text"),
    [
        (RestartPolicy("cold"), 1.0, "LIC: cold start, by its restart policy"),
        (RestartPolicy(longest_outage_ns=HOUR_NS), 3601.0, "LIC: cold start after 3601 s (longest outage 3600 s)"),
        (RestartPolicy(), float("nan"), "LIC: cold start after an unknown time (longest outage 3600 s)"),
        (RestartPolicy(then="man"), 7200.0, "LIC: cold start after 7200 s (longest outage 3600 s)"),
    ],
)
def test_pitfall_19_a_cold_start_is_a_first_start_that_keeps_its_tuning(policy, outage_s, text):
    at, done, _ = after_power_cut(policy, outage_s if outage_s == outage_s else 0.0, moved_to=30.0)
    if outage_s != outage_s:
        memory = np.frombuffer(at.engine.snapshot(), np.int64).copy()
        done = apply_restart_policy(at.engine.plan, memory, memory.view(np.float64), outage_s)
        at.engine.restore(memory.tobytes())
    assert done[0] == text
    for _ in range(12):
        at.scan()
        at.follow()
    assert (at["LIC.pid.sp"], at["LIC.pid.gain"], at["LIC.pid.mode"]) == (10.0, 3.0, AUTO)
    assert at["FIC.pid.mode"] == CAS, "cold starts in the configured modes"


@pytest.mark.parametrize(
    ("policy", "outage_s", "cold"),
    [
        (RestartPolicy(), 3600.0, False),
        (RestartPolicy(), 3600.1, True),
        (RestartPolicy(), -1.0, True),
        (RestartPolicy(longest_outage_ns=0), 1e9, False),
        (RestartPolicy(longest_outage_ns=0), float("nan"), False),
        (RestartPolicy("cold", longest_outage_ns=0), 0.0, True),
    ],
)
def test_longest_outage(policy, outage_s, cold):
    assert is_cold(policy, outage_s) is cold


def test_what_was_out_of_service_stays_so():
    spec = with_policy(cascade(), RestartPolicy(then="man"))
    before = Bench.of(spec, LT=12.0, FT=12.0, **{"P.readback": 30.0})
    before.scan()
    before.must_set("LIC.pid.MODE", "OOS")
    before.scan()
    memory = np.frombuffer(before.engine.snapshot(), np.int64).copy()
    apply_restart_policy(before.engine.plan, memory, memory.view(np.float64), 1.0)
    before.engine.restore(memory.tobytes())
    before.scan()
    assert before["LIC.pid.mode"] == OOS


def test_it_is_a_pure_function_of_the_memory():
    """Promise: both controllers of a pair do the same with the same bytes."""
    plan = compile_strategy(cascade())
    memories = [np.frombuffer(plan.image, np.int64).copy() for _ in range(2)]
    texts = [apply_restart_policy(plan, memory, memory.view(np.float64), 5.0) for memory in memories]
    assert texts[0] == texts[1]
    assert memories[0].tobytes() == memories[1].tobytes()


# --- configuration -------------------------------------------------------------------------------------------
def test_policy_from_the_configuration():
    set_policy = ("control.modules.LIC-101.restart={start: warm, then: man, longest_outage: 10 min}",)
    config = load_configuration(find_config("quadruple_tank"), set_policy)
    modules = {module.name: module for module in config.controllers[0].strategy.modules}
    assert modules["LIC-101"].restart == RestartPolicy("warm", "man", 600_000_000_000)
    assert modules["FIC-101"].restart == RestartPolicy("warm", "hold", HOUR_NS)


def test_a_word_that_is_none_is_refused_with_the_choices():
    with pytest.raises(ConfigError, match="`hot`"):
        load_configuration(find_config("quadruple_tank"), ("control.modules.LIC-101.restart={start: hot}",))
