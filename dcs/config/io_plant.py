"""From an I/O list to the four files of a plant folder.

Called by   ``dcs init --from-io-list``.
Knows       rows of the list, the keys of the files, and the plant model ``loop_bank`` that stands in for the process.
            What it writes is meant to be read and edited by a person.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dcs.config.io_list import IoList, Signal
from dcs.config.problems import Problems

STAND_IN = "loop_bank"
CHANNELS = 32
"""Processes of the stand-in."""

_TABLES = {"AI": "input", "AO": "holding", "DI": "discrete", "DO": "coil"}
_MODICON = ((30001, "input"), (40001, "holding"), (10001, "discrete"))
_RAW = {"int16": (0.0, 27648.0), "uint16": (0.0, 65535.0), "int32": (0.0, 27648.0), "uint32": (0.0, 65535.0)}
_WORDS = {"int32": 2, "uint32": 2, "float32": 2, "float64": 4}
_PRIORITY = {"HIHI": 2, "LOLO": 2, "HI": 3, "LO": 3}
_DEADBAND_PART = 0.01


@dataclass
class _Point:
    """Where a signal lies in its device."""

    signal: Signal
    table: str
    address: int
    type: str
    scale: float = 1.0
    offset: float = 0.0
    channel: int = 0  # of the stand-in; 0 = none


@dataclass
class _Module:
    """A control module: one signal, or the measurement and the output of a loop."""

    name: str
    description: str
    measurement: Signal | None = None
    output: Signal | None = None
    discrete: Signal | None = None


@dataclass
class PlantText:
    """The files by name, and sentences on what was decided."""

    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def plant_from(io_list: IoList, name: str, title: str) -> PlantText:
    """The texts of the files. Raises ``ConfigErrors`` for rows that do not go together."""
    problems = Problems()
    result = PlantText(notes=list(io_list.notes))
    modules = _modules(io_list.signals, problems, result.notes)
    channel_of = _channels(modules)
    points = _points(io_list.signals, channel_of, problems)
    problems.raise_if_any()
    result.files["plant.yaml"] = _plant_yaml(name, title)
    result.files["field.yaml"] = _field_yaml(points)
    result.files["control.yaml"] = _control_yaml(modules)
    result.files["alarms.yaml"] = _alarms_yaml(modules)
    return result


# --- what goes together -------------------------------------------------------------------------------------
def _modules(signals: Sequence[Signal], problems: Problems, notes: list[str]) -> list[_Module]:
    loops: dict[str, list[Signal]] = {}
    for signal in signals:
        if signal.loop and signal.signal in ("AI", "AO"):
            loops.setdefault(signal.loop, []).append(signal)
    modules: dict[str, _Module] = {}
    for name, members in loops.items():
        inputs = [one for one in members if one.signal == "AI"]
        outputs = [one for one in members if one.signal == "AO"]
        if len(inputs) == 1 and len(outputs) == 1:
            modules[name] = _Module(name, inputs[0].description, inputs[0], outputs[0])
        else:
            notes.append(
                f"loop {name} has {len(inputs)} measurements and {len(outputs)} outputs, so no controller was made "
                "for it: each signal has a module of its own"
            )
    taken = {one.tag for module in modules.values() for one in (module.measurement, module.output) if one}
    for signal in signals:
        if signal.tag in taken:
            continue
        if signal.tag in modules:
            problems.add(signal.place, f"{signal.tag} is the name of a loop as well. Rename one of the two.")
            continue
        module = _Module(signal.tag, signal.description)
        if signal.signal == "AI":
            module.measurement = signal
        elif signal.signal == "AO":
            module.output = signal
        else:
            module.discrete = signal
        modules[signal.tag] = module
    return list(modules.values())


def _channels(modules: Sequence[_Module]) -> dict[str, int]:
    """Process of the stand-in for each analogue signal: a loop has one for itself as long as there are some."""
    found: dict[str, int] = {}
    free = iter(range(1, CHANNELS + 1))
    for module in sorted(modules, key=lambda one: one.measurement is None or one.output is None):
        channel = next(free, 0)
        if module.measurement is not None:
            found[module.measurement.tag] = channel or 1 + len(found) % CHANNELS
        if module.output is not None and channel:
            found[module.output.tag] = channel
    return found


def _points(signals: Sequence[Signal], channel_of: dict[str, int], problems: Problems) -> dict[str, list[_Point]]:
    devices: dict[str, list[_Point]] = {}
    for signal in signals:
        devices.setdefault(signal.device, []).append(_point(signal, channel_of))
    for points in devices.values():
        used: dict[tuple[str, int], str] = {}
        for point in sorted(points, key=lambda one: one.signal.address is None):
            size = _WORDS.get(point.type, 1)
            if point.signal.address is None:
                while any((point.table, point.address + word) in used for word in range(size)):
                    point.address += 1
            for word in range(size):
                other = used.setdefault((point.table, point.address + word), point.signal.tag)
                if other != point.signal.tag:
                    problems.add(
                        point.signal.place,
                        f"{point.signal.tag}: its register ({point.table} {point.address + word}) is taken by {other} "
                        f"in device {point.signal.device}. Correct one of the addresses.",
                    )
                    break
    return devices


def _point(signal: Signal, channel_of: dict[str, int]) -> _Point:
    table, address = _TABLES[signal.signal], signal.address or 0
    for first, name in _MODICON:
        if first <= address < first + 10000 and (name in ("input", "holding")) == (signal.signal in ("AI", "AO")):
            table, address = name, address - first
    if signal.signal == "AO":
        table = "holding"
    if signal.signal == "DO":
        table = "coil"
    point = _Point(signal, table, address, signal.type)
    if signal.signal in ("DI", "DO"):
        point.type = "bool"
        return point
    point.type = point.type or "float32"
    raw_low, raw_high = _RAW.get(point.type, (signal.low, signal.high))
    if signal.raw_low is not None and signal.raw_high is not None:
        raw_low, raw_high = signal.raw_low, signal.raw_high
    point.scale = 100.0 / (raw_high - raw_low)
    point.offset = -raw_low * point.scale
    point.channel = channel_of.get(signal.tag, 0)
    return point


# --- texts ----------------------------------------------------------------------------------------------------
def _plant_yaml(name: str, title: str) -> str:
    return f"""\
