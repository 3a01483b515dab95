"""``dcs device probe`` for Modbus: ask, show, write a map.

Called by   ``dcs.cli.device``; an OPC UA address goes on to ``dcs.cli.device_browse``.
Knows       how what was found is shown. Exit codes: 0 something was found, 1 the device answers but refuses everything,
            2 the URL or an option is wrong, 3 nobody there, no Modbus, no such unit.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcs.cli.client import print_json
from dcs.cli.device_maps import library_matches
from dcs.cli.options import duration_option
from dcs.cli.progress import ProgressLine
from dcs.cli.table import table
from dcs.core.clock import Clock, WallClock, utc_text
from dcs.core.errors import ConfigError, Missing
from field_io.drivers.links.choice import wire_link
from field_io.onboarding.asker import Figures, Limits
from field_io.onboarding.contact import LinkMaker, address_of, speaks_tls, units_that_answer
from field_io.onboarding.evidence import ORDER_LETTERS
from field_io.onboarding.identify import Identity
from field_io.onboarding.map_text import map_text, samples_text
from field_io.onboarding.probe import Probed, ProbeOptions, Ranges, Tell, probe
from field_io.onboarding.scan import GRAIN, TableScan
from field_io.onboarding.target import Target, parse_target
from field_io.specs import OPC_UA, TABLES

SPANS_SHOWN = 8
ROWS_SHOWN = 60


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """What was asked for on the command line."""

    url: str
    out: Path | None = None
    ranges: tuple[str, ...] = ()
    thorough: bool = False
    samples: int = 5
    every: str = "1s"
    spacing: str = "20ms"
    requests: int = 2000
    duration: str = "2min"
    as_json: bool = False
    user: str = ""
    password_env: str = ""
    security: str = "none"
    policy: str = "Basic256Sha256"
    certificate: str = ""
    key: str = ""


def probe_url(request: ProbeRequest) -> int:
    """``dcs device probe``."""
    target = parse_target(request.url)
    if request.out is not None and not request.out.resolve().parent.is_dir():
        raise ConfigError(f"--out {request.out}: there is no folder {request.out.parent}. Make it, or write elsewhere.")
    if target.spec.protocol == OPC_UA:
        from dcs.cli.device_browse import browse_url

        return asyncio.run(browse_url(request, target))
    return asyncio.run(probe_modbus(request, target, wire_link, WallClock()))


async def probe_modbus(request: ProbeRequest, target: Target, make_link: LinkMaker, clock: Clock) -> int:
    """Probe one unit, or find the units that answer; its exit code. Raises ``ConfigError``, ``Missing``."""
    options = ProbeOptions(
        Limits(
            request.requests, duration_option("--for", request.duration), duration_option("--spacing", request.spacing)
        ),
        parse_ranges(request.ranges),
        1 if request.thorough else GRAIN,
        request.samples,
        duration_option("--every", request.every),
    )
    terminal = Terminal()
    unit = target.units[0]
    if len(target.units) > 1:
        answering = await units_that_answer(target, make_link, clock, options.limits, terminal.unit)
        terminal.clear()
        if len(answering) != 1:
            return _print_units(request, target, answering)
        unit = next(iter(answering))
    try:
        diagnosis = speaks_tls if make_link is wire_link else None
        found = await probe(target, unit, make_link, clock, options, terminal, diagnosis)
    finally:
        terminal.clear()
    text = map_text(found, utc_text(clock.time_ns())[:10])
    if request.out is not None and found.has_registers:
        write_out(request.out, text)
    fitting = library_matches(found) if found.has_registers else []
    if request.as_json:
        print_json({**to_dict(found), "maps": [{"name": one.map.name, "because": one.text} for one in fitting]})
    else:
        _print(found, request.out)
        for one in fitting:
            print(f"It fits the map {one.map.name} ({one.map.maker} {one.map.model}) of the library: {one.text}.")
            print(f"Look with it: dcs device watch '{target.url}' --map {one.map.name}")
    return 0 if found.has_registers else 1


def write_out(path: Path, text: str) -> None:
    """Raises ``Missing`` with one sentence when it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise Missing(f"{path} cannot be written ({exc.strerror}). Choose a folder that you may write to.") from None


def parse_ranges(texts: tuple[str, ...]) -> Ranges:
    """``holding:0-999`` … -> by table. Raises ``ConfigError``."""
    found: dict[str, list[tuple[int, int]]] = {}
    for text in texts:
        name, _, span = text.partition(":")
        first, _, last = span.partition("-")
        last = last or first
        if name not in TABLES or not first.isdecimal() or not last.isdecimal():
            raise ConfigError(
                f"--range {text}: write a table and addresses, such as holding:0-999 ({', '.join(TABLES)})."
            )
        if not int(first) <= int(last) <= 65535:
            raise ConfigError(f"--range {text}: addresses go from 0 to 65535, upwards.")
        found.setdefault(name, []).append((int(first), int(last)))
    return found


