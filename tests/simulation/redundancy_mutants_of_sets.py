"""More broken rules: the voter set (11a), the field (11), handing over (12), the gate (13), writes (14), time (1, 18).

Called by   tests.simulation.redundancy_mutants, which lists them with the others.
Knows       the same base class.
"""

from typing import Any

from dcs.redundancy.messages import GRANTED, Generation, Info, Request, Vote
from dcs.redundancy.protocol import Authority, PairMember, Voter, VoterRecord
from dcs.redundancy.protocol.field_choice import FieldChoice
from dcs.redundancy.protocol.phases import Event, Phase
from dcs.redundancy.timing import LeaseTiming
from tests.simulation.redundancy_mutant import Mutant


# --- 1, 2, 3, 4, 5: clock, requests, memory, votes ------------------------------------------------------------
class ClockStopsInPause(Mutant):
    clock_stops = True


class VotesOfAnEarlierLifeCount(Mutant):
    class authority_class(Authority):  # noqa: N801
        def on_vote(self, now_ns: int, voter: str, vote: Vote) -> bool:
            return super().on_vote(now_ns, voter, vote._replace(incarnation=self.incarnation))


class EpochNotDurable(Mutant):
    def loads(self, record: VoterRecord | None, name: str) -> VoterRecord | None:
        return record and record._replace(epoch=0, owner="", owner_incarnation=0, alone_epoch=0)


class OlderEpochGranted(Mutant):
    class voter_class(Voter):  # noqa: N801
        def _judge(self, now_ns: int, asker: Any, request: Request) -> tuple[int, int]:
            self.record = self.record._replace(epoch=min(self.record.epoch, request.epoch - 1))
            return super()._judge(now_ns, asker, request)


class OneVoteIsEnough(Mutant):
    class authority_class(Authority):  # noqa: N801
        def on_vote(self, now_ns: int, voter: str, vote: Vote) -> bool:
            round_ = self._rounds.get(vote.request_id)
            was_won = super().on_vote(now_ns, voter, vote)
            if vote.reason == GRANTED and round_ and voter in round_.votes and not was_won:
                return self._majority(now_ns, round_)
            return was_won


# --- 10, 16: who may start -----------------------------------------------------------------------------------
class ColdStartAtOnce(Mutant):
    def timing(self) -> LeaseTiming:
        return LeaseTiming(cold_wait_ns=0, backoff_ns=1_000_000)


class RestartedIsEligible(Mutant):
    class base_member(PairMember):  # noqa: N801
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._claim = self.voter.record.generation
            self._follow_data(kwargs.get("now_ns", 0))


# --- 11: the field -------------------------------------------------------------------------------------------
class _Eager(FieldChoice):
    def may_ask(self, now_ns: int) -> bool:
        return True


class _Blind(FieldChoice):
    def should_hand_over(self, now_ns: int, ready: bool) -> str:
        return ""


class _Nervous(FieldChoice):
    def should_hand_over(self, now_ns: int, ready: bool) -> str:
        theirs = self.theirs(now_ns)
        differs = theirs is not None and theirs.reached != self.own.reached
        return "another one is there" if ready and differs else ""

    def objection(self, now_ns: int) -> str:
        return ""


def _with_field(choice: type[FieldChoice]) -> type[PairMember]:
    class Member(PairMember):
        choice_class = choice

    return Member


class BlindCandidateAsks(Mutant):
    base_member = _with_field(_Eager)


class BetterStandbyIgnored(Mutant):
    base_member = _with_field(_Blind)


class WorseStandbyPreferred(Mutant):
    base_member = _with_field(_Nervous)


# --- 11a: the voter set --------------------------------------------------------------------------------------
class AloneByOwnVoteOnly(Mutant):
    class authority_class(Authority):  # noqa: N801
        def ask_alone(self, now_ns: int) -> None:
            super().ask_alone(now_ns)
            self.alone_recorded = True


class VoterForgetsTheSet(Mutant):
    def loads(self, record: VoterRecord | None, name: str) -> VoterRecord | None:
        return record and (record if record.agreed else record._replace(alone=""))


