"""``dcs device loop-check``: stroke an output of a running plant, show every step, sign off, save the record.

Called by   ``dcs.cli.device``.
Knows       tags and commands of a running plant; the procedure itself is ``dcs.loop_check``.
Promise     Ctrl-C gives output and mode back before it leaves. Exit codes: 0 passed, 1 not passed or not finished, 2
            what was asked for cannot be stroked, 3 no plant.
"""

import asyncio
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from dcs.bus.messages import TagInfo
from dcs.cli.client import PlantClient, print_json, with_plant
from dcs.core.clock import NS_PER_S, Clock, WallClock
from dcs.core.errors import ConfigError, Missing
from dcs.core.value import ProcessValue
from dcs.loop_check.plan import UP, make_plan
from dcs.loop_check.procedure import LoopCheck
from dcs.loop_check.record import FOLDER, Record, SignOff, cells, heads, result_text, save, to_dict
from dcs.node.endpoints import FILE_NAME, Endpoints

LOOK_NS = NS_PER_S // 2


@dataclass(frozen=True, slots=True)
class LoopCheckRequest:
    """What was asked for on the command line."""

    run: str  # a plant or the directory of a run; "" = the newest run
    output: str
    readbacks: tuple[str, ...] = ()
    out: Path = Path(FOLDER)
    man: bool = False
    up_only: bool = False
    tolerance_pct: float = 2.0
    hold_s: float = 5.0
    wait_s: float = 60.0
    name: str = ""
    verdict: str = ""  # pass | fail; "" = asked at the end, on a terminal
    remark: str = ""
    as_json: bool = False


def loop_check(request: LoopCheckRequest) -> int:
    """``dcs device loop-check``."""
    run_dir = find_running(request.run)
    record: list[Record] = []

    async def work(client: PlantClient) -> int:
        record.append(await check_loop(client, WallClock(), request))
        return 0

    with_plant(run_dir, work)
    return finish(request, record[0], WallClock())


def find_running(text: str) -> Path | None:
    """The run of a plant, or the run itself. Raises ``Missing`` when it is not running."""
    if not text:
        return None
    if (Path(text) / FILE_NAME).exists():
        return Path(text)
    from dcs.config.find import find_config
    from dcs.node.run_dirs import live_runs

    folder = find_config(text).resolve()
    for run in live_runs():
        if Path(Endpoints.read(run).config).resolve() == folder:
            return run
    raise Missing(f"{text} is not running. Start it with `dcs run {text}`.")


async def check_loop(client: PlantClient, clock: Clock, request: LoopCheckRequest) -> Record:
    """Run the check to its end; the record, not signed yet. Raises ``ConfigError``, ``Missing``."""
    layouts = await client.layouts()
    tags: dict[str, TagInfo] = {info.name: info for layout in layouts for info in layout.tags}
    plan = replace(
        make_plan(request.output, tags, request.readbacks),
        tolerance_pct=request.tolerance_pct,
        hold_s=request.hold_s,
        wait_s=request.wait_s,
        take_to_man=request.man,
    )
    if request.up_only:
        plan = replace(plan, steps=UP)
    pair = client.pair_of(layouts, plan.output.tag)
    assert pair is not None  # it was found among the layouts
    check = LoopCheck(plan, client.plant)
    await drive(check, client, clock, pair, quiet=request.as_json)
    if check.record.result == "refused":
        hint = " Put it there yourself, or let the check do it with --man." if not plan.take_to_man else ""
        raise ConfigError(f"{check.record.reason}.{hint}")
    return check.record


async def drive(check: LoopCheck, client: PlantClient, clock: Clock, pair: str, quiet: bool) -> None:
    """Feed the procedure with values and answers until it has ended; cancellation aborts it and goes on giving back."""
    shown = _Shown(check, quiet)
    while not check.ended:
        turn = asyncio.ensure_future(_turn(check, client, clock, pair))
        try:
            await asyncio.shield(turn)
            shown.tell()
            await clock.sleep_until(clock.monotonic_ns() + LOOK_NS)
        except asyncio.CancelledError:
            shown.line("Stopped. Output and mode are given back …")
            check.abort("stopped by hand")
            await turn  # a command that is under way must not be carried out behind our back
    shown.tell()


async def _turn(check: LoopCheck, client: PlantClient, clock: Clock, pair: str) -> None:
    try:
        readings = await client.readings()
    except Missing:
        readings = {}  # a takeover takes a moment; the procedure knows how long it may
    values = {
        tag: ProcessValue(readings[tag].value, readings[tag].status, readings[tag].time_ns)
        for tag in check.plan.tags
        if tag in readings
    }
    write = check.advance(clock.monotonic_ns(), clock.time_ns(), values)
    if write is not None:
        reply = await client.command(pair, "set", write.tag, write.value)
        check.replied(reply.ok, reply.text)


class _Shown:
    """A line a step as soon as it is there; what goes on meanwhile in place on a terminal."""

    def __init__(self, check: LoopCheck, quiet: bool) -> None:
        self._check, self._quiet = check, quiet
        self._rows = 0
        self._terminal = sys.stderr.isatty() and not quiet
        self._head_shown = False

    def tell(self) -> None:
        """What is new."""
        record, plan = self._check.record, self._check.plan
        while self._rows < len(record.rows):
            widths = [max(8, len(head)) for head in heads(plan)]
            if not self._head_shown:
                self._head_shown = True
                self.line("  ".join(head.rjust(width) for head, width in zip(heads(plan), widths, strict=True)))
            row = cells(record.rows[self._rows], plan)
            self.line("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
            self._rows += 1
        if self._terminal and not self._check.ended:
            sys.stderr.write(f"\r{self._check.text} …\x1b[K")
            sys.stderr.flush()

    def line(self, text: str) -> None:
        """One line that stays."""
        if self._terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        if not self._quiet:
            print(text, flush=True)


# --- sign off ------------------------------------------------------------------------------------------------
def finish(request: LoopCheckRequest, record: Record, clock: Clock) -> int:
    """Say what came of it, have it signed, save it; the exit code."""
    if not request.as_json:
        print(f"\n{record.plan.module}: {result_text(record)}. {record.restored}.")
    record.sign_off = _sign_off(request, record, clock)
    page = save(record, request.out)
    if request.as_json:
        print_json({**to_dict(record), "file": str(page.with_suffix(".json"))})
    else:
        signed = "not signed" if record.sign_off is None else "passed" if record.sign_off.passed else "failed"
        print(f"Loop check {record.plan.module}: {signed}. Record: {page}")
    passed = record.all_ok if record.sign_off is None else record.sign_off.passed
    return 0 if passed and record.result == "done" and record.restored_ok else 1


def _sign_off(request: LoopCheckRequest, record: Record, clock: Clock) -> SignOff | None:
    name, verdict, remark = request.name, request.verdict, request.remark
    if not verdict:
        if record.result != "done" or not (sys.stdin.isatty() and sys.stdout.isatty()):
            return None
        name = name or input("Your name (Enter: leave it unsigned): ").strip()
        if not name:
            return None
        verdict = _asked_verdict(record)
        remark = remark or input("Remark: ").strip()
    return SignOff(name, verdict == "pass" and record.result == "done", remark, clock.time_ns())


def _asked_verdict(record: Record) -> str:
    proposed = "pass" if record.all_ok else "fail"
    while True:
        answer = input(f"pass or fail [{proposed}]: ").strip().lower() or proposed
        if answer in ("pass", "fail"):
            return answer
