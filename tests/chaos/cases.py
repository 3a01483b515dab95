"""The faults: what is done to the active, the standby, the witness, the bus, the cables; and what must come of it.

Called by   ``tests.chaos.suite``.
Knows       ``Machines``. A case returns the instant of its fault; what heals it is common to all.
"""

import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from dcs.bench.machines.plant import Machines

Strike = Callable[[Machines, str, str, Random], Awaitable[float]]

TAKEOVER, NOTHING, SILENCE = "takeover", "no switchover", "outputs stop"


@dataclass(frozen=True, slots=True)
class Case:
    """One fault. ``expects``: what must come of it; ``lasts_s``: how long it stays before it is healed."""

    name: str
    says: str
    expects: str
    strike: Strike
    lasts_s: tuple[float, float] = (1.0, 1.0)
    limit_s: float = 0.0  # p99 of the time without output; 0 = none is promised


async def _kill_active(plant: Machines, active: str, standby: str, random: Random) -> float:
    return plant.kill(active)


async def _stop_active(plant: Machines, active: str, standby: str, random: Random) -> float:
    return plant.send(active, signal.SIGSTOP)


def _cutting(*networks: str) -> Strike:
    """Cables of the active."""

    async def strike(plant: Machines, active: str, standby: str, random: Random) -> float:
        await plant.cut(*("pair" if network == "pair" else f"{active}-{network}" for network in networks))
        return plant.now_s()

    return strike


async def _slow_pair(plant: Machines, active: str, standby: str, random: Random) -> float:
    plant.cables["pair"].delay_s = random.uniform(0.005, 0.02)
    plant.cables["pair"].loss = 0.1
    return plant.now_s()


async def _kill_witness(plant: Machines, active: str, standby: str, random: Random) -> float:
    return plant.kill(plant.witness)


async def _restart_witness(plant: Machines, active: str, standby: str, random: Random) -> float:
    at_s = plant.kill(plant.witness)
    plant.start(plant.witness)
    return at_s


async def _kill_standby(plant: Machines, active: str, standby: str, random: Random) -> float:
    return plant.kill(standby)


async def _kill_bus(plant: Machines, active: str, standby: str, random: Random) -> float:
    return plant.kill_bus()


async def _both_others(plant: Machines, active: str, standby: str, random: Random) -> float:
    plant.send(plant.witness, signal.SIGKILL)
    return plant.kill(standby)


def _disk_full(whose: int) -> Strike:
    """Nothing can be written any more: every write to a file fails, as on a full disk or with no quota left."""

    async def strike(plant: Machines, active: str, standby: str, random: Random) -> float:
        plant.fill_disk((active, standby, plant.witness)[whose])
        return plant.now_s()

    return strike


_STAY = (3.0, 3.0)
CASES = (
    Case("kill-9", "kill -9 of the active", TAKEOVER, _kill_active, limit_s=0.25),
    Case("sigstop", "SIGSTOP of the active, SIGCONT 1 to 5 s later", TAKEOVER, _stop_active, (1.0, 5.0), 0.35),
    Case(
        "isolation",
        "all cables of the active cut, those to the field as well",
        TAKEOVER,
        _cutting("pair", "witness", "bus", "field"),
        (2.0, 2.0),
        0.35,
    ),
    Case(
        "isolation-but-field",
        "all cables of the active cut but those to the field",
        TAKEOVER,
        _cutting("pair", "witness", "bus"),
        (2.0, 2.0),
        0.35,
    ),
    Case("pair-cut", "pair link cut", NOTHING, _cutting("pair"), _STAY),
    Case("pair-slow", "pair link slow (5 to 20 ms) and lossy (10 %)", NOTHING, _slow_pair, _STAY),
    Case("witness-killed", "witness killed", NOTHING, _kill_witness, _STAY),
    Case("witness-restart", "witness restarted", NOTHING, _restart_witness, _STAY),
    Case("standby-killed", "kill -9 of the standby", NOTHING, _kill_standby, _STAY),
    Case("bus-killed", "NATS killed, back 3 s later", NOTHING, _kill_bus, _STAY),
    Case("bus-cut", "bus cable of the active cut", NOTHING, _cutting("bus"), _STAY),
    Case("field-cut", "field cable of the active cut", TAKEOVER, _cutting("field"), (14.0, 14.0)),
    Case("disk-active", "disk of the active full", NOTHING, _disk_full(0), _STAY),
    Case("disk-standby", "disk of the standby full", NOTHING, _disk_full(1), _STAY),
    Case("disk-witness", "disk of the witness full", NOTHING, _disk_full(2), _STAY),
    Case("both-others", "standby and witness killed", SILENCE, _both_others, (4.0, 4.0)),
)


def find_cases(names: list[str]) -> list[Case]:
    """The named ones, or all. Raises ``ValueError`` with those that there are."""
    known = {case.name: case for case in CASES}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"there is no case {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names] or list(CASES)
