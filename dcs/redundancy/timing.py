"""The times of a lease, and the inequalities they must keep.

Called by   dcs.redundancy.protocol, configuration (``lease: auto``).
Knows       nanoseconds on a node's own clock; every clock may be wrong by ``drift``.
"""

from dataclasses import dataclass, replace

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.errors import ConfigError

_SHORTEST_NS, _LONGEST_NS = 100 * NS_PER_MS, 250 * NS_PER_MS
"""Promises chosen from a scan period; a configuration may ask for others."""


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """All times of one pair. Raises ``ConfigError`` when they could let two controllers write.

    The holder stops ``hold_ns`` after it sent the request that was granted; a voter keeps its promise ``promise_ns``
    from when it granted. With clocks wrong by ``drift`` the first must end before the second.
    """

    renewal_ns: int = 15 * NS_PER_MS  # R: between two renewals
    hold_ns: int = 90 * NS_PER_MS  # Th: the holder's lease
    promise_ns: int = 100 * NS_PER_MS  # T: a voter's promise
    mirror_ns: int = 60 * NS_PER_MS  # an unacknowledged mirror record this old excludes the standby
    drift: float = 0.02  # rho: largest error of a clock's rate
    cold_wait_ns: int = 1 * NS_PER_S  # nobody with complete data was heard for so long: start without
    stale_wait_ns: int = 3 * NS_PER_S  # the same, for a member that holds stale data
    backoff_ns: int = 100 * NS_PER_MS  # cold starters wait one to five of these, at random, so that they do not collide
    scan_ns: int = 100 * NS_PER_MS  # the pair's fastest scan period, as far as it is known
    switch_pause_ns: int = 10 * NS_PER_S  # between two switchovers for a better field path

    def __post_init__(self) -> None:
        if min(self.renewal_ns, self.hold_ns, self.promise_ns, self.mirror_ns) <= 0:
            raise ConfigError("lease: all times must be positive")
        if not 0.0 <= self.drift < 0.5:
            raise ConfigError(f"lease: the clocks' drift must be between 0 and 0.5, not {self.drift}")
        longest_hold_ns, shortest_promise_ns = self.hold_ns / (1 - self.drift), self.promise_ns / (1 + self.drift)
        if not longest_hold_ns < shortest_promise_ns:
            longest_ms, shortest_ms = longest_hold_ns / NS_PER_MS, shortest_promise_ns / NS_PER_MS
            raise ConfigError(
                f"lease: with clocks wrong by {self.drift:.1%} the holder may write for {longest_ms:.1f} ms, but the "
                f"voters' promise may end after {shortest_ms:.1f} ms; two controllers could write. Make the hold time "
                f"shorter or the promise longer."
            )
        if 4 * self.renewal_ns > self.hold_ns:
            raise ConfigError(
                f"lease: it is renewed every {self.renewal_ns / NS_PER_MS:g} ms, at most a quarter of the hold time "
                f"({self.hold_ns / 4 / NS_PER_MS:g} ms) is allowed, so that three lost messages do no harm"
            )

    @classmethod
    def for_period(cls, fastest_scan_period_ns: int, promise_ns: int = 0) -> "LeaseTiming":
        """The times for a pair whose fastest scan class has this period; ``promise_ns``: as configured, 0 = automatic.

        Every renewal costs messages, so the promise is as long as the period, but at least 100 ms; and at most 250 ms,
        because until it ends nobody moves the outputs, and the plant moves on all the same: after 1 s the outputs were
        0.12 % of span from where they would have been (docs/explanations/bumpless-takeover.md). A silent standby is
        declared not ready within two scans; who asks for a longer promise is patient with the standby as well.
        """
        if fastest_scan_period_ns <= 0:
            raise ConfigError(f"lease: a scan period must be positive, not {fastest_scan_period_ns} ns")
        timing = cls.of_promise(promise_ns or min(max(fastest_scan_period_ns, _SHORTEST_NS), _LONGEST_NS))
        if promise_ns:
            return replace(timing, scan_ns=fastest_scan_period_ns)
        mirror_ns = min(timing.mirror_ns, max(2 * fastest_scan_period_ns, 20 * NS_PER_MS))
        return replace(timing, mirror_ns=mirror_ns, scan_ns=fastest_scan_period_ns)

    @classmethod
    def of_promise(cls, promise_ns: int) -> "LeaseTiming":
        """The times that fit a voter's promise of this length.

        The renewal interval grows from a sixth to a quarter of the hold time between promises of 100 and 250 ms; a
        mirror record that is not acknowledged excludes the standby well within the promise.
        """
        hold_ns = promise_ns * 9 // 10
        slow_share = min(max((promise_ns - _SHORTEST_NS) / (_LONGEST_NS - _SHORTEST_NS), 0.0), 1.0)
        renewal_ns = min(hold_ns // 4, round(hold_ns * (1 / 6 + slow_share / 12)))
        return cls(renewal_ns, hold_ns, promise_ns, promise_ns * 6 // 10, scan_ns=promise_ns)
