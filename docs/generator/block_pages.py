"""``reference/blocks``: one page for every type of block, from its declaration.

Called by   ``docs/generate_reference.py``.
Knows       ``dcs.blocks``; adds nothing of its own.
"""

import inspect

import dcs.blocks.library  # noqa: F401  (fills BLOCK_TYPES)
from dcs.blocks.declare import BLOCK_TYPES, INTERNAL_TYPES, BlockType, Field
from dcs.core.modes import MODE_NAMES, modes_in
from generator.markdown import code, from_docstring, header_entries, limits, number, page, section, sentence, table


def block_pages() -> dict[str, str]:
    """Text of every page by its path below ``reference``."""
    pages = {f"blocks/{_file(kind)}": _block_page(kind) for kind in (*BLOCK_TYPES.values(), *INTERNAL_TYPES.values())}
    pages["blocks/index.md"] = _index()
    return pages


def _file(kind: BlockType) -> str:
    return f"{kind.name.lower()}.md"


GROUPS = {
    "io": "Inputs and outputs",
    "regulation": "Regulation",
    "dynamics": "Dynamics",
    "maths": "Mathematics",
    "discrete": "Discrete",
    "sequence": "Sequence",
    "safety": "Safety",
}
"""Folders of ``dcs.blocks`` in the order of the index."""


def _group(kind: BlockType) -> str:
    return kind.step.__module__.split(".")[2] if kind.step else ""


def _index() -> str:
    groups = [section(title, _types_of(folder)) for folder, title in GROUPS.items()]
    internal = [
        [f"[{kind.name}]({_file(kind)})", kind.title, _summary(kind)] for _, kind in sorted(INTERNAL_TYPES.items())
    ]
    return page(
        "Function blocks",
        "Types of blocks that `control.yaml` may name, each with its terminals, parameters and published parts. "
        "A value on a wire always carries its status; modes and the cascade handshake follow the Foundation Fieldbus "
        "block model.",
        *groups,
        section(
            "Made by the system", "Records that the engine adds by itself; a configuration cannot name them.",
            table(("type", "title", "what it computes"), internal),
        ),
    )  # fmt: skip


def _types_of(folder: str) -> str:
    kinds = [kind for _, kind in sorted(BLOCK_TYPES.items()) if _group(kind) == folder]
    if not kinds:
        return ""
    rows = [[f"[{kind.name}]({_file(kind)})", kind.title, _summary(kind)] for kind in kinds]
    return table(("type", "title", "what it computes"), rows)


def _doc(kind: BlockType) -> str:
    return inspect.getdoc(kind.step) or ""


def _summary(kind: BlockType) -> str:
    return from_docstring(_doc(kind)).split("\n\n")[0].replace("\n", " ")


def _block_page(kind: BlockType) -> str:
    header = header_entries(inspect.getdoc(inspect.getmodule(kind.step)) or "")
    return page(
        f"{kind.name} – {kind.title}",
        from_docstring(_doc(kind)),
        section("What it promises", sentence(from_docstring(header.get("Promise", "")))),
        section("Inputs", table(("terminal", "unit", "meaning", "wire"), _inputs(kind))),
        section("Outputs", table(("terminal", "unit", "meaning", "values"), _outputs(kind))),
        section("Parameters", _parameters(kind)),
        section("Published parts", _published(kind)),
        section("In the journal", _events(kind)),
        section("State", "Mirrored to the standby with every scan.", table(("field", "unit", "meaning"), _state(kind)))
        if kind.of_role("state")
        else "",
        section("Source", sentence(from_docstring(header.get("Source", "")))),
    )


def _unit(item: Field) -> str:
    if item.unit == "*":
        return "any"
    if item.unit.startswith("@"):
        return f"unit of `{item.unit[1:]}`"
    return item.unit


def _inputs(kind: BlockType) -> list[list[str]]:
    rows = []
    for item in kind.of_role("input"):
        if item.status_of:
            continue
        notes = ["may stay open" if item.name in kind.optional_inputs else "needed"]
        if item.name in kind.feedback_inputs:
            notes.append("carries the value of the last scan")
        rows.append([_name(item), _unit(item), item.meaning, ", ".join(notes)])
    return rows


def _name(item: Field) -> str:
    return code(item.name) if item.count == 1 else f"{code(f'{item.name}_1')} … {code(f'{item.name}_{item.count}')}"


def _outputs(kind: BlockType) -> list[list[str]]:
    return [
        [_name(item), _unit(item), item.meaning, _values(item)] for item in kind.of_role("output") if not item.status_of
    ]


def _state(kind: BlockType) -> list[list[str]]:
    return [[_name(item), item.unit, item.meaning] for item in kind.of_role("state")]


def _parameters(kind: BlockType) -> str:
    rows = []
    for name in kind.scales:
        low, high = (item for item in kind.of_role("param") if item.scale_of == name)
        meaning = low.meaning.removesuffix(": value at 0 %")
        rows.append([code(name), "any", f'`[{number(low.default)}, {number(high.default)}, "%"]`', "", meaning])
    rows += [[code(text.name), "", "", "", text.meaning] for text in kind.texts]
    for item in kind.of_role("param"):
        if not item.scale_of and item.name not in kind.by_texts:
            rows.append([code(item.name), _unit(item), _default(item), _range(item), item.meaning])
    return table(("key", "unit", "default", "range", "meaning"), rows)


def _default(item: Field) -> str:
    if item.count > 1:
        return f"up to {item.count} × {code(number(item.default))}"
    if item.default_from:
        return f"that of `{item.default_from}`"
    if item.name == "permitted":
        return code(f"[{', '.join(mode.upper() for mode in modes_in(int(item.default)))}]")
    for name, value in item.choices:
        if value == item.default:
            return code(name)
    return code(number(item.default))


def _range(item: Field) -> str:
    if item.limited_by:
        return " … ".join(code(name) for name in item.limited_by)
    return _values(item)


def _values(item: Field) -> str:
    if item.dtype == "i8" and (item.low, item.high) == (0, 1):
        return "`0`, `1`"
    return _choices(item) or limits(item.low, item.high)


def _choices(item: Field) -> str:
    return ", ".join(code(name) for name, _ in item.choices)


def _events(kind: BlockType) -> str:
    return "\n".join(f"- {text}" for _, text in sorted(kind.events.items()))


def _published(kind: BlockType) -> str:
    if not kind.published:
        return ""
    rows = []
    for part, name in kind.published.items():
        item = kind.field(name)
        writable = ""
        if part in kind.writable:
            modes = " and ".join(MODE_NAMES[mode] for mode in item.write_in)
            writable = f"in {modes}" if modes else "yes"
        rows.append([code(part), _unit(item), item.meaning, writable])
    return (
        "What the tag of the module shows when this is its main block (`LIC-101.PV`), and what an operator may "
        "write.\n\n" + table(("part", "unit", "meaning", "written by the operator"), rows)
    )
