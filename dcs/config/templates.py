"""Templates (classes) of control modules: from one definition and the values of each instance to plain modules.

Called by   ``dcs.config.load``, before the files are held against their schema: what comes out is checked like what
            somebody wrote.
Knows       trees of the documents. An error in the text of a template stands at the template's line and names the first
            instance; an error in a value stands at the instance's line and names the template.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dcs.config.instances import Instance, read_instances
from dcs.config.problems import FOUND_IN, Problems, did_you_mean
from dcs.config.source import Document
from dcs.config.tree import Node, merged, node_at, write
from dcs.core.errors import ConfigError, Place
from dcs.core.units import parse_quantity

GIVEN = "with"
OWN_KEYS = ("parameters", "instances", "alarms", "template", GIVEN)
"""Keys of a template that are no keys of a module."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class Expansion:
    """What was read besides the four files: tables of instances with what they say, by their names in the folder.

    ``given`` are those that need not be read, because their texts are here already.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)


def expand_templates(
    documents: dict[str, Document], folder: Path, problems: Problems, given: Mapping[str, str] | None = None
) -> Expansion:
    """Replace every module that names a template by what the template makes of it; ``documents`` change in place."""
    control = documents.get("control")
    expansion = Expansion(given or {})
    if control is None or not _is_used(control):
        return expansion
    return _Templates(control, documents, folder, problems, expansion).run()


def _is_used(control: Document) -> bool:
    modules = control.data.get("modules")
    rows = modules.values() if isinstance(modules, dict) else ()
    return "templates" in control.data or any(isinstance(row, dict) and ("template" in row) for row in rows)


class _Failed(Exception):
    """A module that cannot be made; the reason is in the problems."""


class _Templates:
    def __init__(
        self,
        control: Document,
        documents: dict[str, Document],
        folder: Path,
        problems: Problems,
        expansion: Expansion,
    ) -> None:
        self._control = control
        self._documents = documents
        self._folder = folder
        self._problems = problems
        self._expansion = expansion
        raw = control.data.get("templates")
        names = raw if isinstance(raw, dict) else {}
        self._templates = {
            name: node_at(control, ("templates", name)) for name, one in names.items() if isinstance(one, dict)
        }

    def run(self) -> Expansion:
        """Instances from tables first, then modules that name a template."""
        modules = self._control.data.setdefault("modules", {})
        if not isinstance(modules, dict):
            return self._expansion
        written = {name: node_at(self._control, ("modules", name)) for name in modules}
        for template, node in self._templates.items():
            for instance in self._table(node):
                own = written.get(instance.module)
                if own is not None and own.child("template") is not None:
                    self._problems.add(
                        instance.place,
                        f"{instance.module} stands in control.yaml as well, with a template of its own "
                        f"({own.place}). Delete one of the two.",
                    )
                    continue
                made = Node({**instance.keys, "template": Node(template, instance.place)}, instance.place)
                made = Node({**made.value, GIVEN: Node(instance.values, instance.place)}, instance.place)
                written[instance.module] = made if own is None else merged(made, own)
        for name, node in written.items():
            if isinstance(node.value, dict) and (node.child("template") or node.child(GIVEN)):
                self._make(name, node)
        return self._expansion

    def _table(self, template: Node) -> list[Instance]:
        entry = template.child("instances")
        if entry is None or not isinstance(entry.value, str):
            return []  # the schema says what is wrong with it
        path = self._folder / entry.value
        try:
            instances, text = read_instances(path, entry.place, self._expansion.given.get(entry.value))
        except ConfigError as exc:
            self._problems.take(exc)
            return []
        self._expansion.tables[entry.value] = text
        return instances

    def _make(self, name: str, node: Node) -> None:
        """Write the module and its alarms; one that cannot be made is left out, with its place, like a broken one."""
        try:
            made, alarms = self._module(name, node)
        except _Failed:
            self._control.places.setdefault(("modules", name), node.place)
            self._control.remove(("modules", name))
            return
        write(self._control, ("modules", name), made)
        if alarms is not None:
            self._write_alarms(name, alarms)

    def _write_alarms(self, module: str, node: Node) -> None:
        document = self._documents.setdefault("alarms", Document(str(self._folder / "alarms.yaml")))
        alarms = document.data.setdefault("alarms", {})
        if not isinstance(alarms, dict):
            return
        if isinstance(alarms.get(module), dict):
            node = merged(node, node_at(document, ("alarms", module)))
        write(document, ("alarms", module), node)

    # --- one module ---------------------------------------------------------------------------------------
    def _module(self, name: str, node: Node) -> tuple[Node, Node | None]:
        template = node.child("template")
        given = node.child(GIVEN)
        if template is None:
            assert given is not None
            self._problems.add(given.place, f"{name}: `{GIVEN}` without a template. Add `template: …`, or delete it.")
            raise _Failed
        base, alarms = self._from(name, template, given, node.place, ())
        return merged(base, node.without("template", GIVEN)), alarms

    def _from(
        self, module: str, template: Node, given: Node | None, place: Place, chain: tuple[str, ...]
    ) -> tuple[Node, Node | None]:
        """The module as a template makes it, and its alarms; ``chain`` are the templates that led here."""
        name = template.value
        text = self._templates.get(name) if isinstance(name, str) else None
        if text is None:
            if name not in self._control.names(("templates",)):
                hint = did_you_mean(str(name), self._templates, "Templates")
                self._problems.add(template.place, f"{module}: there is no template `{name}`. {hint}")
            raise _Failed
        if name in chain:
            circle = " → ".join((*chain, name))
            self._problems.add(template.place, f"template {name}: it is made from itself ({circle}). Correct it.")
            raise _Failed
        filler = _Filler(module, name, place, self._values(module, name, text, given, place), self._problems)
        body = filler.fill(text.without(*OWN_KEYS))
        own_alarms = text.child("alarms")
        alarms = filler.fill(own_alarms) if own_alarms is not None else None
        below = text.child("template")
        if below is not None:
            below_given = text.child(GIVEN)
            inner = filler.fill(below_given) if below_given is not None else None
            base, base_alarms = self._from(module, below, inner, place, (*chain, name))
            body = merged(base, body)
            if base_alarms is not None:
                alarms = base_alarms if alarms is None else merged(base_alarms, alarms)
        return body, alarms

    def _values(self, module: str, template: str, text: Node, given: Node | None, place: Place) -> Mapping[str, Node]:
        """Every parameter of the template: given, or by default; and ``module`` and ``number``."""
        declared = text.child("parameters")
        parameters: dict[str, Node] = declared.value if declared and isinstance(declared.value, dict) else {}
        values: dict[str, Node] = {}
        failed = False
        given_values = given.value if given is not None else {}
        if not isinstance(given_values, dict):
            assert given is not None
            self._problems.add(given.place, f"{module}: `{GIVEN}` needs keys with values. Write `{GIVEN}: {{a: 1}}`.")
            raise _Failed
        for key, node in given_values.items():
            if key not in parameters:
                hint = did_you_mean(key, parameters, "Parameters")
                self._problems.add(node.place, f"{module}: template `{template}` has no parameter `{key}`. {hint}")
                failed = True
        for key, parameter in parameters.items():
            node = given_values.get(key, parameter.child("default"))
            if node is None:
                meaning = parameter.child("meaning")
                about = f" ({meaning.value})" if meaning is not None and meaning.value else ""
                self._problems.add(
                    given.place if given is not None else place,
                    f"{module}: the parameter `{key}`{about} of template `{template}` is not given. "
                    f"Add `{key}: …` below `{GIVEN}`.",
                )
                failed = True
                continue
            try:
                values[key] = _in_unit(node, parameter.child("unit"))
            except ConfigError as exc:
                self._problems.add(node.place, f"{module}: {key}: {exc.message}")
                failed = True
        if failed:
            raise _Failed
        values.setdefault("module", Node(module, place))
        values.setdefault("number", Node(module.partition("-")[2] or module, place))
        return values


def _in_unit(node: Node, unit: Node | None) -> Node:
    """The number in the parameter's unit, where it has one."""
    if unit is None or not isinstance(unit.value, str) or not isinstance(node.value, str):
        return node
    return Node(parse_quantity(node.value, unit.value), node.place)


