"""Start-up and shutdown of the Tennessee Eastman plant by its sequences.

Used by     tests/simulation/test_te_sequences.py; `python -m tests.support.te_sequences` prints the tables.
Knows       configs/tennessee_eastman in the fast runner.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.support.te_protection import HOUR_S, World

STATES = ("xmeas7", "xmeas9", "xmeas8", "xmeas12", "xmeas15", "xmeas17")
LOOK_S = 20.0


@dataclass
class Course:
    """What a sequence did: when each step began (s after START), and extremes on the way."""

    steps: dict[str, float] = field(default_factory=dict)
    at_step: dict[str, tuple[float, ...]] = field(default_factory=dict)
    lowest: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STATES, 1e9))
    highest: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STATES, -1e9))
    frozen_by: str = ""
    ended_s: float | None = None


class Operation:
    """A plant whose sequences are run."""

    def __init__(self, setting: str, seed: int = 1, settings: Sequence[str] = ()) -> None:
        self.world = World(seed, 60.0, [f"model.setting={setting}", *settings])
        self.plant = self.world.plant
        self._known: dict[str, tuple[str, ...]] = {}

    def step_name(self, sequence: str) -> str:
        """The active step, "NONE" without one."""
        if sequence not in self._known:
            self._known[sequence] = self._names(sequence)
        return self._known[sequence][int(self.plant.value(f"{sequence}.STEP"))]

    def _names(self, sequence: str) -> tuple[str, ...]:
        layouts = self.plant.engine().layouts(self.plant.config.name)
        return next(tag.choices for one in layouts for tag in one.tags if tag.name == f"{sequence}.STEP")

    def now(self) -> tuple[float, ...]:
        return tuple(self.world.measured(name) for name in STATES)

    def follow(self, sequence: str, longest_s: float, until: Callable[[], bool] | None = None) -> Course:
        """Until the sequence has ended, ``until`` is true, or the model stands still."""
        course, done_s = Course(), 0.0
        while done_s < longest_s:
            self.plant.run_for(LOOK_S)
            done_s += LOOK_S
            name = self.step_name(sequence)
            if name not in course.steps:
                course.steps[name], course.at_step[name] = done_s, self.now()
            for one, value in zip(STATES, self.now(), strict=True):
                course.lowest[one] = min(course.lowest[one], value)
                course.highest[one] = max(course.highest[one], value)
            course.frozen_by = self.world.frozen_by()
            if course.frozen_by or (until is not None and until()):
                break
            if self.plant.value(f"{sequence}.STATE") in ENDED:
                course.ended_s = done_s
                break
        return course


IDLE, RUNNING, COMPLETE, HOLDING, HELD, RESTARTING, STOPPING, STOPPED, ABORTING, ABORTED = map(float, range(10))
ENDED = (COMPLETE, STOPPED, ABORTED)


def show(title: str, course: Course) -> None:
    print(f"\n{title}\n")
    print("| step | begins, h | kPa | °C | reactor % | separator % | stripper % | product m3/h |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, begun_s in course.steps.items():
        figures = " | ".join(f"{value:.1f}" for value in course.at_step[name])
        print(f"| {name} | {begun_s / HOUR_S:.2f} | {figures} |")
    print(
        f"\nhighest {course.highest}\nlowest {course.lowest}\n"
        f"ended {course.ended_s}, stands still: {course.frozen_by!r}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[])
    given = parser.parse_args()
    cold = Operation("cold", given.seed, given.set)
    cold.plant.set("SEQ-1.COMMAND", "START")
    show("Start-up from the setting cold", cold.follow("SEQ-1", 12 * HOUR_S))
    show("The 12 hours after it", cold.follow("SEQ-2", 12 * HOUR_S))
    cold.plant.set("SEQ-2.COMMAND", "START")
    show("Shutdown", cold.follow("SEQ-2", 12 * HOUR_S))
    cold.plant.set("SEQ-1.COMMAND", "RESET")
    cold.plant.run_for(10.0)
    cold.plant.set("SEQ-1.COMMAND", "START")
    show("Start-up from the end of that shutdown", cold.follow("SEQ-1", 12 * HOUR_S))


if __name__ == "__main__":
    main()
