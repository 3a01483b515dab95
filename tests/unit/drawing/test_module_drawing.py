"""Promises of the strategy print-out: everything is on it, nothing covers anything, it fits on A4."""

import itertools
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from dcs.config.find import find_config, shipped_configs
from dcs.core.errors import ConfigError
from dcs.drawing.graph import Graph, graph_of
from dcs.drawing.layout import Layout, lay_out
from dcs.drawing.picture import module_drawing
from dcs.engine.strategy import BlockSpec, Channel, Link, ModuleSpec, ScanClass, Strategy
from dcs.node.assembly import load_configuration
from tests.unit.engine.strategies import cascade

SVG = "{http://www.w3.org/2000/svg}"


def every_module() -> list[tuple[Strategy, str]]:
    found = []
    for name in shipped_configs():
        for controller in load_configuration(find_config(name)).controllers:
            found += [(controller.strategy, module.name) for module in controller.strategy.modules]
    return found


def shutdown() -> Strategy:
    """A wide module: sixteen conditions, an interlock in the middle, and a loop back."""
    channels = tuple(Channel(f"S-{n}", "in", "") for n in range(1, 17))
    blocks = (
        BlockSpec("ESD.permit", "INTERLOCK", "loops", {"latch": 1.0}),
        BlockSpec("ESD.reset", "RESET_STATION", "loops"),
        BlockSpec("ESD.back", "LAST_SCAN", "loops"),
    )
    links = [Link(f"S-{n}", f"ESD.permit.inp_{n}") for n in range(1, 17)]
    links += [Link("ESD.reset.out", "ESD.permit.reset_in"), Link("ESD.permit.out", "ESD.back.inp")]
    links += [Link("ESD.back.out", "ESD.reset.cond_1")]
    modules = (ModuleSpec("ESD", "Shutdown", "indicator", "loops", {}),)
    return Strategy("C1", (ScanClass("loops", 10**9),), channels, blocks, tuple(links), (), (), modules)


def overlap(layout: Layout) -> list[tuple[str, str]]:
    boxes = [(name, place) for name, place in layout.placed.items() if place.box is not None]
    return [
        (a, b)
        for (a, one), (b, two) in itertools.combinations(boxes, 2)
        if one.x < two.x + two.width
        and two.x < one.x + one.width
        and one.y < two.y + two.height
        and two.y < one.y + one.height
    ]


def shared(one: list[tuple[float, float]], two: list[tuple[float, float]]) -> bool:
    """Do two wires run along the same vertical line for a while?"""
    for (x1, y1), (x2, y2) in itertools.pairwise(one):
        for (x3, y3), (x4, y4) in itertools.pairwise(two):
            vertical = abs(x1 - x2) < 0.02 and abs(x3 - x4) < 0.02 and abs(x1 - x3) < 0.02
            if vertical and min(max(y1, y2), max(y3, y4)) - max(min(y1, y2), min(y3, y4)) > 0.02:
                return True
    return False


def check(graph: Graph, layout: Layout) -> None:
    assert not overlap(layout)
    for wire, path in zip(graph.wires, layout.paths, strict=True):
        assert path[0] == pytest.approx(layout.placed[wire.source].terminal(wire.source_terminal, "out"))
        assert path[-1] == pytest.approx(layout.placed[wire.target].terminal(wire.target_terminal, "in"))
        for (x1, y1), (x2, y2) in itertools.pairwise(path):
            assert abs(x1 - x2) < 0.02 or abs(y1 - y2) < 0.02, "wires turn at right angles"
            assert min(x1, x2) >= 0
            assert max(x1, x2) <= layout.width
            assert min(y1, y2) >= 0
            assert max(y1, y2) <= layout.height
            for name, place in layout.placed.items():
                inside_x = min(x1, x2) < place.x + place.width - 0.1 and max(x1, x2) > place.x + 0.1
                inside_y = min(y1, y2) < place.y + place.height - 0.1 and max(y1, y2) > place.y + 0.1
                assert place.box is None or not (inside_x and inside_y), f"{wire} runs through {name}"
    for one, two in itertools.combinations(layout.paths, 2):
        assert one[0] == two[0] or not shared(one, two), "two wires on one line could not be told apart"
    for wire in graph.wires:
        source, target = layout.placed[wire.source], layout.placed[wire.target]
        assert wire.back or source.x + source.width <= target.x, "values go from left to right"


