"""``dcs tune``: run a relay test on a loop of a running plant, show what came of it, write the tuning that was chosen.

Called by   ``dcs.cli.main``.
Knows       tags and commands of a running plant, and the tuning rules; nothing of engines.
Promise     nothing is written but TUNE, and GAIN, TI and TD when a rule is applied; leaving with Ctrl-C ends the test.
"""

import asyncio
from dataclasses import asdict, dataclass
from pathlib import Path

from dcs.cli.client import PlantClient, TagReading, nearest_tags, print_json, with_plant
from dcs.cli.table import table
from dcs.core.clock import Clock, WallClock, sleep
from dcs.core.errors import ConfigError, DcsError, Missing
from dcs.tuning.model import ProcessModel
from dcs.tuning.rules import RULES, Proposal, proposals
from dcs.tuning.texts import DONE, DONE_POOR, IDLE, NO_TEST, RESULT_TEXTS, STATE_TEXTS, is_finished

_POLL_S = 1.0
_MISSES_MOST = 10
"""Answers that may fail to come in a row: a switchover of the controllers takes no longer."""
PARTS = ("TUNE", "TUNE_STATE", "TUNE_RESULT", "TUNE_KU", "TUNE_PU", "TUNE_K", "TUNE_T", "TUNE_L", "TUNE_QUALITY")


@dataclass(frozen=True, slots=True)
class TuneOptions:
    """What was asked for on the command line."""

    tag: str
    rule: str | None = None  # to be applied
    form: str = "PI"
    abort: bool = False
    last: bool = False  # no new test: the results of the last one
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """Results of the last test of a loop, as the controller publishes them."""

    result: int
    ultimate_gain: float
    ultimate_period_s: float
    model: ProcessModel | None
    quality: float

    @property
    def text(self) -> str:
        """What came of it, in words."""
        return RESULT_TEXTS[self.result] if 0 <= self.result < len(RESULT_TEXTS) else f"result {self.result}"


class TuneLoop:
    """One loop with a relay test, over the bus."""

    def __init__(self, client: PlantClient, clock: Clock, tag: str, pair: str) -> None:
        self._client, self._clock, self._tag, self._pair = client, clock, tag, pair

    @classmethod
    async def find(cls, client: PlantClient, clock: Clock, tag: str) -> "TuneLoop":
        """The loop of that tag. Raises ``ConfigError`` for one that is not there or has no relay test."""
        layouts = await client.layouts()
        pair = client.pair_of(layouts, f"{tag}.TUNE")
        if pair is None:
            names = [info.name for layout in layouts for info in layout.tags]
            loops = sorted({name.removesuffix(".TUNE") for name in names if name.endswith(".TUNE")})
            if any(name.startswith(f"{tag}.") for name in names):
                raise ConfigError(f"{tag} has no relay test. Loops with one: {', '.join(loops) or 'none'}.")
            raise ConfigError(f"There is no loop {tag}.{nearest_tags(tag, loops)}")
        return cls(client, clock, tag, pair)

    async def read(self) -> dict[str, TagReading]:
        """The parts of the test by name. Raises ``Missing`` when the controllers do not answer for long."""
        for misses in range(_MISSES_MOST):
            try:
                readings = await self._client.readings()
                return {part: readings[f"{self._tag}.{part}"] for part in PARTS}
            except (Missing, KeyError):
                if misses == _MISSES_MOST - 1:
                    raise
                await sleep(self._clock, _POLL_S)
        raise AssertionError("unreachable")

    async def set(self, part: str, value: float | str) -> str:
        """Write a part; returns the answer. Raises ``DcsError`` when it was refused."""
        reply = await self._client.command(self._pair, "set", f"{self._tag}.{part}", value)
        if not reply.ok:
            raise DcsError(reply.text)
        return reply.text

    async def state(self) -> int:
        """What the test does."""
        return int((await self.read())["TUNE_STATE"].value)

    async def outcome(self) -> Outcome:
        """Results of the last test."""
        found = {part: reading.value for part, reading in (await self.read()).items()}
        gain, lag_s = found["TUNE_K"], found["TUNE_T"]
        result = int(found["TUNE_RESULT"])
        model = None
        if result in (DONE, DONE_POOR):
            model = ProcessModel(gain, lag_s, found["TUNE_L"], integrating=lag_s == 0.0)
        return Outcome(result, found["TUNE_KU"], found["TUNE_PU"], model, found["TUNE_QUALITY"])

    async def run(self, quiet: bool) -> None:
        """Start a test and wait for its end; whoever leaves earlier takes it back."""
        if await self.state() != IDLE:
            raise DcsError(f"{self._tag} is being tested already. `dcs tune {self._tag} --abort` ends it.")
        await self.set("TUNE", "START")
        started_ns, shown = self._clock.monotonic_ns(), -1
        try:
            while True:
                await sleep(self._clock, _POLL_S)
                found = await self.read()
                state, asked = int(found["TUNE_STATE"].value), int(found["TUNE"].value)
                if state not in (shown, IDLE) and not quiet:
                    passed_s = (self._clock.monotonic_ns() - started_ns) / 1e9
                    print(f"{passed_s:6.0f} s  {STATE_TEXTS[state]}", flush=True)
                shown = state
                if state == IDLE and asked == 0:
                    return
        except asyncio.CancelledError:
            await self.set("TUNE", "ABORT")
            raise