class Terminal(Tell):
    """How far it is, in place on a terminal; nothing to a file."""

    def __init__(self) -> None:
        self._line = ProgressLine()

    def table(self, scan: TableScan, figures: Figures) -> None:
        self._line.say(
            f"{scan.table}: {len(scan.found)} found, {figures.requests} requests. Ctrl-C keeps what is there."
        )

    def sample(self, number: int, of: int) -> None:
        self._line.say(f"sample {number} of {of} …")

    def unit(self, number: int) -> None:
        """A unit is asked."""
        self._line.say(f"unit {number} …")

    def browsed(self, looked_at: int, variables: int) -> None:
        """Nodes of an OPC UA server."""
        self._line.say(f"{looked_at} nodes looked at, {variables} variables. Ctrl-C keeps what is there.")

    def clear(self) -> None:
        """Take the line away."""
        self._line.clear()


# --- printing --------------------------------------------------------------------------------------------
def _print_units(request: ProbeRequest, target: Target, answering: dict[int, Identity]) -> int:
    where = address_of(target.spec)
    if request.as_json:
        print_json({"url": target.url, "units": {unit: _identity(one) for unit, one in answering.items()}})
    elif not answering:
        asked = f"{target.units[0]} to {target.units[-1]}"
        print(f"No unit of {asked} answers on {where}.")
    else:
        print(f"{where}: {len(answering)} of {len(target.units)} units answer.\n")
        print(table([">unit", "says it is"], [[str(unit), one.text or "—"] for unit, one in answering.items()]))
        print(f"\nLook into one of them with ?unit={next(iter(answering))}.")
    return 0 if answering else 3


def _print(found: Probed, out: Path | None) -> None:
    identity = found.identity
    print(f"{found.target.url}  unit {found.unit}")
    if identity.how:
        running = {True: ", running", False: ", stopped", None: ""}[identity.running]
        print(f"identification  {identity.text}{running} (function {identity.how})")
    else:
        print("identification  it does not say what it is (functions 43/14 and 17)")
    for name, scan in found.tables.items():
        print(f"{name:<15} {table_text(scan)}")
    figures = found.figures
    print(f"asked           {figures.requests} requests, {figures.refused} refused, {figures.silent} without an answer")
    if found.ended:
        print(f"not whole       {found.ended}")
    if not found.has_registers:
        codes = ", ".join(str(code) for code in sorted(figures.exceptions))
        print(f"\nIt answers, but with exceptions only ({codes}): nothing could be read.")
        print("Try another unit (?unit=1-20), or say where to look: --range holding:4000-4100.")
        return
    rows = guess_rows(found)
    moving = [row for row in rows if row[-1] != "0"]
    if rows:
        print("\n" + table(["table", ">address", "type", "order", ">score", "samples"], moving[:ROWS_SHOWN]))
        if len(rows) > len(moving[:ROWS_SHOWN]):
            print(f"… {len(rows) - len(moving[:ROWS_SHOWN])} more, {len(rows) - len(moving)} of them at 0")
    print("\n" + order_text(found))
    if out is not None:
        print(
            f"Written to {out}. Give the points names, units and scales there, then use it with `map:` in field.yaml."
        )
    else:
        print("Write it to a file with --out map.yaml.")


def table_text(scan: TableScan) -> str:
    """``34 registers: 0–1, 10–13 …``."""
    if scan.missing:
        return "the device does not know this table (exception 1)"
    if not scan.found:
        return "nothing found"
    spans = scan.spans
    shown = ", ".join(f"{first}" if first == last else f"{first}–{last}" for first, last in spans[:SPANS_SHOWN])
    more = f" and {len(spans) - SPANS_SHOWN} more ranges" if len(spans) > SPANS_SHOWN else ""
    most = f", at most {scan.block_max} a read" if scan.block_max not in (125, 2000) else ""
    return f"{len(scan.found)}: {shown}{more}{most}" + (f" ({scan.ended})" if scan.ended else "")


def guess_rows(found: Probed) -> list[list[str]]:
    """A row a value, spare registers left out."""
    return [
        [name, str(one.address), one.type,
         ORDER_LETTERS[one.order] if one.length > 1 and one.type != "string" else "",
         f"{one.score} %", samples_text(one)]
        for name, guesses in found.guesses.items()
        for one in guesses
        if one.type != "spare"
    ]  # fmt: skip


def order_text(found: Probed) -> str:
    """What the order of the device is, in words."""
    if found.order is None:
        return "Order: nothing in it tells; ABCD (high word and high byte first) is assumed."
    word, byte = (side.replace("_", " ") for side in found.order)
    return f"Order: {ORDER_LETTERS[found.order]} (words {word}, bytes {byte})."


def _identity(one: Identity) -> dict[str, Any]:
    return {"how": one.how, "maker": one.maker, "model": one.model, "revision": one.revision, "running": one.running}


def to_dict(found: Probed) -> dict[str, Any]:
    """For ``--json``."""
    return {
        "url": found.target.url,
        "unit": found.unit,
        "identity": _identity(found.identity),
        "order": {"word_order": found.order[0], "byte_order": found.order[1]} if found.order else None,
        "tables": {
            name: {"spans": scan.spans, "silent": scan.silent, "missing": scan.missing, "block_max": scan.block_max}
            for name, scan in found.tables.items()
        },
        "values": [
            {"table": name, "address": one.address, "type": one.type, "word_order": one.order[0],
             "byte_order": one.order[1], "length": one.length, "score": one.score, "behaviour": one.behaviour,
             "samples": list(one.samples)}
            for name, guesses in found.guesses.items()
            for one in guesses
            if one.type != "spare"
        ],
        "requests": found.figures.requests,
        "ended": found.ended,
    }  # fmt: skip
