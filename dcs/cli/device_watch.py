"""``dcs device watch``: the points of one device with their raw registers, refreshed in place.

Called by   ``dcs.cli.device``. Needs no running plant: it asks the device itself, and never writes.
Knows       how a watched device is shown in a terminal of 100 columns. A value of 32 or 64 bits has a second line with
            all four orders; the plausible ones stand in brackets, ``=`` marks the configured one.
"""

import asyncio
import math
import sys
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from shutil import get_terminal_size
from typing import Any

from dcs.cli.client import nearest_tags, print_json
from dcs.cli.options import duration_option
from dcs.core.clock import NS_PER_MS, NS_PER_S, Clock, WallClock, utc_text
from dcs.core.errors import ConfigError, Missing
from dcs.core.status import describe_status
from field_io.drivers.links.choice import wire_link
from field_io.onboarding.contact import LinkMaker, address_of
from field_io.onboarding.orders import Verdict
from field_io.onboarding.target import parse_target
from field_io.onboarding.watch import DeviceWatch, Watched
from field_io.specs import DeviceSpec

WIDTH = 100
SAMPLES_TO_JUDGE = 3
"""Looks of ``--once``: one sample says little about an order."""
_CLEAR, _HOME, _REST, _END_OF_LINE = "\x1b[2J\x1b[H", "\x1b[H", "\x1b[J", "\x1b[K"
_HIDE, _SHOW, _BOLD, _PLAIN = "\x1b[?25l", "\x1b[?25h", "\x1b[1m", "\x1b[0m"
_TABLE_LETTER = {"holding": "H", "input": "I", "coil": "C", "discrete": "D"}


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """What was asked for on the command line."""

    target: str  # a plant folder or name, or a URL
    device: str = ""
    map_name: str = ""
    points: str = "*"
    every: str = ""
    once: bool = False
    as_json: bool = False
    sets: tuple[str, ...] = ()


def watch(request: WatchRequest) -> int:
    """``dcs device watch``."""
    spec = spec_of(request)
    return asyncio.run(watch_device(request, spec, wire_link, WallClock()))


def spec_of(request: WatchRequest) -> DeviceSpec:
    """The device with the points that are wanted. Raises ``ConfigError``."""
    spec = _from_url(request) if "://" in request.target else _from_config(request)
    if not spec.is_modbus:
        raise ConfigError(
            f"{spec.name} speaks OPC UA and has no registers. `dcs device probe {spec.url}` lists its nodes."
        )
    wanted = tuple(p for p in spec.points if fnmatchcase(p.name.upper(), request.points.upper()))
    if not spec.points:
        raise ConfigError(f"{spec.name} has no points: there is nothing to watch.")
    if not wanted:
        raise ConfigError(
            f"{spec.name} has no point `{request.points}`.{nearest_tags(request.points, [p.name for p in spec.points])}"
        )
    return replace(spec, points=wanted)


def _from_url(request: WatchRequest) -> DeviceSpec:
    if request.device:
        raise ConfigError("A device of field.yaml or a URL: give one of the two.")
    if not request.map_name:
        raise ConfigError(
            f"Which registers? Give a map with --map, or make one: dcs device probe {request.target} --out map.yaml."
        )
    from dcs.cli.device_maps import spec_with_map

    return spec_with_map(request.map_name, parse_target(request.target).spec)


def _from_config(request: WatchRequest) -> DeviceSpec:
    from dcs.config.find import find_config
    from dcs.node.assembly import load_configuration

    config = load_configuration(find_config(request.target), request.sets)
    names = [device.name for device in config.devices]
    if not request.device and len(names) != 1:
        raise ConfigError(f"Which device? {config.name} has {', '.join(names)}.")
    spec = next((one for one in config.devices if one.name == (request.device or names[0])), None)
    if spec is None:
        raise ConfigError(f"{config.name} has no device {request.device}.{nearest_tags(request.device, names)}")
    if spec.port == 0 and spec.serial is None:
        raise ConfigError(
            f"{spec.name} takes a free port at every start. Look it up with `dcs status`, and give it with "
            f"--set field.devices.{spec.name}.port=PORT."
        )
    return spec


async def watch_device(request: WatchRequest, spec: DeviceSpec, make_link: LinkMaker, clock: Clock) -> int:
    """Show until Ctrl-C, or once; the exit code."""
    period_ns = duration_option("--every", request.every) if request.every else max(spec.poll_ns, 200 * NS_PER_MS)
    device = DeviceWatch(spec, make_link(spec), clock)
    try:
        if request.once or request.as_json:
            return await _once(request, device, clock, period_ns)
        return await _on_and_on(device, clock, period_ns)
    finally:
        device.close()


async def _once(request: WatchRequest, device: DeviceWatch, clock: Clock, period_ns: int) -> int:
    for look in range(SAMPLES_TO_JUDGE):
        if look:
            await clock.sleep_until(clock.monotonic_ns() + min(period_ns, NS_PER_S))
        await device.look()
        if device.state != "up":
            raise Missing(f"{device.spec.name} on {address_of(device.spec)} does not answer: {device.state}.")
    if request.as_json:
        print_json(to_dict(device, clock))
    else:
        print("\n".join(lines(device, clock)))
    return 0


