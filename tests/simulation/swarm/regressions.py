"""Seeds that once broke a promise: each is run for ever.

Called by   tests.simulation.test_swarm_kept.
Add         one line per seed: plant, seed, and in words what it was. A line whose run no longer shows the trouble that
            it was kept for (because what is drawn has changed) may go; the cause has a test of its own by then.
"""

from typing import NamedTuple


class Kept(NamedTuple):
    """One seed and what it found."""

    plant: str
    seed: int
    finding: str


KEPT: tuple[Kept, ...] = (
    Kept("quadruple_tank", 3, "two cold starts from one checkpoint gave the same numbers to different events"),
    Kept("quadruple_tank", 5, "a switchover for the field that was due and not done kept the active busy with nothing"),
    Kept("quadruple_tank", 16, "events of a scan that was not mirrored shared numbers with those of the next active"),
    Kept("quadruple_tank", 7000115, "an event that was told again by the next active did not say who was behind it"),
    Kept(
        "heated_tank",
        770003,
        "the product pump had tripped and nobody started it again, so the level did not come back",
    ),
    Kept(
        "quadruple_tank",
        5100593,
        "a standby that came back did not get the events of an earlier term that still waited",
    ),
    Kept("tennessee_eastman", 5000002, "scans of several classes were due together, and three were computed again"),
    Kept("shell_fractionator", 7000001, "commands were given up before the scan of every 5 s that took them"),
    Kept("quadruple_tank", 1059, "a message due on half a nanosecond kept the simulated loop turning for ever"),
)
