"""Small pieces of Markdown, and docstrings turned into it.

Called by   the page modules of this folder.
Knows       Markdown as GitHub shows it (tables, ``$…$`` and fenced math); nothing of the system.
"""

import inspect
import math
import re
from collections.abc import Iterable, Sequence

NOTICE = "<!-- Made by `make docs` from the declarations in the code. Edit those, not this file. -->"


def page(title: str, *parts: str) -> str:
    """A whole page; empty parts are left out."""
    return "\n\n".join((f"# {title}", NOTICE, *(part.strip("\n") for part in parts if part.strip()))) + "\n"


def section(title: str, *parts: str, level: int = 2) -> str:
    """A section, or nothing when it would be empty."""
    body = [part.strip("\n") for part in parts if part.strip()]
    return "\n\n".join((f"{'#' * level} {title}", *body)) if body else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table without the columns that are empty in every row; nothing when there is no row."""
    lines = [list(row) for row in rows]
    if not lines:
        return ""
    kept = [at for at in range(len(head)) if any(row[at] for row in lines)]
    text = [[head[at] for at in kept], ["---"] * len(kept), *([_cell(row[at]) for at in kept] for row in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def code(text: str) -> str:
    """In the type of code, or nothing."""
    return f"`{text}`" if text else ""


def number(value: float) -> str:
    """As short as it can be said."""
    if math.isinf(value):
        return "−∞" if value < 0 else "∞"
    return f"{value:.10g}"


def limits(low: float, high: float) -> str:
    """``0 … 100``, ``≥ 0``, ``≤ 1``, or nothing without limits."""
    if math.isinf(low) and math.isinf(high):
        return ""
    if math.isinf(high):
        return f"≥ {number(low)}"
    if math.isinf(low):
        return f"≤ {number(high)}"
    return f"{number(low)} … {number(high)}"


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if not text or text[-1] in ".:!?" else ".")


def from_docstring(doc: str, level: int = 2) -> str:
    """A docstring as Markdown: underlined titles, ``.. math::``, inline math, literals and ruled tables."""
    out: list[str] = []
    lines = inspect.cleandoc(doc).splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        if at + 1 < len(lines) and line and re.fullmatch(r"-{3,}", lines[at + 1]):
            out += [f"{'#' * level} {line}", ""]
            at += 2
        elif line.startswith(".. math::"):
            at, block = _math(lines, at)
            out += block
        elif re.fullmatch(r"=+( +=+)+", line):
            end = max(i for i in range(at, len(lines)) if re.fullmatch(r"=+( +=+)+", lines[i]))
            out.append(_ruled_table(lines[at : end + 1]))
            at = end + 1
        else:
            out.append(_inline(line))
            at += 1
    return _join_inline_math("\n".join(out))


def _math(lines: list[str], at: int) -> tuple[int, list[str]]:
    first = lines[at].removeprefix(".. math::").strip()
    body = [first] if first else []
    at += 1
    while at < len(lines) and (not lines[at] or lines[at].startswith(" ")):
        if lines[at]:
            body.append(lines[at].strip())
        at += 1
    aligned = any("&" in line for line in body) and not any("\\begin" in line for line in body)
    if aligned:
        body = ["\\begin{aligned}", *body, "\\end{aligned}"]
    return at, ["```math", *body, "```", ""]


def _ruled_table(lines: list[str]) -> str:
    starts = [found.start() for found in re.finditer("=+", lines[0])]
    ends = [*starts[1:], None]
    rows = [[line[a:b].strip() for a, b in zip(starts, ends, strict=True)] for line in lines if line[0] != "="]
    return table(rows[0], rows[1:])


def _inline(line: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", line)


def _join_inline_math(text: str) -> str:
    """``:math:`…``` may run over the end of a line."""
    return re.sub(r":math:`([^`]+)`", lambda found: "$" + " ".join(found[1].split()) + "$", text)


def header_entries(doc: str) -> dict[str, str]:
    """The entries of a module's header docstring (``Promise``, ``Source`` …) by their names."""
    entries: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(doc).splitlines()[1:]:
        found = re.match(r"([A-Z][a-z]+(?: [a-z]+)?) {2,}(\S.*)", line)
        if found:
            name = found[1]
            entries[name] = found[2]
        elif name and line.startswith("   "):
            entries[name] += " " + line.strip()
        else:
            name = ""
    return entries
