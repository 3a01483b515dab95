"""Is a chart safe: can no step be activated twice, is every step reachable, do parallel branches end together?

Called by   the translation of SFC.
Knows       steps as bits of a mask, transitions as pairs of masks. A chart is a Petri net in which a place holds one
            token at most; all its reachable markings are visited, without looking at conditions.
Source      IEC 61131-3, sequential function chart: unsafe and unreachable networks are errors; T. Murata, Petri nets:
            properties, analysis and applications, Proc. IEEE 77 (1989).
"""

from dcs.core.errors import ConfigError

MARKINGS_MAX = 20_000


def together(
    initial: int, steps: int, transitions: list[tuple[int, int]], names: tuple[str, ...], labels: list[str],
    must_end: bool,
) -> list[int]:  # fmt: skip
    """For every step the mask of the steps that can be active with it. Raises ``ConfigError`` for an unsafe chart.

    ``steps`` is the mask of the chart's steps, ``names`` are those of the bits; a transition to mask 0
    ends the chart. ``must_end``: the end must be reachable.
    """
    seen = {initial}
    queue = [initial]
    fired = [False] * len(transitions)
    for marking in queue:
        for number, (sources, targets) in enumerate(transitions):
            if marking & sources != sources:
                continue
            fired[number] = True
            rest = marking & ~sources
            if targets == 0 and rest:
                raise ConfigError(
                    f"{labels[number]}: the chart ends while {_names(rest, names)} may still be active. "
                    "Bring the parallel branches together first."
                )
            if rest & targets:
                raise ConfigError(
                    f"{labels[number]}: {_names(rest & targets, names)} may still be active when this activates it "
                    "again. Bring the parallel branches together first."
                )
            after = rest | targets
            if after not in seen:
                seen.add(after)
                queue.append(after)
        if len(seen) > MARKINGS_MAX:
            raise ConfigError("the chart has too many combinations of active steps. Use fewer parallel branches.")
    _check_dead(steps, queue, transitions, names, labels, fired)
    if must_end and 0 not in seen:
        raise ConfigError("the chart cannot end. Let a transition lead to END.")
    found = [0] * len(names)
    for marking in queue:
        for bit in range(len(names)):
            if marking >> bit & 1:
                found[bit] |= marking & ~(1 << bit)
    return found


def _check_dead(
    steps: int, reached: list[int], transitions: list[tuple[int, int]], names: tuple[str, ...], labels: list[str],
    fired: list[bool],
) -> None:  # fmt: skip
    every = leaving = 0
    for marking in reached:
        every |= marking
    for sources, _ in transitions:
        leaving |= sources
    if steps & ~every:
        raise ConfigError(
            f"{_names(steps & ~every, names)} cannot be reached from the initial step. "
            "Let a transition lead there, or delete it."
        )
    for number, done in enumerate(fired):
        if not done:
            raise ConfigError(
                f"{labels[number]}: this can never fire, because {_names(transitions[number][0], names)} are never "
                "active together. Correct `from`."
            )
    for marking in reached:
        stuck = marking & leaving
        if stuck and not any(marking & sources == sources for sources, _ in transitions):
            raise ConfigError(
                f"with {_names(marking, names)} active nothing can fire any more. Correct the transitions from "
                f"{_names(stuck, names)}."
            )


def _names(mask: int, names: tuple[str, ...]) -> str:
    found = [name for bit, name in enumerate(names) if mask >> bit & 1]
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
