"""A compiled plan for people: levels and runs, counts, the map of the memory, wires; as lines or as data.

Called by   ``dcs plan`` and whoever wants to see what a controller executes. Pure; changes nothing.
"""

from collections import Counter
from typing import Any

from dcs.engine import memory
from dcs.engine.plan import Plan, Run


def describe(plan: Plan) -> dict[str, Any]:
    """Everything about a plan, as data for JSON; words are of 8 bytes, numbers of words count from the first."""
    return {
        "controller": plan.strategy.name,
        "digest": plan.digest.hex(),
        "bytes": 8 * plan.words,
        "blocks": len(plan.strategy.blocks),
        "alarms": len(plan.alarms),
        "tags": len(plan.tags),
        "wires": len(plan.links),
        "types": dict(sorted(Counter(record.type.name for record in plan.records).items())),
        "memory": [
            {"region": region, "from_word": first, "words": last - first, "what": what}
            for region, first, last, what in _regions(plan)
        ],
        "scan_classes": [
            {
                "name": scan_class.name,
                "period_s": scan_class.period_ns / 1e9,
                "phase_s": scan_class.phase_ns / 1e9,
                "runs": [_run(plan, number, run) for number, run in enumerate(plan.runs[index], 1)],
            }
            for index, scan_class in enumerate(plan.strategy.scan_classes)
        ],
    }


def describe_lines(plan: Plan, names: int = 4) -> list[str]:
    """The same as lines of text; of every run the first ``names`` blocks are named."""
    found = describe(plan)
    lines = [
        f"controller {found['controller']}, plan {found['digest']}",
        f"  {found['blocks']} blocks, {found['alarms']} alarms, {found['tags']} tags, {found['wires']} words wired, "
        f"{found['bytes']:,} bytes",
        "  " + ", ".join(f"{count} {name}" for name, count in found["types"].items()),
        "",
        "memory, in words of 8 bytes",
    ]
    lines += [
        f"  {part['from_word']:>9} {part['words']:>9}  {part['region']}: {part['what']}" for part in found["memory"]
    ]
    for scan_class in found["scan_classes"]:
        lines += ["", f"scan class {scan_class['name']}: every {scan_class['period_s']:g} s"]
        lines[-1] += f", {scan_class['phase_s']:g} s later" if scan_class["phase_s"] else ""
        for run in scan_class["runs"]:
            if run["type"] is None:
                lines.append(f"  {run['number']:>3}. outputs: {run['wires']} words to field channels")
                continue
            shown = ", ".join(run["records"][:names]) + (" …" if run["count"] > names else "")
            lines.append(
                f"  {run['number']:>3}. {run['count']} × {run['type']} from word {run['from_word']}, "
                f"{run['words_each']} words each, {run['wires']} words wired: {shown}"
            )
    return lines


def _run(plan: Plan, number: int, run: Run) -> dict[str, Any]:
    records = plan.records[run.first_subject : run.first_subject + run.count]
    return {
        "number": number,
        "type": run.type.name if run.type else None,
        "count": run.count,
        "from_word": run.at,
        "words_each": run.type.words if run.type else 0,
        "wires": run.gather_to - run.gather_from,
        "reads": run.count * len(run.type.reads) if run.type else 0,
        "records": [record.name for record in records],
    }


def _regions(plan: Plan) -> list[tuple[str, int, int, str]]:
    """(name, first word, word after the last, what is there), from the first word to the last."""
    classes, inputs, outputs = len(plan.runs), len(plan.input_channels), len(plan.output_channels)
    at = {
        "prefix": (0, "scan number, epoch, generation, plan, event counters"),
        "scan classes": (memory.PREFIX_WORDS, f"counters of {classes}"),
        "event ring": (plan.ring_at, f"{plan.ring_size} events"),
        "inputs": (plan.inputs_at, f"values, statuses, times of {inputs} channels"),
        "outputs": (plan.outputs_at, f"values, statuses of {outputs} channels"),
    }
    first = min((record.at for record in plan.records), default=plan.words)
    at["records"] = (first, f"{len(plan.records)} blocks and alarms, run by run")
    names = list(at)
    ends = [*(at[name][0] for name in names[1:]), plan.words]
    return [(name, at[name][0], end, at[name][1]) for name, end in zip(names, ends, strict=True)]
