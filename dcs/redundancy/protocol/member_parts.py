"""What a member is made of, what others read of it, and what the rows of the table do to it.

Called by   PairMember, which takes what comes in and walks through the table.
Knows       its voter, its side of the lease, both ends of the mirror, and the ports to its controller.
Behaviour   docs/reference/redundancy-transitions.md: the actions below are told there by their first sentence.
"""

from collections.abc import Callable

from dcs.redundancy.messages import NO_GENERATION, Generation, Hello
from dcs.redundancy.protocol.authority import Authority
from dcs.redundancy.protocol.cold_start import ColdStart, Rank
from dcs.redundancy.protocol.config import PairConfig
from dcs.redundancy.protocol.dispute import ExecutionPorts
from dcs.redundancy.protocol.field_choice import FieldChoice
from dcs.redundancy.protocol.mirror_sink import COMPLETE, COPYING, DISPUTED, MirrorSink
from dcs.redundancy.protocol.mirror_source import MIRRORED, MirrorSource
from dcs.redundancy.protocol.neighbours import Neighbours
from dcs.redundancy.protocol.phases import DATA_PHASE, Life, Phase
from dcs.redundancy.protocol.ports import MemberPorts, ProgramPorts, VoterRecord
from dcs.redundancy.protocol.program_exchange import ProgramExchange
from dcs.redundancy.protocol.voter import Voter

# The states a person sees beside those of a standby.
ACTIVE, ISOLATED, FAILED = "active", "isolated", "failed"


