"""From the text of a sequence to the numbers of its record.

Called by   the checker of configurations, through the declaration of SFC.
Knows       the shape of the text (``chart_text``), what makes a chart safe (``chart_check``), structured text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dcs.blocks.declare import ParamValue, Translation
from dcs.blocks.sequence import sizes
from dcs.blocks.sequence.chart_check import together
from dcs.blocks.sequence.chart_text import ActionUse, ChartText, read_actions, read_charts, read_commands, text_of
from dcs.blocks.sequence.procedure import CHART_NAMES, COMMAND_NAMES, STATE_NAMES
from dcs.blocks.sequence.qualifiers import QUALIFIERS
from dcs.core.errors import ConfigError
from dcs.structured_text.compiler import Compiler, Section
from dcs.structured_text.errors import suggestion
from dcs.structured_text.scope import INPUT, OUTPUT, READ_ONLY, VARIABLE, Symbol

TERMINALS = (
    *(Symbol(f"IN{n + 1}", n, "REAL", INPUT) for n in range(sizes.INPUTS)),
    *(Symbol(f"OUT{n + 1}", sizes.OUTPUTS_AT + n, "REAL", OUTPUT) for n in range(sizes.OUTPUTS)),
    Symbol("DT", sizes.DT_AT, "REAL", READ_ONLY),
)


def translate(given: Mapping[str, Any]) -> Translation:
    """The whole chart as numbers. Raises ``ConfigError`` with a sentence."""
    return _Chart(given).translation()


@dataclass
class _Action:
    """One action of the chart: a BOOL variable, or statements."""

    label: str
    slot: int = -1
    section: Section = field(default_factory=lambda: Section(0, 0))


class _Chart:
    """Collects the numbers of one sequence; used once."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._charts = read_charts(given)
        self._named = read_actions(given)
        self._conditions = read_commands(given)
        every = [step for chart in self._charts if chart for step in chart.steps]
        self.steps = tuple(step.name for step in every)
        self._bit = {step.name: number for number, step in enumerate(every)}
        _fits(len(every), sizes.STEPS, "steps")
        for name in self.steps:
            if sum(name.upper() == other.upper() for other in self.steps) > 1:
                raise ConfigError(f"the step {name} is in two charts. Rename one.")
        flags = [
            symbol
            for number, name in enumerate(self.steps)
            for symbol in (
                Symbol(f"{name}.X", sizes.ACTIVE_AT + number, "BOOL", READ_ONLY),
                Symbol(f"{name}.T", sizes.TIME_AT + number, "TIME", READ_ONLY),
            )
        ]
        self._compiler = Compiler((*TERMINALS, *flags), sizes.VARIABLES_AT, sizes.LIMITS)
        with _Where("variables"):
            self._compiler.declarations(text_of(given.get("variables", ""), "variables"))
        self._all_steps = every
        self._actions: dict[str, _Action] = {}
        self._uses: list[tuple[int, ActionUse]] = []
        self._contexts: list[tuple[int, str]] = []  # from this instruction on: what it belongs to
        self._assigned: set[int] = set()

    def translation(self) -> Translation:
        """All of it."""
        self._find_booleans()
        self._compile_actions()
        params = {**self._transition_params(), **self._command_params(), **self._step_params(), **self._use_params()}
        compiler = self._compiler
        params |= {
            "code": compiler.code,
            "consts": compiler.consts,
            "initial": tuple(compiler.initial),
            "assigned": tuple(float(sizes.OUTPUTS_AT + n in self._assigned) for n in range(sizes.OUTPUTS)),
        }
        transitions = tuple(t.label for chart in self._charts if chart for t in chart.transitions)
        events = (
            *_padded(("", *self.steps), sizes.EVENT_STATES_AT),
            *STATE_NAMES,
            *_padded(("", *transitions), sizes.TRANSITIONS + 1),
            *self._places(),
        )
        labels = {
            "step": ("none", *self.steps),
            "force_step": ("none", *self.steps),
            "ready": ("none", *transitions),
            "timed_out_step": ("none", *self.steps),
            "event": events,
            "variable": compiler.variable_names,
            "use": tuple(f"{self.steps[step]} {use.qualifier} {self._key(use)}" for step, use in self._uses),
        }
        return Translation(params, labels)

    # --- actions ----------------------------------------------------------------------------------------------
    def _find_booleans(self) -> None:
        """Who belongs to a boolean action must be known before the first statement is compiled."""
        for number, step in enumerate(self._all_steps):
            for use in step.actions:
                self._uses.append((number, use))
                key = self._key(use)
                if use.name and key not in self._upper_named() and use.qualifier != "R":
                    self._boolean(use)
        for _, use in self._uses:
            if use.name and self._key(use) not in self._upper_named() and self._key(use) not in self._actions:
                raise ConfigError(f"{use.where}: nothing but R names the action {use.name}{self._hint(use)}")
        _fits(len(self._uses), sizes.USES, "uses of actions by steps")

    def _upper_named(self) -> dict[str, str]:
        return {name.upper(): name for name in self._named}

    def _key(self, use: ActionUse) -> str:
        """What makes two uses the same action."""
        return use.name.upper() if use.name else use.where

    def _hint(self, use: ActionUse) -> str:
        known = [*self._named, *(action.label for action in self._actions.values())]
        return f", so it resets nothing.{suggestion(use.name, known)}"

    def _boolean(self, use: ActionUse) -> None:
        key = self._key(use)
        if key in self._actions:
            return
        symbol = self._compiler.scope.get(use.name)
        if symbol is None:
            outputs = [s.name for s in TERMINALS if s.role == OUTPUT]
            hint = suggestion(use.name, [*self._named, *outputs, *self._compiler.variable_names])
            raise ConfigError(f"{use.where}: there is no action and no variable `{use.name}`.{hint}")
        if symbol.role == OUTPUT and symbol.type == "REAL":
            symbol = replace(symbol, type="BOOL")  # an output that is an action is a truth value
        if symbol.role not in (OUTPUT, VARIABLE) or symbol.type != "BOOL":
            raise ConfigError(
                f"{use.where}: `{use.name}` is {symbol.role} of type {symbol.type}, but an action must be an output or "
                "a BOOL variable. Write an assignment instead."
            )
        self._compiler.scope.replace(replace(symbol, owner=use.name))
        self._actions[key] = _Action(use.name, symbol.slot)
        self._assigned.add(symbol.slot)

    def _compile_actions(self) -> None:
        for name, text in self._named.items():
            if name.upper() in self._actions or self._compiler.scope.get(name) is not None:
                raise ConfigError(f"actions: `{name}` is also the name of a variable. Rename one.")
            self._actions[name.upper()] = _Action(name, -1, self._statements(text, f"actions: {name}"))
        for _, use in self._uses:
            if not use.name:
                self._actions[self._key(use)] = _Action(use.where, -1, self._statements(use.statements, use.where))
        _fits(len(self._actions), sizes.ACTIONS, "actions")

    def _statements(self, text: str, where: str) -> Section:
        with _Where(where):
            section = self._compiler.statements(text)
        self._contexts.append((section.start, where))
        self._assigned |= set(section.assigns)
        return section

    def _condition(self, text: str, where: str) -> Section:
        with _Where(where):
            section = self._compiler.condition(text)
        self._contexts.append((section.start, where))
        return section

    # --- numbers ----------------------------------------------------------------------------------------------
    def _mask(self, names: tuple[str, ...]) -> int:
        mask = 0
        for name in names:
            mask |= 1 << self._bit[name]
        return mask

    def _step_params(self) -> dict[str, ParamValue]:
        partners = [0] * len(self.steps)
        initial = []
        for name, chart in zip(CHART_NAMES, self._charts, strict=True):
            initial.append(0.0 if chart is None else float(self._mask((chart.initial,))))
            if chart is not None:
                for number, mask in enumerate(self._check(name, chart)):
                    partners[number] |= mask
        return {
            "step_count": float(len(self.steps)),
            "chart_initial": tuple(initial),
            "main_steps": float(self._mask(tuple(step.name for step in _main(self._charts).steps))),
            "min_ns": tuple(float(step.min_ns) for step in self._all_steps),
            "max_ns": tuple(float(step.max_ns) for step in self._all_steps),
            "partners": tuple(float(mask) for mask in partners),
        }

    def _check(self, name: str, chart: ChartText) -> list[int]:
        masks = [(self._mask(t.sources), self._mask(t.targets)) for t in chart.transitions]
        mine = self._mask(tuple(step.name for step in chart.steps))
        where = [t.where.removeprefix(f"{name}: ") for t in chart.transitions]
        with _Where(name if name != CHART_NAMES[0] else ""):
            must_end = name != CHART_NAMES[0]
            return together(self._mask((chart.initial,)), mine, masks, self.steps, where, must_end)

    def _transition_params(self) -> dict[str, ParamValue]:
        every = [t for chart in self._charts if chart for t in chart.transitions]
        _fits(len(every), sizes.TRANSITIONS, "transitions")
        sections = [self._condition(t.condition, t.where) for t in every]
        return {
            "transition_count": float(len(every)),
            "from_steps": tuple(float(self._mask(t.sources)) for t in every),
            "to_steps": tuple(float(self._mask(t.targets)) for t in every),
            "condition_start": tuple(float(section.start) for section in sections),
            "condition_end": tuple(float(section.end) for section in sections),
        }

    def _command_params(self) -> dict[str, ParamValue]:
        starts, ends = [0.0] * len(COMMAND_NAMES), [0.0] * len(COMMAND_NAMES)
        for name, text in self._conditions.items():
            section = self._condition(text, f"commands: {name}")
            starts[COMMAND_NAMES.index(name)] = float(section.start)
            ends[COMMAND_NAMES.index(name)] = float(section.end)
        return {"command_start": tuple(starts), "command_end": tuple(ends)}

    def _use_params(self) -> dict[str, ParamValue]:
        number = {key: index for index, key in enumerate(self._actions)}
        actions = self._actions.values()
        return {
            "use_count": float(len(self._uses)),
            "use_step": tuple(float(step) for step, _ in self._uses),
            "use_qualifier": tuple(float(QUALIFIERS.index(use.qualifier)) for _, use in self._uses),
            "use_action": tuple(float(number[self._key(use)]) for _, use in self._uses),
            "use_ns": tuple(float(use.time_ns) for _, use in self._uses),
            "action_count": float(len(self._actions)),
            "action_slot": tuple(float(action.slot) for action in actions),
            "action_start": tuple(float(action.section.start) for action in actions),
            "action_end": tuple(float(action.section.end) for action in actions),
        }

    def _places(self) -> tuple[str, ...]:
        """Where an instruction stands: the transition or action, then line and column in its text."""
        found: list[str] = []
        for index, place in enumerate(self._compiler.places):
            owner = next((where for start, where in reversed(self._contexts) if start < index), "")
            found.append(f"{owner}, {place}" if place else "")
        return tuple(found)


class _Where:
    """Says in front of a message to what it belongs."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> None:
        if isinstance(exc, ConfigError) and self._where:
            raise ConfigError(f"{self._where}: {exc.message}") from None


def _main(charts: list[ChartText | None]) -> ChartText:
    assert charts[0] is not None
    return charts[0]


def _fits(found: int, most: int, what: str) -> None:
    if found > most:
        raise ConfigError(f"the sequence has {found} {what}, but {most} fit. Split it over two blocks.")


def _padded(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    return (*names, *[""] * (count - len(names)))
