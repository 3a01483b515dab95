"""A device comes back after a long time: no kick, neither from a PID in Auto nor from a cascade, in numbers."""

import shutil
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from dcs.config.find import find_config
from dcs.core.modes import AUTO, CAS, IMAN, MAN
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from field_io.devices.simulated import SimulatedModbusDevice
from tests.support.boxes import in_box

OUTAGE_S = 600.0  # ten times the reset time of the level loops
GAIN, TI_S = 2.0, 60.0  # of LIC-101, in % per %; 20 cm and 40 cm3/s are 100 %
SCANS = 12
WATCHDOG = ("field.devices.DRV-1.watchdog=4 s",)


def value(box: Box, block: str, name: str) -> float:
    return box.controller(box.active("C1")).replica.engine.field(block, name)


def device(box: Box, name: str) -> SimulatedModbusDevice:
    found = next(one for one in box.field.simulation.devices if one.spec.name == name)
    assert isinstance(found, SimulatedModbusDevice)
    return found


async def out_and_back(
    box: Box, name: str, tags: dict[str, str], while_away: Callable[[], Awaitable[object]], latency_s: float = 0.0
):
    """Values of tags (tag -> block.field) before the outage, at its end, and at every scan after the return."""
    await box.run_for(120.0)

    def now() -> dict[str, float]:
        return {tag: value(box, *source.rsplit(".", 1)) for tag, source in tags.items()}

    before = now()
    box.faults().cut(name)
    await box.run_for(60.0)
    await while_away()
    await box.run_for(OUTAGE_S - 60.0)
    rows = [now()]
    await box.faults().heal(name)
    box.faults().set_latency(name, latency_s)
    for scan in range(SCANS if not latency_s else 2 * SCANS):
        if scan == 3:
            box.faults().set_latency(name, 0.0)
        await box.run_for(1.0)
        rows.append(now())
    return before, rows


LEVEL = {
    "out": "LIC-101.pid.out", "pv": "LIC-101.pid.pv", "sp": "LIC-101.pid.sp_wrk", "mode": "LIC-101.pid.mode",
    "flow mode": "FIC-101.pid.mode", "d": "LIC-101.pid.derivative_pct",
}  # fmt: skip


async def _level(box: Box, recorder: Recorder) -> None:
    async def plant_goes_on() -> None:
        await box.command("C1", "set", "V-101.OUT", 60.0)  # with nobody at the level control it finds another place

    before, rows = await out_and_back(box, "RTU-1", LEVEL, plant_goes_on)
    away = rows[0]
    assert (away["mode"], away["flow mode"]) == (MAN, CAS), "the level loop holds, the flow loop goes on with its SP"
    assert away["out"] == pytest.approx(before["out"], abs=0.05)
    back = next(n for n, row in enumerate(rows) if row["mode"] == AUTO)
    assert abs(rows[back]["pv"] - before["pv"]) > 1.0, "the process has moved, or nothing is shown"
    assert rows[back]["out"] == away["out"], "the scan of the return moves nothing"
    for one, two in zip(rows[back:], rows[back + 1 :], strict=False):
        reset = GAIN / TI_S * abs(two["sp"] - two["pv"]) * 2.0  # cm to cm3/s: 40 / 20
        proportional = GAIN * 2.0 * abs(two["pv"] - one["pv"])
        assert abs(two["out"] - one["out"]) <= proportional + reset + 1e-6, (one, two)
        assert two["d"] == 0.0
    moved_cm, bump = rows[back]["pv"] - before["pv"], rows[back]["out"] - away["out"]
    print(f"level moved {moved_cm:+.2f} cm; OUT at the return {bump:+.4f}")


def test_a_level_loop_in_auto_goes_on_from_where_it_held() -> None:
    """Promise: at the return OUT stands, and from then on moves by no more than the equation asks for the error that
    there is: after 10 min nothing has wound up."""
    in_box(_level)


FLOW = {
    "demand": "FIC-101.ao.out", "out": "FIC-101.pid.out", "pv": "FIC-101.pid.pv", "level out": "LIC-101.pid.out",
    "mode": "FIC-101.pid.mode", "level mode": "LIC-101.pid.mode", "ao mode": "FIC-101.ao.mode",
}  # fmt: skip


async def _cascade(box: Box, rebooted: bool, latency_s: float) -> None:
    drive = device(box, "DRV-1")

    async def reboots() -> None:
        if rebooted:
            for point in ("P-101", "P-102"):
                drive.set_value(point, 0.0)
        drive.record_writes()

    before, rows = await out_and_back(box, "DRV-1", FLOW, reboots, latency_s)
    away = rows[0]
    assert (away["mode"], away["level mode"], away["ao mode"]) == (IMAN, IMAN, IMAN)
    writes = [one.value for one in drive.writes or () if one.point == "P-101"]
    field = 0.0 if rebooted else writes[0]
    assert writes[0] == pytest.approx(field, abs=0.05), "the first demand is where the drive stands"
    assert writes[0] == pytest.approx(0.0 if rebooted else before["demand"], abs=0.5)
    steps = np.abs(np.diff(writes[: SCANS * 4]))
    assert steps.max() <= (5.0 if rebooted else 0.2), "% a scan: a ramp of the equation, no step"
    last = rows[-1]
    assert (last["mode"], last["level mode"]) == (CAS, AUTO), "the cascade has closed again, from the bottom"
    print(f"rebooted {rebooted}: first demand {writes[0]:.3f} %, largest step {steps.max():.3f} %")


