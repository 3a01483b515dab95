"""The page “Connect an unknown device” shows what the product says: its example is run in the box."""

import re
from pathlib import Path

import pytest

from dcs.cli.device_probe import ProbeRequest, probe_modbus
from dcs.cli.device_watch import WatchRequest, spec_of, watch_device
from dcs.core.errors import Missing
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from field_io.drivers.links.choice import memory_link
from field_io.onboarding.contact import UnitMissing
from field_io.onboarding.target import parse_target
from field_io.specs import DeviceSpec
from tests.support.boxes import in_box

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "connect-an-unknown-device.md"
ADDRESS = "modbus://127.0.0.1:5021"
NUMBER = re.compile(r"[-−]?\d+(\.\d+)?(e[-+]\d+)?")


def shape(text: str) -> list[str]:
    """Lines without what differs from run to run: numbers, widths."""
    return [" ".join(NUMBER.sub("#", line).split()) for line in text.splitlines() if line.strip()]


def blocks() -> list[str]:
    """What the page shows of the terminal."""
    return re.findall(r"^```text\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_page_shows_what_the_product_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promise: the refusal, the probe with its orders and the watch with its hint are those of the page."""
    monkeypatch.chdir(tmp_path)
    wrong = ("field.devices.DRV-1.word_order=high_first",)
    watched = WatchRequest("quadruple_tank", "DRV-1", points="FT-*", once=True, sets=wrong)

    async def story(box: Box, recorder: Recorder) -> tuple[str, str, str]:
        def link(spec: DeviceSpec):  # type: ignore[no-untyped-def]
            return memory_link(spec, box.peers.device_network)

        await box.run_for(30)
        url = f"{ADDRESS}?unit=1"
        with pytest.raises(UnitMissing) as refused:
            await probe_modbus(ProbeRequest(url), parse_target(url), link, box.clock)
        assert isinstance(refused.value, Missing)
        url = f"{ADDRESS}?unit=1-5"
        capsys.readouterr()
        request = ProbeRequest(url, out=Path("drive.yaml"))
        assert await probe_modbus(request, parse_target(url), link, box.clock) == 0
        found = capsys.readouterr().out
        assert await watch_device(watched, spec_of(watched), link, box.clock) == 0
        return str(refused.value), found, capsys.readouterr().out

    refused, found, seen = in_box(story)
    shown = blocks()
    assert shape(refused) == shape(shown[0])
    head, _, rows = found.partition("table ")
    assert shape(head) == shape(shown[1].partition("table ")[0])
    rows_shown = shown[1].partition("table ")[2]
    kinds = re.findall(r"^(holding|input) +(\d+) +(\w+) +([A-D]{4})?", rows, re.MULTILINE)
    assert kinds == re.findall(r"^(holding|input) +(\d+) +(\w+) +([A-D]{4})?", rows_shown, re.MULTILINE)
    assert "Order: CDAB" in rows
    hints = [line for line in seen.splitlines() if "▲" in line]
    assert len(hints) == 2
    assert hints[0] in shown[2]
    assert "CDAB [10" in seen