def test_every_module_that_is_shipped() -> None:
    """Promise: boxes apart, wires at right angles between terminals and through no box, from left to right."""
    modules = every_module()
    assert len(modules) >= 8
    for strategy, module in modules:
        graph = graph_of(strategy, module)
        check(graph, lay_out(graph))


def test_wide_module_with_a_loop() -> None:
    graph = graph_of(shutdown(), "ESD")
    check(graph, lay_out(graph))


def test_everything_is_on_the_page() -> None:
    """Promise: each block, terminal, wire and parameter that is configured, on landscape A4."""
    strategy = cascade()
    drawing = ET.fromstring(module_drawing(_with_modules(strategy), "FIC"))
    assert (drawing.get("width"), drawing.get("height")) == ("297mm", "210mm")
    blocks = {group.get("data-block") for group in drawing.iter(f"{SVG}g")} - {None}
    assert blocks == {"FIC.ai", "FIC.pid", "FIC.ao"}
    wires = {line.get("data-wire") for line in drawing.iter(f"{SVG}polyline")}
    mine = {f"{link.source} {link.target}" for link in strategy.links if "FIC." in link.source + link.target}
    assert wires == mine
    texts = {text.text for text in drawing.iter(f"{SVG}text")}
    assert {
        "gain = 0.5",
        "ti_s = 5 s",
        "pv_scale = 0 … 40",
        "target = Cas",
        "cas_in",
        "bkcal_out",
        "LIC.pid.out",
    } <= texts
    width, height = (float(size) for size in (drawing.get("viewBox") or "").split()[2:])
    assert width / height == pytest.approx(297 / 210, rel=1e-3)


def test_values_stand_at_their_terminals() -> None:
    strategy = _with_modules(cascade())
    values = {"FIC.pid.out": "37.5 %", "FT": "8.1 mA", "LIC.pid.out": "12.0 <cm3/s>"}
    drawing = module_drawing(strategy, "FIC", values)
    texts = {text.text for text in ET.fromstring(drawing).iter(f"{SVG}text") if text.get("class") == "value"}
    assert texts == set(values.values())
    assert module_drawing(strategy, "FIC", values) == drawing


def test_letters_are_large_enough_on_a4() -> None:
    """Promise: no shipped module is shrunk so far that its text (10 px) is below 1.4 mm."""
    for strategy, module in every_module():
        drawing = ET.fromstring(module_drawing(strategy, module))
        width = float((drawing.get("viewBox") or "").split()[2])
        assert 10 * 297 / width > 1.4, module


def test_no_such_module() -> None:
    with pytest.raises(ConfigError, match="there is no module `X-1`"):
        graph_of(cascade(), "X-1")


def test_command_writes_the_file(tmp_path: Path, monkeypatch, capsys) -> None:
    from dcs.cli.print_module import print_module

    monkeypatch.chdir(tmp_path)
    assert print_module("quadruple_tank", "LIC-101", None, False, None) == 0
    assert "LIC-101.svg: LIC-101." in capsys.readouterr().out
    assert ET.fromstring((tmp_path / "LIC-101.svg").read_text(encoding="utf-8")).tag == f"{SVG}svg"
    with pytest.raises(ConfigError, match="Did you mean `LIC-101`"):
        print_module("quadruple_tank", "LIC-110", None, False, None)


def _with_modules(strategy: Strategy) -> Strategy:
    from dataclasses import replace

    return replace(strategy, modules=(ModuleSpec("FIC", "Flow", "loop", "loops", {}),))
