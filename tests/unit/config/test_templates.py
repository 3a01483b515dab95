"""Promises of templates: what comes out is what one would have written, and errors say both places."""

from dataclasses import replace
from pathlib import Path

import pytest

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.bulk import import_rows
from dcs.config.counts import counts_of
from dcs.config.load import load_plant
from dcs.config.plant_config import PlantConfig
from dcs.config.tables import Row
from dcs.config.upload import plan_upload
from dcs.core.errors import ConfigError, Place
from plant_models.model import PLANTS

TEMPLATE = """\
templates:
  indicator:
    description: "Level {number}"
    scan: slow
    parameters:
      point: {meaning: field point}
      high: {unit: cm, default: 18 cm, meaning: alarm limit}
      filter: {default: 2}
    blocks:
      ai:
        type: AI
        inputs: {raw: "{point}"}
        xd_scale: [0, 20, cm]
        out_scale: [0, 20, cm]
        filter_s: {filter}
    publish: {SIGNAL: ai.PV}
    alarms:
      HI: {limit: "{high}", priority: 3, description: "{module} is full"}
"""


def write(tank: Path, instances: str, template: str = TEMPLATE, alarms: str = "", table: str = "") -> None:
    control = tank / "control.yaml"
    control.write_text(template + control.read_text(encoding="utf-8") + instances, encoding="utf-8")
    if alarms:
        with (tank / "alarms.yaml").open("a", encoding="utf-8") as file:
            file.write(alarms)
    if table:
        (tank / "levels.csv").write_text(table, encoding="utf-8")


def load(tank: Path, *overrides: str) -> PlantConfig:
    return load_plant(tank, PLANTS, overrides)


