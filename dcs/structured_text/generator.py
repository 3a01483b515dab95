"""From the checked tree to instructions.

Called by   the compiler. Knows the machine (``dcs.blocks.program``) and how deep its stack is.
"""

import struct
from dataclasses import dataclass, field

from dcs.blocks import program as vm
from dcs.core.errors import ConfigError
from dcs.structured_text.errors import Position
from dcs.structured_text.typed import Action, Apply, Branches, Constant, Load, Store, Switch, Value


@dataclass(frozen=True, slots=True)
class Limits:
    """How much room the record of a block has."""

    code: int
    consts: int
    stack: int
    variables: int


@dataclass
class Generator:
    """Collects the instructions of all programs of one block."""

    limits: Limits
    code: list[int] = field(default_factory=list)
    consts: list[float] = field(default_factory=list)
    places: dict[int, Position] = field(default_factory=dict)  # instruction that can fail -> where it stands
    _const_of: dict[bytes, int] = field(default_factory=dict)
    _depth: int = 0

    def statements(self, actions: tuple[Action, ...]) -> tuple[int, int]:
        """Instructions for statements; returns where they begin and end. Raises ``ConfigError`` when too many."""
        start = len(self.code)
        for action in actions:
            self._action(action)
        self._check_room()
        return start, len(self.code)

    def expression(self, value: Value) -> tuple[int, int]:
        """Instructions that leave one value on the stack; returns where they begin and end. Raises ``ConfigError``."""
        start = len(self.code)
        self._value(value)
        self._depth -= 1
        self._check_room()
        return start, len(self.code)

    def _check_room(self) -> None:
        for found, most, what in (
            (len(self.code), self.limits.code, "instructions"),
            (len(self.consts), self.limits.consts, "different numbers"),
        ):
            if found > most:
                raise ConfigError(f"the program has {found} {what}, but {most} fit. Split it over two blocks.")

    def _emit(self, op: int, operand: int = 0) -> int:
        self.code.append(op + 256 * operand)
        return len(self.code) - 1

    def _patch(self, jumps: list[int]) -> None:
        """Let these jumps end here."""
        for jump in jumps:
            self.code[jump] = (self.code[jump] & 255) + 256 * len(self.code)

    def _push(self, count: int = 1) -> None:
        self._depth += count
        if self._depth > self.limits.stack:
            raise ConfigError(
                f"the program is nested too deep: more than {self.limits.stack} intermediate values are needed at once."
                " Use variables for parts of it."
            )

    def _const(self, *values: float) -> int:
        """Place of constants that stand one after the other."""
        key = struct.pack(f"<{len(values)}d", *values)  # by its bits: -0.0 is not 0.0
        if key not in self._const_of:
            self._const_of[key] = len(self.consts)
            self.consts += values
        return self._const_of[key]

    # --- values -----------------------------------------------------------------------------------------------
    def _value(self, value: Value) -> None:
        if isinstance(value, Constant):
            self._push()
            self._emit(vm.CONSTANT, self._const(value.value))
        elif isinstance(value, Load):
            self._push()
            self._emit(vm.LOAD, value.slot)
        else:
            self._apply(value)

    def _apply(self, value: Apply) -> None:
        for part in value.values:
            self._value(part)
        self._depth -= len(value.values) - 1
        self.places[self._emit(value.op, value.operand)] = value.at

    # --- statements -------------------------------------------------------------------------------------------
    def _action(self, action: Action) -> None:
        if isinstance(action, Store):
            self._value(action.value)
            self._depth -= 1
            self._emit(vm.STORE, action.slot)
            return
        self._push()
        self._emit(vm.ENTER)
        ends = self._branches(action) if isinstance(action, Branches) else self._switch(action)
        self._patch(ends)
        for slot in action.assigned:
            self._emit(vm.JOIN, slot)
        self._emit(vm.LEAVE)
        self._depth -= 1

    def _body(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            self._action(action)

    def _branches(self, action: Branches) -> list[int]:
        """Returns the jumps to the end."""
        ends: list[int] = []
        for condition, body in action.branches:
            self._value(condition)
            ends.append(self._emit(vm.GUARD))
            self._depth -= 1
            skip = self._emit(vm.JUMP_FALSE)
            self._body(body)
            ends.append(self._emit(vm.JUMP))
            self._patch([skip])
        self._body(action.otherwise)
        return ends

    def _switch(self, action: Switch) -> list[int]:
        """Returns the jumps to the end. The selector stays on the stack until an arm has been chosen."""
        self._value(action.selector)
        ends = [self._emit(vm.GUARD)]
        for ranges, body in action.arms:
            hits: list[int] = []
            for low, high in ranges:
                self._push()
                self._emit(vm.IN_RANGE, self._const(low, high))
                self._depth -= 1
                hits.append(self._emit(vm.JUMP_TRUE))
            miss = self._emit(vm.JUMP)
            self._patch(hits)
            self._emit(vm.DROP)
            self._depth -= 1
            self._body(body)
            self._depth += 1  # as it is where no arm has been chosen
            ends.append(self._emit(vm.JUMP))
            self._patch([miss])
        self._emit(vm.DROP)
        self._depth -= 1
        self._body(action.otherwise)
        return ends
