"""The page docs/how-to/connect-an-opc-ua-device.md: its folder is fit to start, and its device can be spoken to."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from dcs.config.find import find_config
from dcs.core.status import STATUS_GOOD, is_good
from dcs.node.assembly import load_configuration
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from tests.support.boxes import in_box
from tests.support.ua_bench import always, ua_bench

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "connect-an-opc-ua-device.md"


def folder_of_the_page(folder: Path) -> Path:
    """The YAML files that the page shows, each under the name in its first line."""
    folder.mkdir()
    blocks = re.findall(r"```yaml\n# (\w+\.yaml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for name, text in blocks:
        (folder / name).write_text(text, encoding="utf-8")
    assert sorted(name for name, _ in blocks) == ["control.yaml", "field.yaml", "plant.yaml"]
    return folder


@pytest.mark.system
def test_the_device_of_the_page_is_read_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIG_PASSWORD", "secret")
    (spec,) = load_configuration(folder_of_the_page(tmp_path / "rig")).devices

    async def main() -> None:
        async with ua_bench(spec, tmp_path / "certificates") as bench, bench.driver() as driver:
            await bench.until(lambda: bench.status(driver) == STATUS_GOOD, 5.0, "first value")
            assert driver.readback("LT-1").value == 1.25
            assert (await driver.write({"LV-1": 30.0}, always)).ok
            assert bench.device.value("LV-1") == 30.0

    asyncio.run(main())


def test_the_sentences_of_the_page_are_those_of_the_product() -> None:
    """What a user reads in `dcs status` stands in the page, word by word."""
    page = PAGE.read_text(encoding="utf-8")
    sources = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("drivers", "opc_ua")
        for path in (ROOT / "field_io" / folder).rglob("*.py")
    )
    for words in (
        "accepts no connection", "the server offers no ", "does not trust our certificate; put ",
        "the server shows the certificate ", "which we trust", "does not let user ", "not on the server: ",
        "making a subscription", "data lost ", " times and read again, last: ", "its clock is ", " s ahead of ours",
    ):  # fmt: skip
        assert words in page, words
        assert words in sources, words


def test_the_shipped_variant_runs_with_its_transmitters_on_opc_ua() -> None:
    """`--set variant=opcua` of the heated tank."""
    overrides = ("variant=opcua",)
    config = load_configuration(find_config("heated_tank"), overrides)
    by_name = {device.name: device for device in config.devices}
    assert by_name["RTU-1"].url == "opc.tcp://127.0.0.1:4850"
    assert all(point.node for point in by_name["RTU-1"].points)
    plain = load_configuration(find_config("heated_tank"))
    assert [
        replace(point, node="", table="", address=0, type="", place=point.place) for point in by_name["RTU-1"].points
    ] == [
        replace(point, node="", table="", address=0, type="", place=mine.place)
        for point, mine in zip(plain.devices[0].points, by_name["RTU-1"].points, strict=True)
    ]

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(60.0)
        frame = recorder.frames[-1]
        status = dict(zip((info.name for info in recorder.layout(frame).tags), frame.statuses, strict=True))
        for tag in ("FIC-101.PV", "LIC-101.PV", "TIC-101.PV"):
            assert is_good(int(status[tag])), tag

    in_box(story, plant="heated_tank", overrides=overrides)
