"""Booleans from the plant to the operator and back: a pump with a level switch, in the box."""

from pathlib import Path

import pytest

from dcs.node.box import Box
from dcs.node.recorder import Recorder
from field_io.devices.simulated import SimulatedModbusDevice
from tests.support.boxes import in_box

PLANT = """
plant: switches
model: {type: quadruple_tank}
scan_classes: {logic: {period: 500 ms}}
controllers: {C1: {members: [C1A, C1B], witness: W1}}
"""
FIELD = """
devices:
  RIO-1:
    port: auto
    simulate: true
    poll: 500 ms
    points:
      P-101: {table: coil, address: 3, direction: out, signal: {variable: pump_voltage_1, range: [0, 4, V]}}
      XV-101: {table: coil, address: 4, direction: out, signal: {variable: valve_1, range: [0, 1]}}
      P-101-ON: {table: discrete, address: 0, direction: in, signal: {variable: pump_flow_1, range: [1, 2, cm3/s]}}
      LSH-101: {table: discrete, address: 9, direction: in, signal: {variable: level_1, range: [15, 15.5, cm]}}
      LT-101: {table: input, address: 0, type: float32, unit: cm, direction: in,
               signal: {variable: level_1, range: [0, 20, cm]}}
"""
CONTROL = """
modules:
  LI-101:
    blocks: {ai: {type: AI, inputs: {raw: LT-101}, xd_scale: [0, 20, cm], out_scale: [0, 20, cm]}}
  LSH-101:
    blocks: {di: {type: DI, inputs: {raw: LSH-101}}}
  P-101:
    main: motor
    blocks:
      running: {type: DI, inputs: {raw: P-101-ON}}
      motor:
        type: MOTOR
        inputs: {feedback: running.out, interlock_1: LSH-101.di.out, bkcal_in: do.bkcal_out}
        interlocks: [level high]
        travel_on_s: 5
      do: {type: DO, inputs: {cas_in: motor.out, readback: P-101}, outputs: {out: P-101}, travel_s: 5}
  XV-101:
    blocks: {do: {type: DO, inputs: {readback: XV-101}, outputs: {out: XV-101}, permitted: [MAN, AUTO], target: AUTO}}
  U-100:
    blocks:
      unit: {type: UNIT_STATE, states: [stopped, running, tripped], inputs: {set_in_3: LSH-101.di.out}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("plant", PLANT), ("field", FIELD), ("control", CONTROL)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_pump_fills_a_tank_until_the_level_switch_trips_it(folder: Path) -> None:
    """Promise: coil, contact, DO, DI and MOTOR work end to end by name; the first-out survives a killed controller."""

    async def story(box: Box, recorder: Recorder) -> None:
        def last(tag: str) -> float:
            return float(recorder.trace(tag)[1][-1])

        device = box.field.simulation.devices[0]
        assert isinstance(device, SimulatedModbusDevice)
        await box.run_for(8)
        assert last("P-101.PV") == 1, "the plant starts with the pump on: it goes on, and so does the motor"
        assert (last("P-101.do.MODE"), last("P-101.SP"), device.value("P-101")) == (5, 1, 1.0)
        reply = await box.command("C1", "set", "P-101.SP", "STOP")
        assert reply.ok, reply.text
        await box.run_for(5)
        assert (last("P-101.PV"), device.value("P-101"), last("P-101.do.MISMATCH")) == (0, 0.0, 0)
        reply = await box.command("C1", "set", "XV-101.SP", 1.0)
        assert reply.ok, reply.text
        assert (await box.command("C1", "set", "U-100.SP", "running")).text == "U-100.SP stopped → running"
        assert (await box.command("C1", "set", "P-101.SP", "START")).ok
        await box.run_for(300)
        levels = recorder.trace("LI-101.PV")[1]
        assert 15.4 < levels.max() < 15.9, "the switch trips at the high end of its range"
        assert (last("P-101.TRIPPED"), last("P-101.FIRST_OUT"), device.value("P-101")) == (1, 1, 0.0)
        assert last("U-100.STATE") == 2
        await box.kill(box.active("C1"))
        await box.run_for(120)
        assert (last("P-101.TRIPPED"), last("P-101.FIRST_OUT")) == (1, 1)
        assert last("LSH-101.PV") == 0, "the tank has run empty: the contact opened at the low end of its range"
        refused = await box.command("C1", "set", "P-101.SP", "START")
        assert refused.text == "P-101.SP: it has tripped: level high. Remove the cause, then write RESET."
        assert (await box.command("C1", "set", "P-101.RESET", 1.0)).ok
        await box.run_for(1)
        assert (await box.command("C1", "set", "P-101.SP", "START")).ok
        await box.run_for(5)
        assert (last("P-101.PV"), last("P-101.STARTS")) == (1, 2)
        texts = [event.text for event in recorder.events if event.kind == "process"]
        assert "P-101.motor tripped: level high" in texts
        assert "U-100.unit is now tripped" in texts

    in_box(story, plant=folder)


def test_a_switch_has_its_hysteresis(folder: Path) -> None:
    """Promise: the contact closes at the high end of its range and opens at the low end."""

    async def story(box: Box, recorder: Recorder) -> tuple[list[float], list[float]]:
        await box.run_for(8)
        assert (await box.command("C1", "set", "XV-101.SP", 1.0)).ok
        await box.run_for(120)
        return list(recorder.trace("LI-101.PV")[1]), list(recorder.trace("LSH-101.PV")[1])

    levels, contact = in_box(story, plant=folder)
    rise = contact.index(1.0)
    assert 15.4 < levels[rise] < 15.7
    fall = next(k for k in range(rise, len(contact)) if contact[k] == 0.0)
    assert 14.8 < levels[fall] < 15.1
