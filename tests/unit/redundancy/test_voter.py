"""One voter: to whom it grants, when it refuses, what it remembers."""

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.redundancy.messages import (
    EPOCH,
    GENERATION,
    GRANTED,
    HEARD,
    NO_GENERATION,
    PROMISED,
    UNKNOWN,
    WAITING,
    Generation,
    Info,
    Release,
    Request,
)
from dcs.redundancy.protocol import Voter, VoterRecord
from dcs.redundancy.timing import LeaseTiming

MS = NS_PER_MS
T = LeaseTiming().promise_ns
FIRST_START = VoterRecord()


class Disk:
    """The saved records, in order."""

    def __init__(self) -> None:
        self.saved: list[VoterRecord] = []

    def voter(self, record: VoterRecord | None = FIRST_START, now_ns: int = 0) -> Voter:
        return Voter("W", ("A", "B"), record, LeaseTiming(), self.saved.append, now_ns)


def ask(
    voter: Voter,
    now_ns: int,
    who: str,
    epoch: int,
    generation: Generation = NO_GENERATION,
    cold: bool = False,
    incarnation: int = 1,
) -> int:
    return voter.request(now_ns, who, Request(incarnation, 1, epoch, generation, cold)).reason


def test_one_promise_at_a_time_and_it_ends() -> None:
    voter = Disk().voter()
    assert ask(voter, T, "A", 1) == GRANTED
    refusal = voter.request(T + 10 * MS, "B", Request(1, 1, 2, NO_GENERATION, False))
    assert (refusal.reason, refusal.wait_ns) == (PROMISED, T - 10 * MS)
    assert ask(voter, 2 * T - 1, "B", 2) == PROMISED
    assert ask(voter, 2 * T, "B", 2) == GRANTED


def test_renewal_prolongs_and_costs_no_write() -> None:
    disk = Disk()
    voter = disk.voter()
    ask(voter, T, "A", 1)
    writes = len(disk.saved)
    for at_ns in range(T, 4 * T, 15 * MS):
        assert ask(voter, at_ns, "A", 1) == GRANTED
    assert ask(voter, 4 * T, "B", 2) == PROMISED
    assert len(disk.saved) == writes


def test_a_restarted_holder_counts_as_another_one() -> None:
    """Promise: two processes of the same name never share an epoch."""
    voter = Disk().voter()
    ask(voter, T, "A", 1, incarnation=1)
    assert ask(voter, T + MS, "A", 2, incarnation=2) == PROMISED
    assert ask(voter, 3 * T, "A", 1, incarnation=2) == EPOCH
    assert ask(voter, 3 * T, "A", 2, incarnation=2) == GRANTED


def test_after_a_restart_it_grants_nothing_for_one_promise_but_learns() -> None:
    disk = Disk()
    voter = disk.voter(VoterRecord(epoch=3, owner="A", owner_incarnation=1, generation=Generation(3, 0)), now_ns=0)
    assert ask(voter, T - 1, "A", 5, Generation(3, 1)) == WAITING
    assert disk.saved[-1].epoch == 5
    assert disk.saved[-1].generation == Generation(3, 1)
    assert ask(voter, T, "B", 5, Generation(3, 1)) == EPOCH
    assert ask(voter, T, "B", 6, Generation(3, 0)) == GENERATION
    assert ask(voter, T, "A", 5, Generation(3, 1)) == GRANTED


def test_what_it_grants_is_durable_before_it_answers() -> None:
    disk = Disk()
    voter = disk.voter()
    ask(voter, T, "A", 4, Generation(2, 1))
    assert disk.saved[-1] == VoterRecord(4, "A", 1, Generation(2, 1))


def test_older_epochs_and_older_data_are_refused() -> None:
    voter = Disk().voter()
    ask(voter, T, "A", 4, Generation(3, 2))
    assert ask(voter, 3 * T, "B", 4, Generation(3, 2)) == EPOCH
    assert ask(voter, 3 * T, "B", 3, Generation(3, 2)) == EPOCH
    assert ask(voter, 3 * T, "B", 5, Generation(3, 1)) == GENERATION
    assert ask(voter, 3 * T, "B", 5, Generation(3, 2)) == GRANTED


def test_a_cold_start_waits_for_silence_and_never_lowers_the_generation() -> None:
    disk = Disk()
    voter = disk.voter()
    ask(voter, T, "A", 1, Generation(1, 1))
    assert ask(voter, T + NS_PER_S - 1, "B", 2, cold=True) == HEARD
    assert ask(voter, T + NS_PER_S, "B", 2, cold=True) == GRANTED
    assert disk.saved[-1].generation == Generation(1, 1)
    assert disk.saved[-1].epoch == 2


def test_cold_starters_do_not_refresh_each_others_wait() -> None:
    voter = Disk().voter()
    for at_ns in range(T, NS_PER_S, 50 * MS):
        assert ask(voter, at_ns, "A", 1, cold=True) == HEARD
    assert ask(voter, NS_PER_S, "B", 1, cold=True) == GRANTED


def test_a_release_frees_at_once_and_late_messages_of_the_old_holder_do_not_take_it_back() -> None:
    voter = Disk().voter()
    ask(voter, T, "A", 4)
    assert not voter.release("B", Release(1, 4))
    assert voter.release("A", Release(1, 4))
    assert ask(voter, T + MS, "A", 4) == EPOCH
    assert ask(voter, T + MS, "B", 5) == GRANTED
    assert not voter.release("A", Release(1, 4)), "a repeated release of an older epoch changes nothing"
    assert ask(voter, T + 2 * MS, "A", 6) == PROMISED


def test_a_lost_record_is_rebuilt_from_both_others_before_any_vote() -> None:
    disk = Disk()
    voter = disk.voter(record=None)
    assert ask(voter, 5 * T, "A", 9, Generation(8, 0)) == UNKNOWN
    assert not disk.saved or not disk.saved[-1].known
    assert not voter.learn_info(5 * T, "A", Info(0, 3, Generation(2, 0), known=True))
    assert not voter.learn_info(5 * T, "B", Info(0, 9, Generation(9, 9), known=False)), (
        "one that knows nothing is no help"
    )
    assert ask(voter, 6 * T, "A", 9) == UNKNOWN
    assert voter.learn_info(6 * T, "B", Info(0, 5, Generation(2, 1), known=True))
    assert disk.saved[-1].known
    assert disk.saved[-1].epoch == 5
    assert ask(voter, 7 * T - 1, "A", 9, Generation(8, 0)) == WAITING
    assert ask(voter, 7 * T, "B", 10, Generation(2, 1)) == GENERATION, "the refused holder's generation was learnt"
    assert ask(voter, 7 * T, "A", 10, Generation(8, 0)) == GRANTED


def test_a_record_lost_once_stays_lost_over_another_restart() -> None:
    disk = Disk()
    voter = disk.voter(record=None)
    voter.count_start(5)
    assert not disk.saved[-1].known
    assert not disk.voter(disk.saved[-1]).known
