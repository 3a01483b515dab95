"""OPC UA driver: points in, values out, always an answer.

Called by   a controller: ``run`` as a task of its node, ``image`` and ``write`` around every scan.
Knows       one device, its points, a session and a clock; what a value may still be called is decided here.
Behaviour   a subscription tells of changes, and every message of it, be it a keep-alive, confirms what it watches. A
            quarter of a poll period after a message was due, what was not confirmed is read: a server without
            subscriptions, or one whose subscription has died, is simply polled. Missing messages, a full queue or a
            lost subscription: all is read again, counted and told. Reconnects with ``drivers.backoff``.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from dcs.bus.messages import LinkReport
from dcs.core.clock import NS_PER_MS, NS_PER_S, Clock
from dcs.core.errors import LinkDown
from dcs.core.value import ProcessValue
from field_io.drivers.backoff import PROBES_PER_CAP, Backoff, Rng
from field_io.drivers.contact import Contact
from field_io.drivers.driver import Image, WriteOutcome
from field_io.drivers.gate import Gate, GateClosed, StaleEpoch
from field_io.drivers.opc_ua.image import NEVER_NS, UaImage
from field_io.drivers.opc_ua.outputs import encode_outputs, send
from field_io.drivers.opc_ua.session import Change, UaSession, Value, Watched
from field_io.drivers.repeat import OutputRepeat
from field_io.opc_ua.messages import NodeInfo
from field_io.opc_ua.refusals import ServiceRefused, SessionRefused
from field_io.opc_ua.status import CODES, is_bad
from field_io.specs import DeviceSpec

RETRY_SUBSCRIPTION_NS = TELL_NS = 60 * NS_PER_S
FIND_AGAIN_NS = 30 * NS_PER_S
"""How often nodes are looked for that the server did not have: it may be given another program."""


class OpcUaDriver:
    """Everything a controller does with one OPC UA device."""

    def __init__(
        self,
        spec: DeviceSpec,
        session: UaSession,
        clock: Clock,
        rng: Rng,
        phase_ns: int = 0,
        health_ns: int = 0,
    ) -> None:
        """Polls are due at ``k × spec.poll_ns + phase_ns`` of ``clock.monotonic_ns()``.

        ``health_ns``: how often a standby asks the server how it is, so that its path to the device is proven and not
        assumed; 0 = ``spec.health_ns``.
        """
        self.spec = spec
        self.names = tuple(point.name for point in spec.points)
        self.requests = 0
        self.errors = 0
        self.on_event: Callable[[str], None] | None = None  # for the journal: data was lost
        self.contact = Contact(lambda: self._backoff.failures > 0 or self._refused)
        self.losses = 0  # times that messages or a subscription were lost since the start
        self._session = session
        self._clock = clock
        self._backoff = Backoff(rng, cap_ns=spec.backoff_ns)
        # From a server that refuses us: asking it is dear, and people have to do something first.
        self._shut_out = Backoff(rng, cap_ns=PROBES_PER_CAP * spec.backoff_ns)
        self._phase_ns = phase_ns
        self._health_ns = health_ns or spec.health_ns
        self._at = {name: at for at, name in enumerate(self.names)}
        self._image = UaImage(spec)
        self._infos: Sequence[NodeInfo] = [NodeInfo(CODES["BadNotConnected"])] * len(self.names)
        self._repeat = OutputRepeat(spec.repeat_after_ns, clock, self._send)
        self._alone = asyncio.Lock()  # the scan's write and a repeat are not under way together
        self._lock = asyncio.Lock()  # held while the session or its subscription is made or unmade
        self._period_ns = min((spec.poll_ns, *(group.period_ns for group in spec.polls)))
        self._polling = True
        self._group: asyncio.TaskGroup | None = None
        self._answered_ns = NEVER_NS
        self._aborts = 0
        self._dropped_by_us = False
        self._refused = False  # the last attempt was answered by a server that does not let us in
        self._round_trip_ns: float | None = None
        self._last_trouble = ""
        self._last_loss = ""
        self._tell_ns = NEVER_NS
        self._server_state = ""
        self._find_ns = 0  # when nodes that are missing are looked for again
        self._subscribed = False
        self._subscribe_after_ns = NEVER_NS
        self._no_subscription = ""  # why there is none
        self._silent_after_ns = 0  # a subscription that says nothing for so long is none
        self._notified_ns = NEVER_NS

    # --- reading ----------------------------------------------------------------------------------------------
    def image(self, now_ns: int) -> Image:
        """All points; ``now_ns`` is ``clock.monotonic_ns()`` and decides what is stale."""
        return self._image.at(now_ns)

    def read(self, name: str, now_ns: int) -> ProcessValue:
        """One point; Bad, no communication, last usable value once it is too old."""
        at, image = self._at[name], self.image(now_ns)
        return ProcessValue(float(image.values[at]), int(image.statuses[at]), int(image.times_ns[at]))

    def readback(self, name: str, now_ns: int | None = None) -> ProcessValue:
        """What the device itself says an output stands at (now, unless ``now_ns`` is given)."""
        return self.read(name, self._clock.monotonic_ns() if now_ns is None else now_ns)

    def text(self, name: str) -> str:
        """What a point that is a string says; "" before the first answer."""
        return self._image.texts.get(self._at[name], "")

    def reached(self, now_ns: int) -> bool:
        """True while the device keeps answering, polled or only asked for its health."""
        age_max_ns = max(self.spec.stale_after_ns, self._health_ns + 2 * self.spec.timeout_ns)
        return now_ns - self._answered_ns < age_max_ns

    @property
    def answered_ns(self) -> int:
        """Monotonic time of the last answer."""
        return self._answered_ns

    @property
    def degraded(self) -> bool:
        """Never: one link is all there is."""
        return False

    def look(self) -> None:
        """Ask the server now; where the last attempt failed, in the middle of its back-off."""
        if self._group is not None:
            self._group.create_task(self._look_now())

    async def _look_now(self) -> None:
        with self.contact.looking():
            if self._session.connected:
                await self._prove()
            else:
                self._backoff.try_now()
                await self._look(on_grid=False)  # a new session is an answer

    async def _prove(self) -> None:
        async with self._lock:
            aborts = self._aborts
            try:
                await self._ask()
            except ServiceRefused as exc:
                self._answered(self._clock.monotonic_ns())
                self._last_trouble = str(exc)
            except LinkDown as exc:
                self._failed(exc, aborts)

    @property
    def state(self) -> str:
        """Up, down or backing off."""
        # A connection that we dropped ourselves says nothing of the device.
        usable = self._session.connected or self._dropped_by_us
        if usable and self._backoff.failures == 0 and self._answered_ns != NEVER_NS:
            return "up"
        return "backing off" if self._backoff.circuit_open else "down"

    def report(self) -> LinkReport:
        """The link as ``dcs status`` and the HMI show it."""
        round_trip_ms = None if self._round_trip_ns is None else round(self._round_trip_ns / NS_PER_MS, 3)
        state = self.state
        detail = self._detail() if state == "up" else self._last_trouble or "the connection was lost"
        return LinkReport(self.spec.name, "opc-ua", state, self.spec.url, detail, round_trip_ms, self.errors)

    def _detail(self) -> str:
        polled = f"polled: {self._no_subscription}" if self._polling and self._no_subscription else ""
        lost = f"data lost {self.losses} times and read again, last: {self._last_loss}" if self.losses else ""
        standby = "" if self._polling else "standby: health reads only"
        found = (standby, self._server_state, polled, *self._image.remarks(self._infos), lost)
        return "; ".join(one for one in found if one)

    # --- schedule ---------------------------------------------------------------------------------------------
    def set_polling(self, polling: bool) -> None:
        """False (standby): only a health read every ``health_ns``. True: read at once, then subscribe."""
        if polling == self._polling:
            return
        self._polling = polling
        self._repeat.forget()
        if polling:
            self._image.begin(self._clock.time_ns())
            if not self._backoff.circuit_open:
                self._backoff.try_now()
        if self._group is not None:
            self._group.create_task(self._look(on_grid=False))

    def abort(self) -> None:
        """Drop the connection at once (authority lost): a write in flight is not repeated. ``run`` connects anew."""
        self._aborts += 1
        self._repeat.forget()
        self._dropped_by_us = self._dropped_by_us or self._session.connected
        self._drop()
        self._backoff.try_now()

    async def run(self) -> None:
        """Connect and read until cancelled; leaves no connection behind."""
        try:
            async with asyncio.TaskGroup() as self._group:
                if self.spec.repeat_after_ns:
                    self._group.create_task(self._repeat.run())
                await self._look(on_grid=False)
                while True:
                    due_ns, on_grid = self._next_due()
                    await self._clock.sleep_until(due_ns)
                    await self._look(on_grid)
        finally:
            self._group = None
            await self._session.close()
            self._drop()

    def _next_due(self) -> tuple[int, bool]:
        """(When to look next, is it on the grid of polls?)"""
        now_ns = self._clock.monotonic_ns()
        # From the grid, not from now: lateness cannot add up, and a poll that took too long slips to the next one.
        phase_ns = self._phase_ns + (self._period_ns // 4 if self._subscribed else 0)
        period_ns = self._period_ns if self._polling else min(self._period_ns, self._health_ns)
        due_ns = ((now_ns - phase_ns) // period_ns + 1) * period_ns + phase_ns
        if self._session.connected:
            return due_ns, not self._subscribed
        attempt_ns = (self._shut_out if self._refused else self._backoff).attempt_ns
        return (max(now_ns, attempt_ns), False) if attempt_ns < due_ns else (due_ns, True)

    async def _look(self, on_grid: bool) -> None:
        """Do what is due: connect, subscribe, read what nobody has confirmed. Never raises for field trouble."""
        async with self._lock:
            if not self._session.connected and not await self._open():
                return
            aborts = self._aborts
            try:
                if self._polling:
                    await self._refresh(on_grid)
                elif self._subscribed:
                    self._subscribed = False
                    self._image.watch(())
                    await self._session.unsubscribe()
                elif self._clock.monotonic_ns() - self._answered_ns >= self._health_ns - self._health_ns // 4:
                    await self._ask()
            except ServiceRefused as exc:
                self._answered(self._clock.monotonic_ns())
                self.errors += 1
                self._last_trouble = str(exc)
            except LinkDown as exc:
                self._failed(exc, aborts)

    async def _open(self) -> bool:
        now_ns = self._clock.monotonic_ns()
        if now_ns < (self._shut_out if self._refused else self._backoff).attempt_ns:
            return False
        # A handshake is a cheap probe; a server that is gone is not worth more.
        if self._backoff.circuit_open and not self._refused and not await self._session.knock():
            self._backoff.failed(self._clock.monotonic_ns())
            return False
        aborts, self._dropped_by_us = self._aborts, False
        try:
            await self._session.connect()
            await self._find()
        except ServiceRefused as exc:
            self._failed(LinkDown(str(exc)), aborts)
            return False
        except LinkDown as exc:
            self._failed(exc, aborts)
            return False
        self._refused = False
        self._shut_out.answered()
        self._image.forget_confirmations()
        self._subscribed = False
        self._subscribe_after_ns = NEVER_NS
        return True

    async def _find(self) -> None:
        asked_ns = self._clock.monotonic_ns()
        self.requests += 1
        self._infos = await self._session.find()
        self._answered(asked_ns)
        self._find_ns = asked_ns + FIND_AGAIN_NS

    async def _ask(self) -> None:
        asked_ns = self._clock.monotonic_ns()
        self.requests += 1
        self._server_state = await self._session.ask()
        self._answered(asked_ns)

    async def _refresh(self, on_grid: bool) -> None:
        now_ns = self._clock.monotonic_ns()
        if self._subscribed and now_ns - self._notified_ns > self._silent_after_ns:
            self._no_subscription = "the server holds a subscription and tells nothing"
            self._subscribe_after_ns = now_ns + RETRY_SUBSCRIPTION_NS
            self.lost(self._no_subscription)
            self._subscribed = False
            self._image.watch(())
            await self._session.unsubscribe()
        if now_ns >= self._find_ns and any(is_bad(info.code) for info in self._infos):
            await self._find()
            self._subscribed = self._subscribed and any(is_bad(info.code) for info in self._infos)
        due = self._image.unconfirmed(now_ns)
        if due:
            await self._read(due)
        if on_grid and not self._subscribed and now_ns >= self._subscribe_after_ns:
            # On the grid, because the publishing cycle begins here: values come shortly before the scans.
            await self._subscribe()

    async def _read(self, points: Sequence[int]) -> None:
        asked_ns, asked_utc_ns = self._clock.monotonic_ns(), self._clock.time_ns()
        self.requests += 1
        samples = await self._session.read(points)
        self._answered(asked_ns)
        self._image.take(list(zip(points, samples, strict=True)), asked_ns, asked_utc_ns)

    async def _subscribe(self) -> None:
        access = self.spec.opc_ua
        publishing_ns = (access.publishing_ns if access else 0) or self._period_ns
        watched = [
            Watched(at, min(publishing_ns, self.spec.period_of(point.poll)))
            for at, point in enumerate(self.spec.points)
            if not is_bad(self._infos[at].code)
        ]
        if not watched:
            return
        self.requests += 1
        try:
            made = await self._session.subscribe(watched, publishing_ns, self._period_ns, self)
        except ServiceRefused as exc:
            self._no_subscription = str(exc)
            self._subscribe_after_ns = self._clock.monotonic_ns() + RETRY_SUBSCRIPTION_NS
            return
        self._answered(self._clock.monotonic_ns())
        self._subscribed = True
        self._no_subscription = ""
        self._notified_ns = self._clock.monotonic_ns()
        self._silent_after_ns = 3 * max(made.keep_alive_ns, publishing_ns) + self.spec.timeout_ns
        self._image.watch([one.at for one, code in zip(watched, made.codes, strict=True) if not is_bad(code)])

    # --- what the subscription tells (UaSink) -------------------------------------------------------------------
    def notified(self, changes: Sequence[Change]) -> None:
        """A message of the subscription."""
        now_ns, now_utc_ns = self._clock.monotonic_ns(), self._clock.time_ns()
        self._answered_ns = self._notified_ns = now_ns
        self._backoff.answered()
        self.contact.attempt_over()
        lost = self._image.take(changes, now_ns, now_utc_ns)
        self._image.confirm(now_ns, now_utc_ns, [at for at, _ in changes])
        if lost:
            self.lost(f"the server had no room for all values of {self._image.overflow}")

    def ended(self, text: str) -> None:
        """The subscription is gone."""
        self._subscribed = False
        self._image.watch(())
        self.lost(text)

    def lost(self, text: str) -> None:
        """Messages are missing: all is read again."""
        self.losses += 1
        self._last_loss = text
        if self.on_event is not None and self._clock.monotonic_ns() >= self._tell_ns:
            self._tell_ns = self._clock.monotonic_ns() + TELL_NS
            self.on_event(f"data lost and read again: {text}")
        self._image.forget_confirmations()
        if self._group is not None and self._polling:
            self._group.create_task(self._look(on_grid=False))

    # --- writing ----------------------------------------------------------------------------------------------
    async def write(self, values: Mapping[str, float], may_write: Gate) -> WriteOutcome:
        """Send outputs in the points' units. Never raises for field trouble.

        ``may_write`` is asked at every send call, with nothing queued behind it. Raises ``KeyError`` for a name that
        is no output of this device. Repeated every ``spec.repeat_after_ns`` until the next call.
        """
        for name in values:
            if self.spec.points[self._at[name]].direction != "out":
                raise KeyError(f"{name} is an input of {self.spec.name} and cannot be written")
        self._repeat.note(values, may_write)
        return await self._send(values, may_write)

    async def _send(self, values: Mapping[str, float], may_write: Gate) -> WriteOutcome:
        if not self._session.connected:
            return WriteOutcome("failed", f"link down: {self._last_trouble}")
        outputs = encode_outputs(self.spec.points, self._at, self._infos, values)
        if not outputs.raws:
            return outputs.failed("; ".join(outputs.troubles))
        async with self._alone:
            asked_ns, aborts = self._clock.monotonic_ns(), self._aborts
            try:
                codes = await send(self._session, self.spec.epoch is not None, outputs.raws, may_write)
                self.requests += 1
                self._answered(asked_ns)
                differing = await self._compare(outputs.raws, codes)
            except GateClosed as exc:
                return outputs.refused(str(exc))
            except (ServiceRefused, StaleEpoch) as exc:
                self.requests += 1
                self.errors += 1
                self._answered(asked_ns)
                self._last_trouble = str(exc)
                return outputs.failed(str(exc), exc.known if isinstance(exc, StaleEpoch) else 0)
            except LinkDown as exc:
                self._failed(exc, aborts)
                return outputs.failed(str(exc))
        self.errors += sum(is_bad(code) for code in codes.values())
        outcome = outputs.outcome(self.spec.points, codes, differing)
        self._last_trouble = outcome.text or self._last_trouble
        return outcome

    async def _compare(self, raws: Mapping[int, Value], codes: Mapping[int, int]) -> list[int]:
        """Points with ``verify`` whose node does not hold what was written."""
        verified = [at for at, code in codes.items() if self.spec.points[at].verify and not is_bad(code)]
        if not verified:
            return []
        self.requests += 1
        samples = await self._session.read(verified)
        return [at for at, sample in zip(verified, samples, strict=True) if sample.value != raws[at]]

    # --- what an answer, or none, means -----------------------------------------------------------------------
    def _answered(self, asked_ns: int) -> None:
        self._backoff.answered()
        self._answered_ns = now_ns = self._clock.monotonic_ns()
        self.contact.attempt_over()
        round_trip_ns = now_ns - asked_ns
        old = self._round_trip_ns
        self._round_trip_ns = round_trip_ns if old is None else old + 0.1 * (round_trip_ns - old)

    def _failed(self, exc: LinkDown, aborts: int) -> None:
        self._last_trouble = str(exc)
        if aborts != self._aborts:  # we dropped it ourselves: the device is not to blame
            return
        self.errors += 1
        self._refused = isinstance(exc, SessionRefused)
        self._drop()
        self._backoff.failed(self._clock.monotonic_ns())
        if self._refused:
            self._shut_out.failed(self._clock.monotonic_ns())
        self.contact.attempt_over()

    def _drop(self) -> None:
        self._subscribed = False
        self._image.watch(())
        self._session.abort()
