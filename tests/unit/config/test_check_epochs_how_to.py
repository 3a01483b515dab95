"""The files of docs/how-to/let-a-device-check-epochs.md are right, and the registers are where the page says."""

import re
from pathlib import Path

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.load import load_plant
from dcs.core.clock import NS_PER_S
from field_io.output_window import OutputWindow
from plant_models.model import PLANTS

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "let-a-device-check-epochs.md"


def test_the_registers_are_where_the_page_says(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (field,) = re.findall(r"```yaml\n# field\.yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "field.yaml").write_text(field, encoding="utf-8")
    (tmp_path / "plant.yaml").write_text("plant: skid\n", encoding="utf-8")
    (tmp_path / "control.yaml").write_text("modules: {}\n", encoding="utf-8")
    config = load_plant(tmp_path, PLANTS)
    plc, rig = config.devices
    assert (plc.watchdog_ns, rig.watchdog_ns) == (2 * NS_PER_S, 2 * NS_PER_S)
    assert rig.epoch is not None
    assert rig.epoch.node == "nsu=urn:maker:rig;s=Epoch"
    window = OutputWindow(plc)
    assert window.names == ("V-1", "SC-1", "P-1")
    data = window.encode(7, {"V-1": 1.0, "SC-1": 0.5, "P-1": 1.0})
    words = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
    assert words == [0, 7, 0b111, 0x3F80, 0, 50, 1]
    for register, what in ((100, "the epoch"), (102, "which outputs"), (103, "V-1"), (105, "SC-1"), (106, "P-1")):
        assert re.search(rf"\| {register}\S* .*{what}|\| {register}, \d+ \| .*{what}", text), register
