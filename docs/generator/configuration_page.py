"""``reference/configuration.md``: every key of a plant folder, from the schema that checks it.

Called by   ``docs/generate_reference.py``.
Knows       ``dcs.config.schema`` and the validators of ``dcs.config.fields``, asked what they accept.
"""

import inspect
import types
from collections.abc import Callable
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from dcs.config import fields
from dcs.config.schema import FILES, OPTIONAL_FILES
from dcs.core.units import UNITS
from generator.markdown import code, number, page, section, sentence, table

_NS_PER = (("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000))

_FORMS: dict[Callable[..., Any], str] = {
    fields._text: "text",
    fields._name: "name",
    fields._block_name: "name in small letters",
    fields._host: "name of a host, or an IP address",
    fields._variable_name: "name of a plant variable, such as `level_1` or `T-101.level`",
    fields._flag: "`true` or `false`",
    fields._number: "number",
    fields._duration: "duration, such as `500 ms`",
    fields._unit: "unit",
    fields._port: "1 … 65535, or `auto`",
    fields._quantity: "number, or a quantity such as `16 cm`",
    fields.range_of: "range, such as `[0, 20, cm]`",
    fields.choices_of: "codes and names, such as `{0: stopped, 1: running}`",
    fields.behaviours_of: "a behaviour or a list of them",
}


def configuration_pages() -> dict[str, str]:
    """Text of the page by its path below ``reference``."""
    parts = [
        "A plant is a folder of four YAML files (and its drawings and scenarios). `dcs check FOLDER` checks them whole "
        "and says, for everything that is wrong, where it stands, what was found, what was needed and what to do. "
        "Unknown keys are refused. A long file may be continued in a folder of its name: what stands in "
        "`control/NAME.yaml` counts as if it stood in control.yaml; so do `field/NAME.yaml` and `alarms/NAME.yaml`. "
        "Every value can be overridden for one run: "
        "`dcs run FOLDER --set field.devices.RTU-1.port=auto`.",
        "A plant may have variants: another tuning, another setting of the model, other wires. `variants/NAME.yaml` "
        "has the sections `plant`, `field`, `control` and `alarms`; what stands in them replaces what stands at the "
        "same place in the plant, key by key, and an empty value (or `null`) takes a key away. "
        "`dcs run FOLDER --set variant=NAME` runs it, as do the other commands that take `--set`.",
    ]
    for name, model in FILES.items():
        optional = " (may be missing)" if name in OPTIONAL_FILES else ""
        parts.append(section(f"{name}.yaml{optional}", *model_parts(model, ())))
    parts.append(section("Units", _units()))
    return {"configuration.md": page("Configuration files", *parts)}


def model_parts(model: type[BaseModel], path: tuple[str, ...]) -> list[str]:
    """What a section is, a table of its keys, and the sections below it."""
    summary = sentence((inspect.getdoc(model) or "").split(": ", 1)[-1])
    rows = []
    below: list[str] = []
    for name, info in model.model_fields.items():
        if info.exclude:  # what only our own texts write
            continue
        form, nested, is_mapping = _form(info.annotation, info.metadata)
        key = info.alias or name
        rows.append([code(key), form, _default(info, nested), info.description or ""])
        if nested is not None:
            inner = (*path, key, "NAME") if is_mapping else (*path, key)
            if is_mapping and get_origin(_value_of(info.annotation)) is dict:
                inner = (*inner, "ALARM")
            below.append(section(code(".".join(inner)), *model_parts(nested, inner), level=3))
    return [summary, table(("key", "value", "default", "meaning"), rows), *below]


def _value_of(annotation: Any) -> Any:
    return get_args(annotation)[1] if get_origin(annotation) is dict else None


def _form(annotation: Any, metadata: list[Any]) -> tuple[str, type[BaseModel] | None, bool]:
    """(words, section below it, whether it is a mapping of such sections)."""
    for item in metadata:
        if isinstance(item, BeforeValidator):
            return _accepts(item.func), None, False
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section, below", annotation, False
    if origin in (Union, types.UnionType):
        return _form(next(a for a in arguments if a is not type(None)), [])
    if origin is dict:
        form, nested, _ = _form(arguments[1], [])
        return ("by name: section, below" if nested else f"by name: {form}"), nested, True
    if origin is list:
        return f"list of: {_form(arguments[0], [])[0]}", None, False
    if hasattr(annotation, "__metadata__"):
        return _form(annotation.__origin__, list(annotation.__metadata__))
    if annotation is Any:
        return "any value", None, False
    raise TypeError(f"no words for {annotation!r}; teach docs/generator/configuration_page.py")


def _accepts(check: Callable[..., Any]) -> str:
    if check in _FORMS:
        return _FORMS[check]
    inside = inspect.getclosurevars(check).nonlocals
    maker = check.__qualname__.split(".")[0]
    if maker == "whole":
        return f"whole number, {inside['low']} … {inside['high']}"
    if maker == "duration_between":
        return f"duration, `{inside['low']}` … `{inside['high']}`"
    if maker == "choice":
        return ", ".join(code(name) for name in inside["names"])
    if maker == "optional":
        return f"{_accepts(inside['check'])}, or `{inside['word']}`"
    return maker.strip("_").replace("_", " ")


def _default(info: FieldInfo, nested: type[BaseModel] | None) -> str:
    if info.is_required():
        return "needed"
    if nested is not None or info.default_factory is not None:
        return ""
    value = info.default
    if value == ():
        return ""
    form = _form(info.annotation, info.metadata)[0]
    if value is None:
        return "`auto`" if "`auto`" in form else ""
    if value == 0 and "`auto`" in form:
        return "`auto`"
    if isinstance(value, bool):
        return code(str(value).lower())
    if isinstance(value, int) and form.startswith("duration"):
        return code(_duration(value))
    if isinstance(value, (int, float)):
        return code(number(value))
    return code(str(value))


def _duration(value_ns: int) -> str:
    for unit, size_ns in _NS_PER:
        if value_ns >= size_ns and value_ns % size_ns == 0:
            return f"{value_ns // size_ns} {unit}"
    return f"{value_ns} ns" if value_ns else "0 s"


def _units() -> str:
    dimensions: dict[str, list[str]] = {}
    for unit in UNITS.values():
        dimensions.setdefault(unit.dimension, []).append(code(unit.name) or "none")
    return table(("dimension", "units"), ([name, ", ".join(units)] for name, units in dimensions.items()))
