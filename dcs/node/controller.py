"""A controller node: drivers, scan engine, redundancy, and the controller's face on the bus.

Called by   ``dcs.node.assembly`` builds it from peers; ``run`` is the node.
Knows       the order of a scan: freeze the inputs, take the commands, execute, mirror, write, publish. What decides
            (protocol), computes (engine), transports (drivers, pair network, bus) is given to it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

from dcs.bus.messages import Command, Frame, Layout, NodeReport, Reply, frame_subject
from dcs.core.clock import NS_PER_MS, sleep
from dcs.engine.strategy import ScanClass
from dcs.node.active_services import ActiveServices
from dcs.node.awakening import Awakening
from dcs.node.change_desk import ChangeDesk
from dcs.node.checkpoint import Checkpointer
from dcs.node.controller_parts import ControllerParts
from dcs.node.controller_report import controller_report
from dcs.node.execution import Execution
from dcs.node.field_side import Wiring
from dcs.node.field_watch import FieldWatch
from dcs.node.next_inputs import NextInputs
from dcs.node.operator_desk import Immediate, OperatorDesk
from dcs.node.pair_verbs import PAIR_VERBS, ask_pair, journalled
from dcs.node.pair_view import pair_facts
from dcs.node.plant_time import PlantTime
from dcs.node.program import Program
from dcs.node.recent_frames import RecentFrames
from dcs.node.replica import NotLoaded, Replica, ScanOutcome
from dcs.node.scan_figures import ScanFigures
from dcs.node.scan_record import InputImage, ScanRecord
from dcs.node.state_copy import StateCopy
from dcs.node.takeover import Takeover
from dcs.redundancy.protocol import CannotRestore

_HUNG_PERIODS = 3
_HUNG_NS = 200 * NS_PER_MS
"""A scan that has not begun for so many periods and this much more hangs; a busy machine is not taken for that."""


class Controller:
    """One member of a pair (or a single controller) while it runs."""

    def __init__(self, parts: ControllerParts) -> None:
        self._p = parts
        self._loop: asyncio.AbstractEventLoop | None = None
        self._other_classes = asyncio.Event()
        self.face, self._clock = parts.face, parts.face.clock
        self.replica = Replica(parts.program)
        self.execution = Execution(self.replica, parts.changes.apart, self._start)
        self._classes: tuple[ScanClass, ...] = ()
        self._layouts: list[Layout] = []
        self.figures: list[ScanFigures] = []
        self._latest: dict[int, Frame] = {}
        self._recent = RecentFrames()
        self._take_up(parts.program)
        self._time = PlantTime(self._clock)
        self._takeover = Takeover(self.replica, parts.field_side, self._time, self._clock, self._gate, self._scan)
        self._scanning = False  # active, and the first image is there
        self._last_tick_ns = self._clock.monotonic_ns()
        self._executing_since_ns = 0
        verbs: dict[str, Immediate] = dict.fromkeys(PAIR_VERBS, journalled(self._ask_pair, parts.face, parts.pair))
        verbs["link"] = journalled(parts.field_side.change_link, parts.face, parts.pair)
        where = (parts.face.plant, parts.pair, parts.face.bus)
        self.desk = OperatorDesk(*where, verbs)
        self.change_desk = ChangeDesk(
            *where, self._clock, self.replica, parts.changes, parts.field_side.unreachable, self._start
        )
        self._services = ActiveServices(
            parts.face,
            parts.pair,
            (self.desk, self.change_desk),
            lambda: self._layouts,
            lambda: list(self._latest.values()),
            self._wait_for_first_image,
        )
        self._awakening = Awakening(self.replica, self._clock, parts.checkpoint, parts.face)
        self.member = parts.make_member(self)
        self.change_desk.member = self.member
        self.execution.belongs_to(self.member)
        self._next_inputs = NextInputs(self.member, parts.field_side, self._time, self._clock, lambda: self._classes)
        self.execution.on_measured = self._next_inputs.heard
        member, drivers = self.member, parts.field_side.drivers
        self._field_watch = FieldWatch(drivers, self.face, self._clock, member.set_field, lambda: member.field_of_other)
        parts.field_side.watch = self._field_watch
        parts.field_side.pair = partial(pair_facts, self.member, self._field_watch)
        self._checkpointer = Checkpointer(
            parts.checkpoints, self.replica, lambda: self.member.rank, self._clock, parts.changes.apart
        )
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Run until cancelled; a part that fails takes the node down."""
        self._loop = asyncio.get_running_loop()
        self._p.field_side.stand_by(abort=False)
        try:
            await self._run_all()
        finally:
            self._checkpointer.write()  # an orderly stop loses nothing

    async def _run_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._p.field_side.run())
            group.create_task(self._run_schedule())
            group.create_task(self._next_inputs.run())
            group.create_task(self._checkpointer.run())
            group.create_task(self.face.run(self.report))
            group.create_task(self._field_watch.run())
            group.create_task(self._services.run())
            group.create_task(self._p.samples.run())
            group.create_task(self.member.run())

    async def _run_schedule(self) -> None:
        """Scan, with other classes when an online change brings them."""
        while True:
            classes = self._classes
            self._other_classes.clear()
            schedule = asyncio.ensure_future(self._p.schedule.run(classes, partial(self._tick, classes)))
            changed = asyncio.ensure_future(self._other_classes.wait())
            try:
                await asyncio.wait({schedule, changed}, return_when=asyncio.FIRST_COMPLETED)
                if schedule.done():
                    schedule.result()
            finally:
                changed.cancel()
                schedule.cancel()
                await asyncio.gather(schedule, return_exceptions=True)

    # --- the scan (on the wall clock: in the scan's own thread) -------------------------------------------
    def _tick(self, classes: tuple[ScanClass, ...], class_index: int, due_ns: int, due_utc_ns: int, slips: int) -> None:
        self._last_tick_ns = self._clock.monotonic_ns()
        with self.replica.lock:
            if classes is not self._classes:
                return  # a schedule that has been replaced
            last_ns = self.replica.last_time_ns(class_index)
            due_utc_ns += self._time.shift_ns
            if last_ns and due_utc_ns <= last_ns:
                return  # the old holder ran this scan, by a clock a little ahead of ours
            if last_ns:  # scans that nobody ran, during a takeover for example, count as slips
                slips = max(slips, (due_utc_ns - last_ns) // classes[class_index].period_ns - 1)
            look = partial(self._p.field_side.read, classes[class_index].period_ns)
            self._scan(class_index, due_ns, due_utc_ns, slips, look)

    def _scan(
        self, class_index: int, due_ns: int, time_ns: int, slips: int, read_inputs: Callable[[], InputImage]
    ) -> None:
        """One scan at ``time_ns`` of the plant's time; the caller holds the lock."""
        started_ns = self._clock.monotonic_ns()
        if not self._scanning or not self.member.may_write(started_ns):
            return
        assert self._loop is not None
        self._executing_since_ns = started_ns
        name = self._classes[class_index].name
        due = self.change_desk.due(self.desk.take(), name)
        self.desk.put_back(due.later)
        if due.refused:
            self._p.on_loop(self._loop, partial(self.desk.answer, due.refused))
        if due.loaded is not None:
            self._take_up(due.loaded.program)
            class_index = [c.name for c in self._classes].index(name)
        record = ScanRecord(self.replica.scan + 1, time_ns, class_index, slips, read_inputs(), due.commands)
        outcome = self.replica.execute(record)
        self.execution.scanned(self.member.agreed_scan)
        frame = self._frame(class_index, record)
        self._executing_since_ns = 0
        finished_ns = self._clock.monotonic_ns()
        self.figures[class_index].add(finished_ns - started_ns, started_ns - due_ns, slips)
        wiring = self._p.field_side.wiring
        # Within the lock: the records of two threads must leave in the order of their scans.
        self._p.on_loop(self._loop, partial(self._after_scan, name, class_index, record, outcome, frame, wiring))
        taken = self.execution.copy_wanted()
        if taken is not None:
            self._p.on_loop(self._loop, partial(self._copy_taken, *taken))

    def _take_up(self, program: Program) -> None:
        """What hangs on the plan follows it: channels, layouts, figures, the schedule. The caller holds the lock."""
        if self._classes:
            self._p.field_side.rewire(program.plan.input_channels, program.plan.output_channels)
        if program.scan_classes != self._classes:
            known = {figures.scan_class: figures for figures in self.figures}
            self.figures = [known.get(c.name) or ScanFigures(c.name, c.period_ns) for c in program.scan_classes]
            self._classes = program.scan_classes
            if self._loop is not None:
                self._p.on_loop(self._loop, self._other_classes.set)
        self._layouts = program.layouts
        self._latest = {}

    def _frame(self, class_index: int, record: ScanRecord) -> Frame:
        values, statuses, alarms = self.replica.engine.columns(class_index)
        return Frame(
            self._layouts[class_index].hash, record.scan, record.time_ns, self.member.epoch, 1, values, statuses, alarms
        )

    def _after_scan(
        self,
        class_name: str,
        class_index: int,
        record: ScanRecord,
        outcome: ScanOutcome,
        frame: Frame,
        wiring: Wiring,
    ) -> None:
        """Mirror first, so that the standby knows this scan before the field does; then write and publish."""
        if not self._scanning:
            return
        packed = record.to_bytes()
        self.execution.note(record.scan, packed, outcome.digest)
        self.member.submit(record.scan, packed, outcome.digest)
        values, _, valid = outcome.outputs
        parting = self.replica.parting if outcome.changed else None
        self._p.field_side.write(wiring, values, valid, self._gate, parting)
        self._latest[class_index] = frame
        subject = frame_subject(self.face.plant, self._p.pair, class_name)
        self._p.samples.publish(subject, frame.to_bytes(), frame.time_ns)
        if outcome.events or outcome.replies or outcome.changed:
            self._start(self._answer(record.scan, outcome))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        assert self._group is not None
        try:
            self._group.create_task(work)
        except RuntimeError:  # the node is being stopped, and begins nothing new
            work.close()

    async def _answer(self, scan: int, outcome: ScanOutcome) -> None:
        """Once the scan cannot be lost. Else a new holder runs it again, and tells its events under other numbers."""
        if await self.member.confirmed(scan):
            for event in outcome.events:
                self.face.outbox.put(event)
            if outcome.changed:
                await self.change_desk.keep_current()
                self.face.publish_report()
            self.desk.answer(outcome.replies)

    def _gate(self) -> int:
        """Asked by the transport at the moment of sending (DESIGN rule 6): the epoch of an output, 0 = none may go."""
        return self.member.write_epoch if self.member.may_write(self._clock.monotonic_ns()) else 0

    def alive(self, now_ns: int) -> bool:
        """False while a scan hangs: the lease must then not be renewed."""
        fastest_ns = min(c.period_ns for c in self._classes)
        since_ns = self._executing_since_ns
        if since_ns and now_ns - since_ns > max(fastest_ns, 100 * NS_PER_MS):
            return False
        return now_ns - self._last_tick_ns < _HUNG_PERIODS * fastest_ns + _HUNG_NS

    # --- what redundancy asks of us (event loop) ------------------------------------------------------------
    def snapshot(self) -> tuple[int, memoryview] | None:
        """The full copy for the standby; None: it is taken after the next scan."""
        return self.execution.snapshot()

    def _copy_taken(self, asked: int, copy: StateCopy) -> None:
        packed = self.execution.packed(asked, copy)
        if packed is not None:
            self.member.copy_taken(copy.scan, packed)

    def restore(self, seq: int, state: bytes | memoryview) -> None:
        """We are to follow from this copy. Raises ``CannotRestore``."""
        with self.replica.lock:
            before = self.replica.program
            try:
                self.replica.restore(state)
            except ValueError as error:
                raise CannotRestore(str(error)) from error
            self._awakening.forget()
            self._recent.clear()
            self._follow(before)
            self.execution.copy()

    def execute(self, seq: int, record: bytes) -> bytes:
        """Standby: repeat a scan of the active; returns the digest of the result."""
        repeated = ScanRecord.from_bytes(record)
        with self.replica.lock:
            before = self.replica.program
            try:
                outcome = self.replica.execute(repeated)
            except NotLoaded as error:  # no result equals this one: we are given a new copy, of a program we then have
                self.event(str(error), "redundancy")
                return b""
            self._follow(before)
            if repeated.result is None:
                self.execution.note(seq, record, outcome.digest)
            self.execution.scanned(seq - 1)
            layout = self._layouts[repeated.class_index]
            self._recent.ran(layout, self.member.epoch, partial(self._frame, repeated.class_index, repeated))
        self._time.heard(repeated.time_ns)
        return outcome.digest

    def _follow(self, before: Program) -> None:
        """As the standby: the program may be another one. The active has kept it on its disk before it answers."""
        if self.replica.program is not before:
            self._next_inputs.forget()
            self._take_up(self.replica.program)
            self._start(self.change_desk.keep_current())

    def look(self, devices: int) -> None:
        """The other member has lost these devices and wants to know whether we reach them."""
        self._field_watch.look(devices)

    def became_active(self, epoch: int, reason: str, cold: bool) -> None:
        """We hold the output authority: write as soon as nothing can step back, poll, scan, serve."""
        self._p.prefer(True)
        self.execution.mirror_ends()
        known = self._next_inputs.take()
        with self.replica.lock:
            self.replica.begin_term(epoch)
            self._p.field_side.take_over(self.replica.inputs)
            text = self._time.go_on(self.face.node, min(c.period_ns for c in self._classes))
            if text:
                self.event(text, "system")
            if cold and self._awakening.counts:
                self._awakening.start()
            elif self.replica.inputs is not None:  # else nobody has scanned since a checkpoint: read the field first
                self._scanning = True
                catch_up = self._takeover.begin(self._classes, known)
                if catch_up is not None:
                    self._start(catch_up)
            self._latest = self._frames_of_the_copy()
        self._services.role(True)
        self.face.outbox.inherit(self.replica.recent_events)
        newest = {self._classes[index].name: frame for index, frame in self._latest.items()}
        self._start(self._recent.hand_on(newest, self._p.samples, self.face.plant, self._p.pair, self._clock))
        self.face.publish_report()

    def _frames_of_the_copy(self) -> dict[int, Frame]:
        """What we know of every class before our own first scan: the state that was mirrored to us."""
        frames = {}
        for index, layout in enumerate(self._layouts):
            time_ns = self.replica.last_time_ns(index)
            if time_ns:
                columns = self.replica.engine.columns(index)
                frames[index] = Frame(layout.hash, self.replica.scan, time_ns, self.member.epoch, 1, *columns)
        return frames

    def became_standby(self, reason: str) -> None:
        """We do not hold it (any more): nothing is written, nothing answered."""
        self._p.prefer(False)
        with self.replica.lock:
            was_active, self._scanning = self._scanning, False
        self._p.field_side.stand_by(abort=was_active)
        self._services.role(False)
        self.face.publish_report()

    def event(self, text: str, kind: str) -> None:
        """An event of this node into the journal."""
        self.face.event(kind, self.face.node, text)

    # --- around the scan (event loop) -----------------------------------------------------------------------
    async def _wait_for_first_image(self) -> None:
        """A cold start: no scan before every device was asked once, so that no alarm comes of impatience."""
        deadline_ns = self._clock.monotonic_ns() + self._p.field_side.timeout_ns
        while not self._p.field_side.all_tried() and self._clock.monotonic_ns() < deadline_ns:
            await sleep(self._clock, 0.02)
        with self.replica.lock:
            # Not whether it may write just now: a gate that is closed for an instant must not end the scans for good.
            self._scanning = self.member.active

    async def _ask_pair(self, command: Command) -> Reply:
        ok, text = ask_pair(self.member, command)
        return Reply(command.id, ok, text, self.replica.scan)

    # --- how we are -----------------------------------------------------------------------------------------
    def report(self) -> NodeReport:
        """For ``dcs status``, the system display and the metrics."""
        return controller_report(
            self.face,
            self._p.pair,
            self.member.report(),
            self.figures,
            self._p.field_side,
            [self._checkpointer.trouble],
        )
