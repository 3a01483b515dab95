"""When to try again: exponential back-off with jitter, and the circuit that stops hammering a dead device.

Called by   ``drivers.modbus`` and whatever driver has to find its device again. Pure: time comes in, the next attempt
            goes out.
Promise     a device that is back is asked again at the latest a quarter of the longest back-off later, however long it
            was away: 2.5 s by default. While the circuit is open such an attempt is a probe: a connection and one small
            read; 1,000 dead devices cost some 450 of them a second, spread by the jitter.
"""

from typing import Protocol

from dcs.core.clock import NS_PER_MS, NS_PER_S

FIRST_NS = 200 * NS_PER_MS
CAP_NS = 10 * NS_PER_S
OPENS_AFTER = 3  # failures in a row
JITTER = 0.25  # a delay is shortened by up to this share, so that many clients do not knock together
PROBES_PER_CAP = 4
"""A probe is cheap: so many go out in the time between two full attempts."""
COSTLY_NS = 3 * NS_PER_S
"""Longest pause where a probe is not cheap: with its time-out a device that is back is still found within 5 s."""


class Rng(Protocol):
    """A seeded generator: ``random.Random`` and ``numpy.random.Generator`` both are one."""

    def random(self) -> float:
        """Uniform in [0, 1)."""
        ...


class Backoff:
    """Delays 0.2 s, 0.4 s …, each up to a quarter shorter; back to the start with the first answer.

    None is longer than that of a probe.
    """

    def __init__(
        self, rng: Rng, first_ns: int = FIRST_NS, cap_ns: int = CAP_NS, opens_after: int = OPENS_AFTER
    ) -> None:
        self._rng = rng
        self._first_ns = min(first_ns, cap_ns)
        self._opens_after = opens_after
        # Where the first pause is long, a question is not cheap: a line is lost to others until it times out.
        longest_ns = min(self._first_ns * 3 // 2, COSTLY_NS)
        self.probe_ns = min(cap_ns, max(cap_ns // PROBES_PER_CAP, longest_ns))
        self.failures = 0  # in a row
        self.attempt_ns = 0  # monotonic time before which nothing is tried

    @property
    def circuit_open(self) -> bool:
        """True when the device counts as dead: only a cheap probe goes out."""
        return self.failures >= self._opens_after

    def failed(self, now_ns: int) -> None:
        """An attempt or a request got no answer."""
        self.failures += 1
        delay_ns = min(self.probe_ns, self._first_ns << min(self.failures - 1, 32))
        self.attempt_ns = now_ns + round(delay_ns * (1.0 - JITTER * self._rng.random()))

    def answered(self) -> None:
        """The device answered something, be it an exception."""
        self.failures = 0
        self.attempt_ns = 0

    def try_now(self) -> None:
        """Allow an attempt at once; the count of failures stays."""
        self.attempt_ns = 0
