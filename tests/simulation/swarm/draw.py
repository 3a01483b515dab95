"""What a seed says: which kinds of trouble there are in this run, and how rough they are.

Called by   tests.simulation.swarm.world, one run each.
Knows       probabilities and periods. Few kinds of trouble per run (a swarm): two that are always there would hide what
            each does alone.
"""

from dataclasses import dataclass, fields
from random import Random
from typing import Any

from dcs.node.peers import derive_seed

STEADY = "steady"
"""Name of the stream of random numbers for what is drawn once."""


@dataclass(frozen=True)
class Drawn:
    """One run. Periods in s are mean times between two troubles of a kind; 0 = none of it."""

    seed: int
    # --- the system
    fast: bool = False  # 100 ms scans, the shortest lease
    checks: bool = True  # devices check epochs
    watchdog_s: float = 2.0  # of the devices with outputs
    clock_error: float = 0.0  # largest error of a node's clock rate
    # --- messages between the voters
    jitter_ms: float = 0.0
    loss: float = 0.0
    repeat: float = 0.0
    tail: float = 0.0  # share that takes up to 400 ms
    ancient: float = 0.0  # share of which a copy comes again within 4 s
    # --- trouble
    crash_s: float = 0.0
    corrupt: float = 0.0  # chance that a crash damages the voter's record
    pause_s: float = 0.0
    stop_s: float = 0.0  # long ones, as SIGSTOP
    gate_pause: float = 0.0  # chance of a pause between the gate's check and the send
    hang_s: float = 0.0
    cut_s: float = 0.0
    rolling_s: float = 0.0
    bus_s: float = 0.0
    cable_s: float = 0.0
    device_s: float = 0.0
    switch_s: float = 0.0
    clock_step_s: float = 0.0
    change_s: float = 0.0
    command_s: float = 3.0
    send_pause: float = 0.0  # chance of a pause between a scan and the sending of its outputs
    resend: float = 0.0  # share of what goes to devices that the system has to send again
    field_s: float = 0.0  # the process that hosts the simulated devices crashes
    reboot_s: float = 0.0  # a device is switched off and on
    forgets: bool = False  # and does not know its highest epoch any more
    member_s: float = 0.0  # the standby is taken out, or brought back
    moment: float = 0.0  # chance that somebody does something just when a role or a copy changes

    def rng(self, stream: str) -> Random:
        """Random numbers of one kind of trouble: they stay the same whatever else happens."""
        return Random(derive_seed(self.seed, "swarm", stream))

    def text(self) -> str:
        """What is there, in one line."""
        return ", ".join(f"{f.name} {value:g}" for f in fields(self) if (value := getattr(self, f.name)))


def draw(seed: int, fast: float = 0.02) -> Drawn:
    """The run of a seed; ``fast`` is the share of those with 100 ms scans, which take ten times as long."""
    rng = Random(derive_seed(seed, "swarm", STEADY))

    def pick(*choices: Any) -> Any:
        return rng.choice(choices)

    return Drawn(
        seed=seed,
        fast=rng.random() < fast,
        checks=pick(True, True, False),
        watchdog_s=pick(2.0, 2.0, 3.0, 5.0),
        clock_error=pick(0.0, 0.0001, 0.02),
        jitter_ms=pick(0.0, 0.0, 2.0),
        loss=pick(0.0, 0.01, 0.05),
        repeat=pick(0.0, 0.02, 0.1),
        tail=pick(0.0, 0.02, 0.05),
        ancient=pick(0.0, 0.01, 0.15),
        crash_s=pick(0.0, 25.0, 60.0),
        corrupt=pick(0.0, 0.1, 0.3),
        pause_s=pick(0.0, 10.0, 30.0),
        stop_s=pick(0.0, 40.0, 90.0),
        gate_pause=pick(0.0, 0.002, 0.02),
        hang_s=pick(0.0, 0.0, 90.0),
        cut_s=pick(0.0, 20.0, 60.0),
        rolling_s=pick(0.0, 0.0, 60.0),
        bus_s=pick(0.0, 60.0, 120.0),
        cable_s=pick(0.0, 40.0, 120.0),
        device_s=pick(0.0, 0.0, 90.0),
        switch_s=pick(0.0, 0.0, 40.0),
        clock_step_s=pick(0.0, 0.0, 90.0),
        change_s=pick(*[0.0] * 7, 120.0),
        send_pause=pick(0.0, 0.005, 0.03),
        resend=pick(0.0, 0.0, 0.1),
        field_s=pick(0.0, 0.0, 0.0, 90.0),
        reboot_s=pick(0.0, 0.0, 60.0),
        forgets=pick(False, True),
        member_s=pick(0.0, 0.0, 30.0),
        moment=pick(0.0, 0.0, 0.1),
    )
