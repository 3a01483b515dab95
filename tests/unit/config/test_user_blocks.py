"""Promises of block types of the user; the example is that of docs/how-to/write-a-block.md."""

import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import configs
import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.blocks.declare import BLOCK_TYPES
from dcs.cli.check import check_plant
from dcs.config.load import load_plant
from dcs.core.errors import ConfigError
from dcs.core.status import STATUS_GOOD
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine
from dcs.engine.strategy import BlockSpec, Channel
from plant_models.model import PLANTS
from tests.support.boxes import in_box
from tests.unit.engine.strategies import Bench, any_bits, strategy

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "write-a-block.md"


def fenced(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(autouse=True)
def restore_types():
    """Types of the user are known for as long as their plant is the last one that was loaded."""
    before = dict(BLOCK_TYPES)
    yield
    BLOCK_TYPES.clear()
    BLOCK_TYPES.update(before)


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The quadruple tank with what the how-to adds."""
    folder = tmp_path / "my_tank"
    shutil.copytree(Path(configs.__file__).parent / "quadruple_tank", folder)
    monkeypatch.chdir(tmp_path)
    (folder / "valve_travel.py").write_text(fenced("python")[0], encoding="utf-8")
    top, module, alarm = fenced("yaml")
    control = folder / "control.yaml"
    control.write_text(top + control.read_text(encoding="utf-8") + module, encoding="utf-8")
    with (folder / "alarms.yaml").open("a", encoding="utf-8") as file:
        file.write(alarm)
    return Path("my_tank")


def refused(plant: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_plant(plant, PLANTS)
    return str(caught.value)


def test_the_example_of_the_how_to_passes_the_check_and_compiles(plant: Path, capsys) -> None:
    assert check_plant(str(plant), (), False) == 0
    assert "is fit to start" in capsys.readouterr().out
    config = load_plant(plant, PLANTS)
    assert plant / "valve_travel.py" in config.files
    assert "VT-101.REVERSALS" in {tag.name for tag in config.controllers[0].strategy.tags}
    Engine(compile_strategy(config.controllers[0].strategy))


@pytest.mark.parametrize("compiled", [True, False])
def test_the_example_counts_travel_and_reversals(plant: Path, compiled: bool) -> None:
    """Promise: 10 up, 5 down, noise, NaN: 15 % of travel, one reversal; both paths give the same bytes."""
    load_plant(plant, PLANTS)
    spec = BlockSpec("VT.travel", "VALVE_TRAVEL", "loops", {"worn_at": 12.0})
    links = [("V", "VT.travel.position")]
    benches = [Bench.of(strategy((spec,), links, (Channel("V", "in", "%"),)), one) for one in (compiled, False)]
    for value in (50.0, 55.0, 60.0, 60.1, math.nan, 55.0):
        for at in benches:
            at.reads = {"V": value}
            at.status = {"V": STATUS_GOOD}
            at.scan()
    at = benches[0]
    assert (at["VT.travel.travel"], at["VT.travel.reversals"], at["VT.travel.worn"]) == (15.0, 1.0, 1.0)
    assert any_bits(at.engine.memory) == any_bits(benches[1].engine.memory)
    assert np.isfinite(at["VT.travel.before"])


def test_a_changed_file_is_read_again_and_changes_the_digest(plant: Path) -> None:
    """Promise: the second load of one process sees the new text, and a type that is gone is gone."""
    first = load_plant(plant, PLANTS)
    assert load_plant(plant, PLANTS).digest == first.digest
    path = plant / "valve_travel.py"
    path.write_text(path.read_text(encoding="utf-8").replace("Valve travel", "Travel of a valve"), encoding="utf-8")
    assert load_plant(plant, PLANTS).digest != first.digest
    assert BLOCK_TYPES["VALVE_TRAVEL"].title == "Travel of a valve"
    load_plant(Path(configs.__file__).parent / "quadruple_tank", PLANTS)
    assert "VALVE_TRAVEL" not in BLOCK_TYPES


def test_the_mistake_in_the_how_to_gives_the_message_that_it_shows(plant: Path) -> None:
    path = plant / "valve_travel.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("move = b.position -", "move = b.positon -"), encoding="utf-8")
    assert refused(plant).splitlines()[0] == f"my_tank/{fenced('text')[0].strip()}"


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ('"VALVE_TRAVEL",', '"PID",', "there is a block type PID already, one of the library. Choose another name."),
        ("@step(VALVE_TRAVEL)\n", "", "block type VALVE_TRAVEL has no step. Add a function with `@step(VALVE_TRAVEL)`"),
        ("    move = ", "    move == ", "block type VALVE_TRAVEL"),
        ("import math\n", "import math\nimport no_such_thing\n", "cannot be imported: ModuleNotFoundError: No module"),
        ("    move = b.position", "    move = = b.position", "this is no Python: invalid syntax. Correct the line."),
        ('f8("before",', 'f8("before", "%", "x"), f8("before",', "the field `before` is declared twice. Rename one."),
        ("math.fabs(move) >=", "move ** 2 >=", "`**` rounds differently compiled and uncompiled."),
    ],
)
def test_wrong_files_are_refused_with_their_line(old: str, new: str, wanted: str, plant: Path) -> None:
    path = plant / "valve_travel.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    if new == "    move == ":  # found by the compiler alone
        load_plant(plant, PLANTS)
        assert check_plant(str(plant), (), False) == 2
        return
    lines = refused(plant).splitlines()
    assert len(lines) == 1, lines
    assert re.match(r"my_tank/valve_travel\.py:\d+: ", lines[0]), lines
    assert wanted in lines[0]
    pid = BLOCK_TYPES["PID"]
    assert pid.origin == ""


def test_missing_and_empty_files(plant: Path) -> None:
    (plant / "valve_travel.py").write_text("x = 1\n", encoding="utf-8")
    assert "my_tank/valve_travel.py: declares no block type." in refused(plant)
    (plant / "valve_travel.py").unlink()
    assert "my_tank/control.yaml:1: blocks: `valve_travel.py`: there is no such file." in refused(plant)


def test_the_box_runs_it(plant: Path) -> None:
    """Promise: a whole plant with the block in it runs in the box."""

    async def story(box, recorder):
        await box.run_for(10)
        assert (await box.command("C1", "set", "V-101.OUT", 40.0)).ok
        await box.run_for(30)
        return recorder.trace("VT-101.PV")[1]

    travel = in_box(story, plant=plant)
    assert travel[0] == 0.0
    assert 28.0 < travel[-1] <= 31.0  # the valve goes from 70 % to 40 %
