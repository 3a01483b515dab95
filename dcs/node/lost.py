"""What an overflow took while the bus was away.

Called by   ``event_outbox`` and ``sample_store``.
"""

from dataclasses import dataclass

from dcs.core.clock import utc_text


@dataclass(slots=True)
class Lost:
    """What an overflow took: how many, and the UTC times of the first and the last."""

    count: int = 0
    first_ns: int = 0
    last_ns: int = 0

    def add(self, time_ns: int) -> None:
        """One more."""
        self.first_ns = min(self.first_ns, time_ns) if self.count else time_ns
        self.last_ns = max(self.last_ns, time_ns)
        self.count += 1

    def text(self, what: str, remedy: str) -> str:
        """For the journal."""
        return (
            f"{self.count} {what} from {utc_text(self.first_ns)} to {utc_text(self.last_ns)} were lost: "
            f"the bus was away for too long. {remedy}"
        )
