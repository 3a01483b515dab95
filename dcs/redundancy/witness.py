"""The witness node: third voter of many pairs.

Called by   dcs.node (witness node); the same code on the wall clock and in the box.
Knows       grants and time, nothing of control. It belongs on a third machine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dcs.core.clock import Clock
from dcs.redundancy.encoding import encode
from dcs.redundancy.messages import Message
from dcs.redundancy.protocol import PairConfig, VoterRecord
from dcs.redundancy.protocol.neighbours import silent_after_ns
from dcs.redundancy.protocol.witness_voter import WitnessVoter
from dcs.redundancy.report import VoterLink
from dcs.redundancy.store import RecordLost, RecordStore
from dcs.redundancy.transport import PairNetwork
from dcs.redundancy.voter_node import VoterNode


@dataclass
class _WitnessVoter:
    voter: WitnessVoter
    config: PairConfig
    heard_ns: dict[str, int] = field(default_factory=dict)


class Witness(VoterNode):
    """The third voter of many pairs: it knows grants and time, and nothing of control."""

    def __init__(
        self,
        name: str,
        pairs: Mapping[str, PairConfig],
        clock: Clock,
        network: PairNetwork,
        store: RecordStore,
        event: Callable[[str, str], None],
    ) -> None:
        super().__init__(name, clock, network)
        self._pairs = {pair: config for pair, config in pairs.items() if config.witness == name}
        self._store = store
        self._event = event
        self._voters: dict[str, _WitnessVoter] = {}

    def _started(self) -> None:
        now_ns = self._clock.monotonic_ns()
        for pair, config in self._pairs.items():
            try:
                record = self._store.load(pair) or VoterRecord()
            except RecordLost as exc:
                self._event(str(exc), "redundancy")
                record = None

            def save(record: VoterRecord, pair: str = pair) -> None:
                self._store.save(pair, record)

            def send(to: str, message: Message, pair: str = pair) -> None:
                self._network.send(to, encode(pair, self.name, message))

            def event(text: str, pair: str = pair) -> None:
                self._event(f"{pair}: {text}", "redundancy")

            voter = WitnessVoter(self.name, config, record, save, send, event, now_ns)
            self._voters[pair] = _WitnessVoter(voter, config)

    def _on_message(self, pair: str, sender: str, message: Message) -> None:
        served = self._voters.get(pair)
        if served is None or sender not in served.config.members:
            return
        now_ns = self._clock.monotonic_ns()
        served.heard_ns[sender] = now_ns
        served.voter.on_message(now_ns, sender, message)

    def links(self) -> tuple[VoterLink, ...]:
        """All members of all pairs as the witness hears them."""
        now_ns = self._clock.monotonic_ns()
        links = []
        for pair, served in self._voters.items():
            silent_ns = silent_after_ns(served.config.timing.promise_ns)
            for member in served.config.members:
                is_up = member in served.heard_ns and now_ns - served.heard_ns[member] <= silent_ns
                links.append(VoterLink(f"{pair}/{member}", "pair", "up" if is_up else "down", None))
        return tuple(links)