async def _on_and_on(device: DeviceWatch, clock: Clock, period_ns: int) -> int:
    screen = sys.stdout.isatty()
    if screen:
        sys.stdout.write(_HIDE + _CLEAR)
    try:
        due_ns = clock.monotonic_ns()
        while True:
            await device.look()
            shown = lines(device, clock, bold=screen)
            if screen:
                room = get_terminal_size().lines - 1
                if len(shown) > room:
                    shown = [
                        *shown[: room - 1],
                        "… there is more than fits: choose with --points, or print all with --once",
                    ]
                sys.stdout.write(_HOME + "".join(line + _END_OF_LINE + "\n" for line in shown) + _REST)
            else:
                print("\n".join(shown), end="\n\n")
            sys.stdout.flush()
            due_ns = max(due_ns + period_ns, clock.monotonic_ns())
            await clock.sleep_until(due_ns)
    except asyncio.CancelledError:
        return 0  # Ctrl-C is how one leaves
    finally:
        if screen:
            sys.stdout.write(_SHOW)
            sys.stdout.flush()


# --- what is shown ------------------------------------------------------------------------------------------
def lines(device: DeviceWatch, clock: Clock, bold: bool = False) -> list[str]:
    """The whole picture, a line an item, none wider than 100 columns."""
    spec = device.spec
    trip = f", {device.round_trip_ns / NS_PER_MS:.1f} ms" if device.round_trip_ns else ""
    head = f"{spec.name}  {spec.url}  {device.state}  ({device.requests} requests, {device.errors} errors{trip})"
    clock_text = utc_text(clock.time_ns())[11:19]
    width = max([8, *(len(one.point.name) for one in device.points)])
    width = min(width, 22)
    out = [_cut(head, WIDTH - 10).ljust(WIDTH - 10) + clock_text.rjust(10), ""]
    out.append(_row(width, "point", "where", "registers", "value", "unit", "status", "age"))
    for one in device.points:
        out.append(_point_line(one, clock, width))
        if one.verdict.readings:
            out.append(_orders_line(one.verdict, width))
        if one.verdict.hint:
            text = _cut(f"{' ' * width}  ▲ {one.verdict.hint}", WIDTH)
            out.append(f"{_BOLD}{text}{_PLAIN}" if bold else text)
    return out


def _row(width: int, name: str, where: str, raw: str, value: str, unit: str, status: str, age: str) -> str:
    status_width = WIDTH - width - 6 - 19 - 12 - 7 - 6 - 6 * 2
    return (
        f"{_cut(name, width):<{width}}  {where:<6}  {raw:<19}  {value:>12}  {_cut(unit, 7):<7}  "
        f"{_cut(status, status_width):<{status_width}}  {age:>6}"
    ).rstrip()


def _point_line(one: Watched, clock: Clock, width: int) -> str:
    point = one.point
    where = f"{_TABLE_LETTER[point.table]}{point.address}" + (f".{point.bit}" if point.bit >= 0 else "")
    age_s = _age_s(one, clock)
    age = "—" if age_s is None else f"{age_s:.1f} s"
    status = one.trouble or describe_status(one.status)
    return _row(width, point.name, where, raw_text(one), shown_value(one), point.unit, status, age)


def _age_s(one: Watched, clock: Clock) -> float | None:
    return None if one.sampled_ns is None else round((clock.monotonic_ns() - one.sampled_ns) / NS_PER_S, 3)


def raw_text(one: Watched) -> str:
    """The registers as they came, in hexadecimal; a bit as it is."""
    if not one.words:
        return "—"
    if one.point.is_bit:
        return str(one.words[0])
    shown = " ".join(f"{word:04X}" for word in one.words[:4])
    return shown if len(one.words) <= 4 else shown[:17] + " …"


def shown_value(one: Watched) -> str:
    """The engineering value; never a number that is not known."""
    if one.sampled_ns is None:
        return "—"
    if one.point.is_text:
        return f"“{one.text}”" if len(one.text) <= 10 else f"“{one.text[:9]}…”"
    if one.point.type == "bool":
        return "on" if one.value else "off"
    return number_text(one.value)


def number_text(value: float) -> str:
    """A number in at most ten characters."""
    if not math.isfinite(value):
        return "no number"
    if value == int(value) and abs(value) < 1e9:
        return str(int(value))
    return f"{value:.6g}" if 1e-3 <= abs(value) < 1e7 else f"{value:.2e}"


def _orders_line(verdict: Verdict, width: int) -> str:
    cells = []
    for reading in verdict.readings:
        number = number_text(reading.value)
        mark = "=" if reading.configured else " "
        cells.append(f"{mark}{reading.letters} " + (f"[{number}]" if reading.plausible else f" {number} ").ljust(12))
    return (" " * width + "  " + " ".join(cells)).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def to_dict(device: DeviceWatch, clock: Clock) -> dict[str, Any]:
    """For ``--json``; a value that is not known is null."""
    return {
        "device": device.spec.name,
        "url": device.spec.url,
        "state": device.state,
        "time": utc_text(clock.time_ns()),
        "requests": device.requests,
        "errors": device.errors,
        "points": [_point_dict(one, clock) for one in device.points],
    }


def _point_dict(one: Watched, clock: Clock) -> dict[str, Any]:
    known = one.sampled_ns is not None and math.isfinite(one.value)
    return {
        "point": one.point.name,
        "table": one.point.table,
        "address": one.point.address,
        "registers": [f"{word:04X}" for word in one.words],
        "value": one.text if one.point.is_text else one.value if known else None,
        "unit": one.point.unit,
        "status": describe_status(one.status),
        "trouble": one.trouble,
        "age_s": _age_s(one, clock),
        "orders": _orders_dict(one.verdict),
        "hint": one.verdict.hint,
    }


def _orders_dict(verdict: Verdict) -> list[dict[str, Any]]:
    return [
        {
            "order": reading.letters,
            "value": reading.value if math.isfinite(reading.value) else None,
            "plausible": reading.plausible,
            "configured": reading.configured,
        }
        for reading in verdict.readings
    ]
