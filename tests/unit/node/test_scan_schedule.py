"""When scans happen: on a grid that two controllers share, never twice to catch up."""

from dcs.core.clock import NS_PER_S
from dcs.core.simulated_time import SimulatedClock, SimulatedLoop, run_simulated
from dcs.engine.strategy import ScanClass
from dcs.node.scan_schedule import ScanGrid, TaskSchedule

FAST = ScanClass("fast", NS_PER_S // 4)
SLOW = ScanClass("slow", NS_PER_S, NS_PER_S // 10)


class BootedLater(SimulatedClock):
    """The same UTC, another monotonic time."""

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() - 17_000_000_001

    def time_ns(self) -> int:
        return super().time_ns() + 17_000_000_001


def test_two_clocks_with_different_starts_share_the_grid() -> None:
    async def story(loop: SimulatedLoop) -> None:
        first = SimulatedClock(loop)
        await first.sleep_until(37 * NS_PER_S + 123_456_789)
        later = BootedLater(loop)
        dues = [[grid.take()[2] for _ in range(5)] for grid in (ScanGrid([FAST, SLOW], c) for c in (first, later))]
        assert dues[0] == dues[1]
        assert all(due % (NS_PER_S // 4) in (0, NS_PER_S // 10) for due in dues[0])

    run_simulated(story)


def test_a_scan_that_cannot_keep_up_slips_and_says_so() -> None:
    async def story(loop: SimulatedLoop) -> None:
        clock = SimulatedClock(loop)
        grid = ScanGrid([FAST], clock)
        _, first_due_ns, _, slips = grid.take()
        assert slips == 0
        await clock.sleep_until(first_due_ns + NS_PER_S + NS_PER_S // 8)  # four scans late and a half
        _, due_ns, _, slips = grid.take()
        assert slips == 3
        assert due_ns == first_due_ns + NS_PER_S
        _, due_ns, _, slips = grid.take()
        assert (due_ns, slips) == (first_due_ns + NS_PER_S + NS_PER_S // 4, 0)

    run_simulated(story)


def test_classes_are_called_at_their_periods_and_phases() -> None:
    async def story(loop: SimulatedLoop) -> None:
        clock = SimulatedClock(loop)
        seen: list[tuple[int, int]] = []
        task = loop.create_task(
            TaskSchedule(clock).run([FAST, SLOW], lambda index, due_ns, utc_ns, slips: seen.append((index, due_ns)))
        )
        await clock.sleep_until(2 * NS_PER_S + 1)
        task.cancel()
        assert [due for index, due in seen if index == 0] == [n * NS_PER_S // 4 for n in range(1, 9)]
        assert [due for index, due in seen if index == 1] == [NS_PER_S // 10, NS_PER_S + NS_PER_S // 10]

    run_simulated(story)
