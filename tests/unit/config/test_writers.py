"""A lease that is longer than the watchdog of a device bears is worth a note. Errors: wrong_configurations.txt."""

from pathlib import Path

import pytest

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.load import load_plant
from plant_models.model import PLANTS


@pytest.mark.parametrize(
    ("lease", "watchdog", "noted"),
    [("1 s", "2 s", False), ("1100 ms", "2 s", True), ("auto", "2 s", False), ("5 s", "0 s", False)],
)
def test_a_lease_that_the_watchdog_of_a_device_does_not_bear(
    tank: Path, lease: str, watchdog: str, noted: bool
) -> None:
    overrides = (f"controllers.C1.lease={lease}", f"field.devices.DRV-1.watchdog={watchdog}")
    notes = [str(note) for note in load_plant(tank, PLANTS, overrides).notes]
    assert len(notes) == noted, notes
    if noted:
        assert "controller C1: when the active dies nobody writes for up to 1.1 s" in notes[0]
        assert "device DRV-1 takes its fail action 2 s after the last write" in notes[0]


def test_a_device_that_is_only_read_waits_for_nobody(tank: Path) -> None:
    overrides = ("controllers.C1.lease=5 s", "field.devices.RTU-1.watchdog=2 s")
    assert load_plant(tank, PLANTS, overrides).notes == ()
