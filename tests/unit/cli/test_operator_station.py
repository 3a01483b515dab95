"""Which plant an operator station belongs to."""

from pathlib import Path

import pytest

from dcs.cli.operator_station import HmiOptions, _target
from dcs.core.errors import Missing
from dcs.node.endpoints import Endpoints


def options(run_dir: Path, *, lifeline: bool) -> HmiOptions:
    return HmiOptions(None, run_dir, False, lifeline, None, 0.0, "", "")


def test_a_station_that_is_faster_than_the_bus_waits_for_it(tmp_path: Path) -> None:
    """Promise: started by the launcher beside the bus, it does not give up because the bus does not answer yet."""
    Endpoints("tank", str(tmp_path), "nats://127.0.0.1:1", title="Tank").write(tmp_path)
    assert _target(options(tmp_path, lifeline=True)).title == "Tank"
    with pytest.raises(Missing, match="its bus does not answer"):
        _target(options(tmp_path, lifeline=False))
