"""Places for boxes and wires on paper: layers from left to right, few crossings, wires at right angles.

Called by   ``dcs.drawing.picture``.
Knows       the sizes of boxes and which is wired to which.
Source      K. Sugiyama, S. Tagawa, M. Toda, Methods for visual understanding of hierarchical system structures, IEEE
            Trans. Systems, Man and Cybernetics 11(2), 1981: layers by longest path, dummies in long edges, barycentres.
"""

from dataclasses import dataclass, field
from itertools import pairwise

from dcs.drawing.graph import Box, Graph, Wire

LETTER = 6.1
"""Width of a letter of the small type, on average."""
ROW, HEAD, LINE, PAD = 18.0, 36.0, 13.0, 8.0
FLAG_HEIGHT = 20.0
GAP_X, GAP_Y, LANE = 70.0, 26.0, 7.0
SWEEPS = 8

Point = tuple[float, float]


@dataclass
class Placed:
    """A box with its place, or a dummy (``box`` None) where a long wire passes."""

    box: Box | None
    layer: int
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0

    def terminal(self, name: str, side: str) -> Point:
        """Where a wire meets the box; ``side`` in | out."""
        x = self.x if side == "in" else self.x + self.width
        if self.box is None or self.box.kind != "block":
            return x, self.y + self.height / 2.0
        names = self.box.inputs if side == "in" else self.box.outputs
        return x, self.y + HEAD + ROW * (names.index(name) + 0.5)


@dataclass
class Layout:
    """All places; ``paths`` are the corners of each wire, in the order of the graph's wires."""

    placed: dict[str, Placed] = field(default_factory=dict)
    paths: list[list[Point]] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


def lay_out(graph: Graph) -> Layout:
    """Places for every box, corners for every wire."""
    layers = _layers(graph)
    layout = Layout()
    for name, box in graph.boxes.items():
        width, height = size_of(box)
        layout.placed[name] = Placed(box, layers[name], width, height)
    chains = _chains(graph, layout, layers)
    _place(layout, _ordered(layout, graph, chains), _gaps(graph, layout, chains))
    layout.paths = _paths(graph, layout, chains)
    return layout


def size_of(box: Box) -> tuple[float, float]:
    """Width and height of a box."""
    if box.kind != "block":
        return LETTER * len(box.title) + 24.0, FLAG_HEIGHT
    rows = max(len(box.inputs), len(box.outputs))
    left = max((len(name) for name in box.inputs), default=0)
    right = max((len(name) for name in box.outputs), default=0)
    longest = max([left + right + 4, len(box.title) + len(box.subtitle) + 4, *(len(line) for line in box.lines)])
    return max(120.0, LETTER * longest + 2 * PAD), HEAD + ROW * rows + LINE * len(box.lines) + PAD


def _layers(graph: Graph) -> dict[str, int]:
    """Longest path from the left; wires that go back do not count. Inputs stand just left of who needs them first."""
    forward = [wire for wire in graph.wires if not wire.back and wire.source != wire.target]
    layers = dict.fromkeys(graph.boxes, 0)
    for _ in graph.boxes:  # as often as a path can be long
        changed = False
        for wire in forward:
            if layers[wire.target] < layers[wire.source] + 1:
                layers[wire.target] = layers[wire.source] + 1
                changed = True
        if not changed:
            break
    last = max(layers.values(), default=0)
    for name, box in graph.boxes.items():
        if box.kind == "in":
            layers[name] = min(layers[wire.target] for wire in graph.wires if wire.source == name) - 1
        elif box.kind == "out":
            layers[name] = max(last, layers[name])
    lowest = min(layers.values(), default=0)
    return {name: layer - lowest for name, layer in layers.items()}


