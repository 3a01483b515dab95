"""How a controller is, for ``dcs status``, the system display and the metrics.

Called by   ``dcs.node.controller``.
"""

from collections.abc import Iterable, Sequence

from dcs.bus.messages import LinkReport, NodeReport
from dcs.node.face import NodeFace
from dcs.node.field_side import FieldSide
from dcs.node.scan_figures import ScanFigures
from dcs.redundancy.report import MemberReport


def controller_report(
    face: NodeFace,
    pair: str,
    member: MemberReport,
    figures: Sequence[ScanFigures],
    field_side: FieldSide,
    more: Iterable[str],
) -> NodeReport:
    """The whole report; ``more`` are further sentences about what is not as it should be."""
    return NodeReport(
        node=face.node,
        kind="controller",
        pid=face.pid,
        time_ns=face.clock.time_ns(),
        state=member.state,
        role=member.role,
        pair=pair,
        epoch=member.epoch,
        standby=member.standby,
        sync_pct=member.sync_pct,
        scans=tuple(one.report() for one in figures),
        links=(
            *field_side.reports(),
            *(LinkReport(v.name, v.kind, v.state, "", "", v.round_trip_ms) for v in member.links),
            face.bus_link(),
        ),
        endpoints=face.endpoints,
        detail=", ".join(filter(None, (_redundancy_detail(member), field_side.detail(), *more))),
    )


def _redundancy_detail(member: MemberReport) -> str:
    """What is not as it should be, in words."""
    if member.role == "active" and member.links:
        if member.standby == "out":
            return "standby taken out"
        missing = [] if member.standby_ready else ["standby not ready"]
        if member.suspended:
            missing.append(f"no copy to the standby: {member.suspended}")
        if member.by_copy:
            missing.append(f"mirrored by copy, because software differs ({member.by_copy})")
        if member.granting < 3:
            missing.append(f"redundancy degraded: {member.granting} of 3 voters grant")
        return ", ".join(missing)
    return ""
