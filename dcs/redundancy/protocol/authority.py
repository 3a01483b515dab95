"""One member's side of the lease: asking for it, keeping it, knowing when it ends.

Called by   PairMember, with its own clock's time.
Knows       its own voter, the names of the other two, the rounds that are under way. No data, no mirror.
Behaviour   docs/explanations/redundancy.md, rules 2, 5, 6, 7, 11a and 18.
"""

from collections.abc import Callable

from dcs.redundancy.messages import (
    EPOCH,
    GENERATION,
    GRANTED,
    NO_GENERATION,
    Generation,
    Message,
    Release,
    Request,
    Vote,
)
from dcs.redundancy.protocol.voter import Voter
from dcs.redundancy.timing import LeaseTiming

FOREVER_NS = 1 << 62
ROUNDS_KEPT = 10  # more than fit into one lease, so that a slow answer still counts
MAJORITY = 2


class Round:
    """One request id: when it was sent and who granted it. Votes of different rounds are never added up."""

    __slots__ = ("alone", "cold", "epoch", "generation", "sent_ns", "votes")

    def __init__(self, sent_ns: int, epoch: int, generation: Generation, cold: bool, alone: str) -> None:
        self.sent_ns = sent_ns
        self.epoch = epoch
        self.generation = generation
        self.cold = cold
        self.alone = alone
        self.votes: list[str] = []


