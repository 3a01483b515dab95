"""One voter: to whom the output authority is promised, and until when.

Called by   PairMember (its own voter) and the witness, with their own clock's time.
Knows       a volatile promise and a durable record; no network, no clock.
Behaviour   docs/explanations/redundancy.md, rules 3, 4, 8, 10 and 11a.
"""

from collections.abc import Callable

from dcs.redundancy.messages import (
    EPOCH,
    GENERATION,
    GRANTED,
    HEARD,
    PROMISED,
    TAKEN_OUT,
    UNKNOWN,
    WAITING,
    Generation,
    Info,
    Release,
    Request,
    Vote,
)
from dcs.redundancy.protocol import voter_set
from dcs.redundancy.protocol.ports import VoterRecord
from dcs.redundancy.timing import LeaseTiming

Holder = tuple[str, int]  # name, incarnation


class Voter:
    """Grants the authority to one at a time.

    ``record`` = None means the durable record was lost (corrupt): the voter then grants nothing until both ``others``
    have told what they know, because any majority it was part of had one of them in it.
    """

    def __init__(
        self,
        name: str,
        others: tuple[str, ...],
        record: VoterRecord | None,
        timing: LeaseTiming,
        save: Callable[[VoterRecord], None],
        now_ns: int,
    ) -> None:
        self.name = name
        self.record = record or VoterRecord()
        # Of whom we must hear before we know again.
        self.unheard: list[str] = [] if record is not None and record.known else list(others)
        self.heard_eligible_ns = now_ns  # when a candidate with good data, or the holder, last asked
        self._told: dict[str, Info] = {}  # what the others know, while our own record is lost
        self._others = others
        self._started_ns = now_ns
        self._timing = timing
        self._save = save
        self._promised_to: Holder | None = None
        self._until_ns = now_ns
        self._opens_ns = now_ns + timing.promise_ns  # what we promised before a restart is forgotten: let it run out
        self._released_epoch = 0

    @property
    def known(self) -> bool:
        """Whether the durable record is trusted."""
        return not self.unheard

    def promise_left_ns(self, now_ns: int, asker: Holder) -> int:
        """How long a promise to someone other than ``asker`` still lives; 0 = free."""
        if self._promised_to is None or self._promised_to == asker:
            return 0
        return max(0, self._until_ns - now_ns)

    def waiting_left_ns(self, now_ns: int) -> int:
        """How long this voter still grants nothing after its restart."""
        return max(0, self._opens_ns - now_ns)

    def request(self, now_ns: int, candidate: str, request: Request) -> Vote:
        """Grant or refuse; what must be remembered is durable before this returns."""
        asker = (candidate, request.incarnation)
        if self._is_renewal(now_ns, asker, request):
            self._until_ns = now_ns + self._timing.promise_ns
            self.heard_eligible_ns = now_ns
            return Vote(request.incarnation, request.request_id, GRANTED, request.epoch, request.generation, 0)
        reason, wait_ns = self._judge(now_ns, asker, request)
        if reason == GRANTED:
            self._grant(now_ns, asker, request)
        else:
            self._learn(now_ns, asker, request)
        if not request.cold and request.generation >= self.record.generation:
            self.heard_eligible_ns = now_ns
        record = self.record
        alone = (record.alone, record.alone_epoch) if reason == TAKEN_OUT else ("", 0)
        return Vote(request.incarnation, request.request_id, reason, record.epoch, record.generation, wait_ns, *alone)

    def _is_renewal(self, now_ns: int, asker: Holder, request: Request) -> bool:
        """The everyday case, told apart quickly: our promise lives, it is the asker's, and nothing changes."""
        record = self.record
        return (
            self._promised_to == asker
            and now_ns < self._until_ns
            and request.epoch == record.epoch
            and request.generation == record.generation
            and request.alone == record.alone
            and not request.cold
            and not self.unheard
        )

    def _judge(self, now_ns: int, asker: Holder, request: Request) -> tuple[int, int]:
        record = self.record
        if self.unheard:
            return UNKNOWN, 0
        if self._is_taken_out(asker[0]):
            return TAKEN_OUT, 0
        if left_ns := self.waiting_left_ns(now_ns):
            return WAITING, left_ns
        if left_ns := self.promise_left_ns(now_ns, asker):
            return PROMISED, left_ns
        owner = (record.owner, record.owner_incarnation)
        is_new = request.epoch > record.epoch or (request.epoch == record.epoch and owner == asker)
        if not is_new or request.epoch <= self._released_epoch:
            return EPOCH, 0
        if request.cold:
            left_ns = self.heard_eligible_ns + self._timing.cold_wait_ns - now_ns
            return (HEARD, left_ns) if left_ns > 0 else (GRANTED, 0)
        if request.generation < record.generation:
            return GENERATION, 0
        return GRANTED, 0

    def _is_taken_out(self, candidate: str) -> bool:
        """The other member stands alone: whoever else asks was taken out of the pair."""
        return self.record.alone not in ("", candidate)

    def _grant(self, now_ns: int, asker: Holder, request: Request) -> None:
        generation = self._generation_after(request)
        record = self.record._replace(epoch=request.epoch, owner=asker[0], owner_incarnation=asker[1])
        self._remember(self._with_set(record, request), generation)
        self._promised_to = asker
        self._until_ns = now_ns + self._timing.promise_ns

    def _with_set(self, record: VoterRecord, request: Request) -> VoterRecord:
        """The voter set that is asked for is granted together with the epoch."""
        if request.alone == record.alone == "":
            return record
        return record._replace(alone=request.alone, alone_epoch=request.epoch, agreed=False)

    def _generation_after(self, request: Request) -> Generation:
        """A cold start passes the check above but never lowers what is known."""
        return max(request.generation, self.record.generation)

    def _learn(self, now_ns: int, asker: Holder, request: Request) -> None:
        """A refused request still tells which data exist; after a restart also which epoch is in use."""
        record = self.record
        if self.waiting_left_ns(now_ns) and request.epoch > record.epoch:
            record = record._replace(epoch=request.epoch, owner=asker[0], owner_incarnation=asker[1])
        if record.alone == asker[0] and not request.alone and request.epoch > record.alone_epoch:
            record = self._all_three_again(now_ns, record, request.epoch)
        self._remember(record, max(request.generation, record.generation))

    def _remember(self, record: VoterRecord, generation: Generation) -> None:
        if record.generation != generation or record.known == bool(self.unheard):
            record = record._replace(generation=generation, known=not self.unheard)
        if record != self.record:
            self._save(record)
            self.record = record

    def release(self, candidate: str, release: Release) -> bool:
        """The holder gives up: free the promise at once. False when it was about something else or older."""
        record = self.record
        if (record.owner, record.owner_incarnation) != (candidate, release.incarnation):
            return False
        if release.epoch < record.epoch:
            return False
        self._released_epoch = record.epoch
        if self._promised_to == (candidate, release.incarnation):
            self._promised_to = None
        return True

    def info(self, sent_ns: int) -> Info:
        """What this voter knows, for another one that lost its record."""
        record = self.record
        return Info(
            sent_ns, record.epoch, record.generation, self.known, record.alone, record.alone_epoch, record.agreed
        )

    def learn_info(self, now_ns: int, sender: str, info: Info) -> bool:
        """Another voter told what it knows. True when this made our own record whole again."""
        if not info.known or not self._started_ns <= info.sent_ns <= now_ns:
            return False  # an answer to a question of before our restart
        if self.unheard:
            return self._rebuild(now_ns, sender, info)
        self.learn_set(now_ns, sender, info)
        return False

    def _rebuild(self, now_ns: int, sender: str, info: Info) -> bool:
        """The owner stays unknown: whoever wants the authority from us must come with a new epoch."""
        self._told[sender] = info
        epoch, generation = max(self.record.epoch, info.epoch), max(self.record.generation, info.generation)
        self.unheard = [other for other in self._others if other not in self._told]
        record = self.record._replace(epoch=epoch, owner="", owner_incarnation=0)
        if not self.unheard:
            record = voter_set.rebuilt(self.name, record, self._told)
            self._opens_ns = now_ns + self._timing.promise_ns
        self._remember(record, generation)
        return not self.unheard

    # --- the voter set ------------------------------------------------------------------------------------
    def learn_set(self, now_ns: int, sender: str, word: Info) -> None:
        """Another voter told which voter set it knows of."""
        record = self.record
        if voter_set.ends(record, sender, word):
            record = self._all_three_again(now_ns, record, word.epoch)
        elif voter_set.is_news(self.name, record, sender, word):
            if word.alone_epoch > record.epoch:
                record = record._replace(epoch=word.alone_epoch, owner="", owner_incarnation=0)
            record = record._replace(alone=word.alone, alone_epoch=word.alone_epoch)
        self._remember(record, record.generation)

    def _all_three_again(self, now_ns: int, record: VoterRecord, epoch: int) -> VoterRecord:
        """It may have counted its lease from before it said so: grant nothing for a promise time."""
        self._opens_ns = max(self._opens_ns, now_ns + self._timing.promise_ns)
        return record._replace(alone="", alone_epoch=epoch, epoch=max(record.epoch, epoch), agreed=False)

    def own_set(self, incarnation: int, alone: bool, agreed: bool = False, generation: Generation | None = None) -> int:
        """As a member: change our own word about the voter set, under the next epoch, which is returned."""
        record = self.record
        epoch = record.epoch + 1
        record = record._replace(
            epoch=epoch, owner=self.name, owner_incarnation=incarnation, alone=self.name if alone else "",
            alone_epoch=epoch, agreed=agreed,
        )  # fmt: skip
        self._remember(record, max(record.generation, generation or record.generation))
        return epoch

    def raise_alone(self, incarnation: int, epoch: int) -> None:
        """As a member that stands alone: go on under an epoch of at least this."""
        self.record = self.record._replace(epoch=max(self.record.epoch, epoch - 1))
        self.own_set(incarnation, alone=True, agreed=True)

    def agree(self) -> None:
        """As a member: a majority has recorded that we stand alone."""
        self._remember(self.record._replace(agreed=True), self.record.generation)

    def count_start(self, incarnation: int) -> None:
        """Make the number of this start durable before anything is said under it."""
        self._remember(self.record._replace(starts=incarnation), self.record.generation)
