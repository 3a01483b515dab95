"""Change the configuration of a running plant: diff, apply, versions, upload.

Called by   ``dcs.cli.main``.
Knows       the bus of a running plant, plant folders; nothing of engines beyond comparing two configurations that do
            not run. What a change does to the running plant its controllers say.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from dcs.bus.change_messages import ChangeReply, ChangeRequest, change_subject
from dcs.cli.client import PlantClient, with_plant
from dcs.cli.table import table
from dcs.config.diff import restart_needed, text_changes
from dcs.config.find import find_config
from dcs.config.folder import write_texts
from dcs.config.plant_config import PlantConfig
from dcs.config.upload import plan_upload
from dcs.core.clock import utc_text
from dcs.core.errors import ConfigError, LinkDown, Missing
from dcs.engine.change import KEPT, Report
from dcs.node.assembly import check_texts, load_configuration, load_version
from dcs.node.versions import Version
from dcs.node.warm import ensure_warm

_PREPARE_TIMEOUT_S = 120.0
_JOURNAL_LINES = 5000


async def _ask(client: PlantClient, pair: str, request: ChangeRequest) -> ChangeReply:
    subject = change_subject(client.plant, pair)
    try:
        return ChangeReply.from_bytes(await client.bus.request(subject, request.to_bytes(), _PREPARE_TIMEOUT_S))
    except LinkDown:
        raise Missing(f"No active controller of pair {pair} answers. Look at `dcs status`.") from None


def show_diff(run_dir: Path | None, config: str, against: str, sets: Sequence[str], as_json: bool) -> int:
    """``dcs diff``: 0 nothing would change, 1 something would, 2 the configuration is wrong or cannot be applied."""
    folder = find_config(config)
    other = _other_folder(against)
    if other is not None:
        return _compare(load_configuration(other), load_configuration(folder, sets), as_json)
    loaded = load_configuration(folder, sets)  # everything that is wrong, with file and line

    async def work(client: PlantClient) -> int:
        if against != "running":
            return _compare(await _version(client, against), loaded, as_json)
        request = _request("diff", folder, loaded, sets)
        replies = {pair: await _ask(client, pair, request) for pair in client.endpoints.pairs}
        return _print_replies(replies, as_json)

    return with_plant(run_dir, work)


def apply_change(run_dir: Path | None, config: str, yes: bool, sets: Sequence[str], as_json: bool) -> int:
    """``dcs apply``: check, prepare on all controllers, show, ask, change."""
    folder = find_config(config)
    loaded = load_configuration(folder, sets)
    ensure_warm(loaded, lambda text: None)
    if as_json and not yes:
        raise ConfigError("--json asks nothing. Add --yes to apply, or use `dcs diff --json` to look.")

    async def work(client: PlantClient) -> int:
        request = _request("prepare", folder, loaded, sets)
        replies = {pair: await _ask(client, pair, request) for pair in client.endpoints.pairs}
        code = 0
        if not as_json:
            code = _print_replies(replies, False)
        if not all(reply.ok for reply in replies.values()):
            return _print_replies(replies, True) if as_json else ConfigError.exit_code
        waiting = {pair: reply.key for pair, reply in replies.items() if reply.key}
        if not waiting:
            return _print_replies(replies, True) if as_json else 0
        if code and not yes and not typer.confirm("Apply?"):
            print("Nothing was changed.")
            return 1
        done = {pair: await client.command(pair, "apply", key) for pair, key in waiting.items()}
        if as_json:
            print(json.dumps({pair: asdict(reply) for pair, reply in done.items()}, indent=1, ensure_ascii=False))
        else:
            for pair, reply in done.items():
                print(f"{pair}: {reply.text}")
        return 0 if all(reply.ok for reply in done.values()) else 1

    return with_plant(run_dir, work)


def show_versions(run_dir: Path | None, as_json: bool) -> int:
    """``dcs versions``."""

    async def work(client: PlantClient) -> int:
        found = {pair: await _ask(client, pair, ChangeRequest("versions")) for pair in client.endpoints.pairs}
        rows = {pair: reply.data["versions"] for pair, reply in found.items()}
        if as_json:
            print(json.dumps(rows, indent=1, ensure_ascii=False))
            return 0
        lines = [
            [pair, str(one["number"]), "runs" if one["current"] else "", utc_text(one["time_ns"]), one["origin"],
             one["user"], one["station"], one["digest"][:12], one["folder"]]
            for pair, versions in rows.items()
            for one in versions
        ]  # fmt: skip
        print(table(["pair", ">version", "", "time", "how", "user", "station", "digest", "folder"], lines))
        return 0

    return with_plant(run_dir, work)


def upload(run_dir: Path | None, config: str, dry_run: bool, as_json: bool) -> int:
    """``dcs upload``: operators' changes into the control files; exit 1 when something had to be left alone."""
    folder = find_config(config)
    loaded = load_configuration(folder)

    async def work(client: PlantClient) -> int:
        rows: list[dict[str, Any]] = []
        for pair in client.endpoints.pairs:
            rows += (await _ask(client, pair, ChangeRequest("parameters"))).data["parameters"]
        journal, _ = await client.journal(_JOURNAL_LINES)
        texts, found = plan_upload(loaded, rows, journal)
        check_texts(folder, texts)
        if not dry_run:
            write_texts(folder, dict(loaded.texts), texts)
        if as_json:
            print(json.dumps([asdict(one) for one in found], indent=1, ensure_ascii=False))
        else:
            _print_uploaded(found, folder, dry_run)
        return 1 if any(one.left_alone for one in found) else 0

    return with_plant(run_dir, work)


