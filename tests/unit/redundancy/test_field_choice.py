"""Who should be active when the two sides reach different field devices. Here is no lease and no scan."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.redundancy.messages import FieldTold, Message
from dcs.redundancy.protocol.field_choice import (
    LOOK_FRESH_NS,
    SETTLE_MAX_NS,
    TOTAL_SETTLE_NS,
    FieldChoice,
    is_better,
)
from dcs.redundancy.protocol.field_view import NO_VIEW, FieldView, device_list
from dcs.redundancy.timing import LeaseTiming

DEVICES = device_list(("RTU-1", "RTU-2", "PM-1"), (False, False, True))
TIMING = LeaseTiming()
STEP_NS = 10 * NS_PER_MS
LONG_NS = 20 * NS_PER_S


def view(reached: int, unknown: int = 0) -> FieldView:
    return FieldView(DEVICES, reached, DEVICES.all & ~reached & ~unknown)


class Pair:
    """Two sides on one clock; messages arrive at once. ``cable`` is what each really reaches."""

    def __init__(self) -> None:
        self.now_ns = NS_PER_S
        self.cable = {"A": DEVICES.all, "B": DEVICES.all}
        self.tells = {"A": True, "B": True}  # its messages arrive
        self.answers = {"A": True, "B": True}  # it looks when it is bidden
        self.past: dict[str, list[tuple[int, int]]] = {"A": [], "B": []}  # until when it reached what else
        self.known = dict(self.cable)
        self.looking: set[str] = set()  # sides whose devices answer with the next step
        self.active = "A"
        self.switches: list[int] = []
        self.reasons: list[str] = []
        self.ready = True
        self.side = {name: self._side(name, other) for name, other in (("A", "B"), ("B", "A"))}
        self.side["A"].term_begins(self.now_ns, handed_over=False)

    def _side(self, name: str, other: str) -> FieldChoice:
        def send(message: Message) -> None:
            assert isinstance(message, FieldTold)
            if self.tells[name]:
                self.side[other].on_told(self.now_ns, message)

        def look(devices: int) -> None:
            unknown = view(self.known[name] & ~devices, unknown=self.known[name] & devices)
            self.side[name].set_own(self.now_ns, unknown)
            if self.answers[name]:
                self.looking.add(name)

        return FieldChoice((name, other), 1, TIMING, send, look)

    def find_out(self, name: str) -> None:
        """Its drivers have noticed how its cables are."""
        self.known[name] = self.cable[name]
        self.side[name].set_own(self.now_ns, view(self.known[name]))

    def cut(self, name: str, reached: int, noticed: bool = True) -> None:
        self.past[name].append((self.now_ns, self.cable[name]))
        self.cable[name] = reached
        if noticed:
            self.find_out(name)

    def run(self, for_ns: int, told: bool = True) -> None:
        for _ in range(for_ns // STEP_NS):
            self.now_ns += STEP_NS
            looking, self.looking = self.looking, set()
            for name in looking:
                self.find_out(name)
            if self.now_ns % NS_PER_S == 0 and told:
                for name in "AB":
                    self.side[name].set_own(self.now_ns, view(self.known[name]))
            reason = self.side[self.active].should_hand_over(self.now_ns, self.ready)
            if reason:
                self.hand_over(reason)

    def hand_over(self, reason: str) -> None:
        other = "B" if self.active == "A" else "A"
        lately = [was for until_ns, was in self.past[other] if self.now_ns - until_ns <= LOOK_FRESH_NS]
        assert any(is_better(view(was), view(self.cable[self.active])) for was in (self.cable[other], *lately)), (
            "a gain"
        )
        self.side[self.active].released(self.now_ns)
        self.active = other
        self.side[other].term_begins(self.now_ns, handed_over=True)
        self.switches.append(self.now_ns)
        self.reasons.append(reason)


def steady() -> Pair:
    pair = Pair()
    for name in "AB":
        pair.find_out(name)
    pair.run(LONG_NS)
    assert pair.switches == []
    return pair


def test_the_loss_of_everything_is_handed_over_at_once() -> None:
    pair = steady()
    began_ns = pair.now_ns
    pair.cut("A", 0)
    pair.run(NS_PER_S)
    assert pair.active == "B"
    assert pair.switches[0] - began_ns <= TOTAL_SETTLE_NS + 2 * STEP_NS
    assert pair.reasons == ["A does not reach RTU-1, RTU-2, PM-1, B does"]


def test_a_second_attempt_that_is_answered_keeps_the_active() -> None:
    pair = steady()
    pair.cut("A", 0)
    pair.run(TOTAL_SETTLE_NS - 2 * STEP_NS)
    pair.cut("A", DEVICES.all)
    pair.run(LONG_NS)
    assert pair.switches == []


def test_the_loss_of_one_device_must_last_for_three_scans() -> None:
    pair = steady()
    began_ns = pair.now_ns
    pair.cut("A", 0b110)
    pair.run(NS_PER_S)
    assert 3 * TIMING.promise_ns <= pair.switches[0] - began_ns <= 3 * TIMING.promise_ns + 5 * STEP_NS
    slow = FieldChoice(("A", "B"), 1, LeaseTiming.for_period(60 * NS_PER_S), lambda _: None, lambda _: None)
    assert slow._settle_ns == SETTLE_MAX_NS


def test_a_device_that_is_dead_for_both_moves_nobody_though_the_standby_has_not_noticed() -> None:
    pair = steady()
    pair.cut("B", 0b110, noticed=False)
    pair.cut("A", 0b110)
    pair.run(LONG_NS)
    assert pair.switches == []
    assert pair.known["B"] == 0b110, "it was bidden to look"


def test_a_standby_that_does_not_answer_the_question_counts_for_nothing() -> None:
    pair = steady()
    pair.tells["B"] = False
    pair.cut("A", 0)
    pair.run(LONG_NS)
    assert pair.switches == []
    pair.tells["B"] = True
    pair.run(NS_PER_S + TOTAL_SETTLE_NS)
    assert pair.active == "B", "a lost question is asked again"


def test_a_standby_that_is_still_looking_counts_for_nothing() -> None:
    pair = steady()
    pair.answers["B"] = False  # the answer to the question comes, those of the devices do not
    pair.known["B"] = 0
    pair.cut("A", 0)
    pair.side["B"].set_own(pair.now_ns, view(0, unknown=DEVICES.all))
    pair.run(NS_PER_S, told=False)
    assert pair.switches == []
    pair.answers["B"] = True
    pair.cut("B", 0b001)
    pair.run(2 * TOTAL_SETTLE_NS, told=False)
    assert pair.active == "B", "one device that answers is more than none"


def test_what_was_said_long_ago_is_unknown() -> None:
    pair = steady()
    pair.run(4 * NS_PER_S, told=False)
    assert pair.side["A"].theirs(pair.now_ns) is None
    pair.tells["B"] = False
    pair.cut("A", 0)
    pair.run(NS_PER_S, told=False)
    assert pair.switches == []


def test_a_standby_that_is_not_ready_is_given_nothing() -> None:
    pair = steady()
    pair.ready = False
    pair.cut("A", 0)
    pair.run(LONG_NS)
    assert pair.switches == []
    pair.ready = True
    pair.run(NS_PER_S)
    assert pair.active == "B"


def test_another_list_of_devices_says_nothing() -> None:
    pair = steady()
    other = device_list(("RTU-1", "RTU-3"), (True, True))
    pair.side["B"].set_own(pair.now_ns, FieldView(other, other.all))
    assert pair.side["A"].theirs(pair.now_ns) is None


def test_each_reaches_something_else() -> None:
    """Promise: the device with outputs decides; between equals the active stays."""
    pair = steady()
    pair.cut("A", 0b011)
    pair.cut("B", 0b110)
    pair.run(NS_PER_S)
    assert pair.active == "B"
    pair = steady()
    pair.cut("A", 0b101)
    pair.cut("B", 0b110)
    pair.run(LONG_NS)
    assert pair.active == "A"


def test_more_than_half_of_the_inputs_outweighs_one_device_with_outputs() -> None:
    wide = device_list(("A", "B", "C", "D"), (True, False, False, False))
    assert is_better(FieldView(wide, 0b1110), FieldView(wide, 0b0001, 0b1110))
    assert not is_better(FieldView(wide, 0b0110), FieldView(wide, 0b0001, 0b1110))
    assert is_better(FieldView(wide, 0b0011), FieldView(wide, 0b0110, 0b1001))


def test_the_blind_does_not_ask_for_a_bounded_time() -> None:
    choice = FieldChoice(("A", "B"), 1, TIMING, lambda _: None, lambda _: None)
    assert choice.may_ask(0), "nothing is known yet"
    choice.set_own(0, view(0))
    assert not choice.may_ask(0)
    assert not choice.may_ask(TIMING.stale_wait_ns - 1)
    assert choice.may_ask(TIMING.stale_wait_ns), "somebody must"
    choice.set_own(0, view(0b001))
    assert choice.may_ask(TIMING.stale_wait_ns)
    choice.set_own(0, view(0))
    assert not choice.may_ask(TIMING.stale_wait_ns), "the time begins anew"
    choice.set_own(0, NO_VIEW)
    assert choice.may_ask(0), "without devices nobody is blind"


def test_old_messages_and_answers_to_another_life_count_for_nothing() -> None:
    sent: list[Message] = []
    choice = FieldChoice(("A", "B"), 5, TIMING, sent.append, lambda _: None)
    choice.term_begins(0, handed_over=False)
    choice.set_own(0, view(0))

    def told(number: int, incarnation: int, answers: int, reached: int) -> FieldTold:
        return FieldTold(7, number, 0, incarnation, answers, DEVICES.key, reached, DEVICES.all & ~reached, 0)

    choice.on_told(0, told(2, 0, 0, 0b111))
    choice.on_told(0, told(1, 0, 0, 0))
    found = choice.theirs(0)
    assert found is not None
    assert found.reached == 0b111
    assert choice.should_hand_over(0, True) == ""
    look = sent[-1]
    assert isinstance(look, FieldTold)
    assert look.look == 1
    choice.on_told(0, told(3, 4, 1, 0b111))
    assert choice.should_hand_over(LONG_NS // 10, True) == "", "our look of an earlier life"
    choice.on_told(LONG_NS // 10, told(4, 5, 1, 0b111))
    choice.should_hand_over(LONG_NS // 10, True)
    assert choice.should_hand_over(LONG_NS // 10 + TOTAL_SETTLE_NS, True)


events = st.lists(
    st.tuples(
        st.sampled_from("AB"), st.integers(0, DEVICES.all), st.booleans(),
        st.sampled_from((20, 70, 400, 1500, 4000, 12000)),
    ),
    max_size=30,
)  # fmt: skip


@given(events)
def test_however_cables_flap_there_is_one_switch_a_pause_each_a_gain_and_the_better_side_wins(
    story: list[tuple[str, int, bool, int]],
) -> None:
    """Promise: ``Pair.hand_over`` checks the gain by what the cables really are."""
    pair = steady()
    for name, reached, noticed, for_ms in story:
        # Who polls notices by itself; who stands by may know only later, or when bidden to look.
        pair.cut(name, reached, noticed or name == pair.active or bool(reached & ~pair.known[name]))
        pair.run(for_ms * NS_PER_MS)
    pauses = [b - a for a, b in pairwise(pair.switches)]
    assert all(pause >= TIMING.switch_pause_ns for pause in pauses), pauses
    for name in "AB":
        pair.find_out(name)
    pair.run(TIMING.switch_pause_ns + 2 * NS_PER_S)
    other = "B" if pair.active == "A" else "A"
    assert not is_better(view(pair.cable[other]), view(pair.cable[pair.active]))
    settled = len(pair.switches)
    pair.run(LONG_NS)
    assert len(pair.switches) == settled