def _chains(graph: Graph, layout: Layout, layers: dict[str, int]) -> list[list[str]]:
    """The boxes and dummies that each wire passes; a wire that goes back has its ends only."""
    chains = []
    for number, wire in enumerate(graph.wires):
        chain = [wire.source]
        for layer in range(layers[wire.source] + 1, layers[wire.target]):
            dummy = f"dummy {number} {layer}"
            layout.placed[dummy] = Placed(None, layer, 0.0, ROW)
            chain.append(dummy)
        chains.append([*chain, wire.target])
    return chains


def _ordered(layout: Layout, graph: Graph, chains: list[list[str]]) -> list[list[str]]:
    """Names per layer, ordered so that wires cross little."""
    count = 1 + max((place.layer for place in layout.placed.values()), default=0)
    rows: list[list[str]] = [[] for _ in range(count)]
    for name, place in layout.placed.items():
        rows[place.layer].append(name)
    left: dict[str, list[tuple[str, float]]] = {}  # neighbour, and how far down its side the wire meets it
    right: dict[str, list[tuple[str, float]]] = {}
    for wire, chain in zip(graph.wires, chains, strict=True):
        if layout.placed[wire.target].layer <= layout.placed[wire.source].layer:
            continue
        for one, other in pairwise(chain):
            left.setdefault(other, []).append((one, _share(layout.placed[one], wire.source_terminal, "out")))
            right.setdefault(one, []).append((other, _share(layout.placed[other], wire.target_terminal, "in")))
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        neighbours = left if forward else right
        for row in rows if forward else reversed(rows):
            rank = {name: index for other in rows for index, name in enumerate(other)}
            middle = {
                name: sum(rank[one] + share for one, share in neighbours[name]) / len(neighbours[name])
                if name in neighbours
                else float(rank[name])
                for name in row
            }
            row.sort(key=lambda name, middle=middle: middle[name])  # type: ignore[misc]
    return rows


def _share(place: Placed, terminal: str, side: str) -> float:
    """How far down a box a terminal is, 0 to 1; 0.5 for what has one only."""
    if place.box is None or place.box.kind != "block":
        return 0.5
    names = place.box.inputs if side == "in" else place.box.outputs
    return (names.index(terminal) + 0.5) / len(names)


def _gaps(graph: Graph, layout: Layout, chains: list[list[str]]) -> dict[int, float]:
    """Room right of each layer: a lane for every wire that turns there."""
    turns: dict[int, int] = {}
    for wire, chain in zip(graph.wires, chains, strict=True):
        source, target = layout.placed[wire.source].layer, layout.placed[wire.target].layer
        passed = [source, target - 1] if target <= source else [layout.placed[name].layer for name in chain[:-1]]
        for layer in passed:
            turns[layer] = turns.get(layer, 0) + 1
    return {layer: max(GAP_X, LANE * (count + 2)) for layer, count in turns.items()}


def _spacing(place: Placed) -> float:
    """Room below a box, a flag or a dummy."""
    return GAP_Y if place.box is not None and place.box.kind == "block" else GAP_Y / 2.0


def _place(layout: Layout, rows: list[list[str]], gaps: dict[int, float]) -> None:
    heights = [sum(layout.placed[name].height + _spacing(layout.placed[name]) for name in row) for row in rows]
    tallest = max(heights, default=0.0)
    x = PAD
    for layer, (row, height) in enumerate(zip(rows, heights, strict=True)):
        width = max((layout.placed[name].width for name in row), default=0.0)
        y = PAD + (tallest - height) / 2.0
        for name in row:
            place = layout.placed[name]
            flag_in = place.box is not None and place.box.kind == "in"
            place.x = x + (width - place.width if flag_in else 0.0)
            if place.box is None:
                place.width = width
            place.y = y
            y += place.height + _spacing(place)
        layout.width = x + width + PAD
        x += width + gaps.get(layer, GAP_X)
    layout.height = tallest + PAD