def line_of(tank: Path, text: str, file: str = "control.yaml") -> int:
    lines = (tank / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def message(tank: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tank)
    return str(caught.value)


def test_instance_equals_what_one_would_have_written(tank: Path) -> None:
    """Promise: blocks, links, alarms, tags and modules are those of the module written out."""
    by_hand = """\
  LI-105:
    description: Level 105
    scan: slow
    blocks:
      ai:
        {type: AI, inputs: {raw: LT-103}, xd_scale: [0, 20, cm], out_scale: [0, 20, cm], filter_s: 2}
    publish: {SIGNAL: ai.PV}
"""
    alarms = "  LI-105:\n    HI: {limit: 15 cm, priority: 3, description: LI-105 is full}\n"
    original = {path: path.read_text(encoding="utf-8") for path in tank.glob("*.yaml")}
    write(tank, by_hand, template="", alarms=alarms)
    wanted = load(tank).controllers[0].strategy
    for path, text in original.items():
        path.write_text(text, encoding="utf-8")
    write(tank, "  LI-105: {template: indicator, with: {point: LT-103, high: 150 mm}}\n")
    got = load(tank).controllers[0].strategy

    def shape(strategy):
        return (
            [(b.name, b.type, b.scan_class, b.params, b.units) for b in strategy.blocks],
            sorted((link.source, link.target) for link in strategy.links),
            sorted((a.name, a.source, a.limit, a.priority, a.description) for a in strategy.alarms),
            strategy.tags,
            strategy.modules,
        )

    assert shape(got) == shape(wanted)
    assert "LI-105.SIGNAL" in {tag.name for tag in got.tags}
    assert {module.name: module for module in got.modules}["LI-105"].parts["SIGNAL"] == "LI-105.SIGNAL"


def test_instance_overrides_parameters_of_blocks_and_alarms(tank: Path) -> None:
    instances = "  LI-105:\n    template: indicator\n    with: {point: LT-103}\n    blocks: {ai: {low_cut: 1 cm}}\n"
    write(tank, instances, alarms="  LI-105:\n    HI: {priority: 1}\n    LO: {limit: 2 cm, priority: 4}\n")
    strategy = load(tank).controllers[0].strategy
    params = {block.name: block.params for block in strategy.blocks}["LI-105.ai"]
    assert (params["filter_s"], params["low_cut"]) == (2.0, 1.0)
    alarms = {alarm.name: (alarm.limit, alarm.priority) for alarm in strategy.alarms if alarm.module == "LI-105"}
    assert alarms == {"LI-105.HI": (18.0, 1), "LI-105.LO": (2.0, 4)}


def test_a_thousand_instances_from_a_table(tank: Path) -> None:
    """Promise: one definition and a CSV as spreadsheets write them, with comments and empty cells."""
    rows = "".join(f"LI-{1000 + k};LT-103;{5 + k % 9};\n" for k in range(998))
    table = f'module;point;high;description\n# comment\nLI-1;LT-103;150 mm;"Level; left"\n\nLI-2;LT-103;;\n{rows}'
    write(tank, "", TEMPLATE.replace("    scan: slow\n", "    scan: slow\n    instances: levels.csv\n"), table=table)
    config = load(tank)
    strategy = config.controllers[0].strategy
    modules = {module.name: module.description for module in strategy.modules}
    assert counts_of(config)["modules"] == 3 + 1000
    assert (modules["LI-1"], modules["LI-2"]) == ("Level; left", "Level 2")
    limits = {alarm.module: alarm.limit for alarm in strategy.alarms}
    assert (limits["LI-1"], limits["LI-2"], limits["LI-1008"]) == (15.0, 18.0, 13.0)
    assert tank / "levels.csv" in config.files
    digest = config.digest
    (tank / "levels.csv").write_text(table + "LI-3;LT-103;;\n", encoding="utf-8")
    assert load(tank).digest != digest


def test_template_from_a_template(tank: Path) -> None:
    """Promise: the outer one gives the inner one's values, adds and overrides."""
    outer = """\
  fast_indicator:
    template: indicator
    with: {point: "{tag}", filter: 0.5}
    parameters: {tag: {}}
    scan: loops
    blocks: {ai: {low_cut: 1}}
    alarms: {LO: {limit: 1 cm, priority: 4}}
"""
    write(
        tank,
        "  LI-105: {template: fast_indicator, with: {tag: LT-103}}\n",
        TEMPLATE + outer.replace("{tag: }", "{tag: {}}"),
    )
    strategy = load(tank).controllers[0].strategy
    block = next(block for block in strategy.blocks if block.name == "LI-105.ai")
    assert (block.scan_class, block.params["filter_s"], block.params["low_cut"]) == ("loops", 0.5, 1.0)
    assert {alarm.name for alarm in strategy.alarms if alarm.module == "LI-105"} == {"LI-105.HI", "LI-105.LO"}


def test_overrides_reach_values_and_what_comes_out(tank: Path) -> None:
    write(tank, "  LI-105: {template: indicator, with: {point: LT-103, filter: 3}}\n")
    for override in ("control.modules.LI-105.with.filter=9", "control.modules.LI-105.blocks.ai.filter_s=9"):
        params = {block.name: block.params for block in load(tank, override).controllers[0].strategy.blocks}
        assert params["LI-105.ai"]["filter_s"] == 9.0


def test_an_error_in_a_value_stands_at_the_instance_and_names_the_template(tank: Path) -> None:
    write(tank, "  LI-105:\n    template: indicator\n    with:\n      point: LT-103\n      filter: -1\n")
    line = line_of(tank, "filter: -1")
    used = line_of(tank, "filter_s: {filter}")
    assert message(tank) == (
        f"tank/control.yaml:{line}: LI-105.ai (AI): filter_s is -1 s, but must be at least 0 s. Correct the value. "
        f"Used by template `indicator` (tank/control.yaml:{used})."
    )


def test_an_error_in_the_template_is_told_once_with_the_first_instance(tank: Path) -> None:
    """Promise: a thousand modules do not make a thousand messages of one line."""
    instances = "".join(f"  LI-{n}: {{template: indicator, with: {{point: LT-103}}}}\n" for n in (105, 106, 107))
    write(tank, instances, TEMPLATE.replace("filter_s: {filter}", "ne43: 7"))
    assert message(tank) == (
        f"tank/control.yaml:{line_of(tank, 'ne43: 7')}: LI-105.ai (AI): ne43 is 7, but must be from 0 to 1. "
        f"Correct the value. Found in LI-105 (tank/control.yaml:{line_of(tank, '  LI-105:')})."
    )


@pytest.mark.parametrize(
    ("instance", "wanted"),
    [
        (
            "  X-1: {template: indicatr, with: {point: LT-103}}\n",
            "X-1: there is no template `indicatr`. Did you mean `indicator`?",
        ),
        (
            "  X-1: {template: indicator}\n",
            "X-1: the parameter `point` (field point) of template `indicator` is not given. "
            "Add `point: …` below `with`.",
        ),
        (
            "  X-1: {template: indicator, with: {point: LT-103, hihg: 1}}\n",
            "X-1: template `indicator` has no parameter `hihg`. Did you mean `high`?",
        ),
        (
            "  X-1: {template: indicator, with: {point: LT-103, high: 1 bar}}\n",
            "X-1: high: `1 bar` has a unit of pressure, but a unit of length is needed. "
            "Write it in m, cm, mm, km or in.",
        ),
        (
            "  X-1: {with: {point: LT-103}, blocks: {}}\n",
            "X-1: `with` without a template. Add `template: …`, or delete it.",
        ),
    ],
)  # fmt: skip
def test_wrong_use_of_a_template(instance: str, wanted: str, tank: Path) -> None:
    write(tank, instance)
    assert message(tank) == f"tank/control.yaml:{line_of(tank, 'X-1:')}: {wanted}"


def test_unknown_placeholder_is_told_once_at_its_line(tank: Path) -> None:
    instances = "".join(f"  LI-{n}: {{template: indicator, with: {{point: LT-103}}}}\n" for n in (105, 106))
    write(tank, instances, TEMPLATE.replace('"{point}"', '"{pont}"'))
    assert message(tank) == (
        f"tank/control.yaml:{line_of(tank, '{pont}')}: template indicator: there is no parameter `pont`. "
        "Did you mean `point`?"
    )


def test_template_made_from_itself(tank: Path) -> None:
    write(tank, "  X-1: {template: a}\n", "templates:\n  a: {template: b}\n  b: {template: a}\n")
    assert "template a: it is made from itself (a → b → a). Correct it." in message(tank)


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        ("point\nLT-103\n", "1: the first row must name the columns, "),
        ("module,point,point\n", "1: the column `point` stands twice. Delete one."),
        ("module,point\nX-1,LT-103,3\n", "2: the row has 3 cells for 2 columns."),
        ("module,point\n,LT-103\n", "2: the column `module` is empty."),
        ("module,pnt\nX-1,LT-103\n", "2: X-1: template `indicator` has no parameter `pnt`."),
        ("module,point\nX-1,LT-104\n", "2: X-1.ai (AI): `LT-104` does not exist."),
    ],
)  # fmt: skip
def test_wrong_tables(table: str, wanted: str, tank: Path) -> None:
    write(tank, "", TEMPLATE.replace("    scan: slow\n", "    scan: slow\n    instances: levels.csv\n"), table=table)
    assert message(tank).startswith(f"tank/levels.csv:{wanted}")


