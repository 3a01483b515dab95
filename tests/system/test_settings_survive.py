"""What operators and engineers have changed survives the end of all controllers: real processes, real files."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from configs import __file__ as shipped
from tests.support.processes import wait_until
from tests.support.running_plant import running_plant

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


def plant_folder(tmp_path: Path) -> Path:
    """A copy of the shipped plant that a test may change."""
    return Path(shutil.copytree(Path(shipped).parent / "quadruple_tank", tmp_path / "tank"))


def test_settings_and_an_online_change_survive_a_new_start(tmp_path: Path) -> None:
    """Promise: SP, mode and tuning of the operator and the configuration that was applied online are there again
    after both controllers were killed and the plant was started anew; ``--fresh`` forgets them."""
    folder = plant_folder(tmp_path)
    changed = Path(shutil.copytree(folder, tmp_path / "changed"))
    control = changed / "control.yaml"
    control.write_text(control.read_text(encoding="utf-8").replace("ti_s: 60", "ti_s: 77"), encoding="utf-8")

    with running_plant(tmp_path, config=str(folder), own_run_dir=False) as plant:
        plant.dcs("set", "LIC-101.SP", "14")
        plant.dcs("set", "LIC-101.GAIN", "3.3")
        plant.dcs("set", "LIC-102.MODE", "MAN")
        assert "60 s → 77 s" in plant.dcs("apply", str(changed), "--yes")
        assert plant.value("LIC-101.TI") == 77.0
        assert plant.value("LIC-101.GAIN") == 3.3
        plant.wait_kept()
        for node in plant.nodes().values():
            if node["kind"] == "controller":
                os.kill(node["pid"], signal.SIGKILL)

    with running_plant(tmp_path, config=str(folder), own_run_dir=False) as plant:
        wait_until(lambda: plant.value("LIC-101.SP") == 14.0, 20, "the setpoint of the operator")
        assert [plant.value(f"LIC-101.{part}") for part in ("GAIN", "TI")] == [3.3, 77.0]
        wait_until(lambda: plant.text("LIC-102.MODE") == "Man", 20, "the mode of the operator")
        assert "restored parameters, modes and states" in plant.dcs("events", "--last", "200")

    with running_plant(tmp_path, "scan_classes.loops.period=1s", config=str(folder), fresh=True) as plant:
        assert plant.value("LIC-101.SP") == 12.3
