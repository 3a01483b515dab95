"""The plants of the twin study: shipped ones without noise, and the quadruple tank with what no shipped plant has.

Called by   tests.simulation.twin.run.
Knows       plant folders. A sequence that moves a valve with a timer, totals of a measured and of a constant flow are
            added to the quadruple tank. Noise is off: two runs that are polled at other instants would see other
            noise, and that is no bump.
"""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from dcs.config.find import find_config
from dcs.config.plant_config import PlantConfig
from dcs.node.assembly import load_configuration

TANKS = "quadruple_tank"

UNMEASURED = ("FQ-101.source", "FQ-101.constant")
"""Blocks of the quadruple tank below in which no measurement has a part."""

_MORE = """
  SEQ-1:
    description: Moves the split of pump 1 slowly, waits, and moves it back
    scan: loops
    main: seq
    blocks:
      seq:
        type: SFC
        inputs: {inp_1: FIC-101.ai.out}
        steps:
          RAMP: {max_time: 5 min, actions: [N OUT2, {P1: "OUT1 := 70.0;"}, {N: "OUT1 := OUT1 + 0.1 * DT;"}]}
          WAIT: {actions: [N OUT2, D OUT3 5 s]}
          BACK: {min_time: 10 s, actions: [N OUT2, {N: "OUT1 := OUT1 - 0.1 * DT;"}]}
        transitions:
          - {from: RAMP, to: WAIT, when: RAMP.T >= T#40s}
          - {from: WAIT, to: BACK, when: WAIT.T >= T#12s}
          - {from: BACK, to: END, when: BACK.T >= T#40s}

  FQ-101:
    description: Water that pump 1 has moved, and a total of a constant flow
    scan: loops
    main: measured
    blocks:
      measured:
        type: TOTALISER
        inputs: {flow: FIC-101.ai.out}
        flow_scale: [0, 40, cm3/s]
        total_scale: [0, 100000, cm3]
      source: {type: MANUAL_LOADER, out_scale: [0, 40, cm3/s], load: 12.3 cm3/s}
      constant:
        type: TOTALISER
        inputs: {flow: source.out}
        flow_scale: [0, 40, cm3/s]
        total_scale: [0, 100000, cm3]
"""
_VALVE = ("inputs: {readback: V-101}", "inputs: {readback: V-101, trk_val: SEQ-1.seq.out_1, trk_in_d: SEQ-1.seq.out_2}")


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="twin")) / TANKS
    shutil.copytree(find_config(TANKS), folder)
    control = folder / "control.yaml"
    text = control.read_text()
    assert text.count(_VALVE[0]) == 1, "the manual station V-101 is written otherwise now"
    control.write_text(text.replace(*_VALVE) + _MORE)
    return folder


@cache
def twin_config(plant: str, period_ms: int, overrides: tuple[str, ...] = ()) -> PlantConfig:
    """Checked once per process; every scan class and poll that is slower gets this period."""
    folder = _folder() if plant == TANKS else find_config(plant)
    config = load_configuration(folder, overrides)
    found = list(overrides)
    if plant != "tennessee_eastman":  # its classes and polls are what it is tuned for
        found += [
            f"scan_classes.{name}.period={period_ms} ms"
            for name in dict.fromkeys(c.name for pair in config.controllers for c in pair.strategy.scan_classes)
        ]
        found += [f"field.devices.{device.name}.poll={period_ms} ms" for device in config.devices]
    found += [
        f"field.devices.{device.name}.points.{point.name}.signal.noise=0 {point.unit}".rstrip()
        for device in config.devices
        for point in device.points
        if point.signal is not None and point.signal.noise
    ]
    return load_configuration(folder, tuple(found))