def test_no_table(tank: Path) -> None:
    write(tank, "", TEMPLATE.replace("    scan: slow\n", "    scan: slow\n    instances: levels.csv\n"))
    assert message(tank) == (
        f"tank/control.yaml:{line_of(tank, 'levels.csv')}: there is no file `levels.csv`. "
        "Create it, or correct the name."
    )


@pytest.mark.parametrize(
    ("publish", "wanted"),
    [
        ("{PV: ai.OUT}", "LI-103: the main block LI-103.ai (AI) has a part PV already. Choose another name."),
        ("{RAW: ao.PV}", "LI-103: `ao.PV` is no part of a block of this module. Its blocks: ai."),
        ("{RAW: ai.OUTT}", "LI-103: LI-103.ai (AI) has no published part `OUTT`. Did you mean `OUT`?"),
    ],
)
def test_wrong_published_parts(publish: str, wanted: str, tank: Path) -> None:
    write(tank, f"    publish: {publish}\n", template="")
    assert message(tank) == f"tank/control.yaml:{line_of(tank, 'publish:')}: {wanted}"


def test_a_plant_with_templates_is_whole_in_its_texts(tank: Path, tmp_path: Path) -> None:
    """Promise: what was read is enough to load it again where the folder is not; an online change travels so."""
    template = TEMPLATE.replace("    scan: slow\n", "    scan: slow\n    instances: levels.csv\n")
    write(tank, "", template, table="module,point,high\nLI-201,LT-103,17 cm\nLI-202,LT-103,\n")
    plant = load(tank)
    again = load_plant(tmp_path / "not here", PLANTS, (), dict(plant.texts))
    assert again.digest == plant.digest
    assert again.controllers[0].strategy.blocks == tuple(
        replace(block, place=there.place)
        for block, there in zip(plant.controllers[0].strategy.blocks, again.controllers[0].strategy.blocks, strict=True)
    )
    changed = {**dict(plant.texts), "levels.csv": "module,point,high\nLI-201,LT-103,16 cm\nLI-202,LT-103,\n"}
    assert load_plant(tmp_path / "not here", PLANTS, (), changed).digest != plant.digest


def test_what_comes_from_a_template_is_not_written_by_upload_or_a_table(tank: Path) -> None:
    write(tank, "  LI-105:\n    template: indicator\n    with: {point: LT-103}\n")
    plant = load(tank)
    row = {"block": "LI-105.ai", "name": "filter_s", "tags": [], "in_file": 2.0, "now": 5.0, "unit": "s"}
    texts, (found,) = plan_upload(plant, [row], [])
    assert texts == dict(plant.texts)
    assert "comes from a template" in found.left_alone
    cells = {"module": "LI-105", "block": "ai", "parameter": "filter_s", "value": "5", "unit": "s"}
    with pytest.raises(ConfigError, match=r"t\.csv:2: LI-105 ai filter_s comes from a template"):
        import_rows(plant, [Row(Place("t.csv", 2), cells)])
