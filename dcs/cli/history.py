"""What tags have been, for a terminal: ``dcs history``.

Called by   ``dcs.cli.main``.
Knows       whoever keeps the history of a running plant (the bus), and the folder of results of a simulated run
            (``samples.parquet``, ``events.jsonl``). Every sample has its status and the epoch of the controller that
            wrote it; where samples are missing, that is a line of its own.
"""

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dcs.bus.history import POINTS_MAX, TAGS_MAX, HistoryAnswer, HistoryRequest, Series, history_subject, joined
from dcs.bus.messages import Event, TagInfo
from dcs.cli.client import PlantClient, TagReading, print_json, unknown_tag, with_plant
from dcs.cli.options import duration_option
from dcs.cli.table import table
from dcs.core.clock import NS_PER_S, utc_text
from dcs.core.errors import ConfigError, LinkDown, Missing

SINCE = "10 min"
SAMPLES_FILE = "samples.parquet"
_TIMEOUT_S = 5.0
_EVENTS = 5000
_REASON_NS = 3 * NS_PER_S
"""So long after a gap its reason may come into the journal; so long before its beginning it may have happened."""


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when, UTC ns."""

    from_ns: int
    to_ns: int


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """Samples of some tags, what is known of the tags, and what happened meanwhile."""

    series: dict[str, Series]
    infos: dict[str, TagInfo]
    events: Sequence[Event] = field(default=())


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """As they were given."""

    tags: tuple[str, ...]
    since: str | None = None
    begin: str | None = None
    end: str | None = None
    as_csv: bool = False
    as_json: bool = False


def show_history(run_dir: Path | None, options: HistoryOptions) -> int:
    """Samples and gaps on the standard output."""
    if options.as_csv and options.as_json:
        raise ConfigError("--csv and --json: the samples are printed in one form. Choose one of them.")
    if len(options.tags) > TAGS_MAX:
        raise ConfigError(f"{len(options.tags)} tags: at most {TAGS_MAX} can be asked for at once.")
    for name, text in (("--from", options.begin), ("--to", options.end)):
        if text is not None:  # before anything is looked for
            time_option(name, text)
    if run_dir is not None and (run_dir / SAMPLES_FILE).exists():
        from dcs.cli.history_files import read_results

        return _show(read_results(run_dir, options.tags, lambda newest_ns: window_of(options, newest_ns)), options)

    async def work(client: PlantClient) -> int:
        return _show(await _asked(client, options), options)

    return with_plant(run_dir, work)


# --- which samples --------------------------------------------------------------------------------------------
def window_of(options: HistoryOptions, now_ns: int) -> Window:
    """``now_ns``: the plant's time, UTC. Raises ``ConfigError`` naming the option."""
    if options.since is not None and options.begin is not None:
        raise ConfigError("--since and --from: both say where the samples begin. Give one of them.")
    to_ns = now_ns if options.end is None else time_option("--to", options.end)
    if options.begin is not None:
        from_ns = time_option("--from", options.begin)
    else:
        from_ns = to_ns - duration_option("--since", options.since or SINCE)
    if from_ns >= to_ns:
        raise ConfigError(f"--from {utc_text(from_ns)} is not before --to {utc_text(to_ns)}. Exchange them.")
    return Window(from_ns, to_ns)


