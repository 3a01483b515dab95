"""Control with selectors and splitters from a configuration: arrays of terminals, ways back, lists of parameters."""

from pathlib import Path

import pytest

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.load import load_plant
from dcs.core.errors import ConfigError
from dcs.engine.compile import compile_strategy
from plant_models.model import PLANTS
from tests.unit.config.plants import Hunk, apply

OVERRIDE = Hunk(
    "control.yaml",
    """          bkcal_in: ao.bkcal_out
        pv_scale: [0, 40, cm3/s]
        target: CAS
      ao:
        type: AO
        inputs: {cas_in: pid.out, readback: P-101}
""",
    """          bkcal_in: select.bkcal_out_1
        pv_scale: [0, 40, cm3/s]
        target: CAS
      most:
        type: PID
        inputs: {pv: ai.out, bkcal_in: select.bkcal_out_2}
        pv_scale: [0, 40, cm3/s]
        sp: 35 cm3/s
      select:
        type: CONTROL_SELECTOR
        inputs: {inp_1: pid.out, inp_2: most.out, bkcal_in: split.bkcal_out}
        select: LOW
      split:
        type: SPLITTER
        inputs: {cas_in: select.out, bkcal_in_1: ao.bkcal_out}
        leg_in_low: [0, 50]
        leg_in_high: [50, 100]
      ao:
        type: AO
        inputs: {cas_in: split.out_1, readback: P-101}
""",
)


def test_two_controllers_a_selector_and_a_splitter(tank: Path) -> None:
    """Promise: what the tests of the blocks build by hand can be written as a configuration, and it compiles."""
    apply(OVERRIDE, tank)
    controllers = load_plant(tank, PLANTS).controllers
    specs = {spec.name: spec for controller in controllers for spec in controller.strategy.blocks}
    assert specs["FIC-101.split"].params["leg_in_low"] == (0.0, 50.0)
    for controller in controllers:
        assert compile_strategy(controller.strategy).digest


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("bkcal_in: select.bkcal_out_2", "ff: ai.out", "nothing comes back, so the cascade could never close"),
        (", bkcal_in_1: ao.bkcal_out}", "}", "nothing comes back, so the cascade could never close"),
        ("leg_in_high: [50, 100]", "leg_in_high: [50, 40]", "leg 2 goes from 50 to 40 of the setpoint"),
        ("inp_2: most.out", "inp_5: most.out", "there is no input `inp_5`"),
    ],
)
def test_what_is_missing_is_named(old: str, new: str, sentence: str, tank: Path) -> None:
    """Promise: also for the elements of an array."""
    assert OVERRIDE.new.count(old) == 1
    apply(Hunk(OVERRIDE.file, OVERRIDE.old, OVERRIDE.new.replace(old, new)), tank)
    with pytest.raises(ConfigError, match=sentence):
        load_plant(tank, PLANTS)