class MemberParts:
    """``gate`` may be read from another thread: (open, lease end, epoch)."""

    voter_class = Voter
    authority_class = Authority
    source_class = MirrorSource
    sink_class = MirrorSink
    choice_class = FieldChoice

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
        execution: ExecutionPorts | None = None,
    ) -> None:
        timing = config.timing
        self.name = name
        others = self.peer, self.witness = config.others(name)
        self.timing = timing
        self.life = Life()
        self.gate: tuple[bool, int, int] = (False, 0, 0)
        self._ports = ports
        self._alive = alive
        self.voter = self.voter_class(name, others, record, timing, ports.save, now_ns)
        self.incarnation = incarnation or self.voter.record.starts + 1
        self.voter.count_start(self.incarnation)
        if self.voter.record.alone == name and not self.voter.record.agreed:
            self.voter.own_set(self.incarnation, alone=False)  # we died while asking to stand alone: ask for it no more
        offset_ns = timing.renewal_ns // 2 if config.members.index(name) else 0
        self.authority = self.authority_class(
            self.voter, self.incarnation, others, timing, ports.send, uniform, offset_ns, now_ns
        )
        self.source = self.source_class(self.incarnation, timing, ports, self._next_generation, execution)
        self.sink = self.sink_class(self.incarnation, ports, execution)
        self._execution = execution
        self.programs = ProgramExchange(ports, programs, timing)
        self.neighbours = Neighbours(others, timing, ports.send, now_ns)
        self.field_choice = self.choice_class(
            (name, self.peer), self.incarnation, timing, lambda told: ports.send(self.peer, told), ports.look
        )
        self._cold_start = ColdStart(name, self.peer, timing, uniform)
        self._claim: Generation | None = None  # of the complete data we hold as an ex-holder
        self._held = checkpoint  # (generation, scan) of the data in the controller, complete or stale
        self._is_live = False  # the data came from a holder (or us as holder), not from a checkpoint
        self._hello_ns = now_ns
        self._switch_reason = ""
        self._take_out_reason = ""
        self._is_standby_awaited = False  # brought back, but not yet recorded by all three
        self._handover_ends_ns = 0
        self._release_epoch = 0
        self._switched_ns = now_ns
        self.granting = 0
        self._told_granting = 3

    # --- what others ask ----------------------------------------------------------------------------------
    @property
    def active(self) -> bool:
        """Whether this member holds the authority (the gate also looks at the lease)."""
        return self.life.active

    @property
    def phase(self) -> Phase:
        """Where this member is in the table of transitions."""
        return self.life.phase

    @property
    def epoch(self) -> int:
        """The highest epoch this member was granted, or knows of."""
        return self.authority.epoch if self.active else self.voter.record.epoch

    def state(self, now_ns: int) -> str:
        """One of the states a person sees: starting, synchronising, ready, active, isolated."""
        if self.active:
            return ACTIVE
        if self.neighbours.is_isolated(now_ns):
            return ISOLATED
        phase = DATA_PHASE.get(self.phase, self.phase)
        if phase is Phase.SYNCHRONISING or (phase is Phase.READY and self.sink.state == COMPLETE):
            return phase.value
        if phase is Phase.OUT:
            return phase.value
        return Phase.STARTING.value  # a former active with data of its own is ready for nobody

    @property
    def sync_pct(self) -> float:
        """How much of the data the standby has: of ours when we are active, ours otherwise."""
        return self.source.copied_pct if self.active else self.sink.copied_pct

    @property
    def standby_ready(self) -> bool:
        """As the active: the standby holds everything and could take over."""
        return self.active and self.source.ready

    @property
    def alone(self) -> bool:
        """As the active: may commands be answered that no standby holds?"""
        return self.active and self.source.alone

    @property
    def standby(self) -> str:
        """As the active: how the standby is (ready, synchronising, missing, suspended, out); "" without authority."""
        if not self.active:
            return ""
        if self.phase in (Phase.TAKING_OUT, Phase.SIMPLEX) or self._is_standby_awaited:
            return Phase.OUT.value
        if self.source.ready:
            return "ready"
        if self.source.suspended:
            return "suspended"
        return "synchronising" if self.source.state in (COPYING, MIRRORED) else "missing"

    @property
    def needs_lease(self) -> bool:
        """Holds the authority for as long as the voters say."""
        return self.active and self.phase is not Phase.SIMPLEX

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

    def _data_phase(self) -> Phase:
        if self.eligible:
            return Phase.READY
        sink = self.sink
        is_copying = sink.state == COPYING and sink.generation >= self.voter.record.generation
        return Phase.SYNCHRONISING if is_copying else Phase.STARTING

    def _next_generation(self) -> Generation:
        """The next one of this term. Its epoch is one that a majority granted, so nobody else can use it."""
        generation, epoch = self.source.generation, self.authority.epoch
        return Generation(epoch, generation.n + 1 if generation.epoch == epoch else 0)

    @property
    def _is_handed_over(self) -> bool:
        """The epoch before ours was released, not lost."""
        return self._release_epoch == self.authority.epoch - 1

    def _wants_copy(self) -> bool:
        """Neither complete nor under way; a copy of an older generation was given up by the active."""
        is_current = self.sink.generation >= self.voter.record.generation
        return not (is_current and self.sink.state in (COMPLETE, COPYING, DISPUTED))

    def _say_hello(self, now_ns: int) -> None:
        if now_ns < self._hello_ns:
            return
        self._hello_ns = now_ns + self.timing.promise_ns
        last = self.sink.session
        holder_incarnation, copy_id = (last.holder_incarnation, last.copy_id) if last else (0, 0)
        generation, seq = self._held
        program = self.programs.announced
        wants_copy = self._wants_copy()
        software = self._execution.software() if self._execution is not None else ""
        hello = Hello(self.incarnation, generation, seq, wants_copy, holder_incarnation, copy_id, program, software)
        self._ports.send(self.peer, hello)

    def _note_held(self) -> None:
        sink = self.sink
        if sink.state == COMPLETE:
            self._held = (sink.generation, sink.seq)
            self._is_live = True

    # --- actions of the table -----------------------------------------------------------------------------
    def stop_asking(self, now_ns: int) -> None:
        """Answers to earlier requests count for nothing."""
        self.authority.stop_asking()

    def open_term(self, now_ns: int) -> None:
        """Open a generation of the new epoch; nobody is in the mirror yet."""
        self._switched_ns = now_ns
        self.sink.reset()
        self.programs.forget()
        self.field_choice.term_begins(now_ns, self._is_handed_over)
        self._claim = None
        self._is_live = True
        self._told_granting = 3
        self.source.start_term(Generation(self.authority.epoch, 0))

    def open_gate(self, now_ns: int) -> None:
        """Writes may go out until the lease ends."""
        self.gate = (True, self.authority.lease_until_ns, self.authority.epoch)

    def tell_active(self, now_ns: int) -> None:
        """Tell the controller that the outputs are its own."""
        authority = self.authority
        if self.phase is Phase.SIMPLEX:
            reason = f"alone, because {self.peer} is taken out; started again, acknowledged data may be lost"
        elif authority.won_cold and authority.epoch == 1:
            reason = "first start"
        elif authority.won_cold:
            reason = "cold start: nobody with complete data was found, acknowledged data may be lost"
        elif self._is_handed_over:
            reason = f"handed over by {self.peer}"
        else:
            reason = f"takeover: {self.peer} gave no sign of life"
        self._ports.became_active(authority.epoch, reason, authority.won_cold)

    def ask_at_once(self, now_ns: int) -> None:
        """Ask the voters at once, so that they record the new generation."""
        self.authority.next_ns = min(self.authority.next_ns, now_ns)

    def hold_gate(self, now_ns: int) -> None:
        """No more writes, although the lease goes on."""
        self.gate = (False, self.authority.lease_until_ns, self.authority.epoch)

    def give_switchover_up(self, now_ns: int) -> None:
        """Say that the switchover did not take place."""
        self._ports.event(f"switchover given up ({self._switch_reason}): the standby did not follow")

    def close_gate(self, now_ns: int) -> None:
        """No more writes."""
        self.gate = (False, 0, self.authority.epoch)

    def release(self, now_ns: int) -> None:
        """Tell the voters that the authority is free."""
        self.authority.release(now_ns)
        self.field_choice.released(now_ns)

    def keep_claim(self, now_ns: int) -> None:
        """Keep the own data as complete: nobody with older data can have answered since."""
        self._claim = self.source.generation
        self._held = (self.source.generation, self.source.submitted_seq)

    def step_down(self, now_ns: int) -> None:
        """End the term: late grants count for nothing, nothing more is answered."""
        self.authority.step_down(now_ns)
        self.source.end_term()
        self._cold_start.forget()
        self._hello_ns = self.neighbours.next_query_ns = now_ns

    def let_the_other_first(self, now_ns: int) -> None:
        """Do not ask for two promise times."""
        self.authority.next_ns = now_ns + 2 * self.timing.promise_ns

    def exclude_standby(self, now_ns: int) -> None:
        """Open a new generation, which shuts the standby's data out."""
        self.source.exclude(now_ns, f"it is taken out ({self._take_out_reason})")

    def ask_alone(self, now_ns: int) -> None:
        """Ask all voters, under a new epoch, to record that this member stands alone."""
        self.authority.ask_alone(now_ns)

    def stand_alone(self, now_ns: int) -> None:
        """Make the agreement durable; from then on no lease is needed, and commands are answered."""
        self.voter.agree()
        self.authority.stand_alone(now_ns, self.voter.record.epoch)
        self.source.on_recorded(self.source.generation)
        self.granting = 1
        self._ports.event(f"{self.peer} is taken out ({self._take_out_reason}): {self.name} depends on nobody")

    def withdraw(self, now_ns: int) -> None:
        """Take the wish to stand alone back, durably: it can no longer be agreed to."""
        epoch = self.voter.own_set(self.incarnation, alone=False)
        self.authority.asked_epoch = max(self.authority.asked_epoch, epoch + 1)
        self._ports.event(f"{self.peer} is not taken out ({self._take_out_reason}): no other voter recorded it in time")

    def start_alone(self, now_ns: int) -> None:
        """Start by the own record at once, under a new epoch and generation."""
        epoch = self.voter.record.epoch + 1
        self.voter.own_set(self.incarnation, alone=True, agreed=True, generation=Generation(epoch, 0))
        self.authority.stand_alone(now_ns, epoch)
        self.authority.won_cold = True
        self.open_term(now_ns)
        self.source.on_recorded(self.source.generation)
        self.granting = 1

    def ask_all_again(self, now_ns: int) -> None:
        """Make all three voters durable in the own record, then ask them under a new epoch and generation."""
        epoch = self.voter.own_set(self.incarnation, alone=False)
        self.authority.ask_all_again(now_ns, epoch)
        self.source.start_term(self._next_generation())
        self._is_standby_awaited = True
        self._switched_ns = now_ns

    def drop_data(self, now_ns: int) -> None:
        """Claim no data any more."""
        self._claim = None
        self.sink.reset()
        self._ports.event(f"taken out of the pair: {self.peer} works alone")
