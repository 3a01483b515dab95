"""The journal's lines about an online change: who changed what, one line for the change and one per item.

Called by   ``dcs.node.replica`` on both controllers, so that a takeover in between publishes them under the same ids.
"""

from dcs.bus.messages import Command, Event
from dcs.engine.change import Report
from dcs.node.program import Program
from dcs.node.scan_record import ScanRecord

_LINES_MAX = 500


def events_of(report: Report, old: Program, new: Program, command: Command, record: ScanRecord) -> list[Event]:
    """All lines, the summary first."""
    pair, time_ns = report.pair, record.time_ns
    identity = f"{pair}:change:{new.key.hex()}:{record.scan}"
    changes = report.changes
    text = (
        f"configuration changed to version {new.version.number}: {len(changes)} changes, {report.unchanged} unchanged"
    )

    def line(number: int, subject: str, text: str, was: str, now: str) -> Event:
        return Event(
            f"{identity}:{number}", time_ns, pair, "config", subject, text, 0, command.user, command.station, was, now
        )

    lines = [line(0, pair, text, old.version.digest, new.version.digest)]
    for number, item in enumerate(changes[:_LINES_MAX], 1):
        lines.append(line(number, item.what, item.sentence, item.old, item.new))
    if len(changes) > _LINES_MAX:
        lines.append(line(_LINES_MAX + 1, pair, f"and {len(changes) - _LINES_MAX} more changes", "", ""))
    return lines
