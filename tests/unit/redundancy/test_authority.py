"""What makes a member stand alone: its own record and a second one, for one and the same question."""

from dcs.core.clock import NS_PER_MS
from dcs.redundancy.messages import GRANTED, WAITING, Generation, Message, Request, Vote
from dcs.redundancy.protocol.authority import Authority
from dcs.redundancy.protocol.ports import VoterRecord
from dcs.redundancy.protocol.voter import Voter
from dcs.redundancy.timing import LeaseTiming

TIMING = LeaseTiming()
GENERATION = Generation(1, 0)


class Side:
    """The authority of A with its own voter, which has just started and grants nothing for a promise time."""

    def __init__(self) -> None:
        self.saved: list[VoterRecord] = []
        self.sent: list[tuple[str, Message]] = []
        self.voter = Voter("A", ("B", "W"), VoterRecord(), TIMING, self.saved.append, 0)
        self.authority = Authority(
            self.voter, 1, ("B", "W"), TIMING, lambda to, message: self.sent.append((to, message)), lambda: 0.0, 0, 0
        )

    def ask(self, now_ns: int) -> Request:
        """A renewal: all three are asked, the own voter at once."""
        self.sent.clear()
        self.authority.renew(now_ns, GENERATION)
        (first, request), (second, same) = self.sent
        assert (first, second) == ("B", "W")
        assert isinstance(request, Request)
        assert same == request
        return request

    def granted(self, voter: str, request: Request, now_ns: int) -> None:
        vote = Vote(request.incarnation, request.request_id, GRANTED, request.epoch, request.generation, 0)
        self.authority.on_vote(now_ns, voter, vote)


def test_the_records_of_both_others_do_not_make_it_stand_alone_without_its_own() -> None:
    """Promise: who stands alone starts alone from its own record; so it must be there, whoever else has it.

    Both others have recorded it, the own voter has not, because it still waits after its start. Were that enough, this
    member would need no lease any more, and its own record, after a crash, would not know of it.
    """
    side = Side()
    side.authority.ask_alone(0)
    request = side.ask(1 * NS_PER_MS)
    assert request.alone == "A"
    assert side.voter.request(2 * NS_PER_MS, "A", request).reason == WAITING
    side.granted("B", request, 3 * NS_PER_MS)
    side.granted("W", request, 3 * NS_PER_MS)
    assert side.authority.active, "two of three are a lease"
    assert not side.authority.alone_recorded
    assert not [record for record in side.saved if record.alone]


def test_its_own_record_and_a_second_one_make_it_stand_alone() -> None:
    side = Side()
    side.authority.ask_alone(0)
    later_ns = TIMING.promise_ns + 1
    request = side.ask(later_ns)
    assert side.saved[-1].alone == "A"
    assert not side.authority.alone_recorded, "one record is none: nobody else knows of it"
    side.granted("W", request, later_ns + NS_PER_MS)
    assert side.authority.alone_recorded


def test_records_of_two_questions_are_not_added_up() -> None:
    """The first question is granted by the own voter, and lost on its way; the second by nobody but the witness."""
    side = Side()
    side.authority.ask_alone(0)
    lost = side.ask(TIMING.promise_ns + 1)
    side.authority.stop_asking()
    side.granted("W", lost, TIMING.promise_ns + 2)
    assert not side.authority.alone_recorded
