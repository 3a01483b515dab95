"""The faults of a simulated field in its snapshot.

Called by   ``devices.simulation``.
Knows       JSON types, and that time does not stand still: a fault has as much left after a restore as it had before.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from field_io.devices.device_faults import DeviceTarget
from field_io.devices.point_faults import PointTarget
from field_io.fault_kinds import Fault
from field_io.faults import ActiveFault


def kept_faults(targets: Mapping[str, PointTarget | DeviceTarget], now_ns: int) -> dict[str, Any]:
    """What is wrong with each target that has something wrong."""
    kept = {}
    for name, target in targets.items():
        if target.active:
            rows = [
                (asdict(a.fault), a.key, a.began_ns - now_ns, a.ends_ns - now_ns if a.ends_ns else None)
                for a in target.active.values()
            ]
            kept[name] = [rows, target.count() if isinstance(target, DeviceTarget) else 0]
    return kept


def restore_faults(targets: Mapping[str, PointTarget | DeviceTarget], kept: Mapping[str, Any], now_ns: int) -> None:
    """Inverse of ``kept_faults``; a target that is not in it has nothing wrong any more."""
    for name, target in targets.items():
        rows, answers = kept.get(name, ((), 0))
        faults = {}
        for raw, key, began_ns, ends_ns in rows:
            fault = Fault(**raw)
            faults[fault.kind] = ActiveFault(fault, now_ns + began_ns, 0 if ends_ns is None else now_ns + ends_ns, key)
        if isinstance(target, DeviceTarget):
            target.restore(faults, answers)
        else:
            target.restore(faults)
