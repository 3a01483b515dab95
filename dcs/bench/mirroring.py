"""What mirroring costs the active beside its scan, and the link; and what a resynchronisation does to the scan.

Called by   ``dcs bench mirroring``.
Measures    the path of production (record, digest, submit, encode, a real stream, acknowledgements) at 100 ms with
            inputs that all move. CPU time is that of the active's thread: other processes must not count.
"""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from dcs.bench.figure import Figure
from dcs.bench.mirror_rig import LONGEST_COPY_S, PATIENT, SCAN_NS, Rig, rig
from dcs.redundancy.wire import WireNetwork

LOOPS = 10_000
SCANS = 100
_ACK_CODE = 9
_SEGMENT_BYTES, _HEADERS_BYTES = 1448, 66
"""Payload and headers (Ethernet, IP, TCP with time stamps) of a full packet."""
PARTS = ("digest, kept states", "record", "send", "acknowledgement")
CPU_LIMIT_MS, LINK_LIMIT_MBIT_S = 1.5, 20.0


class Meter:
    """CPU time by part, and bytes, scan by scan."""

    def __init__(self) -> None:
        self.spent_ns: dict[str, int] = defaultdict(int)
        self.scans: list[dict[str, int]] = []
        self.sent_bytes = 0

    def timed(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """``call``, with its time noted."""

        def run(*args: Any) -> Any:
            started_ns = time.thread_time_ns()
            try:
                return call(*args)
            finally:
                self.spent_ns[part] += time.thread_time_ns() - started_ns

        return run

    def end_of_scan(self) -> None:
        """What was spent until now belongs to one scan."""
        self.scans.append(dict(self.spent_ns))
        self.spent_ns.clear()

    def median_ms(self, part: str) -> float:
        """Over all scans."""
        return statistics.median(scan.get(part, 0) for scan in self.scans) / 1e6

    def mean_ms(self, part: str) -> float:
        """Over all scans."""
        return statistics.fmean(scan.get(part, 0) for scan in self.scans) / 1e6

    def tap(self, network: WireNetwork) -> None:
        """Note what the stream takes, and the time for acknowledgements."""
        open_network, send_stream = network.open, network.send_stream

        def count(to: str, payload: bytes) -> None:
            self.sent_bytes += len(payload)
            send_stream(to, payload)

        def opened(handler: Callable[[bytes], None]) -> None:
            handle_ack = self.timed("acknowledgement", handler)
            open_network(lambda payload: (handle_ack if payload[2] == _ACK_CODE else handler)(payload))

        network.send_stream = count  # type: ignore[method-assign]
        network.open = opened  # type: ignore[method-assign]


async def _mirror(meter: Meter) -> tuple[list[int], int]:
    async with rig(LOOPS, PATIENT, meter.tap) as pair:
        pair.other.join()
        async with asyncio.timeout(LONGEST_COPY_S):
            await _scans(pair, meter, SCANS // 5, until_ready=True)
        engine = pair.side.replica.engine
        for name in ("set_inputs", "scan", "take_events", "outputs"):
            setattr(engine, name, meter.timed("the scan itself", getattr(engine, name)))
        for part, owner, name in (
            ("field", pair.field, "image"),
            ("scan", pair, "scan"),
            ("submit", pair, "submit"),
            ("send", pair.member, "submit"),
        ):
            setattr(owner, name, meter.timed(part, getattr(owner, name)))
        await _scans(pair, meter, SCANS // 5)
        meter.scans.clear()
        meter.sent_bytes = 0
        await _scans(pair, meter, SCANS)
        executed_ns, events, mismatches, _ = await pair.other.look("end")
        assert not mismatches, events
        assert pair.member.standby_ready, pair.side.events
        return executed_ns[-SCANS:], meter.sent_bytes


async def _scans(pair: Rig, meter: Meter, count: int, until_ready: bool = False) -> None:
    due_s = time.monotonic()
    while count > 0 or (until_ready and not pair.member.standby_ready):
        count -= 1
        due_s += SCAN_NS / 1e9
        await asyncio.sleep(due_s - time.monotonic())
        pair.submit(*pair.scan(time.time_ns()))
        taken = pair.side.execution.copy_wanted()
        if taken is not None:
            pair.copy_taken(*taken)
        await asyncio.sleep(SCAN_NS / 4e9)  # its acknowledgement belongs to this scan
        meter.end_of_scan()


def mirroring() -> list[Figure]:
    """The active's CPU time per scan by part, the link's load, and the standby's CPU time per scan."""
    meter = Meter()
    standby_ns, sent_bytes = asyncio.run(_mirror(meter))
    for scan in meter.scans:
        scan["digest, kept states"] = scan["scan"] - scan["the scan itself"] - scan["field"]
        scan["record"] = scan["submit"] - scan["send"]
        scan["mirroring"] = sum(scan.get(part, 0) for part in PARTS)
    bytes_a_scan = sent_bytes / SCANS
    on_wire = bytes_a_scan + bytes_a_scan / _SEGMENT_BYTES * _HEADERS_BYTES
    name, scan_ms, mirroring_ms = "mirroring", meter.median_ms("the scan itself"), meter.mean_ms("mirroring")
    return [
        Figure(name, f"active: mirroring {LOOPS:,} loops, CPU per scan", mirroring_ms, "ms", CPU_LIMIT_MS),
        Figure(name, "link, with headers, at 100 ms", on_wire * 8 / (SCAN_NS / 1e9) / 1e6, "Mbit/s", LINK_LIMIT_MBIT_S),
        *(Figure(name, f"of it: {part}", meter.median_ms(part), "ms")
          for part in PARTS),
        Figure(name, "the scan itself", scan_ms, "ms"),
        Figure(name, "mirroring to scan", mirroring_ms / scan_ms, "×"),
        Figure(name, "standby: CPU per scan", statistics.median(standby_ns) / 1e6, "ms"),
    ]  # fmt: skip
