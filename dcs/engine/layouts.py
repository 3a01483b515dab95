"""The layouts that go with a plan's columns: names, units and limits, one layout per scan class.

Called by   the engine. Knows the strategy and the bus's message types.
"""

from dcs.bus.messages import AlarmInfo, Layout, ModuleInfo, TagInfo
from dcs.engine.plan import Plan
from dcs.engine.strategy import AlarmSpec


def layouts(plan: Plan, plant: str) -> list[Layout]:
    """One layout per scan class, in the order of the classes; columns in the order of ``Engine.columns``."""
    strategy = plan.strategy
    return [
        Layout(
            plant=plant,
            pair=strategy.name,
            scan_class=scan_class.name,
            period_ns=scan_class.period_ns,
            tags=tuple(
                TagInfo(t.name, t.unit, t.low, t.high, t.description, t.decimals, t.kind, t.writable, t.choices)
                for t in (place.tag for place in plan.tags if place.class_index == index)
            ),
            alarms=tuple(_alarm_info(plan, place.spec) for place in plan.alarms if place.class_index == index),
            modules=tuple(
                ModuleInfo(module.name, module.description, module.kind, dict(module.parts), module.permitted_modes)
                for module in strategy.modules
                if module.scan_class == scan_class.name
            ),
        )
        for index, scan_class in enumerate(strategy.scan_classes)
    ]


def _alarm_info(plan: Plan, spec: AlarmSpec) -> AlarmInfo:
    """An alarm belongs to the tag that shows what it watches, else to its module's PV."""
    watched = [place.tag for place in plan.tags if place.tag.source == spec.source]
    modules = [module for module in plan.strategy.modules if module.name == spec.module]
    name = modules[0].parts.get("PV", "") if modules else ""
    tags = watched or [place.tag for place in plan.tags if place.tag.name == name]
    return AlarmInfo(
        name=spec.name,
        tag=next((tag.name for tag in tags if tag.name == name), tags[0].name if tags else ""),
        kind=spec.kind,
        priority=spec.priority,
        limit=spec.limit,
        unit=tags[0].unit if tags else "",
        description=spec.description,
        consequence=spec.consequence,
        cause=spec.cause,
        action=spec.action,
    )
