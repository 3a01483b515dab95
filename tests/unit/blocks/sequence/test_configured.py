"""A sequence in a configuration: what the how-to shows is what is accepted."""

import re
from pathlib import Path
from typing import Any

import pytest

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.blocks.declare import BLOCK_TYPES
from dcs.config.load import load_plant
from dcs.config.source import parse_document
from dcs.core.errors import ConfigError
from plant_models.model import PLANTS
from tests.unit.blocks.programs import Programmed
from tests.unit.blocks.sequence.charts import active, give
from tests.unit.config.plants import copy_good

HOW_TO = Path(__file__).parents[4] / "docs" / "how-to"

MODULE = """
  SQ-101:
    description: Fill and drain
    scan: loops
    main: seq
    blocks:
      ai: {type: AI, inputs: {raw: LT-101}, xd_scale: [4, 20, mA], out_scale: [0, 20, cm]}
      seq:
        type: SFC
        inputs: {inp_1: ai.out}
        steps:
          FILL: {max_time: 10 min, actions: [N OUT1, {P1: OUT2 := 50.0;}]}
          DRAIN:
        transitions:
          - {from: FILL, to: DRAIN, when: IN1 > 15.0}
          - {from: DRAIN, to: END, when: IN1 < 1.0 OR true}
"""


def test_a_configured_sequence_shows_its_names(tmp_path):
    """Promise: steps, states and transitions are published under their names."""
    folder = copy_good(tmp_path)
    with (folder / "control.yaml").open("a", encoding="utf-8") as file:
        file.write(MODULE)
    tags = {tag.name: tag for part in load_plant(folder, PLANTS).controllers for tag in part.strategy.tags}
    assert tags["SQ-101.STEP"].choices == ("none", "FILL", "DRAIN")
    assert tags["SQ-101.FORCE_STEP"].choices == ("none", "FILL", "DRAIN")
    assert tags["SQ-101.READY"].choices == ("none", "FILL → DRAIN", "DRAIN → END")
    assert tags["SQ-101.STATE"].choices[:2] == ("IDLE", "RUNNING")
    parts = [name for name in tags if name.startswith("SQ-101.") and not name.startswith("SQ-101.ai")]
    assert [name for name in parts if tags[name].writable] == [
        "SQ-101.COMMAND", "SQ-101.SEQ_MODE", "SQ-101.CONFIRM", "SQ-101.FORCE_STEP",
    ]  # fmt: skip


def test_a_wrong_sequence_is_refused_with_file_and_line(tmp_path):
    folder = copy_good(tmp_path)
    with (folder / "control.yaml").open("a", encoding="utf-8") as file:
        file.write(MODULE.replace("to: DRAIN, when", "to: DRAI, when"))
    sentence = (
        r"control\.yaml:\d+: SQ-101\.seq \(SFC\): transition 1: to: there is no step `DRAI`\. Did you mean `DRAIN`\?"
    )
    with pytest.raises(ConfigError, match=sentence):
        load_plant(folder, PLANTS)


def shown(page: str) -> list[dict[str, Any]]:
    """The blocks of every example on a page that is a whole module."""
    text = (HOW_TO / page).read_text(encoding="utf-8")
    found: list[dict[str, Any]] = []
    for example in re.findall(r"```yaml\n(modules:.*?)```", text, re.DOTALL):
        for module in parse_document(example, page).data["modules"].values():
            found += module["blocks"].values()
    return found


def test_the_sequence_of_the_how_to_runs():
    """Promise: what the page shows is accepted and does what it says."""
    (block,) = shown("write-a-sequence.md")
    names = [text.name for text in BLOCK_TYPES["SFC"].texts]
    sequence = Programmed("SFC", {name: block[name] for name in names if name in block}, dt_s=10.0)
    give(sequence.reads(*[50.0] * 2), "START").scan()
    assert (active(sequence), sequence.out(1), sequence.out(3)) == (["CHARGE"], 1.0, 20.0)
    sequence.reads(85.0, 66.0).scan()
    assert active(sequence) == ["HEAT", "SAMPLE"]
    sequence.scan(10)
    assert active(sequence) == ["DRAIN"]
    assert sequence.out(2) == 0.0
    sequence.reads(1.0, 55.0).scan()
    assert sequence.events == ["is RUNNING", "is COMPLETE"]


def test_the_calculations_of_the_how_to_compile():
    (block,) = shown("write-a-calculation.md")
    assert Programmed("CALC", {"program": block["program"]}).reads(2.0, 50.0, 40.0).scan().out() == 4.19 * 2.0 * 10.0
    text = (HOW_TO / "write-a-calculation.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"program: \|\n(.*?)```", text, re.DOTALL)
    calc = Programmed("CALC", {"program": program}, dt_s=0.5).reads(2.0, 50.0, 40.0).scan(2)
    assert [calc.out(n) for n in (1, 2, 3)] == [2.0, 50.0, 25.0]


def test_a_step_that_takes_too_long_can_alarm(tmp_path):
    """Promise: the time-out is the PV of the module, which alarms watch like any other."""
    folder = copy_good(tmp_path)
    with (folder / "control.yaml").open("a", encoding="utf-8") as file:
        file.write(MODULE)
    with (folder / "alarms.yaml").open("a", encoding="utf-8") as file:
        file.write("  SQ-101:\n    HI: {limit: 0.5, priority: 3, action: Look at the step}\n")
    alarms = [alarm for part in load_plant(folder, PLANTS).controllers for alarm in part.strategy.alarms]
    assert [alarm.source for alarm in alarms if alarm.module == "SQ-101"] == ["SQ-101.seq.timeout"]
