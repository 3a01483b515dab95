"""``dcs history`` of a plant in the box: every scan with its status and epoch, a gap as a line with its reason."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dcs.bus.api import Bus
from dcs.cli.client import PlantClient
from dcs.cli.history import HistoryOptions, _asked, _show, show_history, time_option, window_of
from dcs.cli.history_files import read_results
from dcs.core.clock import NS_PER_S, utc_text
from dcs.core.errors import ConfigError
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from tests.support.boxes import in_box

TAG = "LIC-101.PV"


def client(bus: Bus, box: Box) -> PlantClient:
    """As ``dcs run`` would tell it where things are."""
    return PlantClient(bus, replace(box.endpoints, pairs={"C1": list(box.config.controller("C1").members)}))


def told(options: HistoryOptions, results: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What a takeover and a loss of both controllers look like: (asked of the plant, read from its results)."""

    async def story(box: Box, recorder: Recorder) -> Any:
        await box.run_for(30)
        await box.kill(victim := box.active("C1"))
        await box.run_for(20)
        await box.start(victim)
        await box.run_for(30)
        for member in box.config.controller("C1").members:
            box.freeze(member, 6.0)
        await box.run_for(30)
        bus = await box.peers.bus("terminal")
        found = await _asked(client(bus, box), options)
        await bus.close()
        recorder.write(results, {})
        return found

    _show(in_box(story), options)
    asked = capsys.readouterr().out
    show_history(results, options)
    return asked, capsys.readouterr().out


def test_json_has_every_scan_its_epoch_and_the_gap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = HistoryOptions((TAG, "LIC-101.MODE"), since="100 s", as_json=True)
    asked, read = (json.loads(text) for text in told(options, tmp_path, capsys))
    for lines in (asked, read):
        samples = [line for line in lines if line["tag"] == TAG and "gap" not in line]
        gaps = [line for line in lines if line["tag"] == TAG and "gap" in line]
        epochs = [line["epoch"] for line in samples]
        assert epochs == sorted(epochs)
        assert {1, 2} <= set(epochs)
        assert all(line["good"] for line in samples)
        assert len(gaps) == 1
        assert "is active with epoch" in gaps[0]["reason"]
        between = [line for line in samples if gaps[0]["from"] < line["time"] < gaps[0]["to"]]
        assert between == []
    keys = ("time", "tag", "epoch", "status", "from", "to")
    assert [[line.get(key) for key in keys] for line in asked] == [[line.get(key) for key in keys] for line in read]


def test_a_table_and_csv_have_the_gap_in_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = told(HistoryOptions((TAG,), since="100 s"), tmp_path, capsys)
    lines = text.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("gap: no samples of LIC-101.PV between ")]
    assert lines[at - 1].split()[0] in lines[at]
    assert lines[at + 1].split()[0] in lines[at]
    show_history(tmp_path, HistoryOptions((TAG,), since="100 s", as_csv=True))
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["status"] for row in rows].count("gap") == 1
    assert {row["epoch"] for row in rows} >= {"1", "2"}


def test_more_samples_than_one_answer_holds_are_asked_for_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcs.cli.history.POINTS_MAX", 16)

    async def story(box: Box, recorder: Recorder) -> Any:
        await box.run_for(60)
        bus = await box.peers.bus("terminal")
        found = await _asked(client(bus, box), HistoryOptions((TAG,), since="50 s"))
        await bus.close()
        return found.series[TAG]

    series = in_box(story)
    steps = {int(b - a) for a, b in zip(series.time_ns[:-1], series.time_ns[1:], strict=True)}
    assert steps == {NS_PER_S}
    assert len(series.time_ns) >= 50


def test_what_is_wrong_is_one_sentence(tmp_path: Path) -> None:
    async def story(box: Box, recorder: Recorder) -> Any:
        await box.run_for(10)
        bus = await box.peers.bus("terminal")
        with pytest.raises(ConfigError, match=r"There is no tag LIC-101.PX. Did you mean .*LIC-101.PV.*dcs tags"):
            await _asked(client(bus, box), HistoryOptions(("LIC-101.PX",)))
        await bus.close()
        recorder.write(tmp_path, {})

    in_box(story)
    with pytest.raises(ConfigError, match=r"There is no tag LIC-101.PX. Did you mean"):
        read_results(tmp_path, ("LIC-101.PX",), lambda now_ns: window_of(HistoryOptions(()), now_ns))
    for options, words in (
        (HistoryOptions((TAG,), begin="yesterday"), "--from yesterday: this is no time"),
        (HistoryOptions((TAG,), since="1h", begin="2026-01-01T00:00:00Z"), "--since and --from"),
        (HistoryOptions((TAG,), as_csv=True, as_json=True), "--csv and --json"),
        (HistoryOptions((TAG,), begin="2026-01-02", end="2026-01-01"), "is not before --to"),
    ):
        with pytest.raises(ConfigError, match=words):
            show_history(tmp_path, options)


def test_a_time_is_utc_unless_it_says_otherwise() -> None:
    assert utc_text(time_option("--to", "2026-01-31T14:05:00")) == "2026-01-31T14:05:00.000Z"
    assert utc_text(time_option("--to", "2026-01-31T14:05:00.25+02:00")) == "2026-01-31T12:05:00.250Z"
