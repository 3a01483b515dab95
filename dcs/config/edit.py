"""Changes single values in a YAML text and leaves everything else as its author wrote it.

Called by   ``dcs upload`` and the bulk edit of tuning.
Knows       YAML nodes and where they stand. A value is replaced where it stands; a key that is not there is added to
            its mapping in the mapping's own style; a remark becomes a comment at the end of the line, such as
            ``# [sp: anna at OS1 2024-05-01 10:22, was 12.3 cm]``; a later one about the same key takes its place.
"""

import re
from dataclasses import dataclass

import yaml

from dcs.config.source import KeyPath
from dcs.core.errors import ConfigError, Place


@dataclass(frozen=True, slots=True)
class Edit:
    """One value to write, as YAML text; ``remark`` is put in a comment when it is not ""."""

    path: KeyPath
    value: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class _Splice:
    start: int
    end: int
    text: str


def edited(text: str, edits: list[Edit], file: str) -> str:
    """The text with all edits made. Raises ``ConfigError`` with the place of what cannot be edited line by line."""
    root = yaml.compose(text, Loader=yaml.BaseLoader)
    splices: list[_Splice] = []
    remarks: dict[int, list[tuple[str, str]]] = {}  # line -> (key, remark)
    for edit in edits:
        parent, node = _find(root, edit.path, file)
        key = str(edit.path[-1])
        if node is not None:
            if not isinstance(node, yaml.ScalarNode):
                raise _refused(node, file, edit.path, "holds more than one value")
            splices.append(_Splice(node.start_mark.index, node.end_mark.index, edit.value))
            line, remark = node.end_mark.line, edit.remark
        else:
            line, remark = _add(text, parent, key, edit, splices)
        if remark:
            remarks.setdefault(line, []).append((key, remark))
    splices += _comments(text, remarks)
    splices.sort(key=lambda splice: splice.start)  # stable: what goes to one place stays in order
    for splice in reversed(splices):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text


def _find(root: yaml.Node | None, path: KeyPath, file: str) -> tuple[yaml.MappingNode, yaml.Node | None]:
    """The mapping around the value, and the value's node; None where the last key is missing."""
    here = root
    for depth, part in enumerate(path):
        found: yaml.Node | None = None
        if isinstance(here, yaml.MappingNode):
            for key, value in here.value:
                if key.value == str(part):
                    if value.start_mark.index < key.start_mark.index:
                        raise _refused(key, file, path, "is an alias of something written further up")
                    found = value
        elif isinstance(here, yaml.SequenceNode) and isinstance(part, int) and part < len(here.value):
            found = here.value[part]
        if found is None:
            if depth == len(path) - 1 and isinstance(here, yaml.MappingNode):
                return here, None
            raise ConfigError(f"there is no `{'.'.join(str(one) for one in path)}` to change.", Place(file))
        parent, here = here, found
    assert isinstance(parent, yaml.MappingNode | yaml.SequenceNode)
    return parent, here  # type: ignore[return-value]  # a sequence is never added to


def _refused(node: yaml.Node, file: str, path: KeyPath, why: str) -> ConfigError:
    name = ".".join(str(part) for part in path)
    return ConfigError(f"`{name}` {why}. Change it by hand.", Place(file, node.start_mark.line + 1))


def _add(text: str, parent: yaml.MappingNode, key: str, edit: Edit, splices: list[_Splice]) -> tuple[int, str]:
    """A new key; returns the line whose comment is to hold the remark, and the remark unless it is written already."""
    if parent.flow_style:
        brace = parent.end_mark.index - 1
        at = len(text[:brace].rstrip())
        is_empty = not parent.value or text[at - 1] == "{"
        comma = "" if is_empty else (" " if text[at - 1] == "," else ", ")
        splices.append(_Splice(at, at, f"{comma}{key}: {edit.value}"))
        return parent.end_mark.line, edit.remark
    line = _last_line(parent)
    indent = " " * parent.start_mark.column
    comment = f"  # [{key}: {edit.remark}]" if edit.remark else ""
    at = _line_end(text, line)
    splices.append(_Splice(at, at, f"{_newline(text)}{indent}{key}: {edit.value}{comment}"))
    return line, ""


def _last_line(node: yaml.Node) -> int:
    """The last line on which something of the node stands (its end mark may be behind comments and empty lines)."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    if isinstance(node, yaml.ScalarNode) and (node.style in ("|", ">") or not node.value):
        return max(node.start_mark.line, node.end_mark.line - 1)
    return int(node.end_mark.line)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _line_start(text: str, line: int) -> int:
    at = 0
    for _ in range(line):
        at = text.index("\n", at) + 1
    return at


def _line_end(text: str, line: int) -> int:
    at = text.find("\n", _line_start(text, line))
    at = len(text) if at < 0 else at
    return at - 1 if at and text[at - 1] == "\r" else at


def _comments(text: str, remarks: dict[int, list[tuple[str, str]]]) -> list[_Splice]:
    """At the end of each line: earlier remarks about the same keys go, the author's own words stay."""
    splices = []
    for line, told in remarks.items():
        end = _line_end(text, line)
        start = _line_start(text, line)
        at = _comment_at(text[start:end])
        comment = "" if at < 0 else text[start + at + 1 : end].strip()
        kept = comment
        for key, _ in told:
            kept = re.sub(rf"(?:; )?\[{re.escape(key)}: [^\[\]]*\]", "", kept)
        kept = kept.strip().removeprefix("; ")
        words = "; ".join([*([kept] if kept else []), *(f"[{key}: {remark}]" for key, remark in told)])
        begin = len(text[: end if at < 0 else start + at].rstrip(" \t"))
        gap = "  " if at < 0 else text[begin : start + at]
        splices.append(_Splice(begin, end, f"{gap}# {words}"))
    return splices


def _comment_at(line: str) -> int:
    """Where the comment of a line begins: a ``#`` after a space and outside of quotes; -1 without one."""
    quote = ""
    for at, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"" and (at == 0 or line[at - 1] in " [{,:"):
            quote = character
        elif character == "#" and (at == 0 or line[at - 1] in " \t"):
            return at
    return -1
