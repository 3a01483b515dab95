"""``dcs fault``: make a point, a device or a cable fail, look at what has failed, put it right.

Called by   ``dcs.cli.main``, which takes the command into the command line.
Knows       the desks of a running plant that take faults: the field node, and each controller for its cables.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from dcs.bus.messages import Reply
    from dcs.cli.client import PlantClient

_ALL = "all"


def fault(
    target: Annotated[
        str | None, typer.Argument(metavar="[TARGET]", help="A point, a device, or a cable: LT-101, RTU-1, C1A>RTU-1.")
    ] = None,
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="bias, drift, open_circuit, silent …")] = None,
    value: Annotated[
        str | None, typer.Argument(metavar="[VALUE]", help="How much, in the unit of its kind: 0.5, '200 ms'.")
    ] = None,
    duration: Annotated[str | None, typer.Option("--for", metavar="D", help="End it after that time: 90s.")] = None,
    probability: Annotated[
        float | None, typer.Option("--probability", metavar="PCT", help="Of a spike, in % of the plant's steps.")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="What is wrong now, and what can be.")] = False,
    clear: Annotated[
        str | None, typer.Option("--clear", metavar="TARGET", help="End what a target has, or `all`.")
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option("--run-dir", metavar="DIR", help="The run's directory (default: the newest that is alive)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a script.")] = False,
) -> None:
    """Make a point, a device or a cable of a running plant fail, list what has failed, put it right."""
    from dcs.core.errors import ConfigError

    if show:
        code = _list(run_dir, as_json)
    elif clear is not None:
        code = _clear(run_dir, clear, as_json)
    elif target is None or kind is None:
        raise ConfigError("Name a target and a kind: `dcs fault LT-101 bias 0.5`. `dcs fault --list` shows them.")
    else:
        asked = {"kind": kind, "value": value, "probability": probability, "for": duration}
        text = json.dumps({key: what for key, what in asked.items() if what is not None})
        code = _send(run_dir, target, text, as_json)
    raise typer.Exit(code)


async def ask(client: "PlantClient", verb: str, target: str, value: str | None = None) -> "Reply":
    """One command to the desk that has the target."""
    return await client.command(await _desk_of(client, target), verb, target, value)


async def _desk_of(client: "PlantClient", target: str) -> str:
    """Cables belong to the controller that they begin at, except in a box, where the field node has them all."""
    from dcs.node.fault_desk import links_target

    node, arrow, _ = target.partition(">")
    if not arrow or node not in client.endpoints.nodes:
        return "field"
    simulated = (await client.reports()).get("field")
    return "field" if simulated is not None and "clock" in simulated.endpoints else links_target(node)


def _send(run_dir: Path | None, target: str, text: str, as_json: bool) -> int:
    from dcs.cli.client import with_plant

    async def work(client: "PlantClient") -> int:
        return _told(await ask(client, "fault", target, text), as_json)

    return with_plant(run_dir, work)


def _clear(run_dir: Path | None, target: str, as_json: bool) -> int:
    from dcs.cli.client import with_plant

    async def work(client: "PlantClient") -> int:
        if target != _ALL:
            return _told(await ask(client, "clear", target), as_json)
        return max([_told(await client.command(desk, "clear", _ALL), as_json) for desk in await _desks(client)])

    return with_plant(run_dir, work)


def _told(reply: "Reply", as_json: bool) -> int:
    from dcs.cli.client import print_json

    if as_json:
        print_json({"ok": reply.ok, "text": reply.text})
    else:
        print(reply.text)
    return 0 if reply.ok else 1


async def _desks(client: "PlantClient") -> list[str]:
    from dcs.node.fault_desk import links_target

    simulated = (await client.reports()).get("field")
    in_box = simulated is not None and "clock" in simulated.endpoints
    controllers = [] if in_box else [name for name, kind in client.endpoints.nodes.items() if kind == "controller"]
    return [*(["field"] if "field" in client.endpoints.nodes else []), *map(links_target, controllers)]


def _list(run_dir: Path | None, as_json: bool) -> int:
    from dcs.cli.client import print_json, with_plant
    from dcs.core.errors import NotAuthorised

    async def work(client: "PlantClient") -> int:
        found: dict[str, list[dict[str, Any]]] = {"targets": [], "active": []}
        for desk in await _desks(client):
            reply = await client.command(desk, "faults")
            if not reply.ok:
                raise NotAuthorised(reply.text)
            answer = json.loads(reply.text)
            found["targets"] += answer["targets"]
            found["active"] += answer["active"]
        if as_json:
            print_json(found)
        else:
            _print(found)
        return 0

    return with_plant(run_dir, work)


def _print(found: dict[str, list[dict[str, Any]]]) -> None:
    from dcs.cli.table import table
    from dcs.core.clock import utc_text

    if found["active"]:
        rows = [
            [row["target"], row["words"], utc_text(row["began_ns"]), utc_text(row["ends_ns"]) if row["ends_ns"] else ""]
            for row in found["active"]
        ]
        print(table(["target", "fault", "since", "until"], rows))
    else:
        print("Nothing is wrong.")
    _print_targets(found["targets"])


def _print_targets(targets: list[dict[str, Any]]) -> None:
    """Targets that can have the same together; then every kind once, with what it takes."""
    from dcs.cli.table import table

    alike: dict[tuple[str, ...], list[str]] = {}
    kinds: dict[tuple[str, str], dict[str, Any]] = {}
    for row in targets:
        alike.setdefault(tuple(kind["name"] for kind in row["kinds"]), []).append(row["name"])
        for kind in row["kinds"]:
            kinds.setdefault((row["scope"], kind["name"]), kind)
    for names, having in alike.items():
        print(f"\n{', '.join(having)}\n  can have: {', '.join(names)}")
    rows = [[scope, name, kind["value"], kind["meaning"]] for (scope, name), kind in kinds.items()]
    print("\n" + table(["of a", "fault", "value", "meaning"], rows))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(context_settings={"ignore_unknown_options": True})(fault)
