"""What the reached field devices decide: whether a member may ask, and whether an active should hand over.

Called by   PairMember: ``may_ask`` before it asks for the authority, ``should_hand_over`` while it holds it.
Knows       which devices each side reaches, how fresh that is, and times.
Behaviour   docs/explanations/redundancy.md, rule 11. Nothing here overrides a lease: an active hands over, or stays.

Each side tells the other what it reaches, at every change and once a second. An active that has lost a device bids the
standby *look*: to ask its devices now. Only what the standby heard after that counts for it, so that a device that is
dead for both makes nobody switch; what is unknown counts for the active.
"""

from collections.abc import Callable

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.redundancy.messages import FieldTold, Message
from dcs.redundancy.protocol.field_view import NO_VIEW, DeviceList, FieldView
from dcs.redundancy.timing import LeaseTiming

TOTAL_SETTLE_NS = 50 * NS_PER_MS
"""All devices lost: until a second attempt of ours, which goes out at once, would have been answered."""
PERIODS_BETTER = 3  # some devices lost: so many scans (promise times) the standby must be better …
SETTLE_MAX_NS = NS_PER_S  # … but no longer than this: a lost answer has been asked for again by then
STALE_NS = 3 * NS_PER_S  # told once a second: what is older than this is unknown
LOOK_AGAIN_NS = 200 * NS_PER_MS  # a look that was not answered is asked for again
LOOK_FRESH_NS = 100 * NS_PER_MS  # a handover rests on a look that was answered no longer ago
TRY_AGAIN_NS = NS_PER_S  # after a handover that the standby did not follow

_NEVER_NS = -(1 << 62)