def _print_uploaded(found: Sequence[Any], folder: Path, dry_run: bool) -> None:
    if not found:
        print("The files say what runs: nothing to write.")
        return
    rows = [[one.what, f"{one.in_file:.6g}", f"{one.now:.6g}", one.unit, one.who, one.left_alone] for one in found]
    print(table(["parameter", ">in file", ">now", "unit", "who", "left alone because"], rows))
    count = sum(not one.left_alone for one in found)
    print(f"{count} values {'would be ' if dry_run else ''}written to {folder}.")


# --- looking at changes -------------------------------------------------------------------------------------
def _request(action: str, folder: Path, loaded: PlantConfig, sets: Sequence[str]) -> ChangeRequest:
    return ChangeRequest(action, str(folder), dict(loaded.texts), tuple(sets), station="terminal")


def _other_folder(against: str) -> Path | None:
    """The folder to compare with; None for what the running plant knows."""
    if against == "running" or against.isdecimal():
        return None
    path = Path(against)
    if path.suffix == ".yaml" and path.is_file():
        return path.parent
    return path if (path / "plant.yaml").is_file() else None


async def _version(client: PlantClient, which: str) -> PlantConfig:
    pair = next(iter(client.endpoints.pairs))
    reply = await _ask(client, pair, ChangeRequest("version", which=which))
    if not reply.ok:
        raise ConfigError(reply.text)
    header = {**reply.data["version"], "overrides": tuple(reply.data["version"]["overrides"])}
    return load_version(Version(**header, texts=tuple(reply.data["texts"].items())))


def _compare(old: PlantConfig, new: PlantConfig, as_json: bool) -> int:
    """Two configurations, neither of which runs."""
    from dcs.engine.change_report import report_of
    from dcs.engine.compile import compile_strategy
    from dcs.engine.migrate import Transfer
    from dcs.engine.shape import shape_of

    replies = {}
    restart = restart_needed(old, new)
    for controller in new.controllers:
        if controller.name not in {one.name for one in old.controllers}:
            continue
        before = old.controller(controller.name).strategy
        plan = compile_strategy(before)
        transfer = Transfer(shape_of(plan), compile_strategy(controller.strategy))
        report = report_of(transfer, plan.image).with_items(text_changes(before, controller.strategy))
        replies[controller.name] = ChangeReply(not restart, "\n".join(restart), "", {"report": report.to_dict()})
    return _print_replies(replies, as_json)


def _print_replies(replies: dict[str, ChangeReply], as_json: bool) -> int:
    """What would happen, per pair; returns the exit code."""
    if as_json:
        print(json.dumps({pair: asdict(reply) for pair, reply in replies.items()}, indent=1, ensure_ascii=False))
    changes = 0
    for pair, reply in replies.items():
        report = Report.from_dict(reply.data["report"]) if "report" in reply.data else None
        changes += len(report.changes) if report else 0
        if not as_json:
            _print_report(pair, reply, report)
    if not all(reply.ok for reply in replies.values()):
        return ConfigError.exit_code
    return 1 if changes else 0


def _print_report(pair: str, reply: ChangeReply, report: Report | None) -> None:
    if not reply.ok:
        print(f"{pair}: cannot be applied to the running plant.\n{reply.text}")
    if report is None:
        return
    if reply.ok and not report.changes:
        print(f"{pair}: {reply.text or 'nothing changes'}.")
    elif report.changes:
        count = len(report.changes)
        print(f"{pair}: {count} change{'' if count == 1 else 's'}, {report.unchanged} blocks and alarms unchanged")
        for item in report.changes:
            print(f"  {item.kind:<11} {item.sentence}")
    kept = [item for item in report.items if item.kind == KEPT]
    if kept:
        print(f"{pair}: as operators set it")
        for item in kept:
            print(f"  {item.kind:<11} {item.sentence}")
