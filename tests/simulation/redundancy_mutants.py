"""The protocol with one rule broken: each must be caught, or the simulation proves nothing.

Called by   tests.simulation.redundancy_world.
Knows       one class per row of the counterexample table in docs/explanations/redundancy.md.
"""

from typing import Any

from dcs.core.clock import NS_PER_MS
from dcs.redundancy.messages import EPOCH, GRANTED, NO_GENERATION, Generation, Request, Session, Vote
from dcs.redundancy.protocol import Authority, MirrorSource, PairMember, Voter, VoterRecord
from dcs.redundancy.protocol.authority import Round
from dcs.redundancy.timing import LeaseTiming
from tests.simulation.redundancy_mutant import Mutant
from tests.simulation.redundancy_mutants_of_sets import MORE


class GenerationNotDurable(Mutant):
    def loads(self, record: VoterRecord | None, name: str) -> VoterRecord | None:
        return record and record._replace(generation=NO_GENERATION)


class ColdStartLowersGeneration(Mutant):
    class voter_class(Voter):  # noqa: N801  # it replaces the attribute of that name, here and below
        def _generation_after(self, request: Request) -> Generation:
            return request.generation

        def _learn(self, now_ns: int, asker: Any, request: Request) -> None:
            pass


class NoCheckAtSend(Mutant):
    checks_early = True


class LeaseFromReply(Mutant):
    class authority_class(Authority):  # noqa: N801
        def _lease_end_ns(self, now_ns: int, round_: Round) -> int:
            return now_ns + self._timing.hold_ns


class NoWaitAfterRestart(Mutant):
    class voter_class(Voter):  # noqa: N801
        def waiting_left_ns(self, now_ns: int) -> int:
            return 0


class NoDriftMargin(Mutant):
    def timing(self) -> LeaseTiming:
        timing = LeaseTiming()
        object.__setattr__(timing, "hold_ns", 100 * NS_PER_MS)  # a LeaseTiming like this refuses to be built
        return timing


class PromiseIgnored(Mutant):
    class voter_class(Voter):  # noqa: N801
        def promise_left_ns(self, now_ns: int, asker: Any) -> int:
            return 0


class StaleStandbyEligible(Mutant):
    class voter_class(Voter):  # noqa: N801
        def _judge(self, now_ns: int, asker: Any, request: Request) -> tuple[int, int]:
            return super()._judge(
                now_ns, asker, request._replace(generation=max(request.generation, self.record.generation))
            )

    class base_member(PairMember):  # noqa: N801
        @property
        def eligible(self) -> bool:
            return self.claim is not None


class AnswerBeforeMirror(Mutant):
    class source_class(MirrorSource):  # noqa: N801
        def submit(self, now_ns: int, seq: int, digest: bytes, data: bytes) -> None:
            super().submit(now_ns, seq, digest, data)
            self._ports.confirmed(seq)


class AnswersWithoutQuorum(Mutant):
    class source_class(MirrorSource):  # noqa: N801
        def exclude(self, now_ns: int, reason: str) -> None:
            super().exclude(now_ns, reason)
            self.on_recorded(self.generation)


class VotesAddedUp(Mutant):
    class authority_class(Authority):  # noqa: N801
        def on_vote(self, now_ns: int, voter: str, vote: Vote) -> bool:
            known = vote.request_id in self._rounds and vote.incarnation == self.incarnation
            newest = max(self._rounds, default=0)
            if vote.reason == GRANTED and known and vote.request_id != newest:
                vote = vote._replace(request_id=newest)
            return super().on_vote(now_ns, voter, vote)


class UnmirroredModeClearedLate(Mutant):
    class source_class(MirrorSource):  # noqa: N801
        def _stop_unmirrored_answers(self) -> None:
            pass

        def submit(self, now_ns: int, seq: int, digest: bytes, data: bytes) -> None:
            super().submit(now_ns, seq, digest, data)
            if self.alone:
                self._ports.confirmed(seq)

        def on_ack(self, now_ns: int, ack: Any) -> None:
            super().on_ack(now_ns, ack)
            if self.state == "mirrored":
                self.alone = False


class NoSessionInAcks(Mutant):
    class source_class(MirrorSource):  # noqa: N801
        def _is_of_this_session(self, session: Session) -> bool:
            return self._session is not None


class DeviceIgnoresEpochs(Mutant):
    device_ignores_epochs = True


class HolderDoesNotRaise(Mutant):
    class authority_class(Authority):  # noqa: N801
        def _refused(self, now_ns: int, vote: Vote) -> None:
            if not (self.active and vote.reason == EPOCH):
                super()._refused(now_ns, vote)


class NoPreCheck(Mutant):
    class authority_class(Authority):  # noqa: N801
        def ask(self, now_ns: int, generation: Generation, cold: bool) -> None:
            super().ask(now_ns, generation, cold)
            round_ = self._rounds[self._request_id]
            request = Request(self.incarnation, self._request_id, round_.epoch, generation, cold)
            self._own_vote(now_ns, request)


class ColdStartersRefreshWait(Mutant):
    class voter_class(Voter):  # noqa: N801
        def request(self, now_ns: int, candidate: str, request: Request) -> Vote:
            vote = super().request(now_ns, candidate, request)
            self.heard_eligible_ns = now_ns
            return vote


MUTANTS: tuple[type[Mutant], ...] = (
    *MORE,
    GenerationNotDurable,
    ColdStartLowersGeneration,
    NoCheckAtSend,
    LeaseFromReply,
    NoWaitAfterRestart,
    NoDriftMargin,
    PromiseIgnored,
    StaleStandbyEligible,
    AnswerBeforeMirror,
    AnswersWithoutQuorum,
    VotesAddedUp,
    UnmirroredModeClearedLate,
    NoSessionInAcks,
    DeviceIgnoresEpochs,
    HolderDoesNotRaise,
    NoPreCheck,
    ColdStartersRefreshWait,
)
