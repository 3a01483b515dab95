"""One member of a pair: voter, candidate or holder, and one end of the mirror.

Called by   dcs.redundancy.runtime and the simulation: messages and the own clock's time go in, port calls come out.
Knows       everything of the protocol, nothing of the world: no clock, no socket, no task, no random number of its own.
Behaviour   docs/explanations/redundancy.md.
"""

from collections.abc import Callable

from dcs.redundancy.messages import (
    NO_GENERATION,
    Ack,
    CopyBegin,
    CopySlice,
    Generation,
    Hello,
    Info,
    Message,
    Offer,
    Query,
    Record,
    Release,
    Request,
    Verdict,
    Vote,
)
from dcs.redundancy.protocol.authority import Authority
from dcs.redundancy.protocol.cold_start import ColdStart, Rank
from dcs.redundancy.protocol.config import PairConfig
from dcs.redundancy.protocol.mirror_sink import COMPLETE, COPYING, MirrorSink
from dcs.redundancy.protocol.mirror_source import MIRRORED, NONE, MirrorSource
from dcs.redundancy.protocol.ports import MemberPorts, ProgramPorts, VoterRecord
from dcs.redundancy.protocol.program_exchange import ProgramExchange
from dcs.redundancy.protocol.voter import Voter

FOREVER_NS = 1 << 62
QUERY_PROMISES = 8  # a slow health question to the others every 8 promise times
SILENT_PROMISES = 2 * QUERY_PROMISES + 2  # who was not heard for so long is down
SCANS_BETTER = 3  # the standby's field path must be better for so many scans before a switchover

# The states a person sees.
STARTING, SYNCHRONISING, READY, ACTIVE, ISOLATED, FAILED = (
    "starting",
    "synchronising",
    "ready",
    "active",
    "isolated",
    "failed",
)


