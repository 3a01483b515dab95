"""The how-to "Start from an I/O list", carried out word by word."""

import re
from pathlib import Path

import pytest

from dcs.cli.init import init_plant
from dcs.cli.print_module import print_module
from dcs.cli.where import show_where
from dcs.node.assembly import load_configuration

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "start-from-an-io-list.md"


def fenced(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)


def test_list_template_and_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    signals, instances = fenced("csv")
    Path("list.csv").write_text(signals, encoding="utf-8")
    assert init_plant(Path("feed"), None, Path("list.csv")) == 0
    control = Path("feed/control.yaml")
    (template,) = fenced("yaml")
    control.write_text(template + control.read_text(encoding="utf-8"), encoding="utf-8")
    Path("feed/temperatures.csv").write_text(instances, encoding="utf-8")
    strategy = load_configuration(Path("feed")).controllers[0].strategy
    assert [module.name for module in strategy.modules if module.name.startswith("TI-")] == ["TI-102", "TI-103"]
    limits = {alarm.name: alarm.limit for alarm in strategy.alarms}
    assert (limits["TI-102.HI"], limits["TI-103.HI"], limits["TI-103.FAST"]) == (90.0, 95.0, 10.0)
    assert show_where("feed", "LT-101", (), False) == 0
    assert "LT-101 → LIC-101.ai.raw" in capsys.readouterr().out
    assert print_module("feed", "LIC-101", None, False, None) == 0
    assert Path("LIC-101.svg").exists()
