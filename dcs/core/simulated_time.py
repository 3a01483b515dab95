"""The event loop of the box: its time jumps to the next deadline instead of waiting for it.

Called by   ``dcs.node.box`` and by tests; everything inside runs unmodified asyncio code.
Knows       integer nanoseconds since the start of the simulation; an optional pace against the wall clock; which nodes
            stand still (``dcs.core.simulated_nodes``).
Refuses     threads, executors, subprocesses, sockets and file descriptors: they would bring in outside time.
"""

import asyncio
import heapq
import math
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

from dcs.core.clock import NS_PER_S
from dcs.core.simulated_nodes import NOBODY, NODE

T = TypeVar("T")

START_OF_SIMULATION_NS = 1_767_225_600 * NS_PER_S
"""2026-01-01T00:00:00Z: the UTC time at which a simulation starts unless its configuration says otherwise."""


class SimulationStalled(RuntimeError):
    """Every task waits for something and no timer is set: nothing can ever happen again."""


class OutsideWorld(RuntimeError):
    """Code inside the simulation asked for a thread, a process, a socket or a file descriptor."""


class _NumberedTask(asyncio.Task[Any]):
    """A task that hashes to its number instead of its address.

    asyncio keeps tasks in sets and cancels a task group in the set's order: by address, that order would differ from
    one process to the next, and with it everything that happens afterwards.
    """

    def __init__(self, number: int, *args: Any, **kwargs: Any) -> None:
        self._number = number
        super().__init__(*args, **kwargs)

    def __hash__(self) -> int:
        return self._number


_COARSE_S = 2.0**20
"""From here on (12 days) float seconds are too coarse to be taken for exact nanoseconds without a second look."""
_CANCELLED_MAX = 100
"""Cancelled timers that may lie in the heap before it is tidied up."""


