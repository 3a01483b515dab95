"""One fault on a healthy pair in a quiet network: what must change nothing, and how fast a takeover is.

Called by   tests.simulation.redundancy and the tests. The seed chooses the fault, the clocks and the moments.
Knows       the world of tests.simulation.redundancy_world; here its network loses nothing and delays at most 2 ms.
"""

from collections.abc import Callable

from dcs.redundancy.protocol.field_view import NO_VIEW, FieldView
from dcs.redundancy.protocol.phases import Phase
from tests.simulation.redundancy_checkers import Broken, Faults
from tests.simulation.redundancy_mutant import Mutant
from tests.simulation.redundancy_world import MS, NODES, A, B, Node, S, W, World, reaches

TAKEOVER_MS = 130
"""T/(1 − drift) = 102 ms after the last grant, the messages of one question (8 ms at most), the device's delay, and a
retry where two messages met. The reference asks for a p99 of 150 ms."""


class Quiet:
    """A pair that runs well, and the one thing that happens to it."""

    def __init__(self, seed: int, mutant: Mutant | None, trace: bool) -> None:
        self.world = world = World(seed, mutant, Faults(), trace)
        world.start()
        self.run(5 * S)
        if not world.is_whole():
            raise Broken("no life: 5 s after a first start the pair is not whole")
        self.run(world.rng.randrange(300 * MS))
        active = world.nodes[A] if self.is_active(world.nodes[A]) else world.nodes[B]
        self.active: Node = active
        self.standby: Node = world.nodes[B if active.name == A else A]
        self.counts = dict(world.checkers.counts)
        self.fault_ns = world.now_ns
        self.gaps = len(world.checkers.gaps_ms)

    def run(self, for_ns: int) -> None:
        self.world.run_until(self.world.now_ns + for_ns)

    def is_active(self, node: Node) -> bool:
        return node.member is not None and node.member.active

    def new(self, what: str) -> int:
        """How often it has happened since the fault."""
        return self.world.checkers.counts[what] - self.counts.get(what, 0)

    def cut(self, *links: tuple[str, str], for_ns: int) -> None:
        self.world._cut(links, self.world.now_ns + for_ns)

    # --- what must change nothing -------------------------------------------------------------------------
    def expect_no_switchover(self, for_ns: int) -> None:
        """The active goes on throughout, and afterwards all three voters grant again."""
        world = self.world
        end_ns = world.now_ns + for_ns
        while world.now_ns < end_ns:
            self.run(10 * MS)
            if not self.is_active(self.active):
                raise Broken("a single fault took the authority from the active")
            if world.now_ns - world.checkers.last_accepted_ns > world.scan_ns + 100 * MS:
                raise Broken("a single fault stopped the outputs")
        if self.new("takeovers") or self.new("cold starts"):
            raise Broken("a single fault led to a switchover")
        self.run(2 * S)
        member = self.active.member
        if member is None or member.granting < 3:
            raise Broken("three voters are reachable, and the active runs on two votes")
        if not world.is_whole():
            raise Broken("the pair is not whole again after a single fault")

    def standby_restarts(self) -> None:
        self.world.crash(self.standby, self.world.rng.randrange(1 * MS, 2000 * MS))
        self.expect_no_switchover(3 * S)

    def witness_restarts(self) -> None:
        self.world.crash(self.world.nodes[W], self.world.rng.randrange(1 * MS, 2000 * MS))
        self.expect_no_switchover(3 * S)

    def pair_link_is_cut(self) -> None:
        self.cut((A, B), (B, A), for_ns=self.world.rng.randrange(50 * MS, 2000 * MS))
        self.expect_no_switchover(3 * S)

    def one_way_is_cut(self) -> None:
        self.cut(tuple(self.world.rng.sample(NODES, 2)), for_ns=self.world.rng.randrange(50 * MS, 2000 * MS))  # type: ignore[arg-type]
        self.expect_no_switchover(3 * S)

    def witness_restarts_while_the_pair_link_is_cut(self) -> None:
        """The standby asks the witness while that learns epochs anew: the active has to raise its own above."""
        self.cut((A, B), (B, A), for_ns=600 * MS)
        self.run(self.world.rng.randrange(150 * MS, 300 * MS))
        self.cut((self.active.name, W), (W, self.active.name), for_ns=30 * MS)
        self.world.crash(self.world.nodes[W], 5 * MS)
        self.run(2 * S)
        self.active = self.active if self.is_active(self.active) else self.standby
        self.counts = dict(self.world.checkers.counts)
        self.expect_no_switchover(1 * S)

    # --- takeovers ----------------------------------------------------------------------------------------
    def expect_takeover(self) -> None:
        world = self.world
        while len(world.checkers.gaps_ms) == self.gaps:
            self.run(1 * MS)
            if world.now_ns - self.fault_ns > TAKEOVER_MS * MS:
                raise Broken(f"the standby was ready, and {TAKEOVER_MS} ms after the fault it has written nothing")
        if self.new("cold starts"):
            raise Broken("a cold start although the standby was ready")
        world.checkers.takeovers_ms.append((world.now_ns - self.fault_ns) / MS)
        self.run(1 * S)
        if self.new("takeovers") != 1:
            raise Broken(f"{self.new('takeovers')} takeovers after one fault")

    def active_dies(self) -> None:
        self.world.crash(self.active, self.world.rng.choice((1 * MS, 2000 * MS)))
        self.expect_takeover()

    def active_restarts_while_the_standby_is_paused(self) -> None:
        """The restarted one has no data; it waits for the one that has."""
        world = self.world
        world.freeze(self.standby, world.now_ns + world.rng.randrange(250 * MS, 600 * MS))
        world.crash(self.active, 1 * MS)
        self.run(2 * S)
        if self.new("cold starts"):
            raise Broken("a cold start although a standby with everything was only paused")
        if not self.is_active(self.standby):
            raise Broken("the standby had everything and did not take over after its pause")

    def active_is_isolated(self) -> None:
        one = self.active.name
        others = [name for name in NODES if name != one]
        self.cut(*((one, x) for x in others), *((x, one) for x in others), for_ns=2 * S)
        self.expect_takeover()

    def active_hangs(self) -> None:
        self.active.hung_until_ns = self.world.now_ns + 2 * S
        self.expect_takeover()

    def switchover(self) -> None:
        """On command: not one scan is lost, and no lease has to run out."""
        member, last_scan = self.active.member, 0
        assert member is not None
        ok, text = member.switchover(self.active.local_ns(), "on command")
        if not ok:
            raise Broken(f"a ready pair refuses a switchover: {text}")
        self.active.arm()
        last_scan = self.active.scan
        while not self.is_active(self.standby):
            self.run(100_000)
            if self.world.now_ns - self.fault_ns > 40 * MS:
                raise Broken("a switchover on command takes longer than 40 ms")
        if self.standby.scan < last_scan:
            raise Broken(f"a switchover lost {last_scan - self.standby.scan} scans")
        self.run(1 * S)

    def slow_links(self, scan_ms: int, one_way_ms: int) -> None:
        self.world.scan_ns = scan_ms * MS
        self.world.shortest_delay_ns, self.world.longest_delay_ns = one_way_ms * MS, (one_way_ms + 2) * MS
        self.run(400 * MS)

    def switch(self) -> bool:
        member = self.active.member
        assert member is not None
        is_begun, _ = member.switchover(self.active.local_ns(), "on command")
        self.active.arm()
        return is_begun

    def switchover_to_one_that_is_always_behind(self) -> None:
        """It is given up: the outputs go on after a moment, under the same active."""
        self.slow_links(20, 25)
        self.counts = dict(self.world.checkers.counts)
        if self.switch():
            self.expect_no_switchover(500 * MS)

    def paused_while_handing_over(self) -> None:
        self.slow_links(20, 20)
        self.switch()
        self.world.freeze(self.active, self.world.now_ns + 300 * MS)
        self.run(1 * S)
        if self.is_active(self.active):
            raise Broken("the other one did not take over from one that was paused in a switchover")

    # --- the field ----------------------------------------------------------------------------------------
    def set_field(self, active: FieldView, standby: FieldView) -> None:
        self.active.field, self.standby.field = active, standby
        self.world.tell_field()

    def blind_standby(self) -> None:
        self.set_field(reaches(0, 1), reaches())
        self.run(100 * MS)
        self.world.crash(self.active, 3000 * MS)
        self.run(1 * S)
        if self.is_active(self.standby):
            raise Broken("a controller that reaches no device took over at once")

    def standby_sees_more(self) -> None:
        self.set_field(reaches(0), reaches(0, 1))
        self.run(12 * S)
        if not self.is_active(self.standby):
            raise Broken("the standby reaches more devices for 12 s and did not get the authority")
        if self.new("takeovers") != 1:
            raise Broken("the field path made the authority go to and fro")

    def standby_sees_less_or_is_unknown(self) -> None:
        others = (NO_VIEW, reaches(), reaches(0), reaches(1), reaches(0, 1))
        self.set_field(reaches(0, 1), self.world.rng.choice(others))
        self.expect_no_switchover(12 * S)

    # --- devices and membership ---------------------------------------------------------------------------
    def device_knows_a_higher_epoch(self) -> None:
        """Of a writer that we know nothing of: the holder raises its epoch above it."""
        self.world.device_epoch += 50
        self.run(500 * MS)
        if self.world.now_ns - self.world.checkers.last_accepted_ns > self.world.scan_ns + 50 * MS:
            raise Broken("the device knows a higher epoch, and the active did not raise its own above it")

    def standby_is_taken_out_and_everything_else_dies(self) -> None:
        """A lone controller depends on nobody; brought back, all is as before."""
        world = self.world
        world._membership(may_take_out=True)
        self.run(200 * MS)
        for name in (self.standby.name, W):
            world.crash(world.nodes[name], 2000 * MS)
        self.active_alone(2 * S)
        world.crash(self.active, 20 * MS)
        self.run(100 * MS)
        self.active_alone(2 * S)
        world.bring_back()
        self.run(3 * S)
        if not world.is_whole():
            raise Broken("the standby was brought back, and after 3 s the pair is not whole")

    def taken_out_at_the_first_moment(self) -> None:
        """The new active has not even recorded its generation."""
        self.world.crash(self.active, 500 * MS)
        while not self.is_active(self.standby):
            self.run(20_000)
        self.world._membership(may_take_out=True)
        self.active, self.standby = self.standby, self.active
        self.run(100 * MS)
        self.active_alone(1 * S)

    def old_words_arrive_while_it_stands_alone(self) -> None:
        """Only the one that was taken out has recorded it, and hears again what was true before."""
        one = self.active.name
        self.run(2 * S)
        self.cut((one, W), (W, one), for_ns=20 * S)
        self.world._membership(may_take_out=True)
        self.run(100 * MS)
        self.world.hoard.chance = 1.0
        self.active_alone(6 * S)
        if self.is_active(self.standby):
            raise Broken("the one that was taken out took over")

    def dies_while_it_asks_to_stand_alone(self) -> None:
        """Nobody heard of it, so the standby takes over, and the other one comes back as its standby."""
        world = self.world
        one = self.active.name
        others = [name for name in NODES if name != one]
        self.cut(*((one, x) for x in others), for_ns=100 * MS)
        self.run(world.rng.randrange(60 * MS))
        world._membership(may_take_out=True)
        self.run(5 * MS)
        world.crash(self.active, world.rng.randrange(1 * MS, 600 * MS))
        self.run(3 * S)
        if not world.is_whole():
            raise Broken("the pair is not whole after its active died while it asked to stand alone")

    def active_alone(self, for_ns: int) -> None:
        end_ns = self.world.now_ns + for_ns
        while self.world.now_ns < end_ns:
            self.run(20 * MS)
            member = self.active.member
            if member is None or member.phase is not Phase.SIMPLEX or not self.active.may_write():
                raise Broken("a controller that stands alone does not drive the outputs")