@pytest.mark.parametrize(("rebooted", "latency_s"), [(False, 0.0), (True, 0.0), (True, 0.4)])
def test_a_cascade_starts_from_where_the_drive_stands(rebooted: bool, latency_s: float) -> None:
    """Promise: also from a drive that has lost its demand meanwhile, whose outputs are repeated for its watchdog, and
    that is so slow that a scan is due between its first answer and the read-back."""
    in_box(lambda box, _: _cascade(box, rebooted, latency_s), overrides=WATCHDOG)


# --- what a loop does meanwhile ---------------------------------------------------------------------------------
HOLD: tuple[str, ...] = ()
TO_MAN = ("control.modules.LIC-101.blocks.pid.target_man_if_bad=true",)
BELOW_SHEDS = ("control.modules.LIC-101.blocks.pid.bad_out_if_bad=true",)
FAIL_VALUE_AT_ONCE = (
    "control.modules.FIC-101.blocks.pid.ifs_if_bad=true",
    "control.modules.FIC-101.blocks.ao.fault_state=VALUE",
    "control.modules.FIC-101.blocks.ao.fault_value=20 %",
)
FAIL_VALUE_LATER = (
    "control.modules.FIC-101.blocks.pid.bad_out_if_bad=true",
    "control.modules.FIC-101.blocks.ao.fault_state=VALUE",
    "control.modules.FIC-101.blocks.ao.fault_value=20 %",
    "control.modules.FIC-101.blocks.ao.fault_time_s=30",
)
FLOW_ALONE = """
  FTX-1:
    port: auto
    simulate: true
    poll: 1 s
    timeout: 500 ms
    points:
      FT-101X:
        {table: input, address: 0, type: float32, unit: cm3/s, direction: in,
         signal: {variable: pump_flow_1, range: [0, 40, cm3/s]}}
"""


@pytest.mark.parametrize(
    ("overrides", "away", "back"),
    [
        (HOLD, (MAN, AUTO, CAS), (AUTO, AUTO, CAS)),
        (TO_MAN, (MAN, MAN, CAS), (MAN, MAN, CAS)),
        (BELOW_SHEDS, (IMAN, AUTO, AUTO), (AUTO, AUTO, CAS)),
    ],
    ids=["hold", "to Man", "the loop below goes on by itself"],
)
def test_a_loop_without_measurement_does_as_configured(overrides, away, back) -> None:
    """Promise: actual mode and target of the level loop, mode of the flow loop: while the device is dead, and after."""

    async def story(box: Box, _: Recorder) -> None:
        def modes() -> tuple[int, int, int]:
            level, flow = "LIC-101.pid", "FIC-101.pid"
            return int(value(box, level, "mode")), int(value(box, level, "target")), int(value(box, flow, "mode"))

        await box.run_for(120.0)
        held = value(box, "LIC-101.pid", "out")
        box.faults().cut("RTU-1")
        await box.run_for(60.0)
        assert modes() == away
        assert value(box, "LIC-101.pid", "out") == pytest.approx(held, abs=0.05)
        assert value(box, "FIC-101.pid", "sp_wrk") == pytest.approx(held, abs=0.05)
        await box.faults().heal("RTU-1")
        await box.run_for(20.0)
        assert modes() == back

    in_box(story, overrides=overrides)


@pytest.mark.parametrize(
    ("overrides", "after_s"), [(FAIL_VALUE_AT_ONCE, 0.0), (FAIL_VALUE_LATER, 30.0)], ids=["at once", "after a time"]
)
def test_an_output_goes_to_its_fail_value_and_the_loop_starts_again_from_there(tmp_path, overrides, after_s) -> None:
    """Promise: the transmitter's device dies, the drive lives; at the return control starts from the fail value."""
    folder = tmp_path / "plant"
    shutil.copytree(find_config("quadruple_tank"), folder)
    field = folder / "field.yaml"
    field.write_text(field.read_text(encoding="utf-8") + FLOW_ALONE, encoding="utf-8")
    wired = (*overrides, "control.modules.FIC-101.blocks.ai.inputs.raw=FT-101X")

    async def story(box: Box, _: Recorder) -> None:
        await box.run_for(120.0)
        before = value(box, "FIC-101.ao", "out")
        box.faults().cut("FTX-1")
        if after_s:
            await box.run_for(after_s)
            assert value(box, "FIC-101.pid", "mode") == IMAN, "the output block has shed its cascade"
            assert value(box, "FIC-101.ao", "out") == pytest.approx(before, abs=0.3), "held until its time"
        await box.run_for(10.0)
        assert value(box, "FIC-101.ao", "out") == 20.0
        assert device(box, "DRV-1").value("P-101") == pytest.approx(20.0)
        await box.run_for(120.0)
        await box.faults().heal("FTX-1")
        demands = [20.0]
        for _scan in range(15):
            await box.run_for(1.0)
            demands.append(value(box, "FIC-101.ao", "out"))
        assert np.abs(np.diff(demands)).max() < 3.0
        assert value(box, "FIC-101.pid", "mode") == CAS
        print(f"fail value 20 %, after the return {[round(one, 2) for one in demands]}")

    in_box(story, plant=folder, overrides=wired)
