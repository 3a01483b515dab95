"""A whole plant without its network: field simulation and engines in one loop, for studies of control.

Called by   studies, tests, the computation of a past; built by ``dcs.node.assembly.build_direct``.
Knows       engines, scan classes and the simulated field. What a point's registers cannot hold is rounded away as they
            would round it; there are no requests, no redundancy, no bus and no faults of links: those are the box's.
Promise     the same blocks on the same plant with the same noise as in the box, much faster; repeatable to the bit.
            Measurements are as fresh as the plant's last step when a scan reads them, or, ``polled``, those of the last
            poll before the scan, as in the box; a demand counts from the next step on.
"""

import heapq
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dcs.blocks.io.controller_pair import READY
from dcs.bus.messages import Command, Event
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import NS_PER_S
from dcs.core.errors import NotAuthorised
from dcs.core.status import STATUS_GOOD, STATUS_NOT_CONNECTED
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine
from dcs.engine.strategy import BEHIND, ERRORS, LINK, STANDBY, WHOLE, WITNESS, device_channel
from field_io.specs import DIAGNOSIS, PointSpec

START_UTC_NS = 1_767_225_600 * NS_PER_S
Floats = NDArray[np.float64]
_FLOATS = {"float32": np.float32, "float64": np.float64}


class StudyClock:
    """Time as the study has set it."""

    def __init__(self) -> None:
        self.now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def time_ns(self) -> int:
        return START_UTC_NS + self.now_ns

    async def sleep_until(self, due_ns: int) -> None:
        raise RuntimeError("nothing sleeps in a study: time is moved by run_for")


class DirectField(Protocol):
    """What a study uses of the simulated field (``field_io.devices.simulation.FieldSimulation``)."""

    def advance(self) -> int: ...
    def measurements(self) -> Floats: ...
    def demands(self) -> Floats: ...
    def demand(self, name: str, value: float) -> None: ...
    @property
    def measured_points(self) -> tuple[PointSpec, ...]: ...
    @property
    def driven_points(self) -> tuple[PointSpec, ...]: ...
    def set_disturbance(self, name: str, value: float) -> None: ...
    def set_parameter(self, name: str, value: float) -> None: ...
    def write_registers(self) -> None: ...
    def snapshot(self) -> bytes: ...
    def restore(self, snapshot: bytes) -> None: ...


class Rounding:
    """What is left of values after a way through registers."""

    def __init__(self, points: Sequence[PointSpec]) -> None:
        self._single = np.array([_FLOATS.get(point.type) is np.float32 for point in points], np.bool_)
        self._whole = np.array([point.type not in _FLOATS and not point.is_bit for point in points], np.bool_)
        self._scale = np.array([point.scale for point in points])
        self._offset = np.array([point.offset for point in points])

    def __call__(self, values: Floats) -> Floats:
        """A new vector."""
        raw = (values - self._offset) / self._scale
        kept = np.where(self._single, raw.astype(np.float32).astype(np.float64), raw)
        kept = np.where(self._whole, np.rint(kept), kept)
        result: Floats = kept * self._scale + self._offset
        return result


class _Station:
    """One controller: its engine, and where its channels are in the field's vectors."""

    def __init__(self, name: str, config: PlantConfig, field: DirectField) -> None:
        strategy = config.controller(name).strategy
        plan = compile_strategy(strategy)
        self.name = name
        self.engine = Engine(plan)
        self.classes = strategy.scan_classes
        self.layouts = self.engine.layouts(config.name)
        names = [point.name for point in (*field.measured_points, *field.driven_points)]
        place = {point: at for at, point in enumerate(names)}
        self.sources = np.array([place.get(channel, -1) for channel in plan.input_channels], np.intp)
        # Without requests every device is well: all of its points have a value, none was refused.
        well = {device_channel(device.name, LINK): 100.0 for device in config.devices}
        well |= {device_channel(device.name, ERRORS): 0.0 for device in config.devices}
        well |= {device_channel(device.name, WHOLE): 1.0 for device in config.devices}
        well |= {device_channel(name, what): value for what, value in ((STANDBY, READY), (WITNESS, 1.0), (BEHIND, 0.0))}
        well |= {point.name: 0.0 for each in config.devices for point in each.points if point.table == DIAGNOSIS}
        self.fixed = np.array([well.get(channel, np.nan) for channel in plan.input_channels])
        known = (self.sources >= 0) | np.isfinite(self.fixed)
        self.statuses = np.where(known, STATUS_GOOD, STATUS_NOT_CONNECTED).astype(np.int64)
        self.outputs = tuple(plan.output_channels)
        self.tags = {place.tag.name for place in plan.tags}
        self.column = {
            tag.name: (index, column)
            for index, layout in enumerate(self.layouts)
            for column, tag in enumerate(layout.tags)
        }


