"""How a device is served that this system simulates: limits for its clients, answers from a recording.

Used by     ``field_io.specs``, which takes them into ``DeviceSpec``; ``devices.modbus_server``, ``devices.replayed``.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What a simulated device lets its clients do."""

    connections: int = 64
    idle_ns: int = 0  # a connection without a request for so long is closed; 0 = never, for pollers may be slow
    request_ns: int = 10_000_000_000  # how long the bytes of one request may take (TCP, TLS)


@dataclass(frozen=True, slots=True)
class ReplaySpec:
    """Answers from a recording (``field_io.recording``) in place of simulated ones."""

    file: str
    end: str = "hold"  # hold: the last answers stay; loop: it begins anew; silent: nobody answers any more
