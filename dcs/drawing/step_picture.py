"""Step responses as small multiples, an SVG: a row for every output, a column for every input.

Called by   ``dcs plant step``.
Knows       shapes and the palette. A pure function: the same curves give the same text. Panels of a row share their
            scale, so that one sees at a glance which input moves an output; what an input hardly moves stays flat.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from hmi.theme.palette import LIGHT

PANEL_WIDTH, PANEL_HEIGHT = 190.0, 96.0
GAP_X, GAP_Y = 68.0, 20.0  # beside each panel stands where its curve ends
LEFT, RIGHT, TOP, BOTTOM = 132.0, 68.0, 78.0, 46.0
_FLAT = 1e-9  # of the row's largest change
_TICKS_Y, _TICKS_X = 4, 5

_STYLE = f"""
text {{ font-family: 'DejaVu Sans', Arial, sans-serif; font-size: 10px; fill: {LIGHT.text}; }}
.title {{ font-size: 14px; font-weight: bold; }}
.head {{ font-size: 11px; font-weight: bold; }}
.dim {{ fill: {LIGHT.dim}; }}
.end {{ fill: {LIGHT.live}; font-weight: bold; }}
.panel {{ fill: #ffffff; stroke: {LIGHT.edge}; stroke-width: 1; }}
.grid {{ stroke: {LIGHT.panel}; stroke-width: 1; }}
.zero {{ stroke: {LIGHT.line_second}; stroke-width: 1; stroke-dasharray: 3 3; }}
.curve {{ fill: none; stroke: {LIGHT.live}; stroke-width: 1.8; stroke-linejoin: round; }}
"""


@dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """``changes`` of ``output`` from its start, after ``input`` went from ``start`` to ``to``."""

    input: str
    input_unit: str
    start: float
    to: float
    output: str
    output_unit: str
    times_s: Sequence[float]
    changes: Sequence[float]


def step_picture(title: str, below: str, curves: Sequence[Curve]) -> str:
    """The SVG text; ``below`` stands under the title."""
    moves = list(dict.fromkeys((c.input, c.to) for c in curves))
    outputs = list(dict.fromkeys(c.output for c in curves))
    place = {(c.input, c.to, c.output): c for c in curves}
    width = LEFT + RIGHT + len(moves) * PANEL_WIDTH + (len(moves) - 1) * GAP_X
    height = TOP + BOTTOM + len(outputs) * PANEL_HEIGHT + (len(outputs) - 1) * GAP_Y
    end_s = max((c.times_s[-1] for c in curves), default=1.0) or 1.0
    time_unit, unit_s = next((one for one in (("h", 3600.0), ("min", 60.0)) if end_s >= 3.0 * one[1]), ("s", 1.0))
    shapes: list[str] = []
    for row, output in enumerate(outputs):
        y = TOP + row * (PANEL_HEIGHT + GAP_Y)
        of_row = [c for c in curves if c.output == output]
        low, high, ticks = scale_of([value for c in of_row for value in c.changes])
        shapes.append(_text(8, y + PANEL_HEIGHT / 2 - 3, output, "head"))
        shapes.append(_text(8, y + PANEL_HEIGHT / 2 + 11, f"change, {of_row[0].output_unit}", "dim"))
        for column, (name, to) in enumerate(moves):
            x = LEFT + column * (PANEL_WIDTH + GAP_X)
            curve = place[name, to, output]
            shapes += _panel(x, y, curve, (low, high), ticks, (end_s, unit_s), labelled=column == 0)
            if row == len(outputs) - 1:
                shapes += _time_axis(x, y + PANEL_HEIGHT, end_s / unit_s)
    for column, (name, to) in enumerate(moves):
        one = next(c for c in curves if (c.input, c.to) == (name, to))
        x = LEFT + column * (PANEL_WIDTH + GAP_X) + PANEL_WIDTH / 2
        text = f"{name}  {one.start:.5g} → {one.to:.5g} {one.input_unit}".rstrip()
        shapes.append(_text(x, TOP - 10, text, "head", anchor="middle"))
    shapes.append(_text(LEFT + (width - LEFT - RIGHT) / 2, height - 10, f"time, {time_unit}", "dim", anchor="middle"))
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
            _text(8, 24, title, "title"),
            _text(8, 42, below, "dim"),
            *shapes,
            "</svg>",
            "",
        ]
    )


def scale_of(values: Sequence[float]) -> tuple[float, float, list[float]]:
    """Low and high end with 0 between them, and round ticks within."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min([0.0, *finite]), max([0.0, *finite])
    if high - low < 1e-300:
        low, high = -1.0, 1.0
    margin = 0.08 * (high - low)
    low, high = low - margin, high + margin
    return low, high, round_ticks(low, high, _TICKS_Y)


def round_ticks(low: float, high: float, about: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, some ``about`` of them."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((times * power for times in (1.0, 2.0, 5.0, 10.0) if times * power >= raw), raw)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _panel(
    x: float, y: float, curve: Curve, ends: tuple[float, float], ticks: Sequence[float], time: tuple[float, float], *,
    labelled: bool,
) -> list[str]:  # fmt: skip
    low, high = ends
    end_s, unit_s = time

    def y_of(value: float) -> float:
        return y + PANEL_HEIGHT * (high - value) / (high - low)

    shapes = [f'<rect x="{x:.1f}" y="{y:.1f}" width="{PANEL_WIDTH}" height="{PANEL_HEIGHT}" class="panel"/>']
    for tick in ticks:
        at = y_of(tick)
        shapes.append(_line(x, at, x + PANEL_WIDTH, at, "zero" if tick == 0.0 else "grid"))
        if labelled:
            shapes.append(_text(x - 6, at + 3.5, _number(tick), "dim", anchor="end"))
    for tick in round_ticks(0.0, end_s / unit_s, _TICKS_X)[1:]:
        at = x + PANEL_WIDTH * tick * unit_s / end_s
        shapes.append(_line(at, y + 1, at, y + PANEL_HEIGHT - 1, "grid"))
    points = " ".join(
        f"{x + PANEL_WIDTH * time_s / end_s:.1f},{y_of(change):.1f}"
        for time_s, change in zip(curve.times_s, curve.changes, strict=True)
        if math.isfinite(change)
    )
    name = f"{curve.output} after {curve.input}"
    shapes.append(f'<polyline points="{points}" class="curve" data-curve="{escape(name)}"/>')
    final = curve.changes[-1]
    shown = 0.0 if abs(final) <= _FLAT * max(abs(low), abs(high)) else final
    shapes.append(_text(x + PANEL_WIDTH + 4, y_of(final) + 3.5, _number(shown, sign=True), "end"))
    return shapes


def _time_axis(x: float, y: float, end: float) -> list[str]:
    """``end`` in the unit of the labels."""
    return [
        _text(x + PANEL_WIDTH * tick / end, y + 14, _number(tick), "dim", anchor="middle")
        for tick in round_ticks(0.0, end, _TICKS_X)
    ]


def _number(value: float, *, sign: bool = False) -> str:
    """As a person writes it, with a true minus."""
    text = f"{value:+.4g}" if sign and value else f"{value:.6g}"
    return text.replace("-", "−")


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{style}"/>'


def _text(x: float, y: float, text: str, style: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style}">{escape(text)}</text>'