def tune(run_dir: Path | None, options: TuneOptions) -> int:
    """``dcs tune``."""
    return with_plant(run_dir, lambda client: tune_loop(client, WallClock(), options))


async def tune_loop(client: PlantClient, clock: Clock, options: TuneOptions) -> int:
    """All of ``dcs tune`` on a connected plant; its exit code. Raises ``ConfigError`` for what cannot be asked."""
    if options.rule is not None and options.rule not in RULES:
        raise ConfigError(f"There is no tuning rule `{options.rule}`. Rules: {', '.join(RULES)}.")
    if options.form not in ("PI", "PID"):
        raise ConfigError(f"There is no form `{options.form}`. Use PI or PID.")
    loop = await TuneLoop.find(client, clock, options.tag)
    if options.abort:
        print(await loop.set("TUNE", "ABORT"))
        return 0
    if not options.last:
        await loop.run(options.as_json)
    outcome = await loop.outcome()
    rows = proposals(outcome.model) if outcome.model is not None else []
    if options.as_json:
        print_json({**asdict(outcome), "text": outcome.text, "proposals": [asdict(row) for row in rows]})
    else:
        _print_outcome(options.tag, outcome, rows)
    if not is_finished(outcome.result):
        return 1
    return await _apply(loop, outcome, rows, options) if options.rule is not None else 0


async def _apply(loop: TuneLoop, outcome: Outcome, rows: list[Proposal], options: TuneOptions) -> int:
    chosen = next((row for row in rows if (row.rule, row.form) == (options.rule, options.form)), None)
    if outcome.result != DONE or chosen is None:
        raise DcsError(
            f"Nothing was written: {outcome.text}. Test again with a larger TUNE_STEP, or set GAIN, TI and TD yourself."
        )
    for part, value in (("GAIN", chosen.tuning.gain), ("TI", chosen.tuning.ti_s), ("TD", chosen.tuning.td_s)):
        text = await loop.set(part, float(f"{value:.4g}"))
        if not options.as_json:
            print(text)
    return 0


def _print_outcome(tag: str, outcome: Outcome, rows: list[Proposal]) -> None:
    print(f"{tag}: {outcome.text}")
    if not is_finished(outcome.result):
        if outcome.result == NO_TEST:
            print(f"Start one with `dcs tune {tag}`.")
        return
    print(f"Ultimate gain {outcome.ultimate_gain:.4g} %/%, ultimate period {outcome.ultimate_period_s:.4g} s")
    if outcome.model is None:
        return
    model = outcome.model
    kind = "integrating: K' = {:.4g} %/s per %" if model.integrating else "first order: K = {:.4g} %/%, T = {:.4g} s"
    says = kind.format(model.gain, model.lag_s)
    print(f"Process, {says}, L = {model.dead_s:.4g} s; fit {outcome.quality:.0f} %\n")
    print(proposal_table(rows))


def proposal_table(rows: list[Proposal]) -> str:
    """The proposals side by side, with what each assumes and how robust it is on the model."""
    heads = ["rule", "form", ">GAIN", ">TI s", ">TD s", ">beta", ">Ms", ">gain margin", ">phase margin", "assumes"]
    return table(
        heads,
        [
            [row.rule, row.form, f"{row.tuning.gain:.4g}", f"{row.tuning.ti_s:.4g}", f"{row.tuning.td_s:.4g}",
             f"{row.beta:g}", f"{row.robustness.ms:.2f}", f"{row.robustness.gain_margin:.1f}",
             f"{row.robustness.phase_margin_deg:.0f}°", row.assumptions]
            for row in rows
        ],
    )  # fmt: skip
