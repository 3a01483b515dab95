"""Asking a controller pair to do something, so that a takeover in between neither loses nor doubles it.

Called by   the command line, the operator station, scripts.
Knows       that a command with an id is answered from memory by whoever has applied it (``dcs.node.command_book``), and
            that this memory is mirrored: asking again with the same id is safe. No clock but the loop's.
"""

import asyncio
from collections.abc import Iterable

from dcs.bus.api import Bus
from dcs.bus.messages import Command, Reply, command_subject
from dcs.core.clock import NS_PER_S
from dcs.core.errors import LinkDown

TRY_S = 2.0
"""Longer than a scan class of 1 s takes; who has not answered then may be dead."""
PAUSE_S = 0.2
TAKEOVER_S = 5.0
"""Beyond the scans: a cold start takes three seconds."""
REPEATABLE = ("set", "ack", "ack_all", "apply")
"""Verbs that enter a scan and with it the mirrored memory of commands; the others are asked once."""


def patience_s(periods_ns: Iterable[int]) -> float:
    """How long to wait for an answer, in s, from a pair with scan classes of these periods, in ns.

    The next scan of any class takes a command; when its holder dies first, the next one of the new holder does.
    """
    return TAKEOVER_S + 2 * min(periods_ns, default=0) / NS_PER_S


async def ask(bus: Bus, plant: str, pair: str, command: Command, timeout_s: float) -> Reply:
    """The answer of whoever holds the authority. Raises ``LinkDown``: then it is not known to be done.

    Raises ``ValueError`` or ``TypeError`` for an answer that is none.
    """
    subject, payload = command_subject(plant, pair), command.to_bytes()
    if command.verb not in REPEATABLE:
        return Reply.from_bytes(await bus.request(subject, payload, timeout_s))
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + timeout_s
    while True:
        try:
            return Reply.from_bytes(await bus.request(subject, payload, min(TRY_S, deadline_s - loop.time())))
        except LinkDown:
            if loop.time() + PAUSE_S >= deadline_s:
                raise
        await asyncio.sleep(PAUSE_S)
