"""How the active loses the outputs.

Called by   tests.simulation.twin.run.
Knows       the box. ``switchover`` misses no scan; ``field-cable`` is seen by the pair, which then hands over.
"""

from collections.abc import Awaitable, Callable

from dcs.node.box import Box

Strike = Callable[[Box, str, str], Awaitable[None]]
"""(box, pair, active)"""


async def _kill(box: Box, pair: str, active: str) -> None:
    await box.kill(active)


async def _freeze(box: Box, pair: str, active: str) -> None:
    box.freeze(active, 3600.0)


async def _hang(box: Box, pair: str, active: str) -> None:
    box.hang(active, 20.0)


async def _isolate(box: Box, pair: str, active: str) -> None:
    controller = box.config.controller(pair)
    for other in (*controller.members, controller.witness):
        if other and other != active:
            box.peers.pair_links.cut(active, other)
    await _field_cables(box, pair, active)


async def _field_cables(box: Box, pair: str, active: str) -> None:
    for cable in box.peers.cables:
        if cable.startswith(f"{active}>"):
            box.faults().cut(cable)


async def _switchover(box: Box, pair: str, active: str) -> None:
    reply = await box.command(pair, "switchover", pair)
    assert reply.ok, reply.text


ASKED = ("kill", "freeze", "isolate", "switchover")
"""Those for which a bump is promised."""

FAULTS: dict[str, Strike] = {
    "kill": _kill,
    "freeze": _freeze,
    "hang": _hang,
    "isolate": _isolate,
    "switchover": _switchover,
    "field-cable": _field_cables,
}