def time_option(name: str, text: str) -> int:
    """A time as UTC ns; one without a zone is UTC, as everything that is printed. Raises ``ConfigError``."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{name} {text}: this is no time. Write it like {name} 2026-01-31T14:05:00Z.") from None
    found = found.replace(tzinfo=found.tzinfo or UTC)
    since = found - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1000


async def _asked(client: PlantClient, options: HistoryOptions) -> Found:
    readings = await client.readings()
    for tag in options.tags:
        if tag not in readings:
            raise ConfigError(unknown_tag(tag, readings))
    window = window_of(options, max(reading.time_ns for reading in readings.values()))
    series = {tag: await _samples(client, tag, window) for tag in options.tags}
    events, _ = await client.journal(_EVENTS)
    return Found(series, {tag: readings[tag].info for tag in options.tags}, events)


async def _samples(client: PlantClient, tag: str, window: Window) -> Series:
    """Every sample that is kept: a window that holds too many for one answer is asked for in halves."""
    answer = await _answer(client, HistoryRequest((tag,), window.from_ns, window.to_ns, POINTS_MAX))
    series = answer.series.get(tag)
    if series is None:
        raise Missing(f"No sample of {tag} is kept yet. Try again in a second.")
    if series.whole:
        return series
    middle_ns = (window.from_ns + window.to_ns) // 2
    halves = Window(window.from_ns, middle_ns), Window(middle_ns + 1, window.to_ns)
    return joined([await _samples(client, tag, half) for half in halves])


async def _answer(client: PlantClient, request: HistoryRequest) -> HistoryAnswer:
    try:
        payload = await client.bus.request(history_subject(client.plant), request.to_bytes(), _TIMEOUT_S)
        return HistoryAnswer.from_bytes(payload)
    except LinkDown:
        raise Missing(
            f"Nobody keeps the history of {client.plant}: the field node does, where the field is simulated. "
            "Look at `dcs status`."
        ) from None
    except ValueError as error:
        raise Missing(
            f"{error}. It comes from other software than this; restart the plant with this version."
        ) from None


# --- how they are shown ---------------------------------------------------------------------------------------
def gap_reason(gap: tuple[int, int], events: Sequence[Event]) -> str:
    """What the journal says of a takeover about a gap; "" when it says nothing."""
    from_ns, to_ns = gap
    near = [
        event
        for event in events
        if event.kind == "redundancy"
        and " is active with epoch " in event.text
        and from_ns - _REASON_NS <= event.time_ns <= to_ns + _REASON_NS
    ]
    return near[-1].text if near else ""


def _show(found: Found, options: HistoryOptions) -> int:
    lines = _lines(found)
    if options.as_json:
        print_json(lines)
    elif options.as_csv:
        _print_csv(lines)
    elif lines:
        _print_table(lines)
    else:
        print("There is no sample in this time.")
    return 0


def _lines(found: Found) -> list[dict[str, Any]]:
    """Samples and gaps of all tags in the order of time, as plain data."""
    lines: list[tuple[int, int, dict[str, Any]]] = []
    for number, (tag, series) in enumerate(found.series.items()):
        info, epochs = found.infos[tag], list(series.epochs)
        epoch = 0
        columns = (series.time_ns.tolist(), series.values.tolist(), series.statuses.tolist())
        for time_ns, value, status in zip(*columns, strict=True):
            while epochs and epochs[0][0] <= time_ns:
                epoch = epochs.pop(0)[1]
            shown = TagReading(info, value, status, time_ns).to_dict()
            lines.append((time_ns, number, {**shown, "epoch": epoch}))
        for gap in series.gaps:
            declared = {"tag": tag, "gap": True, "from": utc_text(gap[0]), "to": utc_text(gap[1])}
            lines.append((gap[0] + 1, number, {**declared, "reason": gap_reason(gap, found.events)}))
    return [line for _, _, line in sorted(lines, key=lambda one: one[:2])]


def _print_table(lines: list[dict[str, Any]]) -> None:
    rows = [
        [one["time"], one["tag"], one["text"], one["unit"], one["status"], str(one["epoch"] or "–")]
        for one in lines
        if "gap" not in one
    ]
    printed = iter(table(["time", "tag", ">value", "unit", "status", ">epoch"], rows).splitlines())
    print(next(printed))
    for one in lines:
        print(_gap_text(one) if "gap" in one else next(printed))


def _gap_text(line: dict[str, Any]) -> str:
    why = f": {line['reason']}" if line["reason"] else ""
    return f"gap: no samples of {line['tag']} between {line['from']} and {line['to']}{why}"


def _print_csv(lines: list[dict[str, Any]]) -> None:
    """A gap is a line without a value, with the status ``gap`` and its end in the last column but one."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["time", "tag", "value", "unit", "status", "epoch", "gap_until", "gap_reason"])
    for one in lines:
        if "gap" in one:
            out.writerow([one["from"], one["tag"], "", "", "gap", "", one["to"], one["reason"]])
        else:
            value = "" if one["value"] is None else repr(one["value"])
            out.writerow([one["time"], one["tag"], value, one["unit"], one["status"], one["epoch"], "", ""])
