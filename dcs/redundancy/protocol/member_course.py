"""The course of a member's life: time and messages come in, and lead it through the table of phases.

Its life is the table in ``phases``: ``_go`` is the only way from one phase to the next, and calls what the row names.

Called by   PairMember, which adds what its controller and operators ask.
Knows       everything of the protocol, nothing of the world: no clock, no socket, no task, no random number of its own.
Behaviour   docs/explanations/redundancy.md.
"""

from dcs.redundancy.messages import (
    NO_GENERATION,
    TAKEN_OUT,
    Ack,
    CopyBegin,
    CopySlice,
    FieldTold,
    Finding,
    Hello,
    Info,
    Measured,
    Message,
    Offer,
    Query,
    Record,
    Release,
    Request,
    Verdict,
    Vote,
)
from dcs.redundancy.protocol.member_parts import MemberParts
from dcs.redundancy.protocol.mirror_source import COPYING, MIRRORED
from dcs.redundancy.protocol.phases import ASKING, BY_COMMAND, DATA_PHASE, Event, Phase

_DATA_EVENT = {
    Phase.STARTING: Event.OUTDATED,
    Phase.SYNCHRONISING: Event.COPY_BEGUN,
    Phase.READY: Event.COMPLETE,
}
_MIRROR_PHASE = {COPYING: Phase.COPYING, MIRRORED: Phase.MIRRORED}
_MIRROR_EVENT = {
    Phase.RECORDING: Event.SHUT_OUT,
    Phase.ALONE: Event.RECORDED,
    Phase.COPYING: Event.COPY_BEGUN,
    Phase.MIRRORED: Event.COMPLETE,
}


