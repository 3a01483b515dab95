"""One line that says how a running plant is."""

from dcs.bus.messages import NodeReport
from dcs.cli.client import PlantClient, TagReading
from dcs.core.clock import utc_text
from dcs.core.errors import DcsError

_LOOPS_SHOWN = 3


async def status_line(client: PlantClient) -> str:
    """Time, roles, the first loops, alarms: ``14:02:11  C1A active C1B ready | LIC-101 12.3/12.3 cm | 2 alarms``."""
    reports = {name: report for name, report in (await client.reports()).items() if report is not None}
    roles = " ".join(_role(report) for report in reports.values() if report.kind == "controller") or "no controller yet"
    try:
        readings = await client.readings()
        standing = [state for _, state, _, _ in await client.alarms() if state]
    except DcsError:
        return f"{roles} | starting"
    time_ns = max((reading.time_ns for reading in readings.values()), default=0)
    loops = [tag.removesuffix(".SP") for tag in readings if tag.endswith(".SP") and tag.count(".") == 1]
    shown = "  ".join(_loop(name, readings) for name in loops[:_LOOPS_SHOWN])
    alarms = f"{len(standing)} alarms" if standing else "no alarms"
    return f"{utc_text(time_ns)[11:19]}  {roles} | {shown} | {alarms}"


def _role(report: NodeReport) -> str:
    return f"{report.node} {report.role if report.role == 'active' else report.state}"


def _loop(name: str, readings: dict[str, TagReading]) -> str:
    pv, sp, mode = (readings.get(f"{name}.{part}") for part in ("PV", "SP", "MODE"))
    shown = "/".join(reading.shown() for reading in (pv, sp) if reading is not None)
    unit = pv.info.unit if pv is not None else ""
    return f"{name} {shown} {unit} {mode.shown() if mode is not None else ''}".rstrip()