class Authority:
    """The lease as one member sees it. ``next_ns`` is when it wants to ask again."""

    def __init__(
        self,
        voter: Voter,
        incarnation: int,
        others: tuple[str, ...],
        timing: LeaseTiming,
        send: Callable[[str, Message], None],
        uniform: Callable[[], float],
        retry_offset_ns: int,
        now_ns: int,
    ) -> None:
        self.me = voter.name
        self.incarnation = incarnation
        self.others = others
        self.active = False
        self.epoch = 0  # granted by a majority: the one that writes carry
        self.asked_epoch = voter.record.epoch + 1
        self.lease_until_ns = 0
        self.recorded = Generation(0, 0)  # the newest generation that a majority has recorded
        self.won_cold = False
        self.asks_alone = ""  # the voter set that is asked for: "" = all three
        self.alone_recorded = False  # a majority of all three, our own voter included, has recorded that we stand alone
        self.next_ns = now_ns
        self.refused_generation = False  # a voter knows newer data than ours
        self.last_grant_ns: dict[str, int] = {}
        self.round_trip_ns: dict[str, int] = {}
        self._voter = voter
        self._timing = timing
        self._send = send
        self._uniform = uniform
        self._retry_offset_ns = retry_offset_ns  # the second side is late by this, so that two do not collide
        self._request_id = 0
        self._rounds: dict[int, Round] = {}
        self._hinted = 0  # the round that has already been given a time to ask again

    # --- asking -------------------------------------------------------------------------------------------
    def renew(self, now_ns: int, generation: Generation) -> None:
        """The holder asks all three, its own voter included; the lease will count from ``now_ns``."""
        self.next_ns = now_ns + self._timing.renewal_ns
        request = self._open_round(now_ns, generation, cold=False)
        self._own_vote(now_ns, request)
        for voter in self.others:
            self._send(voter, request)

    def ask(self, now_ns: int, generation: Generation, cold: bool) -> None:
        """A candidate asks the others; its own voter only when one of them has granted."""
        own = self._voter.record
        if own.epoch >= self.asked_epoch and (own.owner, own.owner_incarnation) != (self.me, self.incarnation):
            self.asked_epoch = own.epoch + 1
        renewal_ns = self._timing.renewal_ns
        self.next_ns = now_ns + renewal_ns + round(self._uniform() * renewal_ns) + self._retry_offset_ns
        self.refused_generation = False
        request = self._open_round(now_ns, generation, cold)
        for voter in self.others:
            self._send(voter, request)

    def _open_round(self, now_ns: int, generation: Generation, cold: bool) -> Request:
        self._request_id += 1
        self._rounds[self._request_id] = Round(now_ns, self.asked_epoch, generation, cold, self.asks_alone)
        self._rounds.pop(self._request_id - ROUNDS_KEPT, None)
        return Request(self.incarnation, self._request_id, self.asked_epoch, generation, cold, self.asks_alone)

    # --- answers ------------------------------------------------------------------------------------------
    def _own_vote(self, now_ns: int, request: Request) -> bool:
        return self.on_vote(now_ns, self.me, self._voter.request(now_ns, self.me, request))

    def on_vote(self, now_ns: int, voter: str, vote: Vote) -> bool:
        """Count one answer. True when it made us the holder."""
        round_ = self._rounds.get(vote.request_id)
        if vote.incarnation != self.incarnation or round_ is None or voter in round_.votes:
            return False
        if voter != self.me:
            self.round_trip_ns[voter] = now_ns - round_.sent_ns
        if vote.reason != GRANTED:
            self._refused(now_ns, vote)
            return False
        round_.votes.append(voter)
        self.last_grant_ns[voter] = now_ns
        if len(round_.votes) >= MAJORITY:
            return self._majority(now_ns, round_)
        if not self.active and voter != self.me:
            request = Request(self.incarnation, vote.request_id, round_.epoch, round_.generation, round_.cold)
            return self._own_vote(now_ns, request)
        return False

    def _refused(self, now_ns: int, vote: Vote) -> None:
        if vote.reason == EPOCH and vote.epoch >= self.asked_epoch:
            self.asked_epoch = vote.epoch + 1
            self.next_ns = now_ns
        elif vote.reason == GENERATION:
            self.refused_generation = True
        elif vote.wait_ns > 0 and not self.active:
            # The voter says when it will be free: neither ask before nor much later.
            hint_ns = now_ns + max(vote.wait_ns, self._timing.renewal_ns // 8)
            self.next_ns = min(self.next_ns, hint_ns) if self._hinted == vote.request_id else hint_ns
            self._hinted = vote.request_id

    def _majority(self, now_ns: int, round_: Round) -> bool:
        self.recorded = max(self.recorded, round_.generation)
        if self._is_set_recorded(round_):
            self.alone_recorded = True
        until_ns = self._lease_end_ns(now_ns, round_)
        if until_ns <= now_ns:
            return False
        self.lease_until_ns = max(self.lease_until_ns, until_ns)
        self.epoch = max(self.epoch, round_.epoch)
        if self.active:
            return False
        self.active = True
        self.won_cold = round_.cold
        return True

    def _lease_end_ns(self, now_ns: int, round_: Round) -> int:
        """Counted from before the request was sent, whenever the answer came."""
        return round_.sent_ns + self._timing.hold_ns

    # --- the voter set ------------------------------------------------------------------------------------
    def _is_set_recorded(self, round_: Round) -> bool:
        return bool(round_.alone) and self.me in round_.votes

    def ask_alone(self, now_ns: int) -> None:
        """From now on ask for more: to stand alone, under a new epoch."""
        self.asks_alone = self.me
        self.alone_recorded = False
        self.asked_epoch = max(self.asked_epoch, self._voter.record.epoch) + 1
        self.next_ns = now_ns

    def stand_alone(self, now_ns: int, epoch: int) -> None:
        """Our own durable record is the authority: no lease, no votes."""
        self.stop_asking()
        self.active = True
        self.epoch = epoch
        self.asked_epoch = max(self.asked_epoch, epoch)
        self.lease_until_ns = FOREVER_NS
        self.next_ns = now_ns

    def ask_all_again(self, now_ns: int, epoch: int) -> None:
        """Our own record names all three again: from now on an ordinary lease, although nobody has granted it yet.

        No voter can promise the authority to another one before it hears of this, and then for a promise time not.
        """
        self.asks_alone = ""
        self.alone_recorded = False
        self.asked_epoch = epoch
        self.lease_until_ns = now_ns + self._timing.hold_ns
        self.recorded = NO_GENERATION
        self.last_grant_ns.clear()
        self.next_ns = now_ns

    def stop_asking(self) -> None:
        """Answers to the rounds so far count for nothing."""
        self._rounds.clear()

    # --- giving up ----------------------------------------------------------------------------------------
    def step_down(self, now_ns: int) -> None:
        """The lease is over. Answers that still come in count for nothing; a new term needs a new epoch."""
        self.active = False
        self.asks_alone = ""
        self.lease_until_ns = 0
        self.asked_epoch = max(self.asked_epoch, self.epoch + 1)
        self._rounds.clear()
        self.next_ns = now_ns

    def release(self, now_ns: int) -> None:
        """Tell all voters that the authority is free (the gate is closed and stays so)."""
        release = Release(self.incarnation, self._voter.record.epoch)
        self.step_down(now_ns)
        self.asked_epoch = max(self.asked_epoch, release.epoch + 1)
        self._voter.release(self.me, release)
        for voter in self.others:
            self._send(voter, release)

    def raise_above(self, now_ns: int, epoch: int) -> None:
        """A device refused our epoch and told the one it knows: renew above it at once."""
        if epoch >= self.asked_epoch:
            self.asked_epoch = epoch + 1
            self.next_ns = now_ns

    def granting(self, now_ns: int) -> int:
        """How many of the three voters granted within the last promise time."""
        oldest_ns = now_ns - self._timing.promise_ns
        return sum(granted_ns >= oldest_ns for granted_ns in self.last_grant_ns.values())