class _JumpingSelector(selectors.BaseSelector):
    """A selector without files: waiting means moving the loop's time forward."""

    def __init__(self, advance: Callable[[float | None], None]) -> None:
        self._advance = advance

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or timeout > 0:
            self._advance(timeout)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        raise OutsideWorld("a file descriptor was registered inside the simulation; use the memory peer of that link")

    def unregister(self, fileobj: Any) -> Any:
        raise KeyError(fileobj)

    def get_map(self) -> Any:
        return {}

    def close(self) -> None:
        pass


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An asyncio loop whose ``time()`` is simulated.

    ``speed`` = None runs as fast as the machine can; a number holds it to that multiple of real time.
    """

    def __init__(self, speed: float | None = None) -> None:
        self._now_ns = 0
        self._speed = speed
        self._pace_from: tuple[int, int] | None = None
        self._tasks_made = 0
        self._frozen: dict[str, int] = {}  # node -> when it goes on
        self._held: dict[str, list[asyncio.Handle]] = {}  # what the frozen nodes would have done, in order
        super().__init__(_JumpingSelector(self._advance))
        # Deadlines are exact here: the default (the wall clock's resolution) would let a timer fire early.
        self._clock_resolution = 0.5 / NS_PER_S
        self.set_task_factory(self._make_task)

    def _make_task(self, loop: Any, coro: Any, **kwargs: Any) -> _NumberedTask:
        self._tasks_made += 1
        return _NumberedTask(self._tasks_made, coro, loop=loop, **kwargs)

    # --- time ---------------------------------------------------------------------------------------------
    def now_ns(self) -> int:
        """Nanoseconds since the start of the simulation."""
        return self._now_ns

    def time(self) -> float:
        return self._now_ns / NS_PER_S

    async def reach(self, due_ns: int) -> None:
        """Wait for a moment of the simulation. Exact, where sums of float seconds are not."""
        arrived = self.create_future()
        # At least the next float, so that time does move when floats have become coarse.
        when = max(due_ns / NS_PER_S, math.nextafter(self.time(), math.inf))
        timer = self.call_at(when, _arrive, arrived)
        try:
            await arrived
        finally:
            timer.cancel()

    @property
    def speed(self) -> float | None:
        """The pace: None = as fast as the machine can, else the multiple of real time. May be changed any time."""
        return self._speed

    @speed.setter
    def speed(self, speed: float | None) -> None:
        self._speed = speed
        self._pace_from = None  # the new pace counts from now

    def _advance(self, timeout: float | None) -> None:
        scheduled = self._scheduled  # type: ignore[attr-defined]  # heap of TimerHandle in asyncio.BaseEventLoop
        if timeout is None or not scheduled:
            raise SimulationStalled("every task waits and no timer is set")
        # Round: a deadline is a float second and must land on its nanosecond again.
        when = scheduled[0]._when
        target_ns = max(self._now_ns, round(when * NS_PER_S))
        if when > _COARSE_S:
            # After some 48 days a float no longer tells two nanoseconds apart: the loop must not wait for a difference
            # that it cannot see, nor stop short of its timer.
            self._clock_resolution = max(0.5 / NS_PER_S, math.ulp(when))
        while target_ns / NS_PER_S + self._clock_resolution <= when:  # also of a deadline on half a nanosecond
            target_ns += 1
        if self._speed:
            self._keep_pace(target_ns)
        self._now_ns = target_ns

    def _run_once(self) -> None:
        """One turn: asyncio's own without its files and its debug mode, which cost as much as all the rest of it.

        Leans on the timer heap and the ready queue of ``asyncio.BaseEventLoop``, the same from Python 3.11 to 3.14.
        """
        loop: Any = self
        scheduled, ready = loop._scheduled, loop._ready
        if loop._timer_cancelled_count > _CANCELLED_MAX and 2 * loop._timer_cancelled_count > len(scheduled):
            scheduled[:] = [timer for timer in scheduled if not timer._cancelled]
            heapq.heapify(scheduled)
            loop._timer_cancelled_count = 0
        while scheduled and scheduled[0]._cancelled:
            loop._timer_cancelled_count -= 1
            heapq.heappop(scheduled)._scheduled = False
        if not ready and not loop._stopping:
            self._advance(None if not scheduled else 0.0)
        end = self._now_ns / NS_PER_S + self._clock_resolution
        while scheduled and scheduled[0]._when < end:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False
            ready.append(timer)
        frozen = self._frozen
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            if frozen and handle._context.get(NODE, "") in frozen:
                self._held[handle._context[NODE]].append(handle)
            else:
                handle._run()

    # --- nodes that stand still ---------------------------------------------------------------------------
    def freeze(self, node: str, until_ns: int) -> None:
        """Let a node do nothing until then, as SIGSTOP does; what becomes due for it happens afterwards, in order."""
        if until_ns <= self._frozen.get(node, self._now_ns):
            return
        self._frozen[node] = until_ns
        self._held.setdefault(node, [])
        self.call_at(until_ns / NS_PER_S, self._thaw_when_due, node, until_ns, context=NOBODY)

    def thaw(self, node: str) -> None:
        """Let a frozen node go on now."""
        if self._frozen.pop(node, None) is not None:
            self._ready.extendleft(reversed(self._held.pop(node)))  # type: ignore[attr-defined]

    def _thaw_when_due(self, node: str, until_ns: int) -> None:
        if self._frozen.get(node) == until_ns:  # else it was thawed meanwhile, or is to stand still for longer
            self.thaw(node)

    def is_frozen(self, node: str) -> bool:
        """Whether a node stands still now."""
        return node in self._frozen

    def leaves_ns(self, node: str) -> int:
        """When something that the node sends now really leaves it: at once, or after its pause."""
        return self._frozen.get(node, self._now_ns)

    def _keep_pace(self, target_ns: int) -> None:
        assert self._speed
        if self._pace_from is None:
            self._pace_from = (self._now_ns, time.monotonic_ns())
        sim_start_ns, wall_start_ns = self._pace_from
        due_wall_ns = wall_start_ns + round((target_ns - sim_start_ns) / self._speed)
        left_ns = due_wall_ns - time.monotonic_ns()
        if left_ns > 0:
            time.sleep(left_ns / NS_PER_S)
        elif left_ns < -NS_PER_S:  # too slow for this pace: do not rush afterwards to make up for it
            self._pace_from = (target_ns, time.monotonic_ns())

    # --- no outside world ---------------------------------------------------------------------------------
    def _make_self_pipe(self) -> None:
        """Nothing outside may wake this loop, so it needs no pipe."""

    def _close_self_pipe(self) -> None:
        pass

    def _add_reader(self, *args: Any) -> NoReturn:
        raise OutsideWorld("a socket was opened inside the simulation; use the memory peer of that link")

    _add_writer = _add_reader

    def _write_to_self(self) -> None:
        """Called by ``call_soon_threadsafe``; there is no other thread to wake us from."""

    def call_soon_threadsafe(self, *args: Any, **kwargs: Any) -> NoReturn:  # type: ignore[override]
        raise OutsideWorld("another thread called into the simulation; use the bridge")

    def run_in_executor(self, *args: Any) -> NoReturn:  # type: ignore[override]
        raise OutsideWorld("an executor was used inside the simulation")

    async def create_connection(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise OutsideWorld("a socket was opened inside the simulation; use the memory peer of that link")

    create_server = create_connection
    create_datagram_endpoint = create_connection
    create_unix_connection = create_connection
    create_unix_server = create_connection
    getaddrinfo = create_connection
    getnameinfo = create_connection
    sock_connect = create_connection
    sock_accept = create_connection
    sock_recv = create_connection
    sock_recv_into = create_connection
    sock_recvfrom = create_connection
    sock_recvfrom_into = create_connection
    sock_sendall = create_connection
    sock_sendto = create_connection
    sock_sendfile = create_connection
    connect_accepted_socket = create_connection

    async def subprocess_exec(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise OutsideWorld("a process was started inside the simulation")

    subprocess_shell = subprocess_exec

    async def connect_read_pipe(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise OutsideWorld("a pipe was opened inside the simulation")

    connect_write_pipe = connect_read_pipe

    def add_signal_handler(self, *args: Any) -> NoReturn:  # type: ignore[override]
        raise OutsideWorld("a signal handler was installed inside the simulation; install it outside of it")


def _arrive(arrived: "asyncio.Future[None]") -> None:
    if not arrived.done():
        arrived.set_result(None)


class SimulatedClock:
    """One node's own clock inside the simulation, with its own error.

    ``rate`` is this clock's seconds per true second (1.0001 = 100 ppm fast); ``offset_ns`` is how far its
    UTC is ahead at the start. Both may be changed while running (a clock that drifts or steps).
    """

    def __init__(
        self,
        loop: SimulatedLoop,
        rate: float = 1.0,
        offset_ns: int = 0,
        start_utc_ns: int = START_OF_SIMULATION_NS,
    ) -> None:
        if rate <= 0.0:
            raise ValueError(f"a clock's rate must be positive, not {rate}")
        self._loop = loop
        self._rate = rate
        self._true_base_ns = loop.now_ns()
        self._own_base_ns = loop.now_ns()
        self._utc_minus_monotonic_ns = start_utc_ns + offset_ns

    @property
    def rate(self) -> float:
        """This clock's seconds per true second."""
        return self._rate

    def set_rate(self, rate: float) -> None:
        """Let the clock run at another rate from now on, without a step."""
        self._own_base_ns = self.monotonic_ns()
        self._true_base_ns = self._loop.now_ns()
        self._rate = rate

    def step_utc(self, by_ns: int) -> None:
        """Step the UTC time (as a bad time server would); the monotonic time never steps."""
        self._utc_minus_monotonic_ns += by_ns

    def monotonic_ns(self) -> int:
        elapsed_ns = self._loop.now_ns() - self._true_base_ns
        if self._rate == 1.0:
            return self._own_base_ns + elapsed_ns
        return self._own_base_ns + round(elapsed_ns * self._rate)

    def time_ns(self) -> int:
        return self.monotonic_ns() + self._utc_minus_monotonic_ns

    async def sleep_until(self, due_ns: int) -> None:
        left_ns = due_ns - self.monotonic_ns()
        while left_ns > 0:
            await self._loop.reach(self._loop.now_ns() + max(1, round(left_ns / self._rate)))
            left_ns = due_ns - self.monotonic_ns()
        if left_ns == 0:
            return
        await asyncio.sleep(0)


def run_simulated(main: Callable[[SimulatedLoop], Coroutine[Any, Any, T]], speed: float | None = None) -> T:
    """Run ``main(loop)`` to its end on a fresh simulated loop and close it; the box's ``asyncio.run``."""
    loop = SimulatedLoop(speed)
    asyncio.set_event_loop(loop)
    try:
        task = loop.create_task(main(loop))
        try:
            return loop.run_until_complete(task)
        finally:
            leftovers = [task for task in asyncio.all_tasks(loop) if not task.done()]
            for leftover in leftovers:
                leftover.cancel()
            if leftovers:
                loop.run_until_complete(asyncio.gather(*leftovers, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
