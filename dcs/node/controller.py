"""A controller node: drivers, scan engine, redundancy, and the controller's face on the bus.

Called by   ``dcs.node.assembly`` builds it from peers; ``run`` is the node.
Knows       the order of a scan: freeze the inputs, take the commands, execute, mirror, write, publish. What decides
            (protocol), computes (engine), transports (drivers, pair network, bus) is given to it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial

from dcs.bus.api import Subscription
from dcs.bus.messages import (
    Command,
    Frame,
    Layout,
    LinkReport,
    NodeReport,
    Reply,
    frame_subject,
    frames_to_bytes,
    latest_subject,
    layout_subject,
    layouts_to_bytes,
)
from dcs.core.clock import NS_PER_MS, NS_PER_S, sleep
from dcs.engine.engine import Engine
from dcs.engine.strategy import ScanClass
from dcs.node.face import NodeFace
from dcs.node.field_side import FieldSide
from dcs.node.operator_desk import OperatorDesk
from dcs.node.replica import Replica, ScanOutcome
from dcs.node.scan_figures import ScanFigures
from dcs.node.scan_record import InputImage, ScanRecord
from dcs.node.scan_schedule import ScanSchedule
from dcs.redundancy.report import MemberReport
from dcs.redundancy.runtime import RedundantMember

_REPUBLISH_NS = 5 * NS_PER_S
"""After a takeover, events this old and younger are published again under their ids, in case the old holder did not."""
_HUNG_PERIODS = 3
_WATCH_FIELD_S = 1.0
_FIRST_POLL_NS = 50 * NS_PER_MS
"""How long a new holder that missed a scan waits for fresh measurements before it writes."""


@dataclass(eq=False)
class ControllerParts:
    """What a controller is made of; the peers of every link are chosen by the assembly."""

    face: NodeFace
    pair: str
    engine: Engine
    scan_classes: tuple[ScanClass, ...]
    field_side: FieldSide
    schedule: ScanSchedule
    make_member: Callable[["Controller"], RedundantMember]
    on_loop: Callable[[asyncio.AbstractEventLoop, Callable[[], None]], None]  # from the scan to the event loop


class Controller:
    """One member of a pair (or a single controller) while it runs."""

    def __init__(self, parts: ControllerParts) -> None:
        self._p = parts
        self.face = parts.face
        self._clock = parts.face.clock
        self.replica = Replica(parts.engine)
        self.figures = [ScanFigures(c.name, c.period_ns) for c in parts.scan_classes]
        self._layouts: list[Layout] = parts.engine.layouts(parts.face.plant)
        self._latest: dict[int, Frame] = {}
        self._utc_minus_monotonic_ns = self._clock.time_ns() - self._clock.monotonic_ns()
        self._ahead_ns: deque[int] = deque(maxlen=16)  # how far the active's time is ahead of ours, latest records
        self._shift_ns = 0  # plant's time minus our own, while we are active
        self._scanning = False  # active, and the first image is there
        self._last_tick_ns = self._clock.monotonic_ns()
        self._executing_since_ns = 0
        self._services: list[Subscription] = []
        self._changes: asyncio.Queue[bool] = asyncio.Queue()
        self.desk = OperatorDesk(parts.face.plant, parts.pair, parts.face.bus, {"switchover": self._switch_over})
        self.member = parts.make_member(self)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Run until cancelled; a part that fails takes the node down."""
        self._loop = asyncio.get_running_loop()
        self._p.field_side.stand_by(abort=False)
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._p.field_side.run())
            group.create_task(self._p.schedule.run(self._p.scan_classes, self._tick))
            group.create_task(self.face.run(self.report))
            group.create_task(self._watch_field())
            group.create_task(self._serve_while_active())
            group.create_task(self.member.run())

    # --- the scan (on the wall clock: in the scan's own thread) -------------------------------------------
    def _tick(self, class_index: int, due_ns: int, due_utc_ns: int, slips: int) -> None:
        self._last_tick_ns = self._clock.monotonic_ns()
        with self.replica.lock:
            last_ns = self.replica.last_time_ns(class_index)
            due_utc_ns += self._shift_ns
            if last_ns and due_utc_ns <= last_ns:
                return  # the old holder ran this scan, by a clock a little ahead of ours
            if last_ns:  # scans that nobody ran, during a takeover for example, count as slips
                slips = max(slips, (due_utc_ns - last_ns) // self._p.scan_classes[class_index].period_ns - 1)
            self._scan(class_index, due_ns, due_utc_ns, slips, self._p.field_side.read)

    def _scan(
        self, class_index: int, due_ns: int, time_ns: int, slips: int, read_inputs: Callable[[], InputImage]
    ) -> None:
        """One scan at ``time_ns`` of the plant's time; the caller holds the lock."""
        started_ns = self._clock.monotonic_ns()
        if not self._scanning or not self.member.may_write(started_ns):
            return
        self._executing_since_ns = started_ns
        record = ScanRecord(self.replica.scan + 1, time_ns, class_index, slips, read_inputs(), self.desk.take())
        outcome = self.replica.execute(record)
        frame = self._frame(class_index, record)
        self._executing_since_ns = 0
        finished_ns = self._clock.monotonic_ns()
        self.figures[class_index].add(finished_ns - started_ns, started_ns - due_ns, slips)
        payload = record.to_bytes()
        assert self._loop is not None
        # Within the lock: the records of two threads must leave in the order of their scans.
        self._p.on_loop(self._loop, lambda: self._after_scan(class_index, record.scan, payload, outcome, frame))

    def _frame(self, class_index: int, record: ScanRecord) -> Frame:
        values, statuses, alarms = self._p.engine.columns(class_index)
        return Frame(
            self._layouts[class_index].hash, record.scan, record.time_ns, self.member.epoch, 1, values, statuses, alarms
        )

    def _after_scan(
        self,
        class_index: int,
        scan: int,
        payload: bytes,
        outcome: ScanOutcome,
        frame: Frame,
    ) -> None:
        """Mirror first, so that the standby knows this scan before the field does; then write and publish."""
        if not self._scanning:
            return
        self.member.submit(scan, payload, outcome.digest)
        values, _, valid = outcome.outputs
        self._p.field_side.write(values, valid, self._gate)
        self._latest[class_index] = frame
        self.face.bus.publish(
            frame_subject(self.face.plant, self._p.pair, self._p.scan_classes[class_index].name), frame.to_bytes()
        )
        for event in outcome.events:
            self.face.outbox.put(event)
        if outcome.replies:
            self._start(self._answer(scan, outcome.replies))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        assert self._group is not None
        self._group.create_task(work)

    async def _answer(self, scan: int, replies: list[Reply]) -> None:
        if await self.member.confirmed(scan):
            self.desk.answer(replies)

    def _gate(self) -> bool:
        """Asked by the transport at the moment of sending (DESIGN rule 6)."""
        return self.member.may_write(self._clock.monotonic_ns())

    def alive(self, now_ns: int) -> bool:
        """False while a scan hangs: the lease must then not be renewed."""
        fastest_ns = min(c.period_ns for c in self._p.scan_classes)
        since_ns = self._executing_since_ns
        if since_ns and now_ns - since_ns > max(fastest_ns, 100 * NS_PER_MS):
            return False
        return now_ns - self._last_tick_ns < _HUNG_PERIODS * fastest_ns + NS_PER_S

    # --- what redundancy asks of us (event loop) ------------------------------------------------------------
    def snapshot(self) -> tuple[int, bytes]:
        """The full copy for the standby."""
        with self.replica.lock:
            return self.replica.scan, self.replica.snapshot()

    def restore(self, seq: int, state: bytes) -> None:
        """We are to follow from this copy."""
        with self.replica.lock:
            self.replica.restore(state)

    def execute(self, seq: int, record: bytes) -> bytes:
        """Standby: repeat a scan of the active; returns the digest of the result."""
        repeated = ScanRecord.from_bytes(record)
        with self.replica.lock:
            outcome = self.replica.execute(repeated)
        self._ahead_ns.append(repeated.time_ns - self._own_time_ns())
        return outcome.digest

    def became_active(self, epoch: int, reason: str) -> None:
        """We hold the output authority: write the last outputs at once, poll, scan, serve."""
        with self.replica.lock:
            self._p.field_side.take_over(self.replica.inputs)
            self._go_on_in_the_plants_time()
            if self.replica.scan:
                self._scanning = True
                if self._overdue():
                    self._start(self._catch_up())
                else:
                    self._write_last_outputs()
            self._latest = self._frames_of_the_copy()
        self._changes.put_nowait(True)
        now_utc_ns = self._clock.time_ns()
        for event in self.replica.recent_events:
            self.face.outbox.put(event, live=now_utc_ns - event.time_ns < _REPUBLISH_NS)
        self.face.publish_report()

    def _frames_of_the_copy(self) -> dict[int, Frame]:
        """What we know of every class before our own first scan: the state that was mirrored to us."""
        frames = {}
        for index, layout in enumerate(self._layouts):
            time_ns = self.replica.last_time_ns(index)
            if time_ns:
                columns = self._p.engine.columns(index)
                frames[index] = Frame(layout.hash, self.replica.scan, time_ns, self.member.epoch, 1, *columns)
        return frames

    def _own_time_ns(self) -> int:
        """UTC of this node's start, counted on by its monotonic clock: a time server's step moves no scan."""
        return self._clock.monotonic_ns() + self._utc_minus_monotonic_ns

    def _go_on_in_the_plants_time(self) -> None:
        """The old holder's clock may differ from ours: the plant's time must neither jump nor wait."""
        fastest_ns = min(c.period_ns for c in self._p.scan_classes)
        # Records arrive late, never early: the largest of the last few is the best estimate.
        ahead_ns = max(self._ahead_ns, default=0)
        self._ahead_ns.clear()
        self._shift_ns = round(ahead_ns / fastest_ns) * fastest_ns
        if self._shift_ns:
            how = "behind" if self._shift_ns > 0 else "ahead of"
            text = f"the clock of {self.face.node} is {abs(self._shift_ns) / NS_PER_S:g} s {how} the plant's time"
            self.event(f"{text}, which goes on as it was. Synchronise the clocks of the controllers.", "system")

    def _write_last_outputs(self) -> None:
        values, _, valid = self._p.engine.outputs()
        self._p.field_side.write(values, valid, self._gate)

    def _overdue(self) -> list[tuple[int, int]]:
        """(class, missed periods) of every class that had a scan due while nobody scanned."""
        now_ns = self._own_time_ns() + self._shift_ns
        found = []
        for index, scan_class in enumerate(self._p.scan_classes):
            last_ns = self.replica.last_time_ns(index)
            missed = (now_ns - last_ns) // scan_class.period_ns if last_ns else 0
            if missed > 0:
                found.append((index, missed))
        return found

    async def _catch_up(self) -> None:
        """A scan was missed: poll, run it late, write. Without an answer from the field in time, hold what was."""
        field_side = self._p.field_side
        deadline_ns = self._clock.monotonic_ns() + _FIRST_POLL_NS
        while not field_side.is_fresh() and self._clock.monotonic_ns() < deadline_ns:
            await sleep(self._clock, 0.001)
        with self.replica.lock:
            if not field_side.is_fresh():
                self._write_last_outputs()
                return
            for index, missed in self._overdue():
                late_ns = missed * self._p.scan_classes[index].period_ns
                time_ns = self.replica.last_time_ns(index) + late_ns
                due_ns = time_ns - self._shift_ns - self._utc_minus_monotonic_ns
                read_then = partial(field_side.read_later, late_ns) if not self._shift_ns else field_side.read
                self._scan(index, due_ns, time_ns, missed - 1, read_then)

    def became_standby(self, reason: str) -> None:
        """We do not hold it (any more): nothing is written, nothing answered."""
        with self.replica.lock:
            was_active, self._scanning = self._scanning, False
        self._p.field_side.stand_by(abort=was_active)
        self._changes.put_nowait(False)
        self.face.publish_report()

    def event(self, text: str, kind: str) -> None:
        """An event of this node into the journal."""
        self.face.event(kind, self.face.node, text)

    # --- around the scan (event loop) -----------------------------------------------------------------------
    async def _serve_while_active(self) -> None:
        """Open and close the operator's services in the order in which roles changed."""
        while True:
            active = await self._changes.get()
            if active:
                await self._wait_for_first_image()
                await self._open_services()
            else:
                await self.desk.close()
                for service in self._services:
                    await service.stop()
                self._services.clear()

    async def _wait_for_first_image(self) -> None:
        """A cold start: no scan before every device was asked once, so that no alarm comes of impatience."""
        deadline_ns = self._clock.monotonic_ns() + max(
            (driver.spec.timeout_ns for driver in self._p.field_side.drivers), default=0
        )
        while not self._p.field_side.all_tried() and self._clock.monotonic_ns() < deadline_ns:
            await sleep(self._clock, 0.02)
        with self.replica.lock:
            self._scanning = self.member.may_write(self._clock.monotonic_ns())

    async def _open_services(self) -> None:
        if self._services:
            return
        plant, pair, bus = self.face.plant, self._p.pair, self.face.bus

        async def layouts(subject: str, payload: bytes) -> bytes:
            return layouts_to_bytes(self._layouts)

        async def latest(subject: str, payload: bytes) -> bytes:
            return frames_to_bytes(list(self._latest.values()))

        self._services.append(await bus.serve(layout_subject(plant, pair), layouts))
        self._services.append(await bus.serve(latest_subject(plant, pair), latest))
        await self.desk.open()

    async def _switch_over(self, command: Command) -> Reply:
        ok, text = self.member.switchover(f"{command.user} at {command.station or 'no station'} asked for it")
        return Reply(command.id, ok, text, self.replica.scan)

    async def _watch_field(self) -> None:
        """Tell the pair how many devices we reach, and the journal when a link changes."""
        known_up: dict[str, bool] = {}
        while True:
            self.member.set_field_score(self._p.field_side.reached())
            for driver in self._p.field_side.drivers:
                name, is_up = driver.spec.name, driver.state == "up"
                if name not in known_up and not is_up and not driver.errors:
                    continue  # before its first answer or failure a link has no state to report
                if known_up.get(name, True) != is_up:
                    text = "answers again" if is_up else f"does not answer: {driver.report().detail}"
                    self.face.event("field", name, f"{self.face.node}: {name} {text}")
                    self.face.publish_report()
                known_up[name] = is_up
            await sleep(self._clock, _WATCH_FIELD_S)

    # --- how we are -----------------------------------------------------------------------------------------
    def report(self) -> NodeReport:
        """For ``dcs status``, the system display and the metrics."""
        member = self.member.report()
        return NodeReport(
            node=self.face.node,
            kind="controller",
            pid=self.face.pid,
            time_ns=self._clock.time_ns(),
            state=member.state,
            role=member.role,
            pair=self._p.pair,
            epoch=member.epoch,
            sync_pct=member.sync_pct,
            scans=tuple(figures.report() for figures in self.figures),
            links=(
                *self._p.field_side.reports(),
                *(LinkReport(v.name, v.kind, v.state, "", "", v.round_trip_ms) for v in member.links),
                self.face.bus_link(),
            ),
            endpoints=self.face.endpoints,
            detail=", ".join(filter(None, (_redundancy_detail(member), self._p.field_side.detail()))),
        )


def _redundancy_detail(member: MemberReport) -> str:
    """What is not as it should be, in words."""
    if member.role == "active" and member.links:
        missing = [] if member.standby_ready else ["standby not ready"]
        if member.granting < 3:
            missing.append(f"redundancy degraded: {member.granting} of 3 voters grant")
        return ", ".join(missing)
    return ""
