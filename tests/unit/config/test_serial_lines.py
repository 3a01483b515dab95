"""Devices on serial lines: what makes an address there."""

from pathlib import Path

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.load import load_plant
from plant_models.model import PLANTS


def test_the_same_unit_may_be_on_two_lines_and_two_units_on_one(tank: Path) -> None:
    file = tank / "field.yaml"
    text = file.read_text(encoding="utf-8")
    for ports in (("/dev/ttyS1", "/dev/ttyS2"), ("/dev/ttyS1", "/dev/ttyS1")):
        changed = text
        for old, port in zip(("port: 5020", "port: 5021"), ports, strict=True):
            changed = changed.replace(old, f"protocol: modbus-rtu\n    serial: {{port: {port}}}")
        if ports[0] != ports[1]:
            changed = changed.replace("unit: 2\n", "unit: 1\n", 1)
        file.write_text(changed, encoding="utf-8")
        devices = load_plant(tank, PLANTS).devices
        assert [device.address for device in devices] == [(port, 0) for port in ports]