class DirectPlant:
    """One study. ``every_s``: how often all tags are kept in the trends (0 = never)."""

    def __init__(
        self, config: PlantConfig, field: DirectField, clock: StudyClock, every_s: float = 10.0, polled: bool = False
    ) -> None:
        self.config = config
        self.field = field
        self.events: list[Event] = []
        self._clock = clock
        self._stations = [_Station(controller.name, config, field) for controller in config.controllers]
        self._rounding = Rounding([*field.measured_points, *field.driven_points])
        self._poll_ns = min(device.poll_ns for device in config.devices) if polled else 0
        self._polled_ns = -1
        self._measured = np.zeros(0)
        self._every_ns = round(every_s * NS_PER_S)
        self._next_sample_ns = self._every_ns
        self._sample_times: list[float] = []
        self._samples: dict[tuple[int, int], list[Floats]] = {}
        self._due: list[tuple[int, int, int]] = []  # time, station, class
        for number, station in enumerate(self._stations):
            for index, scan_class in enumerate(station.classes):
                first_ns = scan_class.phase_ns or scan_class.period_ns
                heapq.heappush(self._due, (first_ns, number, index))

    # --- time -------------------------------------------------------------------------------------------------
    @property
    def time_s(self) -> float:
        """Since the start."""
        return self._clock.now_ns / NS_PER_S

    def run_for(self, seconds: float) -> None:
        """Let time pass; at equal times scans go by controller and class."""
        end_ns = self._clock.now_ns + round(seconds * NS_PER_S)
        while self._due and self._due[0][0] <= end_ns:
            due_ns, number, index = self._due[0]
            if self._every_ns and due_ns > self._next_sample_ns:
                self._sample()
            if self._poll_ns:
                self._poll_before(due_ns)
            self._clock.now_ns = due_ns
            station = self._stations[number]
            heapq.heapreplace(self._due, (due_ns + station.classes[index].period_ns, number, index))
            self._scan(station, index)
        self._clock.now_ns = end_ns
        self.field.advance()

    def _poll_before(self, due_ns: int) -> None:
        """Measurements of the last poll before a scan: one that is due with it has not been answered yet."""
        poll_ns = max(0, (due_ns - 1) // self._poll_ns * self._poll_ns)
        if poll_ns > self._polled_ns:
            self._clock.now_ns = max(poll_ns, self._clock.now_ns)
            self.field.advance()
            self._measured = self.field.measurements()
            self._polled_ns = poll_ns

    def _scan(self, station: _Station, index: int) -> None:
        field, engine = self.field, station.engine
        field.advance()
        measured = self._measured if self._poll_ns else field.measurements()
        values = self._rounding(np.concatenate((measured, field.demands())))
        found = np.append(values, np.nan)[station.sources]  # -1: a channel that is in no vector
        image = np.where(station.sources >= 0, found, station.fixed)
        now_ns = self._clock.time_ns()
        engine.set_inputs(image, station.statuses, np.full(len(image), now_ns, np.int64))
        engine.scan(index, now_ns)
        self.events += engine.take_events()
        demanded, _, valid = engine.outputs()
        for name, value, may in zip(station.outputs, demanded.tolist(), valid.tolist(), strict=True):
            if may:
                field.demand(name, value)

    def _sample(self) -> None:
        self._sample_times.append(self.time_s)
        for number, station in enumerate(self._stations):
            for index in range(len(station.classes)):
                self._samples.setdefault((number, index), []).append(station.engine.columns(index)[0])
        self._next_sample_ns += self._every_ns

    # --- looking ----------------------------------------------------------------------------------------------
    def value(self, tag: str) -> float:
        """What a tag says now. Raises ``KeyError``."""
        station, index, column = self._find(tag)
        return float(station.engine.columns(index)[0][column])

    def trace(self, tag: str) -> tuple[Floats, Floats]:
        """(times in s since the start, values) as kept. Raises ``KeyError``."""
        station, index, column = self._find(tag)
        rows = self._samples.get((self._stations.index(station), index), [])
        return np.array(self._sample_times), np.array([row[column] for row in rows])

    def annunciations(self) -> list[Event]:
        """Every time that an alarm went into alarm."""
        return [event for event in self.events if event.kind == "alarm" and event.priority and "in alarm" in event.text]

    def engine(self, controller: str = "") -> Engine:
        """The engine of a controller ("" = the first)."""
        return next(station.engine for station in self._stations if controller in ("", station.name))

    def _find(self, tag: str) -> tuple[_Station, int, int]:
        for station in self._stations:
            if tag in station.column:
                return (station, *station.column[tag])
        raise KeyError(tag)

    # --- acting -----------------------------------------------------------------------------------------------
    def command(self, verb: str, subject: str = "", value: float | str | None = None) -> str:
        """What an operator would do now; returns what happened. Raises ``NotAuthorised`` with the reason."""
        command = Command(f"{verb}:{subject}:{self._clock.now_ns}", verb, subject, value, station="study")
        stations = [station for station in self._stations if subject in station.tags] or self._stations
        answers = [station.engine.apply(command, self._clock.time_ns()) for station in stations]
        for station in stations:
            self.events += station.engine.take_events()
        done = [text for ok, text in answers if ok]
        if not done:
            raise NotAuthorised(answers[0][1])
        return done[0]

    def set(self, tag: str, value: float | str) -> str:
        """``command("set", tag, value)``."""
        return self.command("set", tag, value)

    def disturb(self, name: str, value: float) -> None:
        """Change a disturbance of the plant (SI). Raises ``KeyError`` or ``ValueError``."""
        self.field.set_disturbance(name, value)

    # --- going back -------------------------------------------------------------------------------------------
    def snapshot(self) -> tuple[bytes, ...]:
        """Field and engines at this instant (not what was kept of trends and events, and not the time)."""
        return (self.field.snapshot(), *(station.engine.snapshot() for station in self._stations))

    def restore(self, snapshot: tuple[bytes, ...]) -> None:
        """Go on from a snapshot at the present time."""
        field, *engines = snapshot
        self.field.restore(field)
        for station, memory in zip(self._stations, engines, strict=True):
            station.engine.restore(memory)
