"""A whole controller, started by ``dcs run``, controls a rig that is served by other people's software.

The plant folder is the one of ``docs/how-to/connect-a-real-device.md``, taken from that page: the page is tested too.
"""

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dcs.cli.client import PlantClient, TagReading, with_plant
from dcs.core.errors import DcsError
from dcs.core.modes import mode_name
from dcs.core.status import is_good, is_usable
from tests.interop.foreign_devices import StartDevice, libmodbus_device
from tests.support.processes import free_port, program, wait_until

pytestmark = [pytest.mark.interop, pytest.mark.system]

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "connect-a-real-device.md"
DCS = (sys.executable, "-m", "dcs")


def folder_of_the_page(folder: Path) -> Path:
    """The YAML files that the page shows, each under the name in its first line."""
    folder.mkdir()
    blocks = re.findall(r"```yaml\n# (\w+\.yaml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for name, text in blocks:
        (folder / name).write_text(text, encoding="utf-8")
    assert sorted(name for name, _ in blocks) == ["control.yaml", "field.yaml", "plant.yaml"]
    return folder


def dcs(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DCS, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )


def test_the_folder_of_the_page_passes_the_check(tmp_path: Path) -> None:
    done = dcs("check", folder_of_the_page(tmp_path / "rig"))
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass
class Run:
    """A running plant and the device it controls."""

    run_dir: Path
    port: int
    start_device: StartDevice

    def reading(self, tag: str) -> TagReading | None:
        """The tag now; None while nobody answers. (In this process: a ``dcs get`` a time would be all start-up.)"""
        found: list[TagReading | None] = [None]

        async def work(client: PlantClient) -> int:
            found[0] = (await client.readings()).get(tag)
            return 0

        with contextlib.suppress(DcsError):
            with_plant(self.run_dir, work)
        return found[0]

    def value(self, tag: str) -> float:
        """The tag's value; NaN while it is not good."""
        reading = self.reading(tag)
        return reading.value if reading is not None and is_good(reading.status) else float("nan")

    def is_bad(self, tag: str) -> bool:
        """True when the tag is published and Bad."""
        reading = self.reading(tag)
        return reading is not None and not is_usable(reading.status)

    def set(self, tag: str, value: str) -> None:
        """Write as an operator does."""
        done = dcs("set", tag, value, "--run-dir", self.run_dir)
        assert done.returncode == 0, done.stdout + done.stderr

    def link(self) -> dict[str, Any]:
        """The controller's link to the device in ``dcs status --json``."""
        status = json.loads(dcs("status", "--json", "--run-dir", self.run_dir).stdout)
        links = [link for node in status["nodes"] for link in node.get("links", ()) if link["name"] == "RIG"]
        return links[0] if links else {}


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    start_device = libmodbus_device(tmp_path)
    port = free_port()
    run_dir = tmp_path / "run"
    arguments = [
        *DCS, "run", folder_of_the_page(tmp_path / "rig"), "--headless", "--auto-ports", "--run-dir", run_dir,
        "--set", f"field.devices.RIG.port={port}",
    ]  # fmt: skip
    with program(arguments, tmp_path / "launcher.log", stop_within_s=10.0):
        yield Run(run_dir, port, start_device)


def test_a_loop_closes_over_a_foreign_device_and_survives_its_death(run: Run) -> None:
    """Reads, writes, a lost device is Bad in bounded time, a returned one is controlled again."""
    with run.start_device(run.port) as device:
        wait_until(lambda: abs(run.value("LIC-1.PV") - 40.0) < 1.0, 60.0, "the level comes to its setpoint")
        run.set("LIC-1.SP", "55")
        wait_until(lambda: abs(run.value("LIC-1.PV") - 55.0) < 1.0, 30.0, "the level follows a new setpoint")
        run.set("HC-1.SP", "12.5")
        wait_until(lambda: run.value("LI-2.PV") == 13.5, 5.0, "a low-word-first output arrives as it was meant")
        assert run.link()["state"] == "up"

        device.kill()
        took_s = wait_until(lambda: run.is_bad("LIC-1.PV"), 10.0, "the level turns Bad")
        assert took_s < 3.0  # 0.7 s by configuration; the rest is this test asking
        assert run.link()["state"] != "up"
        assert mode_name(run.value("LIC-1.MODE")) in ("Man", "IMan")  # IMan once the read-back is Bad for 5 s, too

    with run.start_device(run.port):
        wait_until(lambda: abs(run.value("LIC-1.PV") - 55.0) < 1.0, 30.0, "the loop closes again by itself")
        assert mode_name(run.value("LIC-1.MODE")) == "Auto"
