"""The subscription of one session: made, listened to, ended.

Called by   ``ua_wire.session``.
Knows       requests and answers of the subscription services. Two publish requests wait at the server, so that one is
            there while the other's answer is on its way; every message is acknowledged with the next request.
"""

import asyncio
import contextlib
from collections.abc import Sequence as Items
from typing import Any, Protocol

from asyncua import ua

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.errors import DcsError, LinkDown
from field_io.drivers.links.link import LinkFaults
from field_io.drivers.opc_ua.session import Subscribed, UaSink
from field_io.drivers.opc_ua.wire.values import sample_of
from field_io.opc_ua.messages import Sequence
from field_io.opc_ua.refusals import ServiceRefused
from field_io.opc_ua.status import CODES, code_name, is_bad

WAITING = 2
QUEUE = 8  # values of one point that the server keeps between two messages; more is a loss that it tells of
LIFETIME_NS = 30 * NS_PER_S
"""How long a server keeps a subscription whose client is gone."""


class Caller(Protocol):
    """What a subscription needs of its session."""

    faults: LinkFaults

    async def call(self, request: Any, answer: Any, doing: str, *, wait: bool = True) -> Any:
        """A request and its answer; raises ``LinkDown`` or ``ServiceRefused``."""
        ...


class Publisher:
    """One subscription."""

    def __init__(self, session: Caller, sink: UaSink) -> None:
        self._session = session
        self._sink = sink
        self._id = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._acknowledged: list[ua.SubscriptionAcknowledgement] = []
        self._sequence = Sequence()

    async def start(
        self, items: Items[tuple[int, ua.NodeId, int]], publishing_ns: int, keep_alive_ns: int, batch: int
    ) -> Subscribed:
        """(point, node, sampling interval) to be watched. Raises ``LinkDown`` or ``ServiceRefused``."""
        request = ua.CreateSubscriptionRequest()
        made = request.Parameters
        made.RequestedPublishingInterval = publishing_ns / NS_PER_MS
        made.RequestedMaxKeepAliveCount = max(1, keep_alive_ns // publishing_ns)
        made.RequestedLifetimeCount = max(3 * made.RequestedMaxKeepAliveCount + 1, LIFETIME_NS // publishing_ns)
        made.PublishingEnabled = True
        answer = await self._session.call(request, ua.CreateSubscriptionResponse, "making a subscription")
        self._id = answer.Parameters.SubscriptionId
        codes: list[int] = []
        try:
            for first in range(0, len(items), batch):
                codes += await self._watch(items[first : first + batch])
        except ServiceRefused:
            await self.stop()
            raise
        self._tasks = [asyncio.create_task(self._listen()) for _ in range(WAITING)]
        cycles = max(1, answer.Parameters.RevisedMaxKeepAliveCount)
        return Subscribed(codes, round(cycles * answer.Parameters.RevisedPublishingInterval * NS_PER_MS))

    async def _watch(self, items: Items[tuple[int, ua.NodeId, int]]) -> list[int]:
        request = ua.CreateMonitoredItemsRequest()
        request.Parameters.SubscriptionId = self._id
        request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Source
        for at, node, sampling_ns in items:
            wanted = ua.MonitoringParameters(
                ClientHandle=at, SamplingInterval=sampling_ns / NS_PER_MS, QueueSize=QUEUE, DiscardOldest=True
            )
            request.Parameters.ItemsToCreate.append(
                ua.MonitoredItemCreateRequest(
                    ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value),
                    MonitoringMode=ua.MonitoringMode.Reporting,
                    RequestedParameters=wanted,
                )
            )
        answer = await self._session.call(request, ua.CreateMonitoredItemsResponse, "watching points")
        return [int(result.StatusCode.value) for result in answer.Results]

    async def _listen(self) -> None:
        while True:
            request = ua.PublishRequest()
            request.Parameters.SubscriptionAcknowledgements, self._acknowledged = self._acknowledged, []
            try:
                answer = await self._session.call(request, ua.PublishResponse, "publishing", wait=False)
            except ServiceRefused as refused:
                if refused.code == CODES["BadTimeout"]:
                    continue  # the request was too old, and another one takes its place
                if refused.code != ua.StatusCodes.BadTooManyPublishRequests:
                    self._end(f"the subscription was lost ({code_name(refused.code)})")
                return
            except LinkDown:
                return  # whoever asks next finds the connection gone
            if not self._session.faults.cut:
                self._hear(answer.Parameters)

    def _hear(self, result: ua.PublishResult) -> None:
        if result.SubscriptionId != self._id:
            return
        message = result.NotificationMessage
        data = message.NotificationData or []
        gap = self._sequence.gap(message.SequenceNumber, keep_alive=not data)
        changes = []
        for one in data:
            if isinstance(one, ua.StatusChangeNotification):
                if is_bad(one.Status.value):
                    self._end(f"the server has ended the subscription ({code_name(one.Status.value)})")
                    return
            elif isinstance(one, ua.DataChangeNotification):
                changes += [(item.ClientHandle, sample_of(item.Value)) for item in one.MonitoredItems]
        if data:
            self._acknowledged.append(
                ua.SubscriptionAcknowledgement(SubscriptionId=self._id, SequenceNumber=message.SequenceNumber)
            )
        if gap:
            self._sink.lost(gap)
        self._sink.notified(changes)

    def _end(self, text: str) -> None:
        ours, self._id = self._id, 0
        if ours:
            self._sink.ended(text)
        self.drop()

    def drop(self) -> None:
        """Listen no more; the server is not told."""
        self._id = 0
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()

    async def stop(self) -> None:
        """End it at the server, too."""
        ours = self._id
        self.drop()
        if ours:
            request = ua.DeleteSubscriptionsRequest()
            request.Parameters.SubscriptionIds = [ours]
            with contextlib.suppress(DcsError):
                await self._session.call(request, ua.DeleteSubscriptionsResponse, "ending the subscription")
