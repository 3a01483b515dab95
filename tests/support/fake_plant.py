"""A plant that is only as real as the operator station needs: layouts, frames, events, reports, answers to commands.

Used by     the tests of the operator station and for trying it without controllers.
Knows       a bus and a clock. Four tanks, two cascades, hand valves; alarms with the states A–D; a controller pair
            that switches over on command. Moves by itself so that every kind of display has something to show.
"""

import asyncio
import math
from dataclasses import replace

import numpy as np

from dcs.bus.api import Bus
from dcs.bus.messages import (
    ALARM_DTYPE,
    EVENT_STREAM,
    AlarmInfo,
    Command,
    Event,
    Frame,
    Layout,
    LinkReport,
    ModuleInfo,
    NodeReport,
    Reply,
    ScanReport,
    TagInfo,
    command_subject,
    event_subject,
    frame_subject,
    layout_subject,
    layouts_to_bytes,
    node_subject,
)
from dcs.core.clock import NS_PER_S, Clock
from dcs.core.modes import AUTO, CAS, IMAN, MAN, mode_code
from dcs.core.status import (
    LIMIT_HIGH,
    LIMIT_LOW,
    NO_COMM_LAST_USABLE,
    STATUS_GOOD,
    make_status,
)

PLANT, PAIR, SCAN = "quadruple_tank", "C1", "loops"
G_CM = 981.0
AREA = (28.0, 32.0, 28.0, 32.0)
HOLE = (0.071, 0.057, 0.071, 0.057)
BAD_VALUE = make_status(0, NO_COMM_LAST_USABLE)


class Loop:
    """A PI loop with a target mode."""

    def __init__(self, name: str, span: float, out_span: float, gain: float, ti_s: float, sp: float, mode: int) -> None:
        self.name, self.span, self.out_span = name, span, out_span
        self.gain, self.ti_s, self.sp, self.target, self.actual = gain, ti_s, sp, mode, mode
        self.out, self.pv, self.integral, self.limit = 0.0, 0.0, 0.0, 0
        self.sp_low, self.sp_high = 0.0, span

    def step(self, pv: float, dt_s: float, cas: float | None, downstream_ready: bool = True) -> None:
        self.pv = pv
        self.actual = self.target if self.target == MAN or downstream_ready else IMAN
        if self.actual == CAS and cas is not None:
            self.sp = cas
        if self.actual not in (AUTO, CAS):
            self.integral = self.out - self.gain * (self.sp - pv) / self.span * self.out_span
            return
        error = (self.sp - pv) / self.span * self.out_span
        wanted = self.gain * error + self.integral
        self.out = min(max(wanted, 0.0), self.out_span)
        self.limit = LIMIT_HIGH if wanted > self.out_span else LIMIT_LOW if wanted < 0.0 else 0
        if self.limit == 0:
            self.integral += self.gain * error * dt_s / self.ti_s


