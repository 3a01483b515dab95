"""``dcs device probe opc.tcp://…``: a server over TCP is browsed, its variables become points of field.yaml."""

import asyncio
import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from asyncua import Server, ua

from dcs.cli.device_browse import browse_url
from dcs.cli.device_probe import ProbeRequest, probe_url
from dcs.config.field_schema import FieldFile
from dcs.config.problems import Problems
from dcs.config.source import parse_document
from dcs.config.validate import validate
from dcs.core.errors import ConfigError, Missing
from field_io.onboarding.target import parse_target
from field_io.onboarding.ua_points import FoundNode, point_names
from tests.support.processes import free_port

URI = "urn:maker:rig"


async def rig(port: int) -> Server:
    """Two pumps with the same names below them; one variable with range and unit; a text; an array."""
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/plant")
    space = await server.register_namespace(URI)
    for number in (1, 2):
        pump = await server.nodes.objects.add_object(space, f"Pump {number}")
        flow = await pump.add_variable(ua.NodeId(f"P{number}.Flow", space), "Flow", 12.5, ua.VariantType.Float)
        await flow.add_property(ua.NodeId(f"P{number}.Flow.Range", space), "0:EURange", ua.Range(0, 40))
        units = ua.EUInformation()
        units.DisplayName = ua.LocalizedText("cm3/s")
        await flow.add_property(ua.NodeId(f"P{number}.Flow.Units", space), "0:EngineeringUnits", units)
        speed = await pump.add_variable(ua.NodeId(10 + number, space), "Speed", 50.0)
        await speed.set_writable()
    await pump.add_variable(ua.NodeId("Name", space), "Name", "line\nbreak\x1b[2J")
    await pump.add_variable(ua.NodeId("Three", space), "Three", [1.0, 2.0, 3.0])
    await server.start()
    return server


def test_variables_become_points_with_namespace_uri_type_unit_and_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promise: the file is valid field.yaml; nodes are named by the URI of their namespace, never by its number."""
    monkeypatch.setenv("DCS_STATE_DIR", str(tmp_path / "state"))
    out = tmp_path / "points.yaml"

    async def main() -> list[str]:
        port = free_port()
        server = await rig(port)  # takes seconds: one for all
        url = f"opc.tcp://127.0.0.1:{port}/plant"
        shown = []
        try:
            for options in ({"out": out}, {"as_json": True}, {"requests": 12}):
                request = replace(ProbeRequest(url, spacing="1ms"), **options)  # type: ignore[arg-type]
                assert await browse_url(request, parse_target(url)) == 0
                shown.append(capsys.readouterr().out)
        finally:
            await server.stop()
        return shown

    table, as_json, bounded = asyncio.run(main())
    assert "6 variables" in table
    assert "\x1b" not in table + out.read_text(encoding="utf-8")
    problems = Problems()
    file = validate(parse_document(out.read_text(encoding="utf-8"), str(out)), FieldFile, problems)
    problems.raise_if_any()
    assert file is not None
    points = file.devices["PROBED"].points
    assert set(points) == {"Pump_1-Flow", "Pump_1-Speed", "Pump_2-Flow", "Pump_2-Speed"}
    flow = points["Pump_2-Flow"]
    assert (flow.node, flow.type, flow.unit) == (f"nsu={URI};s=P2.Flow", "float32", "cm3/s")
    assert "range 0 … 40" in flow.description
    assert "writable" in points["Pump_1-Speed"].description
    assert points["Pump_1-Speed"].node == f"nsu={URI};i=11"
    assert file.devices["PROBED"].opc_ua is not None
    assert file.devices["PROBED"].opc_ua.path == "/plant"
    by_node = {node["node"]: node for node in json.loads(as_json)["nodes"]}
    assert by_node[f"nsu={URI};s=P1.Flow"]["high"] == 40.0
    assert by_node[f"nsu={URI};s=P1.Flow"]["value"] == 12.5
    assert by_node[f"nsu={URI};i=12"]["writable"] is True
    assert "12 nodes were looked at; there are more" in bounded


def test_nobody_and_no_opc_ua_are_told_apart() -> None:
    with pytest.raises(Missing, match="Nobody listens"):
        probe_url(ProbeRequest(f"opc.tcp://127.0.0.1:{free_port()}"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(Missing, match="does not speak OPC UA"):
            probe_url(ProbeRequest(f"opc.tcp://127.0.0.1:{port}?timeout=200ms"))
    with pytest.raises(ConfigError, match="--security much"):
        probe_url(ProbeRequest("opc.tcp://127.0.0.1", security="much"))


def test_names_are_as_short_as_they_can_be_and_never_twice() -> None:
    def node(*path: str) -> FoundNode:
        return FoundNode(path, "nsu=u;s=" + ".".join(path), "Double")

    assert point_names([node("A", "Flow"), node("A", "Level")]) == ["Flow", "Level"]
    assert point_names([node("A", "Flow"), node("B", "Flow")]) == ["A-Flow", "B-Flow"]
    assert point_names([node("A", "x y"), node("A", "x/y")]) == ["A-x_y", "A-x_y-2"]
