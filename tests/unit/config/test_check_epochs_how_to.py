"""The files of docs/how-to/let-a-device-check-epochs.md are right, and the registers are where the page says."""

import re
from pathlib import Path

import pytest

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.load import load_plant
from dcs.core.clock import NS_PER_S
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from field_io.output_window import OutputWindow
from plant_models.model import PLANTS
from tests.support.boxes import in_box

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "let-a-device-check-epochs.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture
def skid(tmp_path: Path) -> Path:
    for name, content in re.findall(r"```yaml\n# (\w+\.yaml)\n(.*?)```", TEXT, re.DOTALL):
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "plant.yaml").write_text("plant: skid\n", encoding="utf-8")
    return tmp_path


def test_the_registers_are_where_the_page_says(skid: Path) -> None:
    plc, rig = load_plant(skid, PLANTS).devices
    assert (plc.watchdog_ns, rig.watchdog_ns) == (2 * NS_PER_S, 2 * NS_PER_S)
    assert rig.epoch is not None
    assert rig.epoch.node == "nsu=urn:maker:rig;s=Epoch"
    window = OutputWindow(plc)
    assert window.names == ("V-1", "SC-1", "P-1")
    data = window.encode(7, {"V-1": 1.0, "SC-1": 0.5, "P-1": 1.0})
    words = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
    assert words == [0, 7, 0b111, 0x3F80, 0, 50, 1]
    for register, what in ((100, "the epoch"), (102, "which outputs"), (103, "V-1"), (105, "SC-1"), (106, "P-1")):
        assert re.search(rf"^\| {register}(, \d+)? \| .*{what}", TEXT, re.MULTILINE), register


def test_it_runs_and_both_devices_know_the_epoch_of_the_controller(skid: Path) -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(10)
        assert (await box.command("C1", "set", "V-1.SP", 40.0)).ok
        assert (await box.command("C1", "set", "LV-1.SP", 60.0)).ok
        await box.run_for(5)
        plc, rig = box.field.simulation.devices
        assert (plc.value("V-1"), rig.value("LV-1")) == (40.0, 60.0)
        assert plc.gate is not None
        assert rig.gate is not None
        epoch = box.controller(box.active("C1")).member.epoch
        assert (plc.gate.epoch, rig.gate.epoch, plc.value("EPOCH-1")) == (epoch, epoch, epoch)
        assert box.field.simulation.refused_writes() == ""
        plc.gate.keep_epoch(9)  # type: ignore[attr-defined]
        await box.run_for(5)
        assert (plc.value("V-1"), plc.gate.epoch, rig.gate.epoch) == (40.0, 10, 10)
        assert box.field.report().detail.endswith("PLC-1 has refused 1 writes, accepts epoch 10, last from C1A")

    in_box(story, plant=skid)