def _paths(graph: Graph, layout: Layout, chains: list[list[str]]) -> list[list[Point]]:
    """Corners of every wire; wires between two layers turn in lanes of their own, those that go back pass below."""
    hops = [_hops(wire, chain, layout) for wire, chain in zip(graph.wires, chains, strict=True)]
    lane_x = _lanes(graph, layout, chains, hops)
    below = layout.height
    paths = []
    for number, (wire, corners) in enumerate(zip(graph.wires, hops, strict=True)):
        source, target = layout.placed[wire.source].layer, layout.placed[wire.target].layer
        (start, end), *_ = corners
        if target <= source:
            below += LANE
            out_x, in_x = lane_x[number, source], lane_x[number, target - 1]
            paths.append([start, (out_x, start[1]), (out_x, below), (in_x, below), (in_x, end[1]), end])
            continue
        path = []
        for layer, (here, to) in enumerate(corners, source):
            turn = lane_x.get((number, layer))
            path += [here, to] if turn is None else [here, (turn, here[1]), (turn, to[1]), to]
        paths.append(path)
    layout.height = below + PAD
    left = min((x for path in paths for x, _ in path), default=0.0)
    if left < PAD:
        _shift(layout, paths, PAD - left)
    layout.width = max(layout.width, *(x + PAD for path in paths for x, _ in path)) if paths else layout.width
    return paths


def _hops(wire: Wire, chain: list[str], layout: Layout) -> list[tuple[Point, Point]]:
    """From where to where a wire goes in each gap between layers; one that goes back has its ends only."""
    start = layout.placed[wire.source].terminal(wire.source_terminal, "out")
    end = layout.placed[wire.target].terminal(wire.target_terminal, "in")
    return [
        (
            start if one == chain[0] else layout.placed[one].terminal("", "out"),
            end if other == chain[-1] else layout.placed[other].terminal("", "in"),
        )
        for one, other in pairwise(chain)
    ]


def _lanes(
    graph: Graph, layout: Layout, chains: list[list[str]], hops: list[list[tuple[Point, Point]]]
) -> dict[tuple[int, int], float]:
    """Where each wire (its number, the layer left of the gap) turns: x of its lane; none for one that goes straight.

    Those that go down come first, the lowest leftmost, then those that go up, the highest leftmost: so neighbours do
    not cross. Those that go back come last.
    """
    down: dict[int, list[tuple[float, int]]] = {}
    up: dict[int, list[tuple[float, int]]] = {}
    back: dict[int, list[int]] = {}
    for number, wire in enumerate(graph.wires):
        source, target = layout.placed[wire.source].layer, layout.placed[wire.target].layer
        if target <= source:
            back.setdefault(source, []).append(number)
            back.setdefault(target - 1, []).append(number)
            continue
        for layer, (here, to) in enumerate(hops[number], source):
            if to[1] > here[1] + 0.01:
                down.setdefault(layer, []).append((-here[1], number))
            elif to[1] < here[1] - 0.01:
                up.setdefault(layer, []).append((here[1], number))
    gaps = _gaps(graph, layout, chains)
    found: dict[tuple[int, int], float] = {}
    for layer in sorted({*down, *up, *back}):
        order = [number for _, number in (*sorted(down.get(layer, ())), *sorted(up.get(layer, ())))]
        left = _column_right(layout, layer) if layer >= 0 else _column_left(layout, 0) - gaps.get(layer, GAP_X)
        for lane, number in enumerate([*order, *back.get(layer, ())], 1):
            found[number, layer] = left + LANE * lane
    return found


def _column_right(layout: Layout, layer: int) -> float:
    return max(place.x + place.width for place in layout.placed.values() if place.layer == layer)


def _column_left(layout: Layout, layer: int) -> float:
    return min(place.x for place in layout.placed.values() if place.layer == layer)


def _shift(layout: Layout, paths: list[list[Point]], by: float) -> None:
    for place in layout.placed.values():
        place.x += by
    for path in paths:
        path[:] = [(x + by, y) for x, y in path]
    layout.width += by


__all__ = ["Layout", "Placed", "Point", "Wire", "lay_out", "size_of"]
