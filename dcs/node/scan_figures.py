"""How the scans of one class went: execution time, jitter, overruns.

Called by   ``dcs.node.controller`` after every scan; read by node reports and metrics.
Knows       the last few hundred scans; no clock.
"""

import numpy as np
from numpy.typing import NDArray

from dcs.bus.messages import ScanReport
from dcs.core.clock import NS_PER_MS

_KEPT_SCANS = 1024


class ScanFigures:
    """Counters since start and percentiles over the last 1024 scans; times in ns in, ms out."""

    def __init__(self, scan_class: str, period_ns: int) -> None:
        self.scan_class = scan_class
        self._period_ns = period_ns
        self._execution_ns = np.zeros(_KEPT_SCANS, np.int64)
        self._jitter_ns = np.zeros(_KEPT_SCANS, np.int64)
        self._longest_ns = 0
        self._latest_start_ns = 0
        self.scans = 0
        self.overruns = 0

    def add(self, execution_ns: int, jitter_ns: int, slips: int) -> None:
        """One scan: how long it took, how late it started, how many periods were skipped before it."""
        at = self.scans % _KEPT_SCANS
        self._execution_ns[at] = execution_ns
        self._jitter_ns[at] = jitter_ns
        self._longest_ns = max(self._longest_ns, execution_ns)
        self._latest_start_ns = max(self._latest_start_ns, jitter_ns)
        self.scans += 1
        self.overruns += max(slips, int(execution_ns > self._period_ns))

    def report(self) -> ScanReport:
        """The figures as they are now; zeros before the first scan."""
        execution_p50_ms, execution_p99_ms = self._percentiles_ms(self._execution_ns)
        jitter_p50_ms, jitter_p99_ms = self._percentiles_ms(self._jitter_ns)
        return ScanReport(
            scan_class=self.scan_class,
            period_ms=self._period_ns / NS_PER_MS,
            scans=self.scans,
            overruns=self.overruns,
            time_p50_ms=execution_p50_ms,
            time_p99_ms=execution_p99_ms,
            time_max_ms=self._longest_ns / NS_PER_MS,
            jitter_p50_ms=jitter_p50_ms,
            jitter_p99_ms=jitter_p99_ms,
            jitter_max_ms=self._latest_start_ns / NS_PER_MS,
        )

    def _percentiles_ms(self, kept_ns: NDArray[np.int64]) -> tuple[float, float]:
        count = min(self.scans, _KEPT_SCANS)
        if not count:
            return 0.0, 0.0
        # np.percentile interpolates and costs ten times as much; every node reports once a second.
        at_p50, at_p99 = count // 2, min(count - 1, count * 99 // 100)
        ranked = np.partition(kept_ns[:count], (at_p50, at_p99))
        return float(ranked[at_p50]) / NS_PER_MS, float(ranked[at_p99]) / NS_PER_MS