# Made from an I/O list. The process is not known yet: {CHANNELS} first-order lags stand in for it.
plant: {name}
title: {quoted(title)}
model: {{type: {STAND_IN}, step: 100 ms}}
scan_classes:
  loops: {{period: 500 ms}}
controllers:
  C1: {{members: [C1A, C1B], witness: W1, lease: auto}}
bus: {{port: auto}}
"""


def _field_yaml(devices: dict[str, list[_Point]]) -> str:
    lines = [
        "# Devices and their registers, as the I/O list has them. `simulate: true`: this system serves the device",
        "# itself; for the real one write its host and port, and `simulate: false`. Analogue values are in % of range.",
        "devices:",
    ]
    for name, points in devices.items():
        host = next((one.signal.host for one in points if one.signal.host), "")
        port = next((one.signal.port for one in points if one.signal.port), "")
        unit_id = next((one.signal.unit_id for one in points if one.signal.unit_id.isdecimal()), "1")
        real = ", ".join(text for text in (f"host {host}" if host else "", f"port {port}" if port else "") if text)
        lines += [
            f"  {name}:",
            *([f"    # the list says: {real}"] if real else []),
            "    host: 127.0.0.1",
            "    port: auto",
            f"    unit: {unit_id}",
            "    simulate: true",
            "    poll: 500 ms",
            "    points:",
        ]
        lines += [f"      {point.signal.tag}: {_point_yaml(point)}" for point in points]
    return "\n".join(lines) + "\n"


def _point_yaml(point: _Point) -> str:
    signal = point.signal
    direction = "in" if signal.signal in ("AI", "DI") else "out"
    keys = [f"table: {point.table}", f"address: {point.address}", f"type: {point.type}"]
    if signal.signal in ("AI", "AO"):
        keys += [f"scale: {point.scale!r}"] if point.scale != 1.0 else []
        keys += [f"offset: {point.offset!r}"] if point.offset else []
        keys += ['unit: "%"']
    keys += [f"direction: {direction}"]
    if point.channel:
        variable = f"{'measurement' if direction == 'in' else 'demand'}_{point.channel}"
        keys += [f"signal: {{variable: {variable}, range: [0, 1]}}"]
    if signal.description:
        keys += [f"description: {quoted(signal.description)}"]
    return "{" + ", ".join(keys) + "}"


def _control_yaml(modules: Sequence[_Module]) -> str:
    lines = [
        "# Modules, made from an I/O list: a loop where a measurement and an output name the same one, else one module",
        "# for each signal. Controllers start in Man with cautious tuning.",
        "modules:",
    ]
    for module in modules:
        lines += [f"  {module.name}:"]
        lines += [f"    description: {quoted(module.description)}"] if module.description else []
        if module.measurement is not None and module.output is not None:
            lines += ["    main: pid"]
        lines += ["    blocks:", *_blocks(module)]
    return "\n".join(lines) + "\n"


def _blocks(module: _Module) -> Iterable[str]:
    measurement, output, discrete = module.measurement, module.output, module.discrete
    if measurement is not None:
        yield (
            f'      ai: {{type: AI, inputs: {{raw: {measurement.tag}}}, xd_scale: [0, 100, "%"], '
            f"out_scale: {_range(measurement)}}}"
        )
    if measurement is not None and output is not None:
        yield "      pid:"
        yield "        type: PID"
        yield "        inputs: {pv: ai.out, bkcal_in: ao.bkcal_out}"
        yield f"        pv_scale: {_range(measurement)}"
        yield f"        out_scale: {_range(output)}"
        yield "        gain: 0.5"
        yield "        ti_s: 10"
        yield f"        sp: {(measurement.low + measurement.high) / 2:g}"
        yield "        target: MAN"
        yield "        normal: AUTO"
        yield "        permitted: [MAN, AUTO]"
    if output is not None:
        scales = f'pv_scale: {_range(output)}, xd_scale: [0, 100, "%"]'
        wires = f"readback: {output.tag}}}, outputs: {{out: {output.tag}}}, {scales}"
        if measurement is not None:
            yield f"      ao: {{type: AO, inputs: {{cas_in: pid.out, {wires}}}"
        else:
            yield f"      ao: {{type: AO, inputs: {{{wires}, permitted: [MAN, AUTO], target: MAN}}"
    if discrete is not None and discrete.signal == "DI":
        yield f"      di: {{type: DI, inputs: {{raw: {discrete.tag}}}}}"
    if discrete is not None and discrete.signal == "DO":
        yield (
            f"      do: {{type: DO, inputs: {{readback: {discrete.tag}}}, outputs: {{out: {discrete.tag}}}, "
            "permitted: [MAN, AUTO], target: MAN}"
        )


def _range(signal: Signal) -> str:
    unit = f", {quoted(signal.unit)}" if signal.unit else ""
    return f"[{signal.low:g}, {signal.high:g}{unit}]"


def _alarms_yaml(modules: Sequence[_Module]) -> str:
    lines = [
        "# Alarms of the I/O list. Say for each what happens, why, and what to do: consequence, cause, action.",
        "alarms:",
    ]
    for module in modules:
        rows = list(_alarms(module))
        if rows:
            lines += [f"  {module.name}:", *rows]
    return "\n".join(lines) + ("\n" if len(lines) > 2 else " {}\n")


def _alarms(module: _Module) -> Iterable[str]:
    signal = module.measurement
    if signal is not None:
        deadband = _DEADBAND_PART * (signal.high - signal.low)
        for name, limit in signal.limits.items():
            kind = name.upper()
            yield f"    {kind}: {{limit: {limit:g}, deadband: {deadband:g}, priority: {_PRIORITY[kind]}}}"
    if module.discrete is not None and module.discrete.alarm:
        yield f'    ALARM: {{kind: "{module.discrete.alarm}", priority: 3}}'


def quoted(text: str) -> str:
    """A YAML scalar that is a text, whatever it holds."""
    return json.dumps(text, ensure_ascii=False)
