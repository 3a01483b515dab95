"""A plant with an OPC UA device: as text in the box, and started by a user over real sockets."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from dcs.cli.client import PlantClient, with_plant
from dcs.core.errors import ConfigErrors, DcsError
from dcs.core.modes import mode_name
from dcs.core.status import is_good, is_usable
from dcs.node.assembly import build_direct, load_configuration
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from field_io.devices.opc_ua_device import SimulatedUaDevice
from tests.support.boxes import in_box
from tests.support.opc_ua_plant import make_opc_ua_plant
from tests.support.processes import program, wait_until

HAND = (("FIC-101.MODE", "AUTO"), ("FIC-101.SP", 20.0))


def plant_folder(tmp_path: Path) -> Path:
    return make_opc_ua_plant(tmp_path / "tanks")


def now(recorder: Recorder, tag: str) -> tuple[float, int]:
    """(Value, status) in the newest frame."""
    frame = recorder.frames[-1]
    at = [info.name for info in recorder.layout(frame).tags].index(tag)
    return float(frame.values[at]), int(frame.statuses[at])


def good(recorder: Recorder, tag: str) -> bool:
    return is_good(now(recorder, tag)[1])


def test_it_controls_in_the_box_as_over_modbus_and_repeats_to_the_bit(tmp_path: Path) -> None:
    """The loops close over the OPC UA device: flows are read from it, pumps are driven through it."""
    folder = plant_folder(tmp_path)

    async def story(box: Box, recorder: Recorder) -> list[tuple[str, float]]:
        device = next(d for d in box.field.simulation.devices if d.spec.name == "DRV-1")
        assert isinstance(device, SimulatedUaDevice)
        device.record_writes()
        await box.run_for(20.0)
        await box.command("C1", "set", "LIC-101.SP", 13.5)
        await box.run_for(200.0)
        assert now(recorder, "LIC-101.PV")[0] == pytest.approx(13.5, abs=0.3)
        assert good(recorder, "FIC-101.PV")
        assert device.writes
        assert {write.peer for write in device.writes} == {box.active("C1")}
        return [(write.point, write.value) for write in device.writes]

    first = in_box(story, plant=folder)
    assert in_box(story, plant=folder) == first


def test_a_dead_device_is_bad_in_time_downstream_and_the_loop_closes_again_when_it_returns(tmp_path: Path) -> None:
    folder = plant_folder(tmp_path)

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(60.0)
        assert good(recorder, "FIC-101.PV")
        box.faults().cut("DRV-1", silent=True)
        await box.run_for(2 * 1.0 + 0.5 + 1.0)  # two polls, a time-out and a scan
        assert not is_usable(now(recorder, "FIC-101.PV")[1])
        await box.run_for(120.0)
        await box.faults().heal("DRV-1")
        await box.run_for(5.0 + 1.0)
        assert good(recorder, "FIC-101.PV")
        await box.run_for(120.0)
        assert mode_name(now(recorder, "FIC-101.MODE")[0]) == "Cas"

    in_box(story, plant=folder)


def test_a_takeover_goes_on_over_the_other_controllers_session(tmp_path: Path) -> None:
    folder = plant_folder(tmp_path)

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(60.0)
        before = now(recorder, "FIC-101.ao.OUT")[0]
        active = box.active("C1")
        await box.kill(active)
        await box.run_for(5.0)
        assert box.active("C1") != active
        assert now(recorder, "FIC-101.ao.OUT")[0] == pytest.approx(before, abs=2.0), "no bump"
        for tag in ("FIC-101.PV", "FIC-102.PV", "LIC-101.PV"):
            assert good(recorder, tag)

    in_box(story, plant=folder)


def test_it_runs_without_messages_for_studies(tmp_path: Path) -> None:
    plant = build_direct(load_configuration(plant_folder(tmp_path)))
    plant.run_for(120.0)
    assert plant.value("LIC-101.PV") == pytest.approx(12.4, abs=1.0)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (('node: "nsu=urn:quadruple-tank:drives;s=FT-101"', "table: input"), "FT-101: `node` is missing"),
        (("nsu=urn:quadruple-tank:drives;s=FT-101", "ns=3;s=FT-101"), "by the number 3, which the server may change"),
        (("protocol: opc-ua", "protocol: opc-ua\n    opc_ua: {certificate: a.der}"), "belong together"),
        (("protocol: opc-ua", "protocol: opc-ua\n    opc_ua: {password_env: X}"), "no `user` that it belongs to"),
        (
            ("protocol: opc-ua", "protocol: opc-ua\n    opc_ua: {security: sign, server_certificate: no.der}"),
            "there is no file",
        ),
    ],
)
def test_what_cannot_work_is_told_with_file_and_line(edit: tuple[str, str], says: str, tmp_path: Path) -> None:
    folder = plant_folder(tmp_path)
    text = (folder / "field.yaml").read_text(encoding="utf-8")
    assert edit[0] in text
    (folder / "field.yaml").write_text(text.replace(*edit, 1), encoding="utf-8")
    with pytest.raises(ConfigErrors) as refused:
        load_configuration(folder)
    (line,) = [line for line in str(refused.value).splitlines() if says in line]
    assert "field.yaml:" in line


@pytest.mark.system
def test_a_user_starts_it_and_sees_where_it_is(tmp_path: Path) -> None:
    """Over sockets: the address is chosen, told and shown, and the loop closes over the device."""
    folder, run_dir = plant_folder(tmp_path), tmp_path / "run"
    plant = (folder / "plant.yaml").read_text(encoding="utf-8")
    plant = plant.replace("members: [C1A, C1B]", "members: [C1A]").replace("witness: W1", "")
    (folder / "plant.yaml").write_text(plant.replace("lease: auto", ""), encoding="utf-8")
    arguments = [sys.executable, "-m", "dcs", "run", folder, "--headless", "--auto-ports", "--run-dir", run_dir]

    def seen(look: Callable[[PlantClient], Awaitable[bool]]) -> bool:
        async def work(client: PlantClient) -> int:
            return 0 if await look(client) else 1

        try:
            return with_plant(run_dir, work) == 0
        except DcsError:
            return False  # it is still starting

    async def flow_follows(client: PlantClient) -> bool:
        reading = (await client.readings()).get("FIC-101.PV")
        return reading is not None and is_good(reading.status) and abs(reading.value - 20.0) < 1.0

    async def in_cascade(client: PlantClient) -> bool:
        mode = (await client.readings()).get("FIC-101.MODE")
        return mode is not None and mode_name(mode.value) == "Cas"

    async def by_hand(client: PlantClient) -> bool:
        replies = [await client.command("C1", "set", tag, value) for tag, value in HAND]
        return all(reply.ok for reply in replies)

    async def addressed(client: PlantClient) -> bool:
        url = f"opc.tcp://127.0.0.1:{client.endpoints.devices['DRV-1'][1]}"
        reports = await client.reports()
        field, controller = reports["field"], reports["C1A"]
        assert field is not None
        assert controller is not None
        assert field.endpoints["DRV-1"] == url
        (link,) = [link for link in controller.links if link.name == "DRV-1"]
        assert (link.kind, link.state, link.url) == ("opc-ua", "up", url)
        assert f"DRV-1: {url}" in (tmp_path / "launcher.log").read_text(encoding="utf-8")
        return True

    with program(arguments, tmp_path / "launcher.log", stop_within_s=10.0):
        wait_until(lambda: seen(in_cascade), 60.0, "the cascade closes over the device")
        assert seen(by_hand)
        wait_until(lambda: seen(flow_follows), 30.0, "the flow follows its setpoint")
        assert seen(addressed)