class SetNotLookedAt(Mutant):
    class voter_class(Voter):  # noqa: N801
        def _is_taken_out(self, candidate: str) -> bool:
            return False


class GrowsWithoutOwnRecord(Mutant):
    class voter_class(Voter):  # noqa: N801
        def own_set(
            self, incarnation: int, alone: bool, agreed: bool = False, generation: Generation | None = None
        ) -> int:
            before = self.record
            epoch = super().own_set(incarnation, alone, agreed, generation)
            if before.agreed and not alone:
                self.record = self.record._replace(alone=before.alone, agreed=True)
                self._save(self.record)
            return epoch

        def _with_set(self, record: VoterRecord, request: Request) -> VoterRecord:
            return record if record.agreed else super()._with_set(record, request)


class WishNotWithdrawn(Mutant):
    """Whoever died while asking to stand alone takes its own wish for an agreement."""

    def loads(self, record: VoterRecord | None, name: str) -> VoterRecord | None:
        return record and record._replace(agreed=record.alone == name)


class LateWordEndsTheSet(Mutant):
    """A word of before it stood alone is taken for a newer one."""

    class voter_class(Voter):  # noqa: N801
        def learn_set(self, now_ns: int, sender: str, word: Info) -> None:
            if self.record.alone == sender != word.alone:
                word = word._replace(epoch=max(word.epoch, self.record.alone_epoch + 1))
            super().learn_set(now_ns, sender, word)


class LoneControllerNeedsALease(Mutant):
    class base_member(PairMember):  # noqa: N801
        def open_gate(self, now_ns: int) -> None:
            super().open_gate(now_ns)
            if self.phase is Phase.SIMPLEX:
                self.gate = (True, now_ns + self.timing.hold_ns, self.gate[2])


# --- 12, 13, 14: handing over, the gate, writes --------------------------------------------------------------
class ReleasedBeforeTheLastAck(Mutant):
    class base_member(PairMember):  # noqa: N801
        def _finish_handover(self, now_ns: int) -> None:
            if self.phase is Phase.HANDING_OVER:
                self._go(now_ns, Event.FOLLOWED)
                self._ports.became_standby("handed over to the other: too early")


class GateStaysOpen(Mutant):
    class base_member(PairMember):  # noqa: N801
        def close_gate(self, now_ns: int) -> None:
            pass

        def hold_gate(self, now_ns: int) -> None:
            pass


class FirstWriteWaitsForTheScan(Mutant):
    first_write_waits = True


# --- 17, 18: what devices know, and time ---------------------------------------------------------------------
class DeviceRefusalIgnored(Mutant):
    class authority_class(Authority):  # noqa: N801
        def raise_above(self, now_ns: int, epoch: int) -> None:
            pass


class CandidateDoesNotRetryExactly(Mutant):
    """It asks in its own time instead of when the voter becomes free."""

    class authority_class(Authority):  # noqa: N801
        def _refused(self, now_ns: int, vote: Vote) -> None:
            super()._refused(now_ns, vote._replace(wait_ns=0))

        def ask(self, now_ns: int, generation: Generation, cold: bool) -> None:
            super().ask(now_ns, generation, cold)
            self.next_ns = now_ns + 40_000_000


class HangingHolderRenews(Mutant):
    class base_member(PairMember):  # noqa: N801
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._alive = lambda now_ns: True


MORE: tuple[type[Mutant], ...] = (
    ClockStopsInPause,
    VotesOfAnEarlierLifeCount,
    EpochNotDurable,
    OlderEpochGranted,
    OneVoteIsEnough,
    ColdStartAtOnce,
    RestartedIsEligible,
    BlindCandidateAsks,
    BetterStandbyIgnored,
    WorseStandbyPreferred,
    AloneByOwnVoteOnly,
    VoterForgetsTheSet,
    SetNotLookedAt,
    GrowsWithoutOwnRecord,
    WishNotWithdrawn,
    LateWordEndsTheSet,
    LoneControllerNeedsALease,
    ReleasedBeforeTheLastAck,
    GateStaysOpen,
    FirstWriteWaitsForTheScan,
    DeviceRefusalIgnored,
    CandidateDoesNotRetryExactly,
    HangingHolderRenews,
)
