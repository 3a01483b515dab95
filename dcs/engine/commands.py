"""What an operator may do to a running plan, and the sentence for what may not be done.

Called by   the engine's ``apply``, between two scans. Knows the plan and the buffer; every rule comes from the
declarations (``limited_by``, ``write_in``, ``choices``, ``permitted``).
"""

import math
import re
from typing import Any

from dcs.alarms.machine import after_ack
from dcs.blocks.declare import Field
from dcs.bus.messages import Command
from dcs.core.errors import NotAuthorised
from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN, OOS, RCAS, ROUT, mode_name, modes_in
from dcs.engine import memory
from dcs.engine.image import nearest
from dcs.engine.journal import name_or_number, show
from dcs.engine.plan import AlarmPlace, Plan, TagPlace

_HOST_MODES = {"rcas_in": RCAS, "rout_in": ROUT}
"""What a host writes, and the mode that must be permitted for it."""

_BEYOND_SCALE = 0.1
"""How far, as a part of the output's range, an output may be written where its limits do not hold in Man."""

_WORD_LIMIT = 2.0**63
"""Whole numbers from here on do not fit into a word."""


class Commands:
    """Writes into the buffer of one engine."""

    def __init__(self, plan: Plan, words: Any, numbers: Any) -> None:
        self._plan = plan
        self._words = words
        self._numbers = numbers
        self._tag_index = {place.tag.name: index for index, place in enumerate(plan.tags)}

    def apply(self, command: Command, time_ns: int) -> str:
        """Execute; returns what happened. Raises ``NotAuthorised`` with the reason and what to do instead."""
        if command.verb == "set":
            return self._set(command, time_ns)
        if command.verb == "ack":
            return self._ack(command.subject, time_ns)
        if command.verb == "ack_all":
            return self._ack_all(command.subject, time_ns)
        raise NotAuthorised(f"there is no command `{command.verb}` here. There are set, ack and ack_all.")

    # --- alarms -------------------------------------------------------------------------------------------
    def _ack(self, name: str, time_ns: int) -> str:
        alarm = self._plan.alarm_by_name.get(name)
        if alarm is None:
            raise NotAuthorised(f"there is no alarm `{name}`.{nearest(name, self._plan.alarm_by_name)}")
        done = self._acknowledge(alarm, time_ns)
        return f"{name} acknowledged" if done else f"{name} was not waiting for acknowledgement"

    def _ack_all(self, module: str, time_ns: int) -> str:
        mine = [alarm for alarm in self._plan.alarms if module in ("", alarm.spec.module)]
        if not mine:
            known = {alarm.spec.module: None for alarm in self._plan.alarms}
            raise NotAuthorised(f"`{module}` has no alarms.{nearest(module, known)}")
        count = sum(self._acknowledge(alarm, time_ns) for alarm in mine)
        return f"{count} alarm{'' if count == 1 else 's'} acknowledged"

    def _acknowledge(self, alarm: AlarmPlace, time_ns: int) -> bool:
        word = self._plan.word_of(alarm.record, "alarm_state")
        before = int(self._words[word])
        now = after_ack(before)
        if now == before:
            return False
        self._words[word] = now
        memory.emit(self._words, self._numbers, time_ns, memory.ACK_EVENT, alarm.record, before * 16 + now, 0.0, 0.0)
        return True

    # --- values -------------------------------------------------------------------------------------------
    def _set(self, command: Command, time_ns: int) -> str:
        name = command.subject
        place = self._plan.tag_by_name.get(name)
        if place is None:
            raise NotAuthorised(f"there is no tag `{name}`.{nearest(name, self._plan.tag_by_name)}")
        if not place.tag.writable or place.record < 0:
            raise NotAuthorised(f"{name} cannot be written.")
        kind = self._plan.records[place.record].type
        field_name = "target" if place.field == "mode" else place.field  # a mode is asked for, it then comes about
        f = kind.field(field_name)
        new = self._number(place, f, command.value)
        if field_name == "target":
            self._check_mode(place, int(new))
        if field_name in _HOST_MODES:
            self._check_host(place, _HOST_MODES[field_name])
        self._check_write(place, f)
        self._check_refusals(place, f, new)
        self._check_limits(place, f, new)
        word = self._plan.records[place.record].at + kind.index[field_name]
        if f.dtype == "i8":
            old = float(self._words[word])
            self._words[word] = int(new)
        else:
            old = float(self._numbers[word])
            self._numbers[word] = new
        self._tell(place, f)
        memory.emit(self._words, self._numbers, time_ns, memory.COMMAND_EVENT, self._tag_index[name], 0, old, new)
        before, after = (show(name_or_number(self._plan, place, value), place) for value in (old, new))
        return f"{name} {before} → {after}"

    def _tell(self, place: TagPlace, f: Field) -> None:
        """Let the block know that it was written, where it wants to know (see ``block_type``)."""
        record = self._plan.records[place.record]
        written = f"{f.name}_written"
        request = f.role == "state" and not record.type.has(written)  # a state word that people write: a relay test
        for flag in (written, "settings_changed" if f.role == "param" or request else ""):
            if flag and record.type.has(flag):
                self._words[record.at + record.type.index[flag]] = 1

    def _number(self, place: TagPlace, f: Field, value: float | str | None) -> float:
        name = place.tag.name
        choices = f.choices or tuple((label, code) for code, label in enumerate(place.tag.choices) if label)
        offered = choices
        if f.name == "target" and self._plan.records[place.record].type.has("permitted"):
            permitted = int(self._get(place.record, "permitted"))
            offered = tuple((choice, code) for choice, code in choices if (permitted >> code) & 1)
        names = ", ".join(choice for choice, _ in offered)
        if isinstance(value, str):
            for choice, code in choices:
                if choice.upper() == value.strip().upper():
                    return float(code)
            try:
                value = float(value)
            except ValueError:
                wanted = f"It can be {names}." if names else "A number is needed."
                raise NotAuthorised(f"{name}: `{value}` cannot be written. {wanted}") from None
        if value is None or not math.isfinite(value):
            raise NotAuthorised(f"{name}: {value} cannot be written. A finite number is needed.")
        if choices and value not in [code for _, code in choices]:
            raise NotAuthorised(f"{name}: {value:g} cannot be written. It can be {names}.")
        if (f.dtype == "i8" or f.discrete) and value != int(value):
            raise NotAuthorised(f"{name}: {value:g} cannot be written. A whole number is needed.")
        if f.dtype == "i8" and abs(value) >= _WORD_LIMIT:
            raise NotAuthorised(f"{name}: {value:g} cannot be written. It is more than a word holds.")
        return float(value)

    def _get(self, record: int, name: str) -> float:
        f = self._plan.records[record].type.field(name)
        word = self._plan.word_of(record, name)
        return float(self._words[word] if f.dtype == "i8" else self._numbers[word])

    def _check_mode(self, place: TagPlace, mode: int) -> None:
        kind = self._plan.records[place.record].type
        name = place.tag.name
        if kind.has("permitted"):
            permitted = int(self._get(place.record, "permitted"))
            if not (permitted >> mode) & 1:
                raise NotAuthorised(
                    f"{name}: {mode_name(mode)} is not permitted. Permitted are {', '.join(modes_in(permitted))}."
                )
        if mode == CAS and kind.has("cas_in_linked") and not self._get(place.record, "cas_in_linked"):
            raise NotAuthorised(f"{name}: Cas is not possible, no block above is wired to it. Use Auto or Man.")

    def _check_host(self, place: TagPlace, mode: int) -> None:
        """A host may write before the mode is asked for, so that it is ready; where it never can be, it is told."""
        permitted = int(self._get(place.record, "permitted"))
        if not (permitted >> mode) & 1:
            raise NotAuthorised(
                f"{place.tag.name}: {mode_name(mode)} is not permitted. Permitted are {', '.join(modes_in(permitted))}."
            )

    def _check_write(self, place: TagPlace, f: Field) -> None:
        kind = self._plan.records[place.record].type
        if not f.write_in or not kind.has("target"):
            return
        name = place.tag.name
        target, mode = int(self._get(place.record, "target")), int(self._get(place.record, "mode"))
        if target not in f.write_in:
            modes = " or ".join(mode_name(one) for one in f.write_in)
            raise NotAuthorised(
                f"{name} can be written in {modes}; the mode asked for is {mode_name(target)}. Set the mode first."
            )
        if f.write_in == (MAN,) and mode in (OOS, IMAN, LO) and mode != target:
            raise NotAuthorised(
                f"{name} cannot be written now: the actual mode is {mode_name(mode)}, so the output is not the "
                "operator's. Wait until it is Man."
            )
        tracks = any(
            kind.has(option) and self._get(place.record, option) != 0 for option in ("sp_track_pv", "sp_track_man")
        )
        if f.name == "sp" and tracks and target not in (AUTO, CAS):
            raise NotAuthorised(f"{name} follows the measurement in {mode_name(target)}. Set the mode to Auto first.")

    def _check_refusals(self, place: TagPlace, f: Field, new: float) -> None:
        """The reasons that the declaration of the block gives, first one first."""
        for refusal in f.refused_if:
            if refusal.value is not None and new != refusal.value:
                continue
            stands = refusal.when and self._get(place.record, self._sibling(place, f, refusal.when)) != 0
            lacks = refusal.unless and self._get(place.record, self._sibling(place, f, refusal.unless)) == 0
            if stands or lacks:
                sentence = re.sub(r"{(\w+)}", lambda found: self._shown(place.record, found[1]), refusal.sentence)
                raise NotAuthorised(f"{place.tag.name}: {sentence}")

    def _shown(self, record: int, name: str) -> str:
        """A field as people read it: by its label, its choice, or as the number."""
        value = self._get(record, name)
        where = self._plan.records[record]
        labels = self._plan.labels_of(where.name).get(name, ())
        if 0 <= value < len(labels):
            return labels[int(value)]
        return next((choice for choice, code in where.type.field(name).choices if code == value), f"{value:g}")

    def _sibling(self, place: TagPlace, f: Field, name: str) -> str:
        """The element of an array that goes with the one written: ``simulate_3`` with ``sim_value_3``."""
        kind = self._plan.records[place.record].type
        is_element = f.count > 1 and kind.field(name).count == f.count
        return f"{name}{place.field.removeprefix(f.name)}" if is_element else name

    def _check_limits(self, place: TagPlace, f: Field, new: float) -> None:
        low, high = f.low, f.high
        low_text, high_text = "lowest value", "highest value"
        if f.limited_by:
            kind = self._plan.records[place.record].type
            low, high = (self._get(place.record, name) for name in f.limited_by)
            low_text, high_text = (kind.field(name).meaning.split(";")[0] for name in f.limited_by)
            free = kind.has("no_out_limits_in_man") and self._get(place.record, "no_out_limits_in_man") != 0
            if f.name == "out" and free:
                low, high = (self._get(place.record, f"out_scale_{end}") for end in ("low", "high"))
                beyond = _BEYOND_SCALE * (high - low)
                low, high = low - beyond, high + beyond
                low_text = high_text = "10 % beyond the range"
        name = place.tag.name
        if new < low:
            raise NotAuthorised(f"{name}: {show(new, place)} is below the limit {show(low, place)} ({low_text}).")
        if new > high:
            raise NotAuthorised(f"{name}: {show(new, place)} is above the limit {show(high, place)} ({high_text}).")
