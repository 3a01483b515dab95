"""The world of a member of a pair: network, record store and replica, behind the ports of the pure protocol.

Called by   dcs.redundancy.protocol, through ``MemberPorts``; made by dcs.redundancy.runtime.
Knows       where each call goes; decides nothing.
"""

from collections.abc import Callable

from dcs.redundancy.encoding import encode
from dcs.redundancy.messages import Message
from dcs.redundancy.protocol import PairConfig, VoterRecord
from dcs.redundancy.replica import Replica
from dcs.redundancy.store import RecordStore
from dcs.redundancy.transport import LARGEST_FRAME, PairNetwork


class MemberWorld:
    """``MemberPorts`` on a network. What the runtime itself must know goes to the three functions it gives."""

    def __init__(
        self,
        config: PairConfig,
        name: str,
        network: PairNetwork,
        store: RecordStore,
        replica: Replica,
        became_active: Callable[[int, str, bool], None],
        became_standby: Callable[[str], None],
        confirmed: Callable[[int], None],
    ) -> None:
        self._name = name
        self._pair = config.pair
        self._peer = config.others(name)[0]
        self._network = network
        self._store = store
        self._replica = replica
        self._became_active = became_active
        self._became_standby = became_standby
        self._confirmed = confirmed
        self._last_sent: Message | None = None
        self._last_payload = b""
        self._is_too_large_told = False

    def send(self, to: str, message: Message) -> None:
        if message is not self._last_sent:  # a request goes to two
            self._last_sent, self._last_payload = message, encode(self._pair, self._name, message)
        self._network.send(to, self._last_payload)

    def send_mirror(self, message: Message) -> None:
        payload = encode(self._pair, self._name, message)
        if len(payload) <= LARGEST_FRAME:
            self._network.send_stream(self._peer, payload)
        elif not self._is_too_large_told:  # the standby will never get ready, and somebody should know why
            self._is_too_large_told = True
            self.event(
                f"{len(payload) / 1e6:.0f} MB of one scan are more than the pair link takes at a time "
                f"({LARGEST_FRAME >> 20} MiB): {self._peer} cannot become ready. Run the same software on both, so "
                f"that results need not be sent, or make the controller smaller."
            )

    def save(self, record: VoterRecord) -> None:
        self._store.save(self._pair, record)

    def look(self, devices: int) -> None:
        self._replica.look(devices)

    def snapshot(self) -> tuple[int, bytes | memoryview] | None:
        return self._replica.snapshot()

    def restore(self, seq: int, state: bytes | memoryview) -> None:
        self._replica.restore(seq, state)

    def execute(self, seq: int, record: bytes) -> bytes:
        return self._replica.execute(seq, record)

    def event(self, text: str) -> None:
        self._replica.event(f"{self._name}: {text}", "redundancy")

    def became_active(self, epoch: int, reason: str, cold: bool) -> None:
        self._became_active(epoch, reason, cold)

    def became_standby(self, reason: str) -> None:
        self._became_standby(reason)

    def confirmed(self, seq: int) -> None:
        self._confirmed(seq)
