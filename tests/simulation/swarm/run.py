"""One seed from its beginning to its end: start, a takeover in the quiet, the swarm, healing, life.

Called by   tests.simulation.swarm.campaign, the tests, ``python -m tests.simulation``.
Promise     the same seed of the same plant is the same run, to the bit.
"""

from dataclasses import dataclass, field

from dcs.core.clock import NS_PER_S
from dcs.core.simulated_time import SimulatedLoop, run_simulated
from tests.simulation.redundancy_mutant import Mutant
from tests.simulation.swarm.draw import Drawn, draw
from tests.simulation.swarm.judge import Broken, Judge
from tests.simulation.swarm.kernel import repeats
from tests.simulation.swarm.mutated import mutated
from tests.simulation.swarm.plant import MOVES, checked_once, overrides_of, plant_config
from tests.simulation.swarm.shots import KINDS, shoot, wait_until_whole
from tests.simulation.swarm.trouble import Swarm
from tests.simulation.swarm.world import World

NODE_FAILED = "a node failed"
_SETTLE_S = 90.0
_BAND = 0.03  # of span: how far from its setpoint a loop may be that was closer than half of it in the beginning
_PATIENCE_S = 600.0  # until the loops are back
_SLOW_S = 300.0  # a reset time from which on a loop may take longer
_LOOK_S = 5.0


@dataclass
class Result:
    """What became of a seed; can be sent from one process to another."""

    seed: int
    plant: str
    broken: str = ""
    simulated_s: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    takeover_ms: list[float] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    drawn: str = ""
    replay_with: str = ""

    @property
    def replay(self) -> str:
        """The command that repeats it."""
        return f"python -m tests.simulation {self.plant} {self.replay_with or f'--seed {self.seed} --trace'}"


def run_seed(
    plant: str,
    seed: int,
    minutes: float = 10.0,
    mutant: Mutant | None = None,
    trace: bool = False,
    drawn: Drawn | None = None,
) -> Result:
    """One run; never raises for a broken promise, the result says it."""
    drawn = drawn or draw(seed)
    config = plant_config(plant, overrides_of(plant, drawn))
    result = Result(seed, plant, drawn=drawn.text())

    async def main(loop: SimulatedLoop) -> None:
        world = World(drawn, config, loop, trace)
        try:
            with repeats(world.kernel, world.pair.members):
                async with world.box:
                    await _story(world, minutes * 60.0)
        except Broken as exc:
            world.judge.breaks(str(exc))
        except Exception as exc:  # noqa: BLE001  a node died of its own: that is a broken promise as well
            world.judge.breaks(f"{NODE_FAILED}: {words(exc)}")
        finally:
            await world.stop_client()
        fill(result, world.judge)

    with checked_once(), mutated(mutant):
        run_simulated(main)
    return result


def words(exc: BaseException) -> str:
    """What a node died of, and where."""
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    trace, place = exc.__traceback__, ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(exc).__name__}: {exc} ({place})"


def fill(result: Result, judge: Judge) -> None:
    """Take over what the judge has seen."""
    result.broken = judge.broken
    result.simulated_s = judge.now_ns() / NS_PER_S
    result.counts = dict(judge.counts)
    result.takeover_ms = judge.takeover_ms
    result.story = judge.story


async def _story(world: World, seconds: float) -> None:
    rng, judge = world.drawn.rng("story"), world.judge
    judge.tell("world", world.drawn.text())
    await world.records.start()
    await wait_until_whole(world, 40.0, "after the start")
    await world.run_for(10.0)
    close = {name for name, part in world.deviations().items() if part < _BAND / 2}
    world.start_client()
    await shoot(world, rng, rng.choice(KINDS))
    swarm = Swarm(world)
    swarm.begin()
    await world.run_for(0.65 * seconds - world.loop.now_ns() / NS_PER_S)
    await world.stop_client()
    await swarm.heal()
    await _settle(world)
    await _put_back(world)
    await shoot(world, rng, rng.choice(KINDS))
    await _settle(world)
    await world.run_for(max(0.0, seconds - world.loop.now_ns() / NS_PER_S))
    await _loops_are_back(world, close)
    _records_are_whole(world)


async def _settle(world: World) -> None:
    """Life: one active, three votes, a ready standby, all points Good, no device in its fail action."""
    await world.run_for(1.0)  # who was down or had lost the lease is not whole, whatever it thinks
    waited_s = 0.0
    while reason := world.not_whole() or world.not_good() or _failed(world):
        if waited_s > _SETTLE_S:
            raise Broken(f"no life: {_SETTLE_S:g} s after healing {reason}")
        await world.run_for(0.5)
        waited_s += 0.5


def _failed(world: World) -> str:
    name = world.writes.none_failed()
    return f"nobody writes to {name}" if name else ""


async def _put_back(world: World) -> None:
    """The operator leaves everything as it was; commands are answered again."""
    for _ in range(3):
        if await world.client.put_back():
            return
        await world.run_for(1.0)
    raise Broken("no life: after healing commands are not answered with ok")


async def _loops_are_back(world: World, close: set[str]) -> None:
    """What stood at its setpoint in the beginning stands there again; a slow loop, a level that is only to stay within
    its tank, is nearer to it a reset time later, and comes nearer still. What its own protection has shut down stays
    so until people have found out why.
    """
    if world.config.name not in MOVES and (tripped := world.tripped()):
        world.judge.counts["plants shut down by their protection"] += 1
        world.judge.tell("world", f"the protection has acted, and stays so: {', '.join(tripped)}")
        return
    waited_s, seen = 0.0, [world.deviations()]
    while away := {n: part for n, part in world.deviations().items() if n in close and part > _BAND}:
        late = {n: part for n, part in away.items() if waited_s > max(_PATIENCE_S, world.client.reset_s(n))}
        stuck = {n: part for n, part in late.items() if not _comes_nearer(seen, n, world.client.reset_s(n))}
        if stuck:
            text = ", ".join(f"{name} {part:.1%}" for name, part in sorted(stuck.items()))
            raise Broken(f"no life: {waited_s:g} s after healing loops are away from their setpoints: {text}")
        if late == away:
            world.judge.counts["slow loops on their way back"] += len(late)
            return
        await world.client.look_after()
        await world.run_for(_LOOK_S)
        waited_s += _LOOK_S
        seen.append(world.deviations())


def _comes_nearer(seen: list[dict[str, float]], loop: str, reset_s: float) -> bool:
    """A slow loop: nearer than it was a fifth of its reset time ago."""
    looks = round(reset_s / 5.0 / _LOOK_S)
    return reset_s > _SLOW_S and seen[-1].get(loop, 1.0) < seen[-1 - looks].get(loop, 0.0)


def _records_are_whole(world: World) -> None:
    missing = world.records.missing()
    if missing:
        raise Broken(f"journal: {missing} is missing, although a holder knew of it or its neighbours are there")
    not_stored = world.records.not_stored()
    if not_stored:
        raise Broken(f"history: {not_stored}, although the bus has been there for a long time")
