"""The plan that the engine is measured with: complete loops AI → PID → AO with four alarms each, and their field.

Called by   the benchmarks and their tests.
Knows       the strategy's parts. It is compiled by the compiler of production: modes, statuses, handshake, read-back,
            alarm states with delays. One loop in twenty is limited or in and out of alarm.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import dcs.blocks.library  # noqa: F401 (fills BLOCK_TYPES)
from dcs.blocks.declare import BLOCK_TYPES, ParamValue
from dcs.core.status import STATUS_GOOD
from dcs.engine.engine import Engine
from dcs.engine.strategy import AlarmSpec, BlockSpec, Channel, Link, ModuleSpec, PublishedTag, ScanClass, Strategy

PERIOD_NS = 500_000_000
FRAMES = 40
"""The field repeats itself after so many scans."""
START_NS = 1_700_000_000_000_000_000
_SPAN, _MIDDLE = 16.0, 12.0  # of a 4–20 mA signal
_AI: dict[str, ParamValue] = {"xd_scale_low": 4.0, "xd_scale_high": 20.0, "ne43": 1, "filter_s": 2.0}
_LIMITED, _ALARMING = 7, 13  # which of every forty loops: one asks for more than the valve gives, one crosses limits


def loops_strategy(loops: int, published: bool = True) -> Strategy:
    """A strategy of that many loops; ``published``: every part that production shows is a tag (52 for each loop)."""
    blocks: list[BlockSpec] = []
    links: list[Link] = []
    alarms: list[AlarmSpec] = []
    inputs: list[Channel] = []
    read_back: list[Channel] = []
    outputs: list[Channel] = []
    modules: list[ModuleSpec] = []
    for n in range(loops):
        name = f"FIC-{n:06d}"
        sp = 100.0 if n % FRAMES == _LIMITED else 40.0 + n % 20
        blocks += [
            BlockSpec(f"{name}.ai", "AI", "loops", _AI),
            BlockSpec(f"{name}.pid", "PID", "loops", {"gain": 0.8, "ti_s": 20.0, "td_s": 1.0, "sp": sp}),
            BlockSpec(f"{name}.ao", "AO", "loops", {"sp_rate_up": 20.0, "sp_rate_down": 20.0}),
        ]
        links += [
            Link(f"FT-{n:06d}", f"{name}.ai.raw"),
            Link(f"{name}.ai.out", f"{name}.pid.pv"),
            Link(f"{name}.ao.bkcal_out", f"{name}.pid.bkcal_in"),
            Link(f"{name}.pid.out", f"{name}.ao.cas_in"),
            Link(f"FV-{n:06d}.readback", f"{name}.ao.readback"),
            Link(f"{name}.ao.out", f"FV-{n:06d}"),
        ]
        source, sp_source = f"{name}.ai.out", f"{name}.pid.sp_wrk"
        alarms += [
            AlarmSpec(f"{name}.HI", name, source, "HI", 2, 90.0, 1.0, on_delay_s=1.0, off_delay_s=1.0),
            AlarmSpec(f"{name}.LO", name, source, "LO", 2, 10.0, 1.0, on_delay_s=1.0),
            AlarmSpec(f"{name}.DEV_HI", name, source, "DEV_HI", 3, 45.0, 1.0, on_delay_s=2.0, reference=sp_source),
            AlarmSpec(f"{name}.BAD", name, source, "BAD_PV", 1),
        ]
        inputs.append(Channel(f"FT-{n:06d}", "in", "mA"))
        read_back.append(Channel(f"FV-{n:06d}.readback", "in", "%"))
        outputs.append(Channel(f"FV-{n:06d}", "out", "%"))
        modules.append(ModuleSpec(name, "", "loop", "loops", {"PV": f"{name}.PV", "OUT": f"{name}.OUT"}))
    tags = tuple(
        PublishedTag(f"{block.name}.{part}", f"{block.name}.{field}", "%", 0.0, 100.0, "", 2, "float")
        for block in (blocks if published else ())
        for part, field in BLOCK_TYPES[block.type].published.items()
        if field[:4] not in ("rcas", "rout")  # not permitted, so not published
    )
    return Strategy(
        "LOOPS", (ScanClass("loops", PERIOD_NS),), (*inputs, *read_back, *outputs), tuple(blocks), tuple(links),
        tuple(alarms), tags, tuple(modules),
    )  # fmt: skip


@dataclass(frozen=True)
class Trace:
    """Input images of ``FRAMES`` scans that follow each other in a circle; rows are scans."""

    values: NDArray[np.float64]
    statuses: NDArray[np.int64]


def recorded_field(engine: Engine, laps: int = 4) -> Trace:
    """Run the engine against a field that answers, and keep what came in during the last lap.

    Every measurement moves in every scan; valves follow what they are sent; of every forty loops one cannot reach its
    setpoint, and one swings through its limits and loses its transmitter for two scans of a lap.
    """
    loops = len(engine.plan.output_channels)
    number = np.arange(loops)
    amplitude = np.where(number % FRAMES == _ALARMING, 0.48, 0.05 + 0.002 * (number % 30)) * _SPAN
    middle = np.where(number % FRAMES == _LIMITED, 8.0, _MIDDLE)
    values = np.zeros((FRAMES, 2 * loops))
    statuses = np.full((FRAMES, 2 * loops), STATUS_GOOD, np.int64)
    times_ns = np.zeros(2 * loops, np.int64)
    position = np.full(loops, 50.0)
    for scan in range(laps * FRAMES):
        frame = scan % FRAMES
        angle = 2.0 * np.pi * (frame + number) / FRAMES
        values[frame, :loops] = middle + amplitude * np.sin(angle)
        values[frame, :loops][(number % FRAMES == _ALARMING) & ((frame + number) % FRAMES < 2)] = np.nan
        values[frame, loops:] = position
        engine.set_inputs(values[frame], statuses[frame], times_ns)
        engine.scan(0, START_NS + scan * PERIOD_NS)
        sent, _, valid = engine.outputs()
        position = np.where(valid, sent, position)
    return Trace(values, statuses)