class FakePlant:
    """Publishes what a controller pair would; ``run`` ends only by cancellation."""

    def __init__(self, bus: Bus, clock: Clock, *, period_s: float = 1.0, seed: int = 1, plant: str = PLANT) -> None:
        self.bus, self.clock, self.period_s, self.plant = bus, clock, period_s, plant
        self.random = np.random.default_rng(seed)
        self.level = [12.3, 12.8, 1.6, 1.4]
        self.loops = {
            "LIC-101": Loop("LIC-101", 20.0, 40.0, 2.5, 60.0, 12.3, AUTO),
            "FIC-101": Loop("FIC-101", 40.0, 100.0, 0.5, 5.0, 10.0, CAS),
            "LIC-102": Loop("LIC-102", 20.0, 40.0, 2.5, 80.0, 12.8, AUTO),
            "FIC-102": Loop("FIC-102", 40.0, 100.0, 0.5, 5.0, 10.0, CAS),
        }
        for number in (1, 2):
            self.loops[f"LIC-10{number}"].integral = self.loops[f"LIC-10{number}"].out = 10.0
            self.loops[f"FIC-10{number}"].integral = self.loops[f"FIC-10{number}"].out = 30.0
        self.valve = {"V-101": 70.0, "V-102": 60.0}
        self.motor = {"PV": 2.0, "COMMAND": 1.0, "FAIL": 0.0, "HOURS": 12.5, "RESET": 0.0, "TRAVEL": 5.0, "LOCAL": 0.0}
        self.bad: set[str] = set()
        self.leak_cm2 = [0.0] * 4
        self.scan, self.epoch, self.active = 0, 7, "C1A"
        self.standby = "ready"  # of the pair, by the word of the active
        self.silent = False
        self.answers = True
        self.event_count = 0
        self.seen_ids: dict[str, Reply] = {}
        self.layout = self._make_layout()
        self.alarms = np.zeros(len(self.layout.alarms), ALARM_DTYPE)
        self.script: dict[int, object] = {}
        self.clock_note = ""

    # --- running ------------------------------------------------------------------------------------------
    async def run(self) -> None:
        subscriptions = [
            await self.bus.serve(layout_subject(self.plant, PAIR), self._on_layout),
            await self.bus.serve(command_subject(self.plant, PAIR), self._on_command),
        ]
        due_ns = self.clock.monotonic_ns()
        try:
            while True:
                self.step()
                self.publish()
                due_ns += round(self.period_s * NS_PER_S)
                await self.clock.sleep_until(due_ns)
        finally:
            for subscription in subscriptions:
                await subscription.stop()

    def step(self) -> None:
        """One scan: physics, control, alarms."""
        self.scan += 1
        event = self.script.get(self.scan)
        if callable(event):
            event(self)
        dt = self.period_s
        flow = [self.loops[f"FIC-10{n}"].out * 0.1 * k for n, k in ((1, 3.33), (2, 3.35))]
        g1, g2 = self.valve["V-101"] / 100.0, self.valve["V-102"] / 100.0
        out = [
            (hole + leak) * math.sqrt(2 * G_CM * max(h, 0.0))
            for hole, leak, h in zip(HOLE, self.leak_cm2, self.level, strict=True)
        ]
        rate = (
            -out[0] + HOLE[2] * math.sqrt(2 * G_CM * max(self.level[2], 0.0)) + g1 * flow[0],
            -out[1] + HOLE[3] * math.sqrt(2 * G_CM * max(self.level[3], 0.0)) + g2 * flow[1],
            -out[2] + (1 - g2) * flow[1],
            -out[3] + (1 - g1) * flow[0],
        )
        self.level = [min(max(h + r / area * dt, 0.0), 20.0) for h, r, area in zip(self.level, rate, AREA, strict=True)]
        for n, tank in ((1, 0), (2, 1)):
            upper, lower = self.loops[f"LIC-10{n}"], self.loops[f"FIC-10{n}"]
            noise = self.random.normal(0.0, 1.0, 2)
            upper.step(self.level[tank] + 0.02 * noise[0], dt, None, lower.target == CAS)
            if lower.target != CAS:
                upper.out = lower.sp
            lower.step(flow[n - 1] + 0.05 * noise[1], dt, upper.out)
        self._step_alarms()

    def publish(self) -> None:
        """Send this scan's frame and, once a second, the node reports."""
        if self.silent:
            return
        self.bus.publish(frame_subject(self.plant, PAIR, SCAN), self.frame().to_bytes())
        if self.scan % max(1, round(1.0 / self.period_s)) == 0:
            for report in self.reports():
                self.bus.publish(node_subject(self.plant, report.node), report.to_bytes())

    def frame(self) -> Frame:
        """The published values of this scan."""
        values, statuses = [], []
        for tag in self.layout.tags:
            value, status = self._value(tag.name)
            values.append(value)
            statuses.append(status)
        return Frame(
            self.layout.hash,
            self.scan,
            self.clock.time_ns(),
            self.epoch,
            1,
            np.array(values),
            np.array(statuses, np.uint8),
            self.alarms.copy(),
        )

    # --- what is published ---------------------------------------------------------------------------------
    def _make_layout(self) -> Layout:
        tags: list[TagInfo] = []
        modules: list[ModuleInfo] = []

        def add(module: str, kind: str, text: str, parts: list[TagInfo], modes: tuple[str, ...] = ()) -> None:
            tags.extend(parts)
            names = {part.name.rpartition(".")[2]: part.name for part in parts}
            modules.append(ModuleInfo(module, text, kind, names, modes))

        for name, text, unit, span, out_unit, out_span in (
            ("LIC-101", "Level of tank 1", "cm", 20.0, "cm3/s", 40.0),
            ("FIC-101", "Flow of pump 1", "cm3/s", 40.0, "%", 100.0),
            ("LIC-102", "Level of tank 2", "cm", 20.0, "cm3/s", 40.0),
            ("FIC-102", "Flow of pump 2", "cm3/s", 40.0, "%", 100.0),
        ):
            cascade = ("CAS",) if name.startswith("F") else ()
            parts = [
                TagInfo(f"{name}.PV", unit, 0.0, span, text, 2),
                TagInfo(f"{name}.SP", unit, 0.0, span, "setpoint", 2, writable=True),
                TagInfo(f"{name}.SP_WRK", unit, 0.0, span, "working setpoint", 2),
                TagInfo(f"{name}.OUT", out_unit, 0.0, out_span, "output", 1, writable=True),
                TagInfo(f"{name}.MODE", "", 0, 7, "actual mode", 0, "mode", writable=True),
                TagInfo(f"{name}.TARGET", "", 0, 7, "target mode", 0, "mode"),
                TagInfo(f"{name}.GAIN", "", 0.0, 100.0, "gain", 3, writable=True),
                TagInfo(f"{name}.TI", "s", 0.0, 3600.0, "reset time", 1, writable=True),
                TagInfo(f"{name}.TD", "s", 0.0, 600.0, "derivative time", 1, writable=True),
                TagInfo(f"{name}.SP_LO", unit, 0.0, span, "lower limit of the setpoint", 2, writable=True),
                TagInfo(f"{name}.SP_HI", unit, 0.0, span, "upper limit of the setpoint", 2, writable=True),
            ]
            add(name, "loop", text, parts, ("OOS", "MAN", "AUTO", *cascade))
        for name, text in (("LI-103", "Level of tank 3"), ("LI-104", "Level of tank 4")):
            add(name, "indicator", text, [TagInfo(f"{name}.PV", "cm", 0.0, 20.0, text, 2)])
        for name, text in (("V-101", "Split valve of pump 1"), ("V-102", "Split valve of pump 2")):
            parts = [
                TagInfo(f"{name}.PV", "%", 0.0, 100.0, "position", 1),
                TagInfo(f"{name}.OUT", "%", 0.0, 100.0, "demand", 1, writable=True),
                TagInfo(f"{name}.MODE", "", 0, 7, "actual mode", 0, "mode", writable=True),
                TagInfo(f"{name}.TARGET", "", 0, 7, "target mode", 0, "mode"),
            ]
            add(name, "output", text, parts, ("OOS", "MAN", "AUTO"))
        add("M-103", "device", "Agitator", [
            TagInfo("M-103.PV", "", 0, 3, "state", 0, "int", choices=("STOPPED", "STARTING", "RUNNING", "TRIPPED")),
            TagInfo("M-103.COMMAND", "", 0, 1, "command", 0, "int", writable=True, choices=("STOP", "START")),
            TagInfo("M-103.FAIL", "", 0, 1, "feedback failed", 0, "bool"),
            TagInfo("M-103.HOURS", "h", 0, 1e5, "running hours", 1),
            TagInfo("M-103.RESET", "", 0, 1, "reset after a trip", 0, "bool", writable=True),
            TagInfo("M-103.LOCAL", "", 0, 1, "driven from", 0, "int", writable=True, choices=("ROOM", "FIELD")),
            TagInfo("M-103.TRAVEL", "s", 0, 60, "time allowed to start", 1, writable=True),
        ])  # fmt: skip
        alarms = []
        for name in ("LIC-101", "LIC-102"):
            tank = name[-1]
            for kind, limit, priority, action in (
                ("HIHI", 18.0, 1, "Put the pumps that feed it in manual and stop them."),
                ("HI", 16.0, 2, "Compare level and inflow; lower the setpoint or open the drain."),
                ("LO", 5.0, 3, "Look for a leak: compare inflow with the level's fall."),
            ):
                text = {"HIHI": "level very high", "HI": "level high", "LO": "level low"}[kind]
                alarms.append(
                    AlarmInfo(
                        f"{name}.{kind}", f"{name}.PV", kind, priority, limit, "cm", f"Tank {tank} {text}",
                        consequence=f"Tank {tank} overflows into the sump." if limit > 10 else f"Tank {tank} runs dry.",
                        cause="Inflow above outflow, or the level transmitter reads high." if limit > 10 else
                        "A leak, a stopped pump, or the split valve moved.",
                        action=action,
                    )
                )  # fmt: skip
        for name in ("LI-103", "LI-104"):
            alarms.append(
                AlarmInfo(f"{name}.HI", f"{name}.PV", "HI", 4, 8.0, "cm", f"Tank {name[-1]} level high",
                          consequence="Less of the pump's flow reaches the lower tank on time.",
                          cause="The split valve sends too much upwards.", action="Open the split valve further.")
            )  # fmt: skip
        return Layout(
            self.plant, PAIR, SCAN, round(self.period_s * NS_PER_S), tuple(tags), tuple(alarms), tuple(modules)
        )

    def _value(self, tag: str) -> tuple[float, int]:
        module, _, part = tag.rpartition(".")
        if module in self.loops:
            loop = self.loops[module]
            value = {
                "PV": loop.pv, "SP": loop.sp, "SP_WRK": loop.sp, "OUT": loop.out, "MODE": loop.actual,
                "TARGET": loop.target, "GAIN": loop.gain, "TI": loop.ti_s, "TD": 0.0, "SP_LO": loop.sp_low,
                "SP_HI": loop.sp_high,
            }[part]  # fmt: skip
        elif module == "M-103":
            value = self.motor[part]
        elif module in self.valve:
            value = {"PV": self.valve[module], "OUT": self.valve[module], "MODE": MAN, "TARGET": MAN}[part]
        else:
            value = self.level[int(module[-1]) - 1] + 0.01 * self.random.normal()
        status = BAD_VALUE if tag in self.bad else STATUS_GOOD
        if part == "OUT" and module in self.loops:
            status |= self.loops[module].limit
        return value, status

    def _step_alarms(self) -> None:
        for number, info in enumerate(self.layout.alarms):
            value, status = self._value(info.tag)
            if status < 64:
                continue
            row = self.alarms[number]
            high = info.kind.startswith("HI")
            in_alarm = value > info.limit if high else value < info.limit
            back = value < info.limit - 0.2 if high else value > info.limit + 0.2
            state = int(row["state"])
            if in_alarm and state in (0, 3):
                self.alarms[number] = (1, self.clock.time_ns(), value)
                self.emit("alarm", info.name, f"{info.description}: {value:.2f} {info.unit}", info.priority)
            elif back and state == 1:
                row["state"] = 3
                self.emit("alarm", info.name, f"{info.description}: returned", info.priority)
            elif back and state == 2:
                row["state"] = 0
                self.emit("alarm", info.name, f"{info.description}: normal", info.priority)

    def emit(self, kind: str, subject: str, text: str, priority: int = 0, **more: object) -> None:
        """One journal event, live and kept."""
        self.event_count += 1
        event = Event(f"{PAIR}:{self.event_count}", self.clock.time_ns(), PAIR, kind, subject, text, priority, **more)  # type: ignore[arg-type]
        self.bus.publish(event_subject(self.plant, PAIR), event.to_bytes())

    def reports(self) -> list[NodeReport]:
        """What the nodes say of themselves."""
        now_ns = self.clock.time_ns()
        wobble = float(self.random.uniform(0.0, 0.05))
        scan = ScanReport(SCAN, self.period_s * 1e3, self.scan, 0, 0.42 + wobble, 0.81, 2.9, 0.12, 0.61, 3.3)
        links = (
            LinkReport("RTU-1", "modbus", "up", "modbus://127.0.0.1:5020", "", 1.4, 0),
            LinkReport("DRV-1", "modbus", "up", "modbus://127.0.0.1:5021", "", 1.6, 2),
            LinkReport("bus", "bus", "up", "nats://127.0.0.1:4222", "", 0.2, 0),
            LinkReport("pair", "pair", "up", "127.0.0.1:7001", "", 0.3, 0),
            LinkReport("W1", "witness", "up", "127.0.0.1:7003", "", 0.3, 0),
        )
        standby = "C1B" if self.active == "C1A" else "C1A"
        first = NodeReport(
            "C1A",
            "controller",
            4101,
            now_ns,
            "running",
            "active",
            PAIR,
            self.epoch,
            100.0,
            (scan,),
            links,
            standby=self.standby,
        )
        passive = {"role": "standby", "state": self.standby, "standby": ""}
        second = replace(first, node="C1B", pid=4102, **passive)
        if self.active != "C1A":
            first, second = replace(first, **passive), replace(first, node="C1B", pid=4102)
        assert standby in ("C1A", "C1B")
        note = {"clock": self.clock_note} if self.clock_note else {}
        return [
            first,
            second,
            NodeReport("W1", "witness", 4103, now_ns, "running", pair=PAIR, epoch=self.epoch),
            NodeReport("bus", "bus", 4100, now_ns, "running", endpoints={"nats": "nats://127.0.0.1:4222"}),
            NodeReport("field", "field", 4104, now_ns, "running",
                       endpoints={"RTU-1": "modbus://127.0.0.1:5020", "DRV-1": "modbus://127.0.0.1:5021", **note}),
        ]  # fmt: skip

    # --- requests ------------------------------------------------------------------------------------------
    async def _on_layout(self, subject: str, payload: bytes) -> bytes:
        return layouts_to_bytes([self.layout])

    async def _on_command(self, subject: str, payload: bytes) -> bytes:
        command = Command.from_bytes(payload)
        if not self.answers:
            await asyncio.sleep(3600.0)
        if command.id not in self.seen_ids:
            self.seen_ids[command.id] = self.apply(command)
        return self.seen_ids[command.id].to_bytes()

    def apply(self, command: Command) -> Reply:
        """Do what a command asks, or say why not."""
        if command.verb == "set":
            text = self._set(command)
        elif command.verb in ("ack", "ack_all"):
            text = self._acknowledge(command)
        elif command.verb in ("standby_out", "standby_in"):
            self.standby = "out" if command.verb == "standby_out" else "ready"
            text = f"the standby is {self.standby}"
        elif command.verb == "switchover":
            self.active = "C1B" if self.active == "C1A" else "C1A"
            self.epoch += 1
            self.emit("redundancy", PAIR, f"{self.active} took over on command", user=command.user)
            text = f"{self.active} is active, epoch {self.epoch}"
        else:
            return Reply(command.id, False, f"unknown verb {command.verb}", self.scan)
        return Reply(command.id, not text.startswith("!"), text.removeprefix("!"), self.scan + 1)

    def _set(self, command: Command) -> str:
        module, _, part = command.subject.rpartition(".")
        info = next((tag for tag in self.layout.tags if tag.name == command.subject), None)
        if info is None or not info.writable or command.value is None:
            return f"!{command.subject} cannot be written"
        old, _ = self._value(command.subject)
        loop = self.loops.get(module)
        if part == "MODE":
            if loop is not None:
                loop.target = mode_code(str(command.value))
        else:
            value = float(command.value)
            if not info.low <= value <= info.high:
                return f"!{command.subject}: {value:g} is outside {info.low:g} … {info.high:g} {info.unit}"
            if module == "M-103":
                self.motor[part] = value
            elif loop is None:
                self.valve[module] = value
            elif part == "OUT" and loop.actual != MAN:
                return f"!{command.subject}: OUT can be set in Man only, the actual mode is not Man"
            else:
                setattr(loop, {"SP": "sp", "OUT": "out", "GAIN": "gain", "TI": "ti_s", "TD": "td_s"}[part], value)
        shown = command.value if isinstance(command.value, str) else f"{command.value:g} {info.unit}".strip()
        self.emit("operator", command.subject, f"set to {shown}", user=command.user, station=command.station,
                  old=old, new=command.value)  # fmt: skip
        return f"{command.subject} set to {shown}"

    def _acknowledge(self, command: Command) -> str:
        done = []
        for number, info in enumerate(self.layout.alarms):
            if command.verb == "ack" and info.name != command.subject:
                continue
            state = int(self.alarms[number]["state"])
            if state in (1, 3):
                self.alarms[number]["state"] = 2 if state == 1 else 0
                done.append(info.name)
                self.emit("operator", info.name, "acknowledged", user=command.user, station=command.station)
        return (
            f"acknowledged {', '.join(done)}" if done else f"!{command.subject or 'nothing'} waits for acknowledgement"
        )


__all__ = ["BAD_VALUE", "EVENT_STREAM", "PAIR", "PLANT", "SCAN", "FakePlant", "Loop"]
