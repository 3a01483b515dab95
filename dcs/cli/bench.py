"""``dcs bench``: the benchmarks, as a table and as JSON."""

import json
from dataclasses import asdict
from pathlib import Path

from dcs.bench.box_speed import box_speed
from dcs.bench.figure import Benchmark, Figure
from dcs.bench.loop_scans import compile_blocks, scan_loops
from dcs.bench.mirroring import mirroring
from dcs.bench.modbus_client import modbus_client
from dcs.bench.points import load_points
from dcs.bench.real_run import idle_cpu, scan_jitter
from dcs.bench.resynchronisation import resynchronisation
from dcs.bench.scan_cost import scan_cost
from dcs.bench.takeover import takeover
from dcs.bench.tennessee_eastman import tennessee_eastman
from dcs.bench.thousand_devices import thousand_devices
from dcs.bench.versus_c import ratio_to_c
from dcs.bench.versus_epics import epics_ratio
from dcs.cli.table import table
from dcs.core.errors import ConfigError, Missing

BENCHMARKS: dict[str, Benchmark] = {
    "scan_cost": scan_cost,
    "scan_10000_loops": scan_loops,
    "ratio_to_c": ratio_to_c,
    "compile_30000_blocks": compile_blocks,
    "epics_ratio": epics_ratio,
    "points": load_points,
    "box_speed": box_speed,
    "tennessee_eastman": tennessee_eastman,
    "modbus_client": modbus_client,
    "thousand_devices": thousand_devices,
    "scan_jitter": scan_jitter,
    "idle_cpu": idle_cpu,
    "takeover": takeover,
    "mirroring": mirroring,
    "resynchronisation": resynchronisation,
}


def run_benchmarks(names: list[str], json_file: Path | None) -> int:
    """Run them one after the other; 1 when a limit is missed."""
    for name in names:
        if name not in BENCHMARKS:
            raise ConfigError(f"there is no benchmark {name}. There are: {', '.join(BENCHMARKS)}.")
    figures: list[Figure] = []
    for name in names or BENCHMARKS:
        print(f"measuring {name} …", flush=True)
        try:
            figures += BENCHMARKS[name]()
        except Missing as exc:
            if names:
                raise
            print(f"not measured: {exc}")
    rows = [[f.benchmark, f.what, f"{f.value:.4g}", f.unit, f.limit_text, "" if f.holds else "MISSED"] for f in figures]
    print(table(["benchmark", "what", ">value", "unit", "limit", ""], rows))
    if json_file is not None:
        json_file.write_text(json.dumps([{**asdict(f), "holds": f.holds} for f in figures], indent=1), encoding="utf-8")
    return 0 if all(figure.holds for figure in figures) else 1
