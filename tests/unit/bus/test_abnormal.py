"""Promises of the list of what is not as in normal operation."""

import numpy as np

from dcs.bus.abnormal import Abnormal, abnormal
from dcs.bus.messages import Frame, Layout, ModuleInfo, TagInfo
from dcs.cli.abnormal import NOTHING, shown
from dcs.core.modes import AUTO, CAS, IMAN, MAN
from dcs.core.status import STATUS_GOOD
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine
from tests.unit.engine.strategies import Bench, BlockSpec, Channel, strategy


def of(**values: float) -> list[Abnormal]:
    """The list for tags ``FIC_ai__FORCE`` = ``FIC.ai.FORCE``."""
    names = [name.replace("__", ".") for name in values]
    tags = tuple(TagInfo(name, "cm", decimals=1) for name in names)
    modules = (ModuleInfo("LI", "Level", "indicator", {}),)
    layout = Layout("tank", "C1", "loops", 1_000_000_000, tags, modules=modules)
    numbers = np.array(list(values.values()), np.float64)
    frame = Frame(layout.hash, 1, 0, 1, 1, numbers, np.full(len(numbers), STATUS_GOOD, np.uint8))
    return abnormal([(layout, frame)])


def test_normal_operation_is_an_empty_list():
    assert of(LIC__MODE=AUTO, LIC__NORMAL=AUTO, LIC__FORCE=0, LIC__SIMULATE=0, LIC__BYPASSED=0, LIC__PV=3.0) == []
    assert shown([]) == NOTHING


def test_forced_and_simulated_say_at_what():
    found = of(LI__FORCE=1, LI__FORCE_VALUE=7.0, TI__SIMULATE=1, TI__SIM_VALUE=12.25, V__BYPASS=1, V2__BYPASSED=2)
    assert [(entry.kind, entry.subject, entry.text) for entry in found] == [
        ("forced", "LI", "forced to 7.0 cm"),
        ("simulated", "TI", "simulated: 12.2 cm"),
        ("bypassed", "V", "bypassed"),
        ("bypassed", "V2", "bypassed"),
    ]
    assert found[0].description == "Level"


def test_channels_of_a_multiplexed_block_have_their_own_lines():
    found = of(M__FORCE_1=0, M__FORCE_VALUE_1=1.0, M__FORCE_2=1, M__FORCE_VALUE_2=5.0)
    assert [(entry.tag, entry.text) for entry in found] == [("M.FORCE_2", "forced to 5.0 cm")]


def test_modes_against_the_normal_one_and_man_in_any_case():
    found = of(
        A__MODE=MAN, A__NORMAL=CAS, B__MODE=IMAN, B__NORMAL=AUTO, C__MODE=MAN, C__NORMAL=MAN, D__MODE=MAN,
        E__MODE=AUTO, F__MODE=float("nan"), F__NORMAL=AUTO,
    )  # fmt: skip
    assert [(entry.kind, entry.tag, entry.text) for entry in found] == [
        ("mode", "A.MODE", "Man, normally Cas"),
        ("mode", "B.MODE", "IMan, normally Auto"),
        ("manual", "C.MODE", "Man"),
        ("manual", "D.MODE", "Man"),
    ]


def test_the_io_blocks_take_part_with_what_they_publish():
    """Promise: a command to any FORCE or SIMULATE of our blocks shows in the list made of layouts and frames alone."""
    names = ("AI", "AO", "DI", "DO", "PULSE_INPUT", "MUX_AI", "MUX_DI")
    blocks = tuple(BlockSpec(f"{name}.b", name, "loops", {"target": 4.0, "normal": 4.0}) for name in names)
    links = [("X", f"{name}.b.raw") for name in ("AI", "DI", "PULSE_INPUT")]
    at = Bench(Engine(compile_strategy(strategy(blocks, links, (Channel("X", "in", ""),))), compiled=False))
    at.reads["X"] = 0.0
    at.scan(count=3)
    assert listed(at) == []
    wanted = set()
    for tag in (place.tag.name for place in at.engine.plan.tags):
        part = tag.rpartition(".")[2].partition("_")[0]
        if part in ("FORCE", "SIMULATE") and "VALUE" not in tag:
            at.must_set(tag, 1.0)
            wanted.add(tag)
    at.scan()
    assert {entry.tag for entry in listed(at) if entry.kind in ("forced", "simulated")} == wanted
    assert len(wanted) == 2 * (5 + 8 + 16)


def listed(at: Bench) -> list[Abnormal]:
    layout = at.engine.layouts("tank")[0]
    values, statuses, alarms = at.engine.columns(0)
    return abnormal([(layout, Frame(layout.hash, 1, at.time_ns, 1, 1, values, statuses, alarms))])
