"""Loops that cannot be computed: a block that waits for itself.

Called by   ``dcs.config.control_check``.
Knows       links, and which inputs carry the value of the last scan and so break a loop (``feedback_inputs``).
"""

from collections.abc import Mapping, Sequence

from dcs.config.block_check import Block
from dcs.config.problems import Problems
from dcs.engine.strategy import Link


def check_loops(
    blocks: Mapping[str, Block], scan_class_of: Mapping[str, str], links: Sequence[Link], problems: Problems
) -> None:
    """Report every loop without a break once, by the names of its blocks; ``scan_class_of`` goes by module."""
    forward: dict[str, list[tuple[str, Link]]] = {name: [] for name in blocks}
    for link in links:
        source, target = link.source.rpartition(".")[0], link.target.rpartition(".")[0]
        if source not in blocks or target not in blocks:  # a field point: read in one scan, written in another
            continue
        if scan_class_of[blocks[source].module] != scan_class_of[blocks[target].module]:
            continue  # another class has its own time: what it last put out is what counts
        if not blocks[target].type.is_feedback(link.target.rpartition(".")[2]):
            forward[source].append((target, link))
    done: set[str] = set()
    for start in blocks:
        loop = _find_loop(start, forward, done)
        if loop:
            names = [link.source for link in loop]
            problems.add(
                loop[-1].place,
                f"{' → '.join(names)} → {loop[0].source.rpartition('.')[0]} is a loop without a break, so none of its "
                f"blocks can be computed first. Cut the wire to {loop[-1].target}, or lead it through an input that "
                "takes the value of the last scan (`bkcal_in`).",
            )


def _find_loop(start: str, forward: Mapping[str, list[tuple[str, Link]]], done: set[str]) -> list[Link]:
    """The links of a loop reachable from ``start``; [] if there is none. Not recursive: chains may be long."""
    if start in done:
        return []
    path: list[Link] = []
    on_path = [start]
    stack = [iter(forward[start])]
    while stack:
        step = next(stack[-1], None)
        if step is None:
            stack.pop()
            done.add(on_path.pop())
            if path:
                path.pop()
            continue
        target, link = step
        if target in on_path:
            loop = [*path[on_path.index(target) :], link]
            done.update(on_path)
            return loop
        if target not in done:
            on_path.append(target)
            path.append(link)
            stack.append(iter(forward[target]))
    return []
