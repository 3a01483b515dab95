"""How a controller's memory wakes after an outage: each module by its own restart policy.

Called by   a controller that starts without a living partner, once its memory is restored from a checkpoint.
Knows       the plan and the memory; the policies come from the configuration of the modules. No clock: the outage is
            given.
Promise     nothing is sent before the field was read back (where a read-back is wired), and what is sent first is what
            the field already has, or the fault value by option of the block. Control comes up bottom-up through the
            handshake: outputs from the field, inner loops from the outputs, outer loops from the inner ones.

*Cold* is the state of a first start, except that settings which operators have changed (tuning, limits) are retained,
and the journal. *Warm* keeps everything and then goes on, goes to Man, or goes out of service.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from dcs.blocks.declare import BlockType, Field
from dcs.core.modes import MAN, OOS
from dcs.core.status import STATUS_NOT_CONNECTED
from dcs.engine.plan import Plan, Record
from dcs.engine.strategy import ModuleSpec, RestartPolicy

STARTING = 1
"""``reason`` of a block that has just started (``dcs.blocks.handshake``): no news for the journal."""

_TARGETS = {"man": MAN, "oos": OOS}
_THEN_TEXTS = {"hold": "goes on as it was", "man": "in Man", "oos": "out of service"}
_OVERRIDES = ("target", "force", "simulate", "bypass")
"""Parameters by which people hold a block; a cold start lets go. The others are settings."""


def apply_restart_policy(plan: Plan, words: Any, numbers: Any, outage_s: float) -> list[str]:
    """Change the memory for a start after ``outage_s``; returns what was done, a sentence per module.

    ``words`` and ``numbers`` are the memory as whole numbers and as floats. An outage that cannot be (negative, not a
    number: a clock was set) counts as longer than any limit.
    """
    image = np.frombuffer(plan.image, np.int64)
    done = [_wake(plan, module, records, words, image, outage_s) for module, records in _records_by_module(plan)]
    inputs, outputs = len(plan.input_channels), len(plan.output_channels)
    words[plan.inputs_at + inputs : plan.inputs_at + 2 * inputs] = STATUS_NOT_CONNECTED
    words[plan.outputs_at + outputs : plan.outputs_at + 2 * outputs] = STATUS_NOT_CONNECTED  # not to be sent again
    return done


def is_cold(policy: RestartPolicy, outage_s: float) -> bool:
    """Does a module with that policy start cold after such an outage?"""
    limit_s = policy.longest_outage_ns / 1e9
    too_long = limit_s > 0.0 and not 0.0 <= outage_s <= limit_s
    return policy.start == "cold" or too_long


def _records_by_module(plan: Plan) -> Iterable[tuple[ModuleSpec, list[int]]]:
    """Every module with its blocks and alarms; what belongs to none takes the policy of an empty one."""
    owner_of_alarm = {place.record: place.spec.module for place in plan.alarms}
    members: dict[str, list[int]] = {}
    for index, record in enumerate(plan.records):
        owner = owner_of_alarm.get(index, record.name.partition(".")[0])
        members.setdefault(owner, []).append(index)
    known = {module.name: module for module in plan.strategy.modules}
    for name, records in members.items():
        yield known.get(name, ModuleSpec(name, "", "", "", {})), records


def _wake(plan: Plan, module: ModuleSpec, records: list[int], words: Any, image: Any, outage_s: float) -> str:
    policy = module.restart
    cold = is_cold(policy, outage_s)
    for index in records:
        record = plan.records[index]
        if cold:
            _reset(record, words, image)
        if index not in plan.alarm_of_record:
            _start_again(record, words, _TARGETS.get("hold" if cold else policy.then))
    if not cold:
        return f"{module.name}: warm start after {outage_s:.0f} s, {_THEN_TEXTS[policy.then]}"
    if policy.start == "cold":
        return f"{module.name}: cold start, by its restart policy"
    away = f"{outage_s:.0f} s" if math.isfinite(outage_s) and outage_s >= 0.0 else "an unknown time"
    return f"{module.name}: cold start after {away} (longest outage {policy.longest_outage_ns / 1e9:g} s)"


def _reset(record: Record, words: Any, image: Any) -> None:
    """Everything as at a first start, settings excepted."""
    for f in record.type.fields:
        if f.role != "param" or _moves_process(f):
            at = record.at + record.type.index[f.name]
            words[at : at + f.count] = image[at : at + f.count]


def _moves_process(f: Field) -> bool:
    """A parameter by which people drive the process or hold a block, not a setting of it."""
    return f.name in _OVERRIDES or bool(f.write_in)


def _start_again(record: Record, words: Any, target: int | None) -> None:
    """Values are kept, but nobody believes them: filters are seeded again and outputs come from the field."""
    kind = record.type
    for name in ("seeded", "restarted"):
        if kind.has(name):
            at = record.at + kind.index[name]
            words[at : at + kind.field(name).count] = 1 if name == "restarted" else 0
    for _, back in kind.above:  # until it is computed again, the block above initialises instead of going on
        words[record.at + kind.index[kind.companion(back, "status")]] = STATUS_NOT_CONNECTED
    if not kind.has("mode") or not kind.has("target"):
        return
    asked = int(words[record.at + kind.index["target"]])
    if target is not None and asked != OOS and _permits(kind, record, words, target):
        words[record.at + kind.index["target"]] = target
    if words[record.at + kind.index["mode"]] != OOS:
        words[record.at + kind.index["mode"]] = MAN  # from there every mode is entered without a bump
        if kind.has("reason"):
            words[record.at + kind.index["reason"]] = STARTING


def _permits(kind: BlockType, record: Record, words: Any, mode: int) -> bool:
    if mode not in [code for _, code in kind.field("target").choices]:
        return False
    return not kind.has("permitted") or bool((int(words[record.at + kind.index["permitted"]]) >> mode) & 1)
