"""What can be stroked, and what cannot, from what modules publish."""

import pytest

from dcs.bus.messages import TagInfo
from dcs.core.errors import ConfigError
from dcs.loop_check.plan import make_plan


def tags(*names: str) -> dict[str, TagInfo]:
    return {name: TagInfo(name, writable=True) for name in names}


def test_an_indicator_shows_an_out_but_strokes_nothing() -> None:
    with pytest.raises(ConfigError, match=r"JI-1 shows a measurement and strokes no output\."):
        make_plan("JI-1", tags("JI-1.PV", "JI-1.OUT", "JI-1.MODE"))


def test_a_master_without_an_output_block_strokes_its_demand() -> None:
    plan = make_plan("LIC-1", tags("LIC-1.PV", "LIC-1.SP", "LIC-1.OUT", "LIC-1.MODE"))
    assert (plan.output.tag, [one.role for one in plan.observed]) == ("LIC-1.OUT", ["measurement"])


def test_a_manual_station_is_its_own_output_block() -> None:
    plan = make_plan("HC-1", tags("HC-1.PV", "HC-1.OUT", "HC-1.MODE", "HC-1.MISMATCH"))
    assert [(one.tag, one.role) for one in plan.observed] == [("HC-1.PV", "position")]
