"""Variants of a plant: another tuning, another model setting, other wires, in one file on top of the plant's own.

Called by   ``dcs.config.load``, before templates are expanded and values are overridden (``--set variant=NAME`` asks
            for one; it is the only override that is no path).
Knows       documents. variants/NAME.yaml has the sections plant, field, control and alarms; what stands in them
            replaces what stands at the same place in the plant, key by key; an empty value (or ``null``) takes a key
            away.
Promise     what comes out is checked like the files themselves, and every value of the variant stands at its own line.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dcs.config.parts import VARIANTS, file_name
from dcs.config.problems import Problems, did_you_mean
from dcs.config.schema import FILES
from dcs.config.source import Document, parse_document, read_document
from dcs.config.tree import Node, node_at, replace_at
from dcs.core.errors import ConfigError, Place

KEY = "variant="


def chosen_variant(overrides: Sequence[str], problems: Problems) -> tuple[str, tuple[str, ...]]:
    """The variant that is asked for ("" = none), and the other overrides; of two, the last counts."""
    names = [text.partition("=")[2].strip() for text in overrides if text.replace(" ", "").startswith(KEY)]
    rest = tuple(text for text in overrides if not text.replace(" ", "").startswith(KEY))
    if names and ("/" in names[-1] or not names[-1]):
        problems.add(Place(f"--set variant={names[-1]}"), "this is no name. Write the file's name without `.yaml`.")
        return "", rest
    return names[-1] if names else "", rest


def variant_names(folder: Path) -> list[str]:
    """The variants that a plant folder has."""
    return sorted(path.stem for path in (folder / VARIANTS).glob("*.yaml"))


def read_variant(name: str, folder: Path, texts: Mapping[str, str] | None, problems: Problems) -> dict[str, Document]:
    """That variant's file by its name among the texts; nothing where it cannot be read, which is told."""
    key = f"{VARIANTS}/{name}"
    path = folder / file_name(key)
    try:
        if texts is not None and key in texts:
            return {key: parse_document(texts[key], str(path))}
        if not path.is_file():
            hint = did_you_mean(name, variant_names(folder), "Its variants") if variant_names(folder) else ""
            raise ConfigError(
                f"there is no variant `{name}` of {folder}. {hint or 'It has none.'}", Place(f"--set variant={name}")
            )
        return {key: read_document(path)}
    except ConfigError as exc:
        problems.take(exc)
        return {}


def apply_variant(variant: Document, documents: dict[str, Document], problems: Problems) -> None:
    """Lay the variant over the plant's documents, which change."""
    for section in variant.data:
        place = variant.place((section,))
        document = documents.get(section)
        content = node_at(variant, (section,))
        if section not in FILES:
            problems.add(place, f"there is no file `{section}`. {did_you_mean(section, FILES, 'Sections')}")
        elif not isinstance(content.value, dict):
            problems.add(place, f"`{section}` needs keys with values, as in {section}.yaml.")
        elif document is not None:
            _lay_over(document, (), content, problems)


def _lay_over(document: Document, path: tuple[str, ...], over: Node, problems: Problems) -> None:
    for key, node in over.value.items():
        here = (*path, key)
        if node.value is None:
            if not document.has(here):
                problems.add(node.place, f"there is no `{'.'.join(here)}` that could be taken away. Delete this line.")
            else:
                document.forget(here)
        elif isinstance(node.value, dict) and document.has(here) and isinstance(document.get(here), dict):
            _lay_over(document, here, node, problems)
        else:
            replace_at(document, here, node)
