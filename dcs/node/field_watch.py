"""Which field devices this controller reaches: for the pair, the journal, and people.

Called by   ``dcs.node.controller``; its drivers tell it at once when they lose a device or hear it again.
Knows       the drivers, what the other member of the pair says that it reaches, and nothing of who is active.
Behaviour   docs/explanations/redundancy.md, rule 11. A device is reached while it answers, lost when the last attempt
            had no answer, and otherwise unknown; so it is while it is asked on behalf of the other member.
"""

from collections.abc import Callable, Sequence

from dcs.core.clock import Clock, sleep
from dcs.node.face import NodeFace
from dcs.redundancy.protocol.field_view import DeviceList, FieldView, device_list
from field_io.drivers.driver import FieldDriver

_PERIOD_S = 1.0


class FieldWatch:
    """``push`` takes our view to the pair; ``other`` is what the other member reaches, None while that is unknown."""

    def __init__(
        self,
        drivers: Sequence[FieldDriver],
        face: NodeFace,
        clock: Clock,
        push: Callable[[FieldView], None],
        other: Callable[[], FieldView | None],
    ) -> None:
        self._drivers = list(drivers)
        self._face = face
        self._clock = clock
        self._push = push
        self._other = other
        self.devices: DeviceList = device_list(
            [driver.spec.name for driver in drivers],
            [any(point.direction == "out" for point in driver.spec.points) for driver in drivers],
        )
        self._looked_ns = [-(1 << 62)] * len(drivers)
        self._view = FieldView(self.devices)
        self._known_up: dict[str, bool] = {}
        for driver in drivers:
            driver.contact.changed = self._changed

    # --- for the pair -----------------------------------------------------------------------------------------
    def view(self) -> FieldView:
        """What we reach now."""
        now_ns = self._clock.monotonic_ns()
        reached = lost = degraded = 0
        for at, driver in enumerate(self._drivers):
            if driver.contact.is_lost:
                lost |= 1 << at
            elif driver.answered_ns >= self._looked_ns[at] and driver.reached(now_ns):
                reached |= 1 << at
                degraded |= driver.degraded << at
        return FieldView(self.devices, reached, lost, degraded)

    @property
    def known(self) -> FieldView:
        """What we reached when it was last told. Any thread."""
        return self._view

    def look(self, devices: int) -> None:
        """Ask these devices now (a mask), and tell with every answer."""
        now_ns = self._clock.monotonic_ns()
        for at, driver in enumerate(self._drivers):
            if devices >> at & 1:
                self._looked_ns[at] = now_ns
                driver.look()
        self._changed()

    def _changed(self) -> None:
        before, self._view = self._view, self.view()
        if self._view == before:
            return
        self._push(self._view)
        if self._view.is_blind and not before.is_blind:
            for driver in self._drivers:  # it may have been one lost answer: do not wait for the back-off
                driver.look()

    async def run(self) -> None:
        """Tell the pair what we reach, and the journal when a device goes or comes, until cancelled."""
        while True:
            self._view = self.view()
            self._push(self._view)
            self._tell_journal()
            await sleep(self._clock, _PERIOD_S)

    def _tell_journal(self) -> None:
        known_up = self._known_up
        for driver in self._drivers:
            name, is_up = driver.spec.name, driver.state == "up"
            if name not in known_up and not is_up and not driver.errors:
                continue  # before its first answer or failure a link has no state to report
            if not is_up and not driver.contact.is_lost:
                continue  # we dropped the connection ourselves and make it anew: nothing is known yet
            if known_up.get(name, True) != is_up:
                text = "answers again" if is_up else f"does not answer: {driver.report().detail}"
                self._face.event("field", name, f"{self._face.node}: {name} {text}")
                self._face.publish_report()
            known_up[name] = is_up

    # --- for people -------------------------------------------------------------------------------------------
    def remark(self, name: str) -> str:
        """What is to be said of a device's ways beside our own; "" when all is well or unknown."""
        theirs = self._other()
        at = self.devices.names.index(name)
        if theirs is None:
            return ""
        if theirs.lost >> at & 1:
            return "the other controller does not reach it"
        return "the other controller reaches it by one of two links" if theirs.degraded >> at & 1 else ""

    def detail(self) -> str:
        """How many devices we reach, when it is not all."""
        lost = self.devices.named(self._view.lost)
        return f"does not reach {lost}" if lost else ""
