"""Broken rules of the assembly: the gate, the transport, the devices, what is kept. Only the whole system shows them.

Called by   tests.simulation.swarm.mutated (installs them), ``python -m tests.simulation --mutants``.
Knows       one class per rule; what it patches is one function of the product.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from dcs.node.controller import Controller
from dcs.node.event_outbox import EventOutbox
from dcs.node.field_side import FieldSide
from dcs.node.replica import Replica
from dcs.node.sample_store import SampleStore
from dcs.redundancy.protocol import mirror_sink
from field_io.devices.output_watchdog import OutputWatchdog
from tests.simulation.redundancy_mutant import Mutant


class BoxMutant(Mutant):
    """``single``: the fault on a healthy pair that shows it; "" = the swarm does."""

    single = ""

    def patches(self) -> Sequence[AbstractContextManager[Any]]:
        """What is broken while a run lasts."""
        raise NotImplementedError


class ConnectionsStayOpen(BoxMutant):
    """13: who loses the authority leaves its connections as they are, and the system sends what it still has."""

    def patches(self) -> Sequence[AbstractContextManager[Any]]:
        stand_by = FieldSide.stand_by
        return [patch.object(FieldSide, "stand_by", lambda side, abort: stand_by(side, False))]


class AnsweredBeforeItIsMirrored(BoxMutant):
    """9: a command is answered when its scan has run, whoever holds it."""

    def patches(self) -> Sequence[AbstractContextManager[Any]]:
        async def at_once(node: Controller, scan: int, outcome: Any) -> None:
            node.desk.answer(outcome.replies)

        return [patch.object(Controller, "_answer", at_once)]


class EventsDieWithTheirHolder(BoxMutant):
    """S5: a new holder does not look for what the old one had not put into the journal yet."""

    def patches(self) -> Sequence[AbstractContextManager[Any]]:
        return [patch.object(EventOutbox, "inherit", lambda outbox, events: None)]


class EventNumbersGoOn(BoxMutant):
    """S5: the events of a new term go on from the numbers that the copy knows."""

    def patches(self) -> Sequence[AbstractContextManager[Any]]:
        return [patch.object(Replica, "begin_term", lambda replica, epoch: None)]


class LostSamplesAreForgotten(BoxMutant):
    """History: what was published while the bus was away is not delivered later."""

    def patches(self) -> Sequence[AbstractContextManager[Any]]:
        async def nothing(store: SampleStore, newest: int, connection: int) -> None:
            await asyncio.sleep(0)

        return [patch.object(SampleStore, "_deliver", nothing)]


class WatchdogSleeps(BoxMutant):
    """S4: a device that nobody writes to stays as it is."""

    def patches(self) -> Sequence[AbstractContextManager[Any]]:
        return [patch.object(OutputWatchdog, "due_ns", property(lambda watchdog: None))]


class WatchdogIsImpatient(BoxMutant):
    """S4: the fail action comes after half of its time."""

    def patches(self) -> Sequence[AbstractContextManager[Any]]:
        written = OutputWatchdog.written

        def early(watchdog: OutputWatchdog) -> None:
            written(watchdog)
            assert watchdog._written_ns is not None
            watchdog._written_ns -= watchdog.time_ns // 2

        return [patch.object(OutputWatchdog, "written", early)]


class ResultsNotCompared(BoxMutant):
    """State transfer: the standby takes every result of the active for its own."""

    single = "standby-memory"

    def patches(self) -> Sequence[AbstractContextManager[Any]]:
        def takes(sink: mirror_sink.MirrorSink, record: Any) -> bool:
            sink._ports.execute(record.seq, record.data)
            return True

        return [patch.object(mirror_sink.MirrorSink, "_execute", takes)]


OF_THE_ASSEMBLY: tuple[type[BoxMutant], ...] = (
    ConnectionsStayOpen,
    AnsweredBeforeItIsMirrored,
    EventsDieWithTheirHolder,
    EventNumbersGoOn,
    LostSamplesAreForgotten,
    WatchdogSleeps,
    WatchdogIsImpatient,
    ResultsNotCompared,
)