STORIES: tuple[Callable[[Quiet], None], ...] = (
    Quiet.active_dies,
    Quiet.active_is_isolated,
    Quiet.active_restarts_while_the_standby_is_paused,
    Quiet.active_hangs,
    Quiet.switchover,
    Quiet.switchover_to_one_that_is_always_behind,
    Quiet.paused_while_handing_over,
    Quiet.taken_out_at_the_first_moment,
    Quiet.dies_while_it_asks_to_stand_alone,
    Quiet.old_words_arrive_while_it_stands_alone,
    Quiet.standby_restarts,
    Quiet.witness_restarts,
    Quiet.pair_link_is_cut,
    Quiet.one_way_is_cut,
    Quiet.witness_restarts_while_the_pair_link_is_cut,
    Quiet.blind_standby,
    Quiet.standby_sees_more,
    Quiet.standby_sees_less_or_is_unknown,
    Quiet.device_knows_a_higher_epoch,
    Quiet.standby_is_taken_out_and_everything_else_dies,
)


def run_quiet(seed: int, mutant: Mutant | None = None, trace: bool = False) -> World:
    """One story; the seed modulo their number says which. Raises ``Broken`` as ``run`` does."""
    story = STORIES[seed % len(STORIES)]
    quiet: Quiet | None = None
    try:
        quiet = Quiet(seed, mutant, trace)
        story(quiet)
        for node in quiet.world.nodes.values():
            node.count_transitions()
    except Broken as exc:
        world = quiet.world if quiet else None
        at = f"at {world.now_ns / S:.4f} s: " if world else ""
        raise Broken(f"quiet seed {seed} ({story.__name__}): {at}{exc}", world) from None
    return quiet.world