class PairMember:
    """The whole protocol of one member. ``gate`` may be read from another thread: (open, lease end, epoch)."""

    voter_class = Voter
    authority_class = Authority
    source_class = MirrorSource
    sink_class = MirrorSink

    def __init__(
        self,
        config: PairConfig,
        name: str,
        record: VoterRecord | None,
        ports: MemberPorts,
        alive: Callable[[int], bool],
        uniform: Callable[[], float],
        now_ns: int,
        incarnation: int = 0,
        checkpoint: Rank = (NO_GENERATION, 0),
        programs: ProgramPorts | None = None,
    ) -> None:
        timing = config.timing
        self.name = name
        self.peer, self.witness = config.others(name)
        self.timing = timing
        self.field_score = -1
        self.handing_over = ""  # the reason, while a switchover is under way
        self.gate: tuple[bool, int, int] = (False, 0, 0)
        self._ports = ports
        self._alive = alive
        self.voter = self.voter_class(name, (self.peer, self.witness), record, timing, ports.save, now_ns)
        self.incarnation = incarnation or self.voter.record.starts + 1
        self.voter.count_start(self.incarnation)
        offset_ns = timing.renewal_ns // 2 if config.members.index(name) else 0
        self.authority = self.authority_class(
            self.voter, self.incarnation, (self.peer, self.witness), timing, ports.send, uniform, offset_ns, now_ns
        )
        self.source = self.source_class(self.incarnation, timing, ports, self._next_generation)
        self.sink = self.sink_class(self.incarnation, ports)
        self.programs = ProgramExchange(ports, programs, timing)
        self._claim: Generation | None = None  # of the complete data we hold as an ex-holder
        self._held = checkpoint  # (generation, scan) of the data in the controller, complete or stale
        self._is_live = False  # the data came from a holder (or us as holder), not from a checkpoint
        self._cold_start = ColdStart(name, self.peer, timing, uniform)
        self._blind_since_ns: int | None = None  # since when we reach no field device
        self._hello_ns = now_ns
        self._query_ns = now_ns
        self._handover_ends_ns = 0
        self._release_epoch = 0
        self._switched_ns = now_ns
        self._scans_better = 0
        self._started_ns = now_ns
        self.heard_ns: dict[str, int] = {}
        self.granting = 0
        self._told_granting = 3

    # --- what others ask ----------------------------------------------------------------------------------
    @property
    def active(self) -> bool:
        """Whether this member holds the authority (the gate also looks at the lease)."""
        return self.authority.active

    @property
    def epoch(self) -> int:
        """The highest epoch this member was granted, or knows of."""
        return self.authority.epoch if self.active else self.voter.record.epoch

    def state(self, now_ns: int) -> str:
        """One of the states a person sees."""
        if self.active:
            return ACTIVE
        is_heard = self.hears(self.peer, now_ns) or self.hears(self.witness, now_ns)
        if not is_heard and now_ns - self._started_ns > SILENT_PROMISES * self.timing.promise_ns:
            return ISOLATED
        if self.sink.state == COPYING:
            return SYNCHRONISING
        if self.sink.state == COMPLETE and self.eligible:
            return READY
        return STARTING

    def hears(self, voter: str, now_ns: int) -> bool:
        """Whether something of this voter arrived lately."""
        return now_ns - self.heard_ns.get(voter, -FOREVER_NS) <= SILENT_PROMISES * self.timing.promise_ns

    @property
    def sync_pct(self) -> float:
        """How much of the data the standby has: of ours when we are active, ours otherwise."""
        return self.source.copied_pct if self.active else self.sink.copied_pct

    @property
    def standby_ready(self) -> bool:
        """As the active: the standby holds everything and could take over."""
        return self.active and self.source.state == MIRRORED

    @property
    def eligible(self) -> bool:
        """A complete copy, and no newer data known to our own voter."""
        claim = self.claim
        return claim is not None and claim >= self.voter.record.generation

    @property
    def claim(self) -> Generation | None:
        """The generation of the complete data we hold; None when they are not complete."""
        if self.active:
            return self.source.generation
        return self.sink.generation if self.sink.state == COMPLETE else self._claim

    @property
    def rank(self) -> Rank:
        """How new the data in this controller are, complete or stale."""
        return (self.source.generation, self.source.submitted_seq) if self.active else self._held

    # --- time ---------------------------------------------------------------------------------------------
    def next_due_ns(self) -> int:
        """When ``on_time`` wants to be called again, on this node's clock."""
        if not self.active:
            return min(self.authority.next_ns, self._query_ns)
        due_ns = min(self.authority.next_ns, self.authority.lease_until_ns)
        source_due_ns = self.source.due_ns
        if source_due_ns is not None and source_due_ns < due_ns:
            due_ns = source_due_ns
        return due_ns

    def on_time(self, now_ns: int) -> None:
        """Do what is due."""
        if self.active:
            self._hold(now_ns)
        else:
            if now_ns >= self.authority.next_ns:
                self._seek(now_ns)
            if now_ns >= self._query_ns and not self.active:
                self._ask_around(now_ns)

    def _hold(self, now_ns: int) -> None:
        authority, source = self.authority, self.source
        if now_ns >= authority.lease_until_ns:
            self._lose(now_ns, "the lease ended")
            return
        source.on_time(now_ns)
        self._after_exclusion(now_ns)
        if not self.voter.known and now_ns >= self._query_ns:
            self._ask_around(now_ns)
        if self.handing_over and (source.state != MIRRORED or now_ns >= self._handover_ends_ns):
            self._ports.event(f"switchover given up ({self.handing_over}): the standby did not follow")
            self.handing_over = ""
            self._set_gate()
        if now_ns >= authority.next_ns:
            if self._alive(now_ns):
                self._renew(now_ns)
            else:
                authority.next_ns = now_ns + self.timing.renewal_ns

    def _renew(self, now_ns: int) -> None:
        self.authority.renew(now_ns, self.source.generation)
        self._after_votes(now_ns)
        self.granting = self.authority.granting(now_ns)
        if self.granting != self._told_granting and now_ns - self._switched_ns >= 2 * self.timing.promise_ns:
            self._tell_granting()

    def _tell_granting(self) -> None:
        if self.granting < 3:
            self._ports.event(f"redundancy degraded: {self.granting} of 3 voters grant")
        else:
            self._ports.event("all 3 voters grant")
        self._told_granting = self.granting

    def _after_votes(self, now_ns: int) -> None:
        authority = self.authority
        if authority.lease_until_ns != self.gate[1] or authority.epoch != self.gate[2]:
            self._set_gate()
        if now_ns < authority.lease_until_ns:
            self.source.on_recorded(authority.recorded)

    def _set_gate(self) -> None:
        authority = self.authority
        is_open = authority.active and not self.handing_over
        self.gate = (is_open, authority.lease_until_ns, authority.epoch)

    # --- seeking the authority ----------------------------------------------------------------------------
    def _seek(self, now_ns: int) -> None:
        authority, renewal_ns = self.authority, self.timing.renewal_ns
        left_ns = self.voter.promise_left_ns(now_ns, (self.name, self.incarnation))
        if left_ns > 0 or (left_ns := self.voter.waiting_left_ns(now_ns)) > 0:
            self._cold_start.forget()
            authority.next_ns = now_ns + left_ns
            return
        if not self._alive(now_ns) or self._is_blind(now_ns):
            authority.next_ns = now_ns + renewal_ns
            return
        claim, is_eligible = self.claim, self.eligible
        if is_eligible and not authority.refused_generation:
            assert claim is not None
            authority.ask(now_ns, claim, cold=False)
        elif self._cold_is_due(now_ns):
            authority.ask(now_ns, self._held[0], cold=True)
        elif is_eligible:
            assert claim is not None
            authority.ask(now_ns, claim, cold=False)

    def _is_blind(self, now_ns: int) -> bool:
        """Reaching no field device, we leave the authority to the other one for a while."""
        if self.field_score != 0:
            self._blind_since_ns = None
            return False
        if self._blind_since_ns is None:
            self._blind_since_ns = now_ns
        return now_ns - self._blind_since_ns < self.timing.stale_wait_ns

    def _cold_is_due(self, now_ns: int) -> bool:
        cold_start, authority = self._cold_start, self.authority
        quiet_until_ns = cold_start.quiet_until_ns(self.voter.heard_eligible_ns, self._is_live)
        if now_ns < quiet_until_ns:
            cold_start.forget()
            authority.next_ns = min(now_ns + self.timing.promise_ns, quiet_until_ns)
            return False
        self._say_hello(now_ns)
        is_due = cold_start.is_due(now_ns, self._held)
        authority.next_ns = cold_start.again_ns
        return is_due

    def _say_hello(self, now_ns: int) -> None:
        if now_ns < self._hello_ns:
            return
        self._hello_ns = now_ns + self.timing.promise_ns
        last = self.sink.session
        holder_incarnation, copy_id = (last.holder_incarnation, last.copy_id) if last else (0, 0)
        generation, seq = self._held
        wants_copy, score = self._wants_copy(), self.field_score
        program = self.programs.announced
        hello = Hello(self.incarnation, generation, seq, wants_copy, holder_incarnation, copy_id, score, program)
        self._ports.send(self.peer, hello)

    def _ask_around(self, now_ns: int) -> None:
        self._query_ns = now_ns + QUERY_PROMISES * self.timing.promise_ns
        for voter in (self.peer, self.witness):
            self._ports.send(voter, Query(now_ns))

    # --- messages -----------------------------------------------------------------------------------------
    def on_message(self, now_ns: int, sender: str, message: Message) -> None:
        """One message from the peer or the witness."""
        self.heard_ns[sender] = now_ns
        if type(message) is Vote:  # these two first: they are nearly all the traffic
            self._on_vote(now_ns, sender, message)
        elif type(message) is Request:
            self._on_request(now_ns, sender, message)
        else:
            self._on_rare_message(now_ns, sender, message)

    def _on_rare_message(self, now_ns: int, sender: str, message: Message) -> None:
        match message:
            case Record() if not self.active:
                self.sink.score = self.field_score
                self.sink.on_record(message)
                self._note_held()
            case Ack() if self.active:
                self.source.on_ack(now_ns, message)
                self._after_ack(now_ns)
            case CopySlice() if not self.active:
                self.sink.on_slice(message)
                self._note_held()
            case CopyBegin() if not self.active:
                if self.sink.on_begin(message, self.voter.record.generation):
                    self._claim = None
                    self._note_held()
            case Hello():
                self._on_hello(now_ns, message)
            case Release():
                self._on_release(now_ns, sender, message)
            case Query(sent_ns):
                self._ports.send(sender, self.voter.info(sent_ns))
            case Info():
                self._on_info(now_ns, sender, message)
            case Offer() if not self.active:
                self.programs.on_offer(message)
            case Verdict() if self.active:
                self.programs.on_verdict(now_ns, self.source.session, message)
            case _:
                pass  # a mirror message that belongs to the other role

    def _on_vote(self, now_ns: int, sender: str, vote: Vote) -> None:
        if self.authority.on_vote(now_ns, sender, vote):
            self._win(now_ns)
        elif self.active:
            self._after_votes(now_ns)

    def _on_request(self, now_ns: int, sender: str, request: Request) -> None:
        vote = self.voter.request(now_ns, sender, request)
        self._ports.send(sender, vote)
        # The peer asks for itself: when it is (to be) the active, we want its data.
        if sender == self.peer and not self.active and self._wants_copy():
            self._say_hello(now_ns)

    def _wants_copy(self) -> bool:
        """Neither complete nor under way; a copy of an older generation was given up by the active."""
        is_current = self.sink.generation >= self.voter.record.generation
        return not (is_current and self.sink.state in (COMPLETE, COPYING))

    def _on_hello(self, now_ns: int, hello: Hello) -> None:
        self._cold_start.peer_told(now_ns, (hello.generation, hello.seq))
        if self.active and not self.handing_over:
            self.source.on_hello(now_ns, hello, self.programs.may_copy(now_ns, hello))
            self._after_exclusion(now_ns)

    def _on_release(self, now_ns: int, sender: str, release: Release) -> None:
        if self.voter.release(sender, release) and not self.active:
            self._release_epoch = release.epoch
            self.authority.next_ns = now_ns

    def _on_info(self, now_ns: int, sender: str, info: Info) -> None:
        self.authority.round_trip_ns[sender] = now_ns - info.sent_ns
        if self.voter.learn_info(now_ns, sender, info):
            self._ports.event("the lost voter record was rebuilt from the two other voters")

    def _note_held(self) -> None:
        sink = self.sink
        if sink.state == COMPLETE:
            self._held = (sink.generation, sink.seq)
            self._is_live = True

    # --- winning and losing -------------------------------------------------------------------------------
    def _win(self, now_ns: int) -> None:
        authority = self.authority
        cold = authority.won_cold
        if cold and authority.epoch == 1:
            reason = "first start"
        elif cold:
            reason = "cold start: nobody with complete data was found, acknowledged data may be lost"
        elif self._release_epoch == authority.epoch - 1:
            reason = f"handed over by {self.peer}"
        else:
            reason = f"takeover: {self.peer} gave no sign of life"
        self.handing_over = ""
        self._scans_better = 0
        self._switched_ns = now_ns
        self.sink.reset()
        self.programs.forget()
        self._claim = None
        self._is_live = True
        self._told_granting = 3
        self.source.start_term(Generation(authority.epoch, 0))
        self._set_gate()
        self._ports.became_active(authority.epoch, reason, cold)
        self._renew(now_ns)  # the voters learn the new generation at once

    def _lose(self, now_ns: int, reason: str) -> None:
        self.gate = (False, 0, self.authority.epoch)
        self._claim = self.source.generation
        self._held = (self.source.generation, self.source.submitted_seq)
        self.handing_over = ""
        self.authority.step_down(now_ns)
        self.source.end_term()
        self._cold_start.forget()
        self._hello_ns = self._query_ns = now_ns
        self._ports.became_standby(reason)

    def _next_generation(self) -> Generation:
        """The next one of this term. Its epoch is one that a majority granted, so nobody else can use it."""
        generation, epoch = self.source.generation, self.authority.epoch
        return Generation(epoch, generation.n + 1 if generation.epoch == epoch else 0)

    # --- the mirror's consequences ------------------------------------------------------------------------
    def submit(self, now_ns: int, seq: int, record: bytes, digest: bytes) -> None:
        """One scan of the active was executed; ``seq`` counts without gaps."""
        if not self.active:
            return
        if now_ns >= self.authority.lease_until_ns:
            self._lose(now_ns, "the lease ended")
            return
        self.source.submit(now_ns, seq, self.field_score, digest, record)
        if self.source.standby_score > self.field_score >= 0:
            self._scans_better += 1
            if self._scans_better >= SCANS_BETTER and now_ns - self._switched_ns >= self.timing.switch_pause_ns:
                self.switchover(now_ns, "the standby reaches more field devices")
        else:
            self._scans_better = 0

    def _after_ack(self, now_ns: int) -> None:
        self._after_exclusion(now_ns)
        if self.handing_over and self.source.drained:
            self._finish_handover(now_ns)

    def _after_exclusion(self, now_ns: int) -> None:
        if self.source.state == NONE and self.source.generation > self.authority.recorded:
            self.authority.next_ns = min(self.authority.next_ns, now_ns)

    def switchover(self, now_ns: int, reason: str) -> tuple[bool, str]:
        """Hand the authority over on command: close the gate, wait for the last acknowledgement, release."""
        if not self.active:
            return False, f"{self.name} is not the active; ask {self.peer}"
        if self.handing_over:
            return False, "a switchover is already under way"
        if self.source.state != MIRRORED:
            return False, f"{self.peer} is not ready (state of the mirror: {self.source.state})"
        self.handing_over = reason
        self._handover_ends_ns = now_ns + self.timing.mirror_ns
        self._set_gate()
        if self.source.drained:
            self._finish_handover(now_ns)
        return True, f"switchover to {self.peer}: {reason}"

    def _finish_handover(self, now_ns: int) -> None:
        reason = f"handed over to {self.peer}: {self.handing_over}"
        authority = self.authority
        self.gate = (False, 0, authority.epoch)
        authority.release(now_ns)
        self._lose(now_ns, reason)
        # Let the other one go first; our own data stay good until it has opened a new generation.
        authority.next_ns = now_ns + 2 * self.timing.promise_ns

    # --- a change of the program --------------------------------------------------------------------------
    def propose(self, key: bytes, data: bytes) -> str:
        """Ask the standby to get ready for a change; "" or the reason why it cannot be asked."""
        session = self.source.session
        if session is None:
            return f"{self.peer} holds no complete copy now (state of the mirror: {self.source.state})"
        self.programs.propose(session, key, data)
        return ""

    def agrees(self, key: bytes) -> bool:
        """May a scan be named for that change? Asked by the scan: the standby of this session is ready for it."""
        return self.active and self.programs.agrees(self.source.session, key)

    @property
    def alone(self) -> bool:
        """As the active: may commands be answered that no standby holds?"""
        return self.active and self.source.alone

    def decided(self, key: bytes, ok: bool, text: str) -> None:
        """As the standby: what was offered is loaded, or cannot be."""
        if not self.active:
            self.programs.decided(key, ok, text)

    def set_field_score(self, devices_reached: int) -> None:
        """How many field devices we reach; -1 = unknown."""
        self.field_score = devices_reached
        self.sink.score = devices_reached

    def device_refused(self, now_ns: int, epoch: int) -> None:
        """A device refused a write and told the epoch it knows."""
        if self.active:
            self.authority.raise_above(now_ns, epoch)
