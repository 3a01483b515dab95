"""A module as an SVG drawing on a landscape A4 page: blocks, terminals, wires, parameters, values.

Called by   ``dcs print``.
Knows       layout and shapes. A pure function: the same module gives the same text.
"""

from collections.abc import Mapping
from xml.sax.saxutils import escape

from dcs.drawing.graph import Box, Graph, Values, graph_of
from dcs.drawing.layout import HEAD, LINE, PAD, ROW, Layout, Placed, Point, lay_out
from dcs.engine.strategy import Strategy

PAGE_MM = (297.0, 210.0)
MARGIN_MM = 10.0
TITLE_HEIGHT = 46.0

_STYLE = """
text { font-family: 'DejaVu Sans', Arial, sans-serif; font-size: 10px; fill: #202020; }
.title { font-weight: bold; font-size: 12px; }
.small { font-size: 9px; fill: #505050; }
.value { font-size: 9.5px; fill: #003f7f; font-weight: bold; }
.block { fill: #f4f4f4; stroke: #202020; stroke-width: 1.2; }
.head { fill: #dcdcdc; stroke: #202020; stroke-width: 1.2; }
.flag { fill: #ffffff; stroke: #202020; stroke-width: 1; }
.wire { fill: none; stroke: #202020; stroke-width: 1; }
.back { fill: none; stroke: #707070; stroke-width: 1; stroke-dasharray: 5 3; }
"""


def module_drawing(
    strategy: Strategy, module: str, values: Values | None = None, heading: Mapping[str, str] | None = None
) -> str:
    """The SVG text. ``values``: texts by terminal; ``heading``: more lines for the title block, by what they are.

    Raises ``ConfigError`` when the strategy has no such module.
    """
    graph = graph_of(strategy, module)
    layout = lay_out(graph)
    spec = next(one for one in strategy.modules if one.name == module)
    facts = {"module": module, "description": spec.description, "scan class": spec.scan_class,
             "controller": strategy.name, **(heading or {})}  # fmt: skip
    shapes = [*_wires(graph, layout), *(line for place in layout.placed.values() for line in _box(place))]
    shapes += _values(graph, layout, values or {})
    return _page(shapes, layout, {key: text for key, text in facts.items() if text})


def _page(shapes: list[str], layout: Layout, facts: Mapping[str, str]) -> str:
    """Fitted into the page: never enlarged beyond what is easy to read, as large as goes."""
    width_mm, height_mm = (side - 2 * MARGIN_MM for side in PAGE_MM)
    inner_height = layout.height + TITLE_HEIGHT
    unit_mm = min(width_mm / layout.width, height_mm / inner_height, 0.3)
    width, height = PAGE_MM[0] / unit_mm, PAGE_MM[1] / unit_mm
    margin = MARGIN_MM / unit_mm
    left = margin + (width - 2 * margin - layout.width) / 2.0
    title_y = height - margin - TITLE_HEIGHT / 2.0
    entries = "  ·  ".join(f"{key}: {text}" for key, text in facts.items() if key != "module")
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{PAGE_MM[0]:g}mm" height="{PAGE_MM[1]:g}mm" '
            f'viewBox="0 0 {width:.1f} {height:.1f}">',
            f"<title>{escape(facts['module'])}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect width="{width:.1f}" height="{height:.1f}" fill="#ffffff"/>',
            f'<g id="strategy" transform="translate({left:.1f} {margin:.1f})">',
            *shapes,
            "</g>",
            '<g id="title">',
            f'<line x1="{margin:.1f}" y1="{title_y - 18:.1f}" x2="{width - margin:.1f}" y2="{title_y - 18:.1f}" '
            'class="wire"/>',
            f'<text x="{margin:.1f}" y="{title_y:.1f}" class="title">{escape(facts["module"])}</text>',
            f'<text x="{margin:.1f}" y="{title_y + 15:.1f}" class="small">{escape(entries)}</text>',
            "</g>",
            "</svg>",
            "",
        ]
    )


def _box(place: Placed) -> list[str]:
    box = place.box
    if box is None:
        return []
    if box.kind != "block":
        return _flag(place, box)
    x, y, width = place.x, place.y, place.width
    lines = [
        f'<g data-block="{escape(box.name)}">',
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{place.height:.1f}" class="block"/>',
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{HEAD - PAD:.1f}" class="head"/>',
        _text(x + PAD, y + 18, box.title, "title"),
        _text(x + width - PAD, y + 18, box.subtitle, "small", end=True),
    ]
    for names, side in ((box.inputs, "in"), (box.outputs, "out")):
        for name in names:
            at_x, at_y = place.terminal(name, side)
            inside = at_x + PAD if side == "in" else at_x - PAD
            lines.append(_text(inside, at_y + 3.5, name, "", end=side == "out"))
            lines.append(f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="2"/>')
    first = y + HEAD + ROW * max(len(box.inputs), len(box.outputs)) + LINE * 0.8
    lines += [_text(x + PAD, first + LINE * number, line, "small") for number, line in enumerate(box.lines)]
    return [*lines, "</g>"]


def _flag(place: Placed, box: Box) -> list[str]:
    """A pointed label: from where, or to where."""
    x, y, w, h = place.x, place.y, place.width, place.height
    tip = 10.0
    corners = [(x, y), (x + w - tip, y), (x + w, y + h / 2), (x + w - tip, y + h), (x, y + h)]
    return [
        f'<g data-flag="{escape(box.title)}">',
        f'<polygon points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in corners)}" class="flag"/>',
        _text(x + PAD, y + h / 2 + 3.5, box.title, ""),
        "</g>",
    ]


def _wires(graph: Graph, layout: Layout) -> list[str]:
    lines = []
    for wire, path in zip(graph.wires, layout.paths, strict=True):
        back = layout.placed[wire.target].layer <= layout.placed[wire.source].layer
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in path)
        ends = f"{_end(wire.source, wire.source_terminal)} {_end(wire.target, wire.target_terminal)}"
        style = "back" if back else "wire"
        lines.append(f'<polyline points="{points}" class="{style}" data-wire="{escape(ends)}"/>')
    return lines


def _end(box: str, terminal: str) -> str:
    """``LIC-101.pid.out``, or the name on a flag."""
    return box.partition(" ")[2] if box.startswith(("in ", "out ")) else f"{box}.{terminal}"


def _values(graph: Graph, layout: Layout, values: Values) -> list[str]:
    """Beside the terminals that put them out, and below the flags."""
    lines = []
    for name, place in layout.placed.items():
        box = place.box
        if box is None:
            continue
        if box.kind == "block":
            for terminal in box.outputs:
                text = values.get(f"{name}.{terminal}")
                if text:
                    x, y = place.terminal(terminal, "out")
                    lines.append(_text(x + 4, y - 4, text, "value"))
        elif box.kind == "in" and box.title in values:
            lines.append(_text(place.x + PAD, place.y - 3, values[box.title], "value"))
    return lines


def _text(x: float, y: float, text: str, style: str, *, end: bool = False) -> str:
    anchor = ' text-anchor="end"' if end else ""
    kind = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{anchor}{kind}>{escape(text)}</text>'


__all__ = ["Point", "module_drawing"]
