"""The witness's part for one pair: a voter, and the questions it asks when it must know more.

Called by   dcs.redundancy.witness and the simulation: messages and the own clock's time go in.
Knows       its voter and the names of the two members.
Behaviour   docs/explanations/redundancy.md, rules 3 and 11a.
"""

from collections.abc import Callable

from dcs.redundancy.messages import TAKEN_OUT, Info, Message, Query, Release, Request
from dcs.redundancy.protocol.config import PairConfig
from dcs.redundancy.protocol.ports import VoterRecord
from dcs.redundancy.protocol.voter import Voter

QUERY_PROMISES = 2


class WitnessVoter:
    """Answers both members. It asks them only when its record is lost, or names one that stands alone."""

    def __init__(
        self,
        name: str,
        config: PairConfig,
        record: VoterRecord | None,
        save: Callable[[VoterRecord], None],
        send: Callable[[str, Message], None],
        event: Callable[[str], None],
        now_ns: int,
        voter_class: type[Voter] = Voter,
    ) -> None:
        self.voter = voter_class(name, config.others(name), record, config.timing, save, now_ns)
        self._members = config.members
        self._send = send
        self._event = event
        self._query_gap_ns = QUERY_PROMISES * config.timing.promise_ns
        self._next_query_ns = now_ns

    def on_message(self, now_ns: int, sender: str, message: Message) -> None:
        """One message from a member."""
        voter = self.voter
        match message:
            case Request():
                vote = voter.request(now_ns, sender, message)
                self._send(sender, vote)
                # A member stood alone: does it still? It may have said otherwise while we did not hear it.
                if (not voter.known or vote.reason == TAKEN_OUT) and now_ns >= self._next_query_ns:
                    self._next_query_ns = now_ns + self._query_gap_ns
                    for member in self._members:
                        self._send(member, Query(now_ns))
            case Release():
                voter.release(sender, message)
            case Query(sent_ns):
                self._send(sender, voter.info(sent_ns))
            case Info():
                if voter.learn_info(now_ns, sender, message):
                    self._event("the lost voter record was rebuilt from the two members")
            case _:
                pass
