"""In which order blocks are executed: levels along the links, a loop named where there is one.

Called by   ``dcs.engine.compile``. Knows names and edges only.
"""

from collections.abc import Sequence

from dcs.core.errors import ConfigError
from dcs.engine.strategy import Link


def levels(names: Sequence[str], edges: Sequence[tuple[str, str, Link]]) -> dict[str, int]:
    """Level of each block: 0 for those that wait for nobody, else one more than the highest source.

    ``edges`` are (source block, target block, link) without the feedback inputs. Raises ``ConfigError`` for a loop.
    """
    followers: dict[str, list[str]] = {name: [] for name in names}
    waiting = dict.fromkeys(names, 0)
    for source, target, _ in edges:
        followers[source].append(target)
        waiting[target] += 1
    level = dict.fromkeys(names, 0)
    ready = [name for name in names if waiting[name] == 0]
    done = 0
    while done < len(ready):
        name = ready[done]
        done += 1
        for follower in followers[name]:
            level[follower] = max(level[follower], level[name] + 1)
            waiting[follower] -= 1
            if waiting[follower] == 0:
                ready.append(follower)
    if done < len(names):
        raise _loop_error([name for name in names if waiting[name] > 0], edges)
    return level


def _loop_error(stuck: list[str], edges: Sequence[tuple[str, str, Link]]) -> ConfigError:
    """Walk backwards among blocks that wait for each other until one comes again: that is a loop."""
    inside = set(stuck)
    cause: dict[str, tuple[str, Link]] = {}
    for source, target, link in edges:
        if source in inside and target in inside:
            cause.setdefault(target, (source, link))
    walk = [stuck[0]]
    while (source := cause[walk[-1]][0]) not in walk:
        walk.append(source)
    loop = walk[walk.index(source) :]
    loop.reverse()  # along the signal
    start = loop.index(min(loop))
    loop = loop[start:] + loop[:start]
    links = [cause[name][1] for name in loop]  # the link that arrives at each
    path = " → ".join([*loop, loop[0]])
    wires = "; ".join(f"`{link.target}` is wired to `{link.source}`" for link in [*links[1:], links[0]])
    return ConfigError(
        f"a loop in which every block waits for the one before it: {path} ({wires}). "
        "Break it with a feedback input such as `bkcal_in`, or remove one of these links.",
        links[0].place,
    )
