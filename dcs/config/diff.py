"""What differs between two configurations beyond the blocks: what needs a restart, and what is only said differently.

Called by   controllers and ``dcs diff`` before an online change. Knows checked configurations; the blocks themselves
            are compared by ``dcs.engine.compare``, with the running memory at hand.
"""

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

from dcs.config.plant_config import PlantConfig
from dcs.core.errors import Place
from dcs.engine.change import TEXT, Item
from dcs.engine.strategy import AlarmSpec, PublishedTag, Strategy
from field_io.specs import DeviceAlarm, DeviceSpec

_RESTART = "This needs a restart."


def restart_needed(old: PlantConfig, new: PlantConfig) -> list[str]:
    """One sentence for everything that cannot be changed while the plant runs. ``old`` is what it was started with:
    points that its devices have may be left out and taken in again."""
    found = []
    if old.name != new.name:
        found.append(f"plant.yaml: the plant was called {old.name} and is now called {new.name}. {_RESTART}")
    if old.model != new.model:
        found.append(f"plant.yaml: the plant model or its settings changed. {_RESTART}")
    if old.bus != new.bus:
        found.append(f"plant.yaml: the bus changed. {_RESTART}")
    if old.scan_classes != new.scan_classes:
        names = _changed({c.name: c for c in old.scan_classes}, {c.name: c for c in new.scan_classes})
        found.append(f"plant.yaml: the scan classes changed ({', '.join(names)}). {_RESTART}")
    before, after = ({c.name: (c.members, c.witness, c.lease_ns) for c in config.controllers} for config in (old, new))
    if before != after:
        found.append(f"plant.yaml: the controllers changed ({', '.join(_changed(before, after))}). {_RESTART}")
    if old.own_blocks != new.own_blocks:
        names = _changed(dict(old.own_blocks), dict(new.own_blocks))
        found.append(f"control.yaml: block types of your own changed ({', '.join(names)}). {_RESTART}")
    found += _devices(old.devices, new.devices)
    return found


def _devices(old: Iterable[DeviceSpec], new: Iterable[DeviceSpec]) -> Iterator[str]:
    before, after = ({device.name: device for device in devices} for devices in (old, new))
    for name in _changed(dict.fromkeys(before), dict.fromkeys(after)):
        what = "is new" if name in after else "is gone"
        yield f"field.yaml: device {name} {what}. {_RESTART}"
    for name, device in before.items():
        if name not in after:
            continue
        points, now = ({point.name: _silent(point) for point in one.points} for one in (device, after[name]))
        changed = [point for point in _changed(points, now) if point in now]
        if changed:
            listed = ", ".join(changed[:5]) + (" and others" if len(changed) > 5 else "")
            yield f"field.yaml: device {name}: points changed or new ({listed}). {_RESTART}"
        elif _silent(device) != _silent(after[name]):
            yield f"field.yaml: device {name} changed. {_RESTART}"


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    names = dict.fromkeys([*before, *after])
    return [n for n in names if n not in before or n not in after or before[n] != after[n]]


def _silent(spec: Any) -> Any:
    """Without what only people read, and without the alarm, which the strategy has."""
    silent: dict[str, Any] = {
        "place": Place(),
        "description": "",
        "points": (),
        "untaken": (),
        "alarm": DeviceAlarm(),
    }
    if isinstance(spec, DeviceSpec):
        silent["behaviours"] = tuple(replace(behaviour, place=Place()) for behaviour in spec.behaviours)
    return replace(spec, **{f.name: silent[f.name] for f in fields(spec) if f.name in silent})


# --- what is only said differently ------------------------------------------------------------------------
def text_changes(old: Strategy, new: Strategy) -> list[Item]:
    """Descriptions, priorities and what a tag looks like: nothing in the scan depends on them."""
    return [*_alarm_texts(old.alarms, new.alarms), *_tag_texts(old.tags, new.tags)]


def _alarm_texts(old: Iterable[AlarmSpec], new: Iterable[AlarmSpec]) -> Iterator[Item]:
    before = {alarm.name: alarm for alarm in old}
    for alarm in new:
        was = before.get(alarm.name)
        for name in ("priority", "description", "consequence", "cause", "action"):
            one, other = (str(getattr(spec, name)) if spec else "" for spec in (was, alarm))
            if was is not None and one != other:
                yield Item(TEXT, alarm.module, f"{alarm.name}.{name}", one, other)


def _tag_texts(old: Iterable[PublishedTag], new: Iterable[PublishedTag]) -> Iterator[Item]:
    before = {tag.name: tag for tag in old}
    for tag in new:
        was = before.get(tag.name)
        if was is not None and was.description != tag.description:
            yield Item(TEXT, tag.name.partition(".")[0], f"{tag.name}: description", was.description, tag.description)
