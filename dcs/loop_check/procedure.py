"""The loop check itself: a state machine that sees values and answers, and says which command is next.

Called by   the command line and the operator station, which send its commands on the bus like an operator's: the
            controller's rules, its gate and its journal apply to every one of them.
Knows       no clock, no bus. ``advance`` gets the time (any that only grows), UTC and the latest values.
Promise     whatever happens, the former output and then the former mode are given back; a loop that somebody else has
            taken out of Man is his, and is not written to any more. What could not be given back is said.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from dcs.core.clock import NS_PER_S
from dcs.core.modes import MAN, mode_name
from dcs.core.value import ProcessValue
from dcs.loop_check.plan import Observed, Plan
from dcs.loop_check.record import Record, Row, Value, shown

BEGIN, TO_MAN, STROKE, GIVE_OUTPUT, GIVE_MODE, ENDED = "begin", "to Man", "stroke", "give output", "give mode", "ended"
MODE_WAIT_NS = 15 * NS_PER_S
"""How long the loop may take to come to Man, and a value may be away."""
FOLLOW_NS = 3 * NS_PER_S
"""How long a mode that is no Man may last while the loop was just put there."""
RETRIES = 3
RETRY_NS = NS_PER_S
TRACE_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Write:
    """A command that is to be sent now; its answer goes to ``replied``."""

    tag: str
    value: float | str


class LoopCheck:
    """One run of a plan. ``record`` fills as it goes."""

    def __init__(self, plan: Plan, plant: str = "") -> None:
        self.plan = plan
        self.record = Record(plant, plan)
        self.state = BEGIN
        self.step = 0
        self._now_ns = self._utc_ns = 0
        self._waiting = False  # for an answer
        self._abort_wanted = ""
        self._steps: list[tuple[float, float]] = []  # (%, output)
        self._target_before = ""
        self._took_mode = self._moved_output = False
        self._since_ns = 0  # of what is waited for in this state
        self._written_ns: int | None = None  # the output of this step has been taken
        self._written_utc_ns = 0
        self._window: deque[tuple[int, tuple[float, ...]]] = deque()
        self._failures = 0
        self._not_before_ns = 0
        self._seen_ns = 0  # values were good

    # --- what drives it -----------------------------------------------------------------------------------------
    def advance(self, now_ns: int, utc_ns: int, values: Mapping[str, ProcessValue]) -> Write | None:
        """Look, and decide. Returns the command to send; None while nothing is to be sent."""
        if self.state == ENDED:
            return None
        self._now_ns, self._utc_ns = now_ns, utc_ns
        if not self.record.began_ns:
            self.record.began_ns, self._since_ns, self._seen_ns = utc_ns, now_ns, now_ns
        self._trace(values)
        if self._waiting or now_ns < self._not_before_ns:
            return None
        write = {
            BEGIN: self._begin,
            TO_MAN: self._to_man,
            STROKE: self._stroke,
            GIVE_OUTPUT: self._give_output,
            GIVE_MODE: self._give_mode,
        }[self.state](values)
        self._waiting = write is not None
        return write

    def replied(self, ok: bool, text: str) -> None:
        """The answer to the last command."""
        if not self._waiting:
            return
        self._waiting = False
        if self.state in (GIVE_OUTPUT, GIVE_MODE):
            self._gave(ok, text)
        elif not ok:
            self.abort(self._abort_wanted or text)
        elif self.state == TO_MAN:
            self._since_ns = self._now_ns
        elif self.state == STROKE:
            self._written_ns, self._written_utc_ns = self._now_ns, self._utc_ns
            self._window.clear()
        if self._abort_wanted:
            self.abort(self._abort_wanted)

    def abort(self, reason: str) -> None:
        """End it: what was changed is given back with the next calls of ``advance``.

        A command under way is waited for first: given back before it is carried out, it would come afterwards.
        """
        if self.state in (GIVE_OUTPUT, GIVE_MODE, ENDED):
            return
        if self._waiting:
            self._abort_wanted = reason
            return
        self.record.result, self.record.reason = "aborted", reason
        self._go_back()

    @property
    def ended(self) -> bool:
        """Nothing is left to be done."""
        return self.state == ENDED

    @property
    def text(self) -> str:
        """What it does now, for people."""
        of = len(self.plan.steps)
        if self.state == STROKE:
            return f"step {self.step + 1} of {of}: {self.plan.steps[self.step]:g} %"
        return {
            BEGIN: "looking at the loop",
            TO_MAN: f"putting {self.plan.module} in Man",
            GIVE_OUTPUT: "giving the output back",
            GIVE_MODE: f"giving the mode back: {self._target_before}",
        }.get(self.state, self.record.result)

    # --- states -------------------------------------------------------------------------------------------------
    def _begin(self, values: Mapping[str, ProcessValue]) -> Write | None:
        plan = self.plan
        mode, target, output = (self._number(values, tag) for tag in (plan.mode, plan.target, plan.output.tag))
        if mode is None or target is None or output is None:
            if self._now_ns - self._since_ns > MODE_WAIT_NS:
                self._end("refused", f"{plan.module} reports no mode or no output")
            return None
        self.record.mode_before, self.record.output_before = mode_name(mode), output
        self._target_before = mode_name(target).upper()
        low, high = self._limits(values)
        span = plan.output.high - plan.output.low
        self._steps = [(pct, min(max(plan.output.low + span * pct / 100.0, low), high)) for pct in plan.steps]
        if int(mode) == MAN and int(target) == MAN:
            self._next_state(STROKE)
            return None
        if not plan.take_to_man:
            self._end("refused", f"{plan.module} is in {mode_name(mode)}. A loop check needs it in Man")
            return None
        self._next_state(TO_MAN)
        self._took_mode = True  # also when no answer comes: it may be carried out all the same
        return Write(plan.mode, "MAN")

    def _to_man(self, values: Mapping[str, ProcessValue]) -> Write | None:
        mode = self._number(values, self.plan.mode)
        if mode is not None and int(mode) == MAN:
            # The output may have moved until here; from here on only this check moves it.
            output = self._number(values, self.plan.output.tag)
            if output is not None:
                self.record.output_before = output
                self._next_state(STROKE)
                return None
        if self._now_ns - self._since_ns > MODE_WAIT_NS:
            now = "no known mode" if mode is None else mode_name(mode)
            self.abort(f"{self.plan.module} does not come to Man; it is in {now}")
        return None

    def _stroke(self, values: Mapping[str, ProcessValue]) -> Write | None:
        if not self._still_ours(values):
            return None
        pct, output = self._steps[self.step]
        if self._written_ns is None:
            self._moved_output = True
            return Write(self.plan.output.tag, output)
        if not self._settled_or_waited(values, output):
            return None
        self.record.rows.append(self._row(values, pct, output))
        self.step += 1
        self._written_ns = None
        if self.step == len(self._steps):
            self.step -= 1
            self.record.result = "done"
            self._go_back()
        return None

    def _give_output(self, values: Mapping[str, ProcessValue]) -> Write | None:
        if self._is_taken(values):
            return None
        mode = self._number(values, self.plan.mode)
        if (mode is None or int(mode) != MAN) and self._now_ns - self._since_ns < MODE_WAIT_NS:
            return None  # an override holds the output, or nothing is heard: it would be refused now
        return Write(self.plan.output.tag, self.record.output_before)

    def _give_mode(self, values: Mapping[str, ProcessValue]) -> Write | None:
        if self._is_taken(values):
            return None
        return Write(self.plan.mode, self._target_before)

    # --- small parts --------------------------------------------------------------------------------------------
    def _still_ours(self, values: Mapping[str, ProcessValue]) -> bool:
        """False, and the check ends, when the loop is not in Man any more or nothing is heard of it."""
        mode, target = self._number(values, self.plan.mode), self._number(values, self.plan.target)
        if mode is None or target is None:
            if self._now_ns - self._seen_ns > MODE_WAIT_NS:
                self.abort(f"nothing is heard of {self.plan.module}")
            return False
        self._seen_ns = self._now_ns
        if self._is_taken(values):
            return False
        if int(mode) != MAN and self._now_ns - self._since_ns > FOLLOW_NS:
            self.abort(f"{self.plan.module} went to {mode_name(mode)}: the output is not ours")
            return False
        return True

    def _is_taken(self, values: Mapping[str, ProcessValue]) -> bool:
        """True, and the check ends, when somebody else has asked for another mode than Man."""
        target = self._number(values, self.plan.target)
        if target is None or int(target) == MAN:
            return False
        if not self._moved_output and mode_name(target).upper() == self._target_before:
            self._finish()  # it never left its mode: there is nothing to be given back
            return True
        self.record.result = "aborted"
        self.record.reason = self.record.reason or f"somebody put {self.plan.module} in {mode_name(target)}"
        self._say("The loop was left to whoever took it")
        self._finish()
        return True

    def _settled_or_waited(self, values: Mapping[str, ProcessValue], output: float) -> bool:
        assert self._written_ns is not None
        plan = self.plan
        reported = self._number(values, plan.output.tag)
        arrived = reported is not None and abs(reported - output) <= 0.001 * plan.output.span
        now = tuple(self._value(values, one).value for one in plan.observed)
        if arrived:
            self._window.append((self._now_ns, now))
        hold_ns = round(plan.hold_s * NS_PER_S)
        while len(self._window) > 1 and self._window[1][0] <= self._now_ns - hold_ns:
            self._window.popleft()
        return self._is_settled() or self._now_ns - self._written_ns >= plan.wait_s * NS_PER_S

    def _is_settled(self) -> bool:
        """Nothing has moved for the hold time. A value that is not known does not settle."""
        hold_ns = round(self.plan.hold_s * NS_PER_S)
        if not self._window or self._now_ns - self._window[0][0] < hold_ns:
            return False
        for at, one in enumerate(self.plan.observed):
            series = [values[at] for _, values in self._window]
            if not all(math.isfinite(value) for value in series):
                return False
            if max(series) - min(series) > one.span * self.plan.band_pct / 100.0:
                return False
        return True

    def _row(self, values: Mapping[str, ProcessValue], pct: float, output: float) -> Row:
        assert self._written_ns is not None
        plan = self.plan
        seen = tuple(self._value(values, one) for one in plan.observed)
        share = (output - plan.output.low) / plan.output.span
        off = [
            abs((value.value - one.low) / one.span - share) * 100.0
            for one, value in zip(plan.observed, seen, strict=True)
            if one.role != "measurement" and value.good
        ]
        settled = self._is_settled()
        followers = sum(one.role != "measurement" for one in plan.observed)
        ok = settled and len(off) == followers and max(off, default=0.0) <= plan.tolerance_pct
        ok = ok and all(value.good for value in seen)
        seconds = (self._now_ns - self._written_ns) / NS_PER_S
        if settled:  # what was held does not count
            seconds = (self._window[0][0] - self._written_ns) / NS_PER_S
        return Row(pct, output, self._written_utc_ns, seconds, settled, seen, max(off, default=math.nan), ok)

    def _trace(self, values: Mapping[str, ProcessValue]) -> None:
        point = tuple(self._value(values, one).value for one in (self.plan.output, *self.plan.observed))
        trace = self.record.trace
        if len(trace) < TRACE_MOST and (not trace or trace[-1][0] < self._utc_ns):
            trace.append((self._utc_ns, point))

    def _go_back(self) -> None:
        if self._moved_output:
            self._next_state(GIVE_OUTPUT)
        elif self._took_mode:
            self._next_state(GIVE_MODE)
        else:
            self._finish()

    def _gave(self, ok: bool, text: str) -> None:
        if not ok:
            self._failures += 1
            self._not_before_ns = self._now_ns + RETRY_NS
            if self._failures < RETRIES:
                return
            self.record.restored_ok = False
            what = "output" if self.state == GIVE_OUTPUT else "mode"
            self._say(f"The {what} could NOT be given back: {text.rstrip('.')}")
        elif self.state == GIVE_OUTPUT:
            value = shown(self.record.output_before, self.plan.output)
            self._say(f"Output given back: {value} {self.plan.output.unit}".rstrip())
        else:
            self._say(f"Mode given back: {self._target_before}")
        if self.state == GIVE_OUTPUT and self._took_mode:
            self._next_state(GIVE_MODE)
        else:
            self._finish()

    def _say(self, text: str) -> None:
        self.record.restored = f"{self.record.restored}. {text}" if self.record.restored else text

    def _next_state(self, state: str) -> None:
        self.state, self._since_ns, self._failures = state, self._now_ns, 0

    def _end(self, result: str, reason: str) -> None:
        self.record.result, self.record.reason = result, reason
        self._finish()

    def _finish(self) -> None:
        self.state = ENDED
        self.record.ended_ns = self._utc_ns

    def _limits(self, values: Mapping[str, ProcessValue]) -> tuple[float, float]:
        low, high = (self._number(values, tag) if tag else None for tag in self.plan.limits)
        return (
            self.plan.output.low if low is None else max(self.plan.output.low, low),
            self.plan.output.high if high is None else min(self.plan.output.high, high),
        )

    @staticmethod
    def _number(values: Mapping[str, ProcessValue], tag: str) -> float | None:
        """None for what is not there. A mode or an output is known whatever its quality says."""
        found = values.get(tag)
        return found.value if found is not None and math.isfinite(found.value) else None

    @staticmethod
    def _value(values: Mapping[str, ProcessValue], one: Observed) -> Value:
        found = values.get(one.tag)
        return Value(one.tag, math.nan, 0) if found is None else Value(one.tag, found.value, found.status)
