"""Strategies for the tests of engine and blocks, and a bench that plays the field."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dcs.blocks.declare import BLOCK_TYPES
from dcs.bus.messages import Command
from dcs.core.status import STATUS_GOOD
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine
from dcs.engine.strategy import (
    AlarmSpec,
    BlockSpec,
    Channel,
    Link,
    ModuleSpec,
    PublishedTag,
    ScanClass,
    Strategy,
)

NS = 1_000_000_000


def scaled(**scales: tuple[float, float]) -> dict[str, float]:
    """``pv_scale=(0, 20)`` as the parameters of a block."""
    return {
        f"{name}_{end}": value
        for name, pair in scales.items()
        for end, value in zip(("low", "high"), pair, strict=True)
    }


def published(blocks: tuple[BlockSpec, ...]) -> tuple[PublishedTag, ...]:
    """Every published part of every block as ``<block>.<PART>``."""
    tags = []
    for block in blocks:
        kind = BLOCK_TYPES[block.type]
        for part, name in kind.published.items():
            shown = "mode" if name in ("mode", "target", "normal") else "float"
            tags.append(
                PublishedTag(
                    f"{block.name}.{part}",
                    f"{block.name}.{name}",
                    "cm",
                    0.0,
                    100.0,
                    "",
                    2,
                    shown,
                    part in kind.writable,
                )
            )
    return tuple(tags)


def strategy(
    blocks: tuple[BlockSpec, ...],
    links: list[tuple[str, str]],
    channels: tuple[Channel, ...] = (),
    alarms: tuple[AlarmSpec, ...] = (),
    classes: tuple[ScanClass, ...] = (ScanClass("loops", NS),),
) -> Strategy:
    """A strategy from the least that a test wants to write."""
    return Strategy(
        "C1",
        classes,
        channels,
        blocks,
        tuple(Link(source, target) for source, target in links),
        alarms,
        published(blocks),
        (ModuleSpec("LIC", "", "loop", classes[0].name, {"PV": "LIC.pid.PV"}),),
    )


def cascade(
    outer_s: float = 1.0,
    inner_s: float = 1.0,
    readback: bool = True,
    outer: dict[str, float] | None = None,
    inner: dict[str, float] | None = None,
    output: dict[str, float] | None = None,
    alarms: tuple[AlarmSpec, ...] = (),
) -> Strategy:
    """Level → flow → valve: LIC (0–20 cm) writes the setpoint of FIC (0–40 cm3/s), which writes P (0–100 %)."""
    classes: tuple[ScanClass, ...] = (ScanClass("loops", round(outer_s * NS)),)
    inner_class = "loops"
    if inner_s != outer_s:
        classes = (*classes, ScanClass("inner", round(inner_s * NS)))
        inner_class = "inner"
    blocks = (
        BlockSpec("LIC.ai", "AI", "loops", scaled(xd_scale=(4, 20), out_scale=(0, 20)) | {"ne43": 1}),
        BlockSpec(
            "LIC.pid",
            "PID",
            "loops",
            scaled(pv_scale=(0, 20), out_scale=(0, 40)) | {"gain": 2.0, "ti_s": 60.0, "sp": 10.0} | (outer or {}),
        ),
        BlockSpec("FIC.ai", "AI", inner_class, scaled(xd_scale=(4, 20), out_scale=(0, 40)) | {"ne43": 1}),
        BlockSpec(
            "FIC.pid",
            "PID",
            inner_class,
            scaled(pv_scale=(0, 40), out_scale=(0, 100)) | {"gain": 0.5, "ti_s": 5.0, "target": 5} | (inner or {}),
        ),
        BlockSpec("FIC.ao", "AO", inner_class, scaled(pv_scale=(0, 100), xd_scale=(0, 100)) | (output or {})),
    )
    links = [
        ("LT", "LIC.ai.raw"),
        ("LIC.ai.out", "LIC.pid.pv"),
        ("FIC.pid.bkcal_out", "LIC.pid.bkcal_in"),
        ("FT", "FIC.ai.raw"),
        ("FIC.ai.out", "FIC.pid.pv"),
        ("LIC.pid.out", "FIC.pid.cas_in"),
        ("FIC.ao.bkcal_out", "FIC.pid.bkcal_in"),
        ("FIC.pid.out", "FIC.ao.cas_in"),
        ("FIC.ao.out", "P"),
    ]
    channels = [Channel("LT", "in", "mA"), Channel("FT", "in", "mA"), Channel("P", "out", "%")]
    if readback:
        channels.append(Channel("P.readback", "in", "%"))
        links.append(("P.readback", "FIC.ao.readback"))
    return strategy(blocks, links, tuple(channels), alarms, classes)


@dataclass
class Bench:
    """An engine with a field around it: ``reads`` holds what each input channel reads, in its own unit."""

    engine: Engine
    reads: dict[str, float] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    time_ns: int = 1_700_000_000 * NS
    commands: int = 0

    @classmethod
    def of(cls, spec: Strategy, compiled: bool = True, **field_values: float) -> "Bench":
        return cls(Engine(compile_strategy(spec), compiled), dict(field_values))

    def scan(self, class_index: int = 0, count: int = 1, slips: int = 0) -> None:
        for _ in range(count):
            self.inputs()
            self.time_ns += self.engine.plan.period_ns[class_index]
            self.engine.scan(class_index, self.time_ns, slips)

    def inputs(self) -> None:
        names = self.engine.plan.input_channels
        self.engine.set_inputs(
            np.array([self.reads.get(name, 12.0) for name in names], np.float64),
            np.array([self.status.get(name, STATUS_GOOD) for name in names], np.int64),
            np.full(len(names), self.time_ns, np.int64),
        )

    def out(self, channel: str = "P") -> float:
        return float(self.engine.outputs()[0][self.engine.plan.output_channels.index(channel)])

    def set(self, tag: str, value: float | str) -> tuple[bool, str]:
        self.commands += 1
        return self.engine.apply(Command(f"c{self.commands}", "set", tag, value, "anna", "OS1"), self.time_ns)

    def must_set(self, tag: str, value: float | str) -> None:
        ok, text = self.set(tag, value)
        assert ok, text

    def __getitem__(self, terminal: str) -> float:
        block, _, name = terminal.rpartition(".")
        return self.engine.field(block, name)

    def second(self, count: int = 1) -> None:
        """All scans that fall due in a second, in the order of their times (slower classes first)."""
        periods = self.engine.plan.period_ns
        start_ns = self.time_ns
        for tick_ns in range(start_ns, start_ns + count * max(periods), min(periods)):
            for index in sorted(range(len(periods)), key=lambda i: -periods[i]):
                if (tick_ns - start_ns) % periods[index] == 0:
                    self.inputs()
                    self.engine.scan(index, tick_ns)
                    if "P" in self.engine.plan.output_channels:
                        self.follow()
        self.time_ns = start_ns + count * max(periods)

    def follow(self) -> None:
        """The field accepts what it is sent."""
        values, _, valid = self.engine.outputs()
        at = self.engine.plan.output_channels.index("P")
        if valid[at]:
            self.reads["P.readback"] = float(values[at])

    def follow_named(self, channel: str) -> None:
        """The field accepts what it is sent on that channel, wherever it stands in the plan."""
        values, _, valid = self.engine.outputs()
        at = self.engine.plan.output_channels.index(channel)
        if valid[at]:
            self.reads[f"{channel}.readback"] = float(values[at])


def any_bits(values: Any) -> bytes:
    """The bytes of an array, for comparisons in which NaN equals NaN."""
    return bytes(np.ascontiguousarray(values).tobytes())
