"""Three NATS servers under a running plant: losing the leader, and losing all of them, costs control nothing."""

from pathlib import Path

import pytest

from tests.support.bus_outages import Control, check_control, events_once, kill_leader, leader, servers, stop_all
from tests.support.processes import wait_until
from tests.support.running_plant import running_plant

pytestmark = pytest.mark.system

PERIOD_S = 0.1
TOTAL_LOSS_S = 8.0


def test_neither_the_leader_nor_the_whole_cluster_is_missed_by_control(tmp_path: Path) -> None:
    with running_plant(tmp_path, "scan_classes.loops.period=100ms", "bus.nodes=3") as plant:
        names = {name for name, node in plant.nodes().items() if node["kind"] == "bus"}
        assert names == {"bus-1", "bus-2", "bus-3"}
        plant.dcs("set", "LIC-101.SP", "12")
        written = [12.0]
        wait_until(lambda: leader(plant) in names, 15, "a leader of the events")
        before = Control.of(plant)
        old = servers(plant)

        lost = kill_leader(plant)
        for level in (12.5, 13.0, 13.5):
            plant.dcs("set", "LIC-101.SP", str(level))
            written.append(level)
        wait_until(lambda: servers(plant).get(lost, old[lost]) != old[lost], 15, f"{lost} starts again")
        for event in events_once(plant, written):
            print(event["kind"], event["text"])
        check_control(before, Control.of(plant), PERIOD_S)
        assert leader(plant) != lost

        stop_all(plant, TOTAL_LOSS_S)
        wait_until(plant.ready, 15, "the bus answers again")
        plant.dcs("set", "LIC-101.SP", "14")
        written.append(14.0)
        events_once(plant, written)
        check_control(before, Control.of(plant), PERIOD_S)
