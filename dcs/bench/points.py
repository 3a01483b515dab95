"""How long it takes to read and check a list of 50,000 points, and to plan how they are polled.

Knows       a folder of 100 devices without a plant model whose points stand in field/points.csv.
"""

import csv
import tempfile
import time
from pathlib import Path

from dcs.bench.figure import Figure
from dcs.node.assembly import load_configuration
from field_io.planning import plan_reads

POINTS = 50_000
DEVICES = 100

_COLUMNS = ("tag", "device", "table", "address", "type", "unit", "scale", "direction", "description")
_KINDS = (  # table, type, unit, scale, direction; addresses go on by what the type needs
    ("input", "int16", "mA", "0.001", "in", 1),
    ("input", "float32", "m3/h", "", "in", 2),
    ("holding", "uint16", "%", "0.01", "in", 1),
    ("discrete", "bool", "", "", "in", 1),
    ("coil", "bool", "", "", "in", 1),
)


def write_folder(folder: Path, points: int = POINTS, devices: int = DEVICES) -> None:
    """A plant folder with that many points; every kind of point in every device."""
    (folder / "field").mkdir(parents=True)
    rows = [_COLUMNS]
    for number in range(devices):
        free = dict.fromkeys(("input", "holding", "discrete", "coil"), 0)
        for index in range(points // devices):
            table, kind, unit, scale, direction, size = _KINDS[index % len(_KINDS)]
            tag = f"T-{number:03d}-{index:04d}"
            text = f"Point {index}, of device {number}"
            rows.append((tag, f"RTU-{number}", table, str(free[table]), kind, unit, scale, direction, text))
            free[table] += size
    with (folder / "field" / "points.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    names = "".join(f"  RTU-{number}: {{host: 10.0.{number}.1}}\n" for number in range(devices))
    (folder / "field.yaml").write_text(f"devices:\n{names}", encoding="utf-8")
    (folder / "control.yaml").write_text(_CONTROL, encoding="utf-8")
    (folder / "plant.yaml").write_text(_PLANT, encoding="utf-8")


def load_points() -> list[Figure]:
    """A list of 50,000 points: read and checked, with what one plant folder needs besides."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "points"
        write_folder(folder)
        small = Path(name) / "small"
        write_folder(small, points=DEVICES)
        load_configuration(small)  # schemas and plant models are there
        started_s = time.perf_counter()
        config = load_configuration(folder)
        loaded_s = time.perf_counter() - started_s
    points = [point for device in config.devices for point in device.points]
    started_s = time.perf_counter()
    reads = sum(len(plan_reads(device.points)) for device in config.devices)
    planned_s = time.perf_counter() - started_s
    return [
        Figure("points", f"{len(points)} points in {len(config.devices)} devices, load and check", loaded_s, "s", 3.0),
        Figure("points", f"plan {reads} requests for them", planned_s, "s", 3.0),
    ]


_CONTROL = """modules:
  LI-1:
    blocks:
      ai: {type: AI, inputs: {raw: T-000-0000}, xd_scale: [4, 20, mA], out_scale: [0, 100, "%"]}
"""
_PLANT = """plant: points
model: {type: none}
scan_classes:
  slow: {period: 1 s}
controllers:
  C1: {members: [C1A]}
"""
