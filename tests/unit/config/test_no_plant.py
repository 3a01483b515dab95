"""A plant.yaml without `model`: a control system for devices that are real, or that need no process."""

from pathlib import Path

import pytest

from dcs.config.load import load_plant
from dcs.core.errors import ConfigError
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from plant_models.library import PLANTS
from tests.support.boxes import in_box

CONTROL = """
modules:
  PI-1:
    blocks:
      ai: {type: AI, inputs: {raw: PM-1-P}, xd_scale: [0, 100, "%"], out_scale: [0, 100, "%"]}
"""


def folder(at: Path, more_of_device: str = "", more_of_point: str = "") -> Path:
    (at / "plant.yaml").write_text("plant: bench\n", encoding="utf-8")
    point = f'{{table: input, address: 0, type: float32, unit: "%", direction: in{more_of_point}}}'
    device = f"devices:\n  PM-1:\n    port: 5555\n    {more_of_device}\n    points:\n      PM-1-P: {point}\n"
    (at / "field.yaml").write_text(device, encoding="utf-8")
    (at / "control.yaml").write_text(CONTROL, encoding="utf-8")
    return at


def test_with_real_devices_there_is_no_field_node(tmp_path: Path) -> None:
    assert load_plant(folder(tmp_path), PLANTS).nodes == ("bus", "C1A")


def test_devices_can_be_simulated_without_a_plant(tmp_path: Path) -> None:
    async def story(box: Box, recorder: Recorder) -> float:
        await box.run_for(10.0)
        return float(recorder.trace("PI-1.PV")[1][-1])

    assert in_box(story, plant=folder(tmp_path, "simulate: true")) == 0.0


def test_a_signal_needs_a_plant(tmp_path: Path) -> None:
    bound = folder(tmp_path, "simulate: true", ', signal: {variable: level, range: [0, 100, "%"]}')
    with pytest.raises(ConfigError, match="the plant has no output, state or input `level`"):
        load_plant(bound, PLANTS)


def test_it_is_no_plant_to_be_listed_or_studied() -> None:
    assert "none" not in PLANTS
    assert PLANTS.open("none").variables == ()