class MemberCourse(MemberParts):
    """A member in time: what is due, and what the others say."""

    # --- from phase to phase ------------------------------------------------------------------------------
    def _go(self, now_ns: int, event: Event) -> None:
        for action in self.life.take(event).actions:
            getattr(self, action)(now_ns)

    def _follow_data(self, now_ns: int) -> None:
        """Without authority: the phase goes where our data are, unless we were taken out."""
        is_out = self.voter.record.alone == self.peer
        if is_out or self.phase is Phase.OUT:
            if is_out is not (self.phase is Phase.OUT):
                self._go(now_ns, Event.TAKEN_OUT if is_out else Event.BROUGHT_BACK)
            return
        phase, data = self.phase, self._data_phase()
        if phase is Phase.COLD_CANDIDATE and data is not Phase.SYNCHRONISING:
            return
        if DATA_PHASE.get(phase, phase) is not data:
            self._go(now_ns, _DATA_EVENT[data])

    def _follow_mirror(self, now_ns: int) -> None:
        """With authority: the phase goes where the mirror is."""
        source, phase = self.source, self.phase
        mirror = _MIRROR_PHASE.get(source.state) or (Phase.ALONE if source.alone else Phase.RECORDING)
        if mirror is phase or (phase in BY_COMMAND and not self._is_handover_broken(mirror)):
            return
        if mirror is Phase.ALONE and phase is not Phase.RECORDING:
            self._go(now_ns, Event.SHUT_OUT)
        self._go(now_ns, _MIRROR_EVENT[mirror])

    def _is_handover_broken(self, mirror: Phase) -> bool:
        return self.phase is Phase.HANDING_OVER and mirror is not Phase.MIRRORED

    # --- time ---------------------------------------------------------------------------------------------
    def next_due_ns(self) -> int:
        """When ``on_time`` wants to be called again, on this node's clock."""
        if not self.active:
            return min(self.authority.next_ns, self.neighbours.next_query_ns)
        due_ns = min(self.authority.next_ns, self.authority.lease_until_ns)
        source_due_ns = self.source.due_ns
        if source_due_ns is not None and source_due_ns < due_ns:
            due_ns = source_due_ns
        choice_due_ns = self.field_choice.due_ns
        if choice_due_ns is not None and choice_due_ns < due_ns and self.phase is not Phase.HANDING_OVER:
            due_ns = choice_due_ns
        return due_ns

    def on_time(self, now_ns: int) -> None:
        """Do what is due."""
        if self.active:
            self._hold(now_ns)
            return
        if now_ns >= self.authority.next_ns:
            self._seek(now_ns)
        if now_ns >= self.neighbours.next_query_ns and not self.active:
            self.neighbours.ask_around(now_ns)

    def _hold(self, now_ns: int) -> None:
        authority = self.authority
        if now_ns >= authority.lease_until_ns:
            self._lose(now_ns)
            return
        self.source.on_time(now_ns)
        self._follow_mirror(now_ns)
        if not self.voter.known and now_ns >= self.neighbours.next_query_ns:
            self.neighbours.ask_around(now_ns)
        if self.phase is Phase.HANDING_OVER and now_ns >= self._handover_ends_ns:
            self._go(now_ns, Event.NOT_FOLLOWED)
        self._choose(now_ns)
        if now_ns >= authority.next_ns and self.active:
            if self.phase is Phase.SIMPLEX:
                self._live_alone(now_ns)
            elif self._alive(now_ns):
                self._renew(now_ns)
            else:
                authority.next_ns = now_ns + self.timing.renewal_ns

    def _live_alone(self, now_ns: int) -> None:
        """No lease; the others are asked so that it is known whether the standby can be brought back."""
        self.authority.next_ns = now_ns + self.timing.promise_ns
        self.neighbours.ask_around(now_ns)
        if self.authority.asked_epoch > self.authority.epoch:  # a device knows a higher one
            self.voter.raise_alone(self.incarnation, self.authority.asked_epoch)
            self.authority.stand_alone(self.authority.next_ns, self.voter.record.epoch)
            self.open_gate(now_ns)

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
            is_open = authority.active and self.phase is not Phase.HANDING_OVER
            self.gate = (is_open, authority.lease_until_ns, authority.epoch)
        if self.phase is Phase.TAKING_OUT and authority.alone_recorded:
            self._go(now_ns, Event.AGREED)
        elif self._is_standby_awaited and len(authority.last_grant_ns) == 3:
            self._is_standby_awaited = False
            self._ports.event(f"{self.peer} is back in the pair")
        if now_ns < authority.lease_until_ns:
            self.source.on_recorded(authority.recorded)
            self._follow_mirror(now_ns)

    # --- seeking the authority ----------------------------------------------------------------------------
    def _seek(self, now_ns: int) -> None:
        authority = self.authority
        if self.voter.record.agreed and self.phase is Phase.STARTING:
            self._go(now_ns, Event.STARTS_ALONE)
            return
        if not self.voter.known:  # both others are needed either way: first hear which epochs we may have used
            self.neighbours.ask_around(now_ns)
            authority.next_ns = now_ns + self.timing.promise_ns
            return
        if self.phase is Phase.OUT:
            authority.next_ns = now_ns + self.timing.promise_ns
            return
        left_ns = self.voter.promise_left_ns(now_ns, (self.name, self.incarnation))
        if left_ns > 0 or (left_ns := self.voter.waiting_left_ns(now_ns)) > 0:
            self._cold_start.forget()
            if self.phase in ASKING:
                self._go(now_ns, Event.BOUND)
                self._follow_data(now_ns)
            authority.next_ns = now_ns + left_ns
        elif not self._alive(now_ns) or not self.field_choice.may_ask(now_ns):
            authority.next_ns = now_ns + self.timing.renewal_ns
        elif (not self.eligible or authority.refused_generation) and self._cold_is_due(now_ns):
            if self.phase is not Phase.COLD_CANDIDATE:
                self._go(now_ns, Event.COLD_IS_DUE)
            authority.ask(now_ns, self._held[0], cold=True)
        elif self.eligible:
            if self.phase is not Phase.CANDIDATE:
                self._go(now_ns, Event.SEEKS)
            claim = self.claim
            assert claim is not None
            authority.ask(now_ns, claim, cold=False)

    def _cold_is_due(self, now_ns: int) -> bool:
        cold_start, authority = self._cold_start, self.authority
        quiet_until_ns = cold_start.quiet_until_ns(self.voter.heard_eligible_ns, self._is_live)
        if now_ns < quiet_until_ns:
            cold_start.forget()
            if self.phase is Phase.COLD_CANDIDATE:
                self._go(now_ns, Event.BETTER_HEARD)
                self._follow_data(now_ns)
            authority.next_ns = min(now_ns + self.timing.promise_ns, quiet_until_ns)
            return False
        self._say_hello(now_ns)
        is_due = cold_start.is_due(now_ns, self._held)
        authority.next_ns = cold_start.again_ns
        return is_due

    # --- messages -----------------------------------------------------------------------------------------
    def on_message(self, now_ns: int, sender: str, message: Message) -> None:
        """One message from the peer or the witness."""
        self.neighbours.heard_ns[sender] = now_ns
        if type(message) is Vote:  # these two first: they are nearly all the traffic
            self._on_vote(now_ns, sender, message)
        elif type(message) is Request:
            self._on_request(now_ns, sender, message)
        elif self.active:
            self._on_message_as_active(now_ns, sender, message)
        else:
            self._on_message_as_standby(now_ns, sender, message)
            self._follow_data(now_ns)

    def _on_message_as_active(self, now_ns: int, sender: str, message: Message) -> None:
        match message:
            case Ack():
                self.source.on_ack(now_ns, message)
                self._follow_mirror(now_ns)
                self._yield(now_ns)
                self._finish_handover(now_ns)
            case Finding():
                self.source.on_finding(now_ns, message)
                self._follow_mirror(now_ns)
            case Verdict():
                self.programs.on_verdict(now_ns, self.source.session, message)
            case Hello():
                self._cold_start.peer_told(now_ns, (message.generation, message.seq))
                if self.phase not in BY_COMMAND and not self._is_standby_awaited:
                    self.source.on_hello(now_ns, message, self.programs.may_copy(now_ns, message))
                    self._follow_mirror(now_ns)
            case _:
                self._on_message_as_voter(now_ns, sender, message)

    def _on_message_as_standby(self, now_ns: int, sender: str, message: Message) -> None:
        match message:
            case Record():
                self.sink.on_record(message)
                self._note_held()
            case Measured():
                self.sink.on_measured(message)
            case CopySlice():
                self.sink.on_slice(message)
                self._note_held()
            case CopyBegin():
                if self.sink.on_begin(message, self.voter.record.generation):
                    self._claim = None
                    self._note_held()
            case Finding():
                self.sink.on_finding(message)
                self._note_held()
            case Offer():
                self.programs.on_offer(message)
            case Hello():
                self._cold_start.peer_told(now_ns, (message.generation, message.seq))
            case _:
                self._on_message_as_voter(now_ns, sender, message)

    def _on_message_as_voter(self, now_ns: int, sender: str, message: Message) -> None:
        """What comes in every phase. A mirror message that belongs to the other role is dropped."""
        match message:
            case Release():
                if self.voter.release(sender, message) and not self.active:
                    self._release_epoch = message.epoch
                    self.authority.next_ns = now_ns
            case Query(sent_ns):
                self._ports.send(sender, self.voter.info(sent_ns))
            case Info(sent_ns):
                self.authority.round_trip_ns[sender] = now_ns - sent_ns
                self.neighbours.answered(now_ns, sender, sent_ns)
                if self.voter.learn_info(now_ns, sender, message):
                    self._ports.event("the lost voter record was rebuilt from the two other voters")
            case FieldTold():
                self.field_choice.on_told(now_ns, message)
                self._choose(now_ns)
            case _:
                pass

    def _on_vote(self, now_ns: int, sender: str, vote: Vote) -> None:
        if self.authority.on_vote(now_ns, sender, vote):
            self._go(now_ns, Event.WON)
            self._renew(now_ns)  # the voters learn the new generation at once
        elif self.active:
            self._after_votes(now_ns)
        elif vote.reason == TAKEN_OUT and vote.incarnation == self.incarnation:
            word = Info(now_ns, vote.epoch, NO_GENERATION, True, vote.alone, vote.alone_epoch)
            self.voter.learn_set(now_ns, sender, word)
            self._follow_data(now_ns)

    def _on_request(self, now_ns: int, sender: str, request: Request) -> None:
        vote = self.voter.request(now_ns, sender, request)
        self._ports.send(sender, vote)
        if self.active:
            return
        self._follow_data(now_ns)
        # The peer asks for itself: when it is (to be) the active, we want its data.
        if sender == self.peer and self._wants_copy():
            self._say_hello(now_ns)

    def _choose(self, now_ns: int) -> None:
        """Hand over when the standby reaches more of the field."""
        if not self.active or self.phase is Phase.HANDING_OVER:
            return
        reason = self.field_choice.should_hand_over(now_ns, self.phase is Phase.MIRRORED)
        if reason:
            self.switchover(now_ns, reason)

    def _yield(self, now_ns: int) -> None:
        """The standby is right and we are wrong: as soon as it holds everything it takes over."""
        if self.source.yields and self.phase is Phase.MIRRORED and self.source.drained:
            self.switchover(now_ns, self.source.yields)

    def switchover(self, now_ns: int, reason: str) -> tuple[bool, str]:
        """Hand the authority over on command: close the gate, wait for the last acknowledgement, release."""
        if not self.active:
            return False, f"{self.name} is not the active; ask {self.peer}"
        if self.phase is Phase.HANDING_OVER:
            return False, "a switchover is already under way"
        if self.phase in BY_COMMAND:
            return False, f"no switchover: {self.peer} is taken out; bring it back first"
        if self.phase is not Phase.MIRRORED:
            return False, f"no switchover: {self.peer} is not ready, it has no complete copy yet"
        objection = self.field_choice.objection(now_ns)
        if objection:
            return False, f"no switchover: {objection}"
        self._switch_reason = reason
        self._handover_ends_ns = now_ns + self.timing.mirror_ns
        self._go(now_ns, Event.SWITCH)
        self._finish_handover(now_ns)
        return True, f"switchover to {self.peer}: {reason}"

    def _finish_handover(self, now_ns: int) -> None:
        if self.phase is Phase.HANDING_OVER and self.source.drained:
            self._go(now_ns, Event.FOLLOWED)
            self._ports.became_standby(f"handed over to {self.peer}: {self._switch_reason}")

    def _lose(self, now_ns: int) -> None:
        self._go(now_ns, Event.LEASE_ENDED)
        self._ports.became_standby("the lease ended")
