"""What becomes of bytes that the system was given and has not delivered: nothing, once nobody wants them any more.

Called by   the links and sessions over TCP.
Knows       socket options. A sender cannot take back what it has given to the system, but it can have it thrown away.
"""

import asyncio
import contextlib
import socket
import struct
import sys
from typing import cast

UNACKNOWLEDGED_MS = 80
"""How long the system may go on sending what nobody acknowledges: below the shortest lease of a pair (90 ms)."""

_AT_ONCE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


def reset_when_closed(transport: asyncio.BaseTransport) -> None:
    """Closing ends the connection with a reset: what is in the system's buffers is thrown away, not sent later."""
    _set(transport, socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)


def give_up_early(transport: asyncio.BaseTransport, within_ms: int = UNACKNOWLEDGED_MS) -> None:
    """The system ends the connection instead of repeating for minutes what was sent. Linux alone can do that.

    It repeats once all the same, after its usual time (0.2 s).
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:
        _set(transport, socket.IPPROTO_TCP, option, within_ms)


def _set(transport: asyncio.BaseTransport, level: int, option: int, value: int | bytes) -> None:
    found = cast(socket.socket | None, transport.get_extra_info("socket"))
    if found is not None:
        with contextlib.suppress(OSError):  # closed meanwhile
            found.setsockopt(level, option, value)
