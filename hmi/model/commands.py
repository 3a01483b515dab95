"""What the operator has asked for and what became of it.

Called by   view-models (submit, in the Qt thread) and ``hmi.model.session`` (sends, settles, in the bus thread).
Promise     a command is pending until the plant reports it: until a frame of the scan that applied it has arrived.
            Nothing asked for is ever shown as if it had happened.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from dcs.bus.messages import Command, Reply
from dcs.core.clock import NS_PER_S, Clock

SENT, ACCEPTED, DONE, REFUSED, NO_ANSWER = "sent", "accepted", "done", "refused", "no answer"
KEPT_RESULTS = 200
PENDING_AT_MOST_S = 10.0
"""An accepted command whose scan never shows up (a takeover renumbered it) stops being pending after this."""


@dataclass(frozen=True, slots=True)
class Request:
    """One command on its way; ``text`` is the plant's answer or what went wrong."""

    command: Command
    pair: str
    sent_ns: int
    state: str = SENT
    text: str = ""
    scan: int = 0
    time_ns: int = 0

    @property
    def pending(self) -> bool:
        """True until the plant has reported the effect, refused, or not answered."""
        return self.state in (SENT, ACCEPTED)


class CommandDesk:
    """Outgoing commands and their results."""

    def __init__(self, clock: Clock, station: str = "HMI", user: str = "operator") -> None:
        self._clock = clock
        self._prefix = f"{station}:{clock.time_ns()}"
        self._lock = threading.Lock()
        self._count = 0
        self._outbox: deque[Request] = deque()
        self._open: dict[str, Request] = {}
        self.station = station
        self.user = user
        self.results: tuple[Request, ...] = ()
        """Settled requests, oldest first."""
        self.version = 0
        self.wake: Callable[[], None] | None = None
        """Set by the session: called after every submit, from the caller's thread."""

    # --- Qt side ------------------------------------------------------------------------------------------
    def submit(self, verb: str, subject: str, pair: str, value: float | str | None = None) -> Request:
        """Queue a command for a pair; it is sent at once if the bus is there."""
        with self._lock:
            self._count += 1
            command = Command(f"{self._prefix}:{self._count}", verb, subject, value, self.user, self.station)
            request = Request(command, pair, self._clock.monotonic_ns())
            self._outbox.append(request)
            self._open[command.id] = request
            self.version += 1
        if self.wake is not None:
            self.wake()
        return request

    def pending(self, subject: str) -> Request | None:
        """The newest request for a tag or alarm that the plant has not reported yet."""
        with self._lock:
            for request in reversed(self._open.values()):
                if request.command.subject == subject:
                    return request
        return None

    def find(self, command_id: str) -> Request | None:
        """How a request stands now; None for one that is forgotten."""
        with self._lock:
            if command_id in self._open:
                return self._open[command_id]
        return next((request for request in reversed(self.results) if request.command.id == command_id), None)

    @property
    def last_result(self) -> Request | None:
        """The newest settled request."""
        return self.results[-1] if self.results else None

    # --- bus side -----------------------------------------------------------------------------------------
    def take(self) -> Request | None:
        """The next command to send; None when there is none."""
        with self._lock:
            return self._outbox.popleft() if self._outbox else None

    def answered(self, request: Request, reply: Reply) -> None:
        """The plant has answered; where no scan applied it, the answer itself is the report."""
        if reply.ok and not reply.scan:
            self._settle(replace(request, state=DONE, text=reply.text))
        elif reply.ok:
            self._replace(replace(request, state=ACCEPTED, text=reply.text, scan=reply.scan))
        else:
            self._settle(replace(request, state=REFUSED, text=reply.text))

    def unanswered(self, request: Request, why: str) -> None:
        """Nobody answered: whether it was applied is for the plant's next frames to show."""
        self._settle(replace(request, state=NO_ANSWER, text=why))

    def reported(self, pair: str, scan: int) -> None:
        """A frame of this scan has arrived: accepted commands of that scan or before have happened."""
        with self._lock:
            waiting = [request for request in self._open.values() if request.state == ACCEPTED and request.pair == pair]
        now_ns = self._clock.monotonic_ns()
        for request in waiting:
            if scan >= request.scan or now_ns - request.sent_ns > PENDING_AT_MOST_S * NS_PER_S:
                self._settle(replace(request, state=DONE))

    def _replace(self, request: Request) -> None:
        with self._lock:
            if request.command.id in self._open:
                self._open[request.command.id] = request
                self.version += 1

    def _settle(self, request: Request) -> None:
        with self._lock:
            self._open.pop(request.command.id, None)
            settled = replace(request, time_ns=self._clock.time_ns())
            self.results = (*self.results, settled)[-KEPT_RESULTS:]
            self.version += 1
