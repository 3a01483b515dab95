"""One voter: to whom it grants, when it refuses, what it remembers."""

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.redundancy.messages import (
    EPOCH,
    GENERATION,
    GRANTED,
    HEARD,
    NO_GENERATION,
    PROMISED,
    TAKEN_OUT,
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


# --- the voter set (rule 11a) -----------------------------------------------------------------------------------
def ask_alone(voter: Voter, now_ns: int, who: str, epoch: int, alone: bool = True) -> int:
    request = Request(1, 1, epoch, NO_GENERATION, False, who if alone else "")
    return voter.request(now_ns, who, request).reason


def info(epoch: int, alone: str = "", alone_epoch: int = 0, agreed: bool = False, sent_ns: int = 0) -> Info:
    return Info(sent_ns, epoch, NO_GENERATION, True, alone, alone_epoch, agreed)


def test_who_was_taken_out_is_refused_and_told_by_whom_also_after_a_restart() -> None:
    disk = Disk()
    assert ask_alone(disk.voter(), T, "A", 3) == GRANTED
    voter = disk.voter(disk.saved[-1], now_ns=10 * T)
    vote = voter.request(30 * T, "B", Request(1, 1, 9, NO_GENERATION, False))
    assert (vote.reason, vote.alone, vote.alone_epoch) == (TAKEN_OUT, "A", 3)
    assert voter.request(30 * T, "B", Request(1, 1, 9, NO_GENERATION, True)).reason == TAKEN_OUT


def test_the_one_that_stands_alone_asks_for_all_three_again() -> None:
    disk = Disk()
    voter = disk.voter()
    ask_alone(voter, T, "A", 3)
    assert ask_alone(voter, 2 * T, "A", 3) == GRANTED
    assert ask_alone(voter, 3 * T, "A", 5, alone=False) == GRANTED
    assert ask_alone(voter, 3 * T, "A", 3) == EPOCH  # a late copy of the older wish
    assert disk.saved[-1].alone == ""
    assert ask(voter, 5 * T, "B", 6) == GRANTED


def test_its_own_later_word_ends_it_and_then_a_promise_time_is_waited() -> None:
    voter = Disk().voter()
    ask_alone(voter, T, "A", 3)
    voter.learn_info(20 * T, "A", info(2))  # of before it stood alone, late
    voter.learn_info(20 * T, "B", info(9))  # the other one has no say in it
    assert ask(voter, 20 * T, "B", 9) == TAKEN_OUT
    voter.learn_info(20 * T, "A", info(4))
    assert ask(voter, 21 * T - 1, "B", 9) == WAITING
    assert ask(voter, 21 * T, "B", 9) == GRANTED


def test_a_voter_that_missed_it_learns_it_but_not_from_who_only_asks_to() -> None:
    voter = Disk().voter()
    voter.learn_info(T, "A", info(3, "A", 3))
    assert voter.record.alone == ""
    voter.learn_info(T, "A", info(3, "A", 3, agreed=True))
    assert (voter.record.alone, voter.record.epoch) == ("A", 3)


def test_hearsay_of_before_the_last_grant_is_not_believed() -> None:
    voter = Disk().voter()
    ask(voter, T, "A", 5)
    voter.learn_info(T, "B", info(3, "A", 3))
    assert voter.record.alone == ""


def test_a_lost_record_is_rebuilt_with_the_voter_set() -> None:
    voter = Disk().voter(None)
    voter.learn_info(T, "A", info(7, "A", 3, agreed=True))
    assert voter.learn_info(T, "B", info(2))
    assert voter.record.alone == "A"
    other = Disk().voter(None)
    other.learn_info(T, "B", info(3, "A", 3))
    assert other.learn_info(T, "A", info(4))
    assert other.record.alone == ""


def test_an_answer_to_a_question_of_before_the_restart_rebuilds_nothing() -> None:
    voter = Disk().voter(None, now_ns=5 * T)
    for sender in ("A", "B"):
        assert not voter.learn_info(6 * T, sender, info(1, sent_ns=4 * T))
    assert not voter.known