class _Filler:
    """Puts the values of one instance into the text of one template."""

    def __init__(
        self, module: str, template: str, place: Place, values: Mapping[str, Node], problems: Problems
    ) -> None:
        self._template = template
        self._found = f"{FOUND_IN}{module} ({place})."
        self._values = values
        self._problems = problems

    def fill(self, node: Node) -> Node:
        """The same tree with values for placeholders."""
        place = Place(node.place.file, node.place.line, node.place.also or self._found)
        value = node.value
        if isinstance(value, dict):
            bare = self._bare(value)
            if bare is not None:
                return self._value(bare, node.place)
            return Node({self._text(key, node.place): self.fill(one) for key, one in value.items()}, place)
        if isinstance(value, list):
            return Node([self.fill(one) for one in value], place)
        if not isinstance(value, str):
            return Node(value, place)
        whole = _PLACEHOLDER.fullmatch(value)
        if whole is not None:
            return self._value(whole[1], node.place)
        names = _PLACEHOLDER.findall(value)
        if not names:
            return Node(value, place)
        return Node(self._text(value, node.place), self._value(names[0], node.place).place)

    def _bare(self, value: dict[str, Any]) -> str | None:
        """``{gain}`` without quotes is a mapping to YAML; people mean the placeholder."""
        if len(value) != 1:
            return None
        key, only = next(iter(value.items()))
        return key if only.value is None and key in self._values and _SIMPLE.fullmatch(key) else None

    def _text(self, text: str, place: Place) -> str:
        def shown(match: re.Match[str]) -> str:
            value = self._value(match[1], place).value
            if isinstance(value, float):
                return f"{value:g}"
            return str(value).lower() if isinstance(value, bool) else str(value)

        return _PLACEHOLDER.sub(shown, text)

    def _value(self, name: str, place: Place) -> Node:
        if name not in self._values:
            hint = did_you_mean(name, self._values, "Parameters")
            self._problems.add(place, f"template {self._template}: there is no parameter `{name}`. {hint}")
            raise _Failed
        node = self._values[name]
        if node.place.also:
            return node
        return _marked(node, f"Used by template `{self._template}` ({place}).")


def _marked(node: Node, also: str) -> Node:
    place = Place(node.place.file, node.place.line, also)
    if isinstance(node.value, dict):
        return Node({key: _marked(one, also) for key, one in node.value.items()}, place)
    if isinstance(node.value, list):
        return Node([_marked(one, also) for one in node.value], place)
    return Node(node.value, place)
