"""How long the history is silent at a takeover: many takeovers of a plant in the box, at random instants.

Called by   ``python -m tests.simulation.takeover_history`` (distribution of the gaps), ``test_takeover_history``.
Knows       the box, the ways in which an active can be lost, and the frames that reach whoever keeps history: live ones
            and late ones. A gap is the longest time between two neighbouring samples about the fault, in scan periods:
            1 = every scan has its sample, 2 = one scan is missing.
"""

import argparse
import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from dcs.bus.messages import Frame, frame_subject, late_subject
from dcs.config.find import find_config
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.simulated_time import SimulatedLoop, run_simulated
from dcs.node.assembly import load_configuration
from dcs.node.box import Box

FAULTS = ("kill", "kill with unsent frames", "freeze", "isolate", "switchover")
_PAIR = "C1"
_AFTER_S = 3.0
_READY_S = 60.0


@dataclass(frozen=True, slots=True)
class Takeover:
    """One takeover as the history shows it."""

    fault: str
    gap_periods: int
    lost: int  # scans without a sample between the first and the last that was looked at
    twice: int  # scan times with samples of two epochs
    epochs: tuple[int, ...]  # of the samples, in the order of their times
    late: int  # samples that came after the fact


@dataclass
class Kept:
    """What whoever keeps history was told: (time, epoch) of each frame, as it came."""

    live: list[tuple[int, int]] = field(default_factory=list)
    late: list[tuple[int, int]] = field(default_factory=list)

    async def on_live(self, subject: str, payload: bytes) -> None:
        """A frame on its own subject."""
        frame = Frame.from_bytes(payload)
        self.live.append((frame.time_ns, frame.epoch))

    async def on_late(self, subject: str, payload: bytes) -> None:
        """A frame on the subject of late ones."""
        frame = Frame.from_bytes(payload)
        self.late.append((frame.time_ns, frame.epoch))


def config_of(period_ms: int) -> PlantConfig:
    """The demo plant, scanned at that period."""
    return load_configuration(find_config("quadruple_tank"), (f"scan_classes.loops.period={period_ms} ms",))


def takeovers(config: PlantConfig, seed: int, count: int) -> list[Takeover]:
    """``count`` takeovers one after the other; the same seed gives the same story."""
    return run_simulated(lambda loop: _story(loop, config, seed, count))


async def _story(loop: SimulatedLoop, config: PlantConfig, seed: int, count: int) -> list[Takeover]:
    draw = random.Random(seed)
    async with Box(config, loop, seed) as box:
        kept = Kept()
        bus = await box.peers.bus("history of the test")
        frames = frame_subject(config.name, "*", "*")
        await bus.subscribe(frames, kept.on_live)
        await bus.subscribe(late_subject(frames), kept.on_late)
        period_ns = config.controllers[0].strategy.scan_classes[0].period_ns
        found = []
        for _ in range(count):
            await _until_ready(box)
            await box.run_for(_instant(box, draw, period_ns))
            fault = draw.choice(FAULTS)
            begin_ns = box.clock.time_ns()
            victim = box.active(_PAIR)
            await _strike(box, fault, victim, draw, period_ns)
            await box.run_for(_AFTER_S + 4 * period_ns / NS_PER_S)
            end_ns = box.clock.time_ns() - 2 * period_ns
            found.append(_judge(kept, fault, begin_ns - 4 * period_ns, end_ns, period_ns))
            await _heal(box, fault, victim)
        await bus.close()
        return found


def _instant(box: Box, draw: random.Random, period_ns: int) -> float:
    """Seconds until the fault: anywhere in a period, or, every other time, within 5 ms of when a scan is due."""
    if draw.random() < 0.5:
        return draw.uniform(0.0, period_ns) / NS_PER_S
    to_due_ns = period_ns - box.clock.time_ns() % period_ns
    return (to_due_ns + draw.uniform(-5.0, 5.0) * NS_PER_MS + period_ns) / NS_PER_S


async def _until_ready(box: Box) -> None:
    for _ in range(round(_READY_S / 0.1)):
        await box.run_for(0.1)
        holders = [name for name in box.config.controller(_PAIR).members if name in box.nodes]
        if any(box.controller(name).member.report().standby_ready for name in holders):
            return
    raise AssertionError("no standby became ready")


async def _strike(box: Box, fault: str, victim: str, draw: random.Random, period_ns: int) -> None:
    controller = box.config.controller(_PAIR)
    if fault == "switchover":
        reply = await box.command(_PAIR, "switchover", _PAIR)
        assert reply.ok, reply.text
    elif fault == "freeze":
        box.freeze(victim, 2.0)
    elif fault == "isolate":
        for other in (*controller.members, controller.witness):
            if other and other != victim:
                box.peers.pair_links.cut(victim, other)
    else:
        if fault == "kill with unsent frames":  # written to the library, not yet to the socket
            box.peers.hub.cut(victim)
            await box.run_for(draw.uniform(0.0, 1.2 * period_ns / NS_PER_S))
        await box.kill(victim)


async def _heal(box: Box, fault: str, victim: str) -> None:
    if fault == "isolate":
        box.peers.pair_links.heal()
    elif fault.startswith("kill"):
        box.peers.hub.heal(victim)
        await box.start(victim)


def _judge(kept: Kept, fault: str, from_ns: int, to_ns: int, period_ns: int) -> Takeover:
    samples = sorted({one for one in (*kept.live, *kept.late) if from_ns <= one[0] <= to_ns})
    times = sorted({time_ns for time_ns, _ in samples})
    steps = [(b - a) / period_ns for a, b in pairwise(times)]
    late = sum(from_ns <= time_ns <= to_ns for time_ns, _ in kept.late)
    epochs = tuple(dict.fromkeys(epoch for _, epoch in samples))
    lost = round(sum(steps)) - len(steps)
    return Takeover(fault, round(max(steps)), lost, len(samples) - len(times), epochs, late)


def table(found: list[Takeover]) -> str:
    """Per fault: how many takeovers had which gap."""
    lines = ["fault                     takeovers  gap in periods: takeovers      two epochs at one time  late samples"]
    for fault in FAULTS:
        own = [one for one in found if one.fault == fault]
        gaps = ", ".join(f"{gap}: {count}" for gap, count in sorted(Counter(one.gap_periods for one in own).items()))
        twice, late = sum(one.twice for one in own), sum(one.late for one in own)
        lines.append(f"{fault:26}{len(own):9}  {gaps:31}{twice:22}  {late:12}")
    return "\n".join(lines)


def main() -> None:
    """Seeds, takeovers of each, and the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--takeovers", type=int, default=10)
    parser.add_argument("--period", type=int, default=100, help="ms")
    given = parser.parse_args()
    config, found = config_of(given.period), []
    for seed in range(given.first, given.first + given.seeds):
        own = takeovers(config, seed, given.takeovers)
        found += own
        for at, one in enumerate(own):
            if one.gap_periods > 2:
                print(f"seed {seed}, takeover {at + 1}: {one}")
    print(f"{len(found)} takeovers, scans every {given.period} ms")
    print(table(found))


if __name__ == "__main__":
    main()