class FieldChoice:
    """One member's view of both sides. ``look(mask)``: ask these devices now; ``set_own`` then and with each answer."""

    def __init__(
        self,
        names: tuple[str, str],
        incarnation: int,
        timing: LeaseTiming,
        send: Callable[[Message], None],
        look: Callable[[int], None],
    ) -> None:
        """``names``: ours, the other member's."""
        self.own = NO_VIEW
        self.due_ns: int | None = None  # when ``should_hand_over`` is worth a call, besides scans and renewals
        self._names = names
        self._incarnation = incarnation
        self._timing = timing
        self._settle_ns = min(PERIODS_BETTER * max(timing.scan_ns, timing.promise_ns), SETTLE_MAX_NS)
        self._send = send
        self._look = look
        self._told: FieldTold | None = None  # the newest of the other one
        self._told_ns = _NEVER_NS
        self._sent = 0  # messages so far
        self._answering = (0, 0)  # the other one's last look: its incarnation, its number
        self._wanted = 0  # our last look
        self._wanted_ns = _NEVER_NS  # when it was asked for first
        self._asked_ns = _NEVER_NS  # when it was asked for last
        self._answered_ns = _NEVER_NS
        self._looked_for = 0  # mask of the devices that it was about
        self._better_since_ns: int | None = None
        self._blind_since_ns: int | None = None
        self._term_ns = _NEVER_NS
        self._switched_ns = _NEVER_NS  # the last switchover for the field's sake, in either direction
        self._tried_ns = _NEVER_NS
        self._is_tried = False  # what is under way was our reason

    # --- what is known ------------------------------------------------------------------------------------
    def set_own(self, now_ns: int, view: FieldView) -> None:
        """What we reach: at every change, and once a second."""
        self.own = view
        self._tell(0)

    def on_told(self, now_ns: int, told: FieldTold) -> None:
        """What the other member reaches, and whether it wants us to look."""
        last = self._told
        if last is not None and (told.incarnation, told.number) <= (last.incarnation, last.number):
            return
        self._told, self._told_ns = told, now_ns
        is_answer = told.answers_incarnation == self._incarnation and told.answers == self._wanted != 0
        if is_answer and self._answered_ns < self._wanted_ns:
            self._answered_ns = now_ns
        if last is not None and last.devices == told.devices == self.own.devices.key:
            # A device that came back answers first who asks it first: try it before anybody is called better.
            back = last.lost & told.reached & self.own.lost
            if back:
                self._look(back)
        if told.look and (told.incarnation, told.look) != self._answering:
            self._answering = (told.incarnation, told.look)
            self._look(told.lost & ~self.own.lost if told.devices == self.own.devices.key else 0)
            self._tell(0)

    def _tell(self, look: int) -> None:
        self._sent += 1
        own, (incarnation, answers) = self.own, self._answering
        self._send(
            FieldTold(
                self._incarnation, self._sent, look, incarnation, answers,
                own.devices.key, own.reached, own.lost, own.degraded,
            )
        )  # fmt: skip

    def theirs(self, now_ns: int) -> FieldView | None:
        """What the other member reaches; None while that is unknown."""
        told, devices = self._told, self.own.devices
        if told is None or now_ns - self._told_ns > STALE_NS or told.devices != devices.key:
            return None
        return FieldView(devices, told.reached, told.lost, told.degraded)

    # --- as a candidate -----------------------------------------------------------------------------------
    def may_ask(self, now_ns: int) -> bool:
        """Reaching no field device, we leave the authority to the other one for a while."""
        if not self.own.is_blind:
            self._blind_since_ns = None
            return True
        if self._blind_since_ns is None:
            self._blind_since_ns = now_ns
        return now_ns - self._blind_since_ns >= self._timing.stale_wait_ns

    # --- as the active ------------------------------------------------------------------------------------
    def term_begins(self, now_ns: int, handed_over: bool) -> None:
        """We hold the authority now. ``handed_over``: the other one released it."""
        self._better_since_ns = self.due_ns = None
        self._wanted_ns = self._asked_ns = self._answered_ns = _NEVER_NS
        self._looked_for = 0
        self._term_ns = now_ns
        theirs = self.theirs(now_ns)
        if handed_over and theirs is not None and theirs.lost & ~self.own.lost:
            self._switched_ns = now_ns

    def released(self, now_ns: int) -> None:
        """We handed the authority over."""
        if self._is_tried:
            self._switched_ns = now_ns

    def should_hand_over(self, now_ns: int, ready: bool) -> str:
        """The reason for a switchover, or "". ``ready``: the standby holds everything."""
        own, theirs = self.own, self.theirs(now_ns)
        self._is_tried, self.due_ns = False, None
        if not own.lost:
            self._looked_for = 0
        if not own.lost or theirs is None or not ready:
            self._better_since_ns = None
            return ""
        if own.lost & ~self._looked_for:
            self._ask_to_look(now_ns)
        is_answered = self._answered_ns >= self._wanted_ns
        if not is_answered:
            if now_ns - self._asked_ns >= LOOK_AGAIN_NS:
                self._asked_ns = now_ns
                self._tell(self._wanted)
            return ""
        if not is_better(theirs, own):
            unknown = theirs.devices.all & ~theirs.lost  # it may be asking its devices just now
            if not is_better(theirs._replace(reached=unknown), own):
                self._better_since_ns = None
            return ""
        if self._better_since_ns is None:
            self._better_since_ns = now_ns
        ready_ns = self._ready_ns(self._better_since_ns)
        if now_ns < ready_ns:
            self.due_ns = ready_ns
            return ""
        if now_ns - self._answered_ns > LOOK_FRESH_NS:
            self._ask_to_look(now_ns)
            return ""
        self._tried_ns, self._is_tried = now_ns, True
        gained = own.devices.named(own.lost & theirs.reached)
        return f"{self._names[0]} does not reach {gained}, {self._names[1]} does"

    def _ask_to_look(self, now_ns: int) -> None:
        self._looked_for = self.own.lost
        self._wanted += 1
        self._wanted_ns = self._asked_ns = now_ns
        self._tell(self._wanted)

    def _ready_ns(self, since_ns: int) -> int:
        """When a standby that is better since then is handed over to."""
        pause_ns = self._timing.switch_pause_ns
        due_ns = max(self._switched_ns + pause_ns, self._tried_ns + TRY_AGAIN_NS)
        if self.own.is_blind:
            return max(due_ns, since_ns + TOTAL_SETTLE_NS)
        return max(due_ns, since_ns + self._settle_ns, self._term_ns + pause_ns)

    def objection(self, now_ns: int) -> str:
        """Why a switchover on command should not be done; "" when there is nothing against it."""
        theirs = self.theirs(now_ns)
        if theirs is None or not is_better(self.own, theirs):
            return ""
        missing = theirs.devices.named(self.own.reached & theirs.lost)
        return f"{self._names[1]} does not reach {missing}, {self._names[0]} does"


def is_better(one: FieldView, other: FieldView) -> bool:
    """Is what ``one`` surely reaches worth more than what ``other`` may reach?"""
    devices: DeviceList = one.devices
    return devices.worth(one.reached) > devices.worth(devices.all & ~other.lost)
