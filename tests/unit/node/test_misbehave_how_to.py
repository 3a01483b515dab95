"""Promises of docs/how-to/make-the-field-misbehave.md: its files work, its table is the code's."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from field_io.fault_kinds import KINDS, MAY, NO, FaultKind

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "how-to" / "make-the-field-misbehave.md").read_text(encoding="utf-8")


def test_the_table_has_every_kind_with_its_words() -> None:
    rows = re.findall(r"^\| (point|device|link) \| `(\w+)` \| (.*?)\|(.*)\|$", PAGE, re.MULTILINE)
    assert [(scope, name, value.strip(), meaning.strip()) for scope, name, value, meaning in rows] == [
        (scope, kind.name, value_of(kind), kind.meaning) for scope, kinds in KINDS.items() for kind in kinds.values()
    ]


def value_of(kind: FaultKind) -> str:
    unit = f", {kind.unit}" if kind.unit not in ("", "@") else ""
    chance = ", and `probability`" if kind.chance else ""
    return "" if kind.takes == NO else f"{kind.value}{unit}{' (may be left out)' if kind.takes == MAY else ''}{chance}"


def test_the_example_runs_and_its_labels_are_in_the_file(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    points, faults, scenario = blocks
    folder = tmp_path / "my_tank"
    shutil.copytree(ROOT / "configs" / "quadruple_tank", folder)
    field = yaml.safe_load((folder / "field.yaml").read_text(encoding="utf-8"))
    field["devices"]["RTU-1"]["points"] |= yaml.safe_load(points)
    field |= yaml.safe_load(faults)
    (folder / "field.yaml").write_text(yaml.safe_dump(field), encoding="utf-8")
    (folder / "scenarios" / "bad_day.yaml").write_text(scenario, encoding="utf-8")
    command = [
        "-m",
        "dcs",
        "simulate",
        "my_tank",
        "--scenario",
        "bad_day",
        "--labels",
        "--out",
        "day_1",
        "--for",
        "11min",
    ]
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (tmp_path / "day_1" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    labels = [event for event in map(json.loads, lines) if event["kind"] == "fault"]
    assert [(event["subject"], event["old"], event["new"]) for event in labels] == [
        ("LT-101", "", "bias 0.8 mA"),
        ("C1A>RTU-1", "", "latency 0.2 s"),
        ("RTU-1", "", "reboot 5 s"),
        ("RTU-1", "reboot 5 s", ""),
        ("C1A>RTU-1", "latency 0.2 s", ""),
        ("LT-101", "bias 0.8 mA", ""),
        ("LT-102", "", "drift 0.5 mA/h"),
    ]
