"""The wire peer of an OPC UA session: asyncua as codec, secure channel and transport.

Called by   ``drivers.opc_ua`` through ``UaSession``; built by the assembly of a real run.
Behaviour   asyncua must not reconnect, repeat or watch by itself: back-off is the driver's, and a repeated write would
            pass the gate unasked. So its connecting steps are called one by one, requests go straight to its protocol
            (whose ``send_request`` writes to the socket before it waits for the first time), and the publishing loop
            is ours, because asyncua's tells nothing of missing messages.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asyncua import Client, ua
from asyncua.crypto import security_policies
from asyncua.ua.ua_binary import struct_from_binary

from dcs.core.clock import NS_PER_S
from dcs.core.errors import DcsError, LinkDown
from field_io.drivers.gate import CLOSED, Gate, GateClosed
from field_io.drivers.links.link import LinkFaults
from field_io.drivers.links.sockets import give_up_early, reset_when_closed
from field_io.drivers.opc_ua.session import Subscribed, UaSink, Value, Watched
from field_io.drivers.opc_ua.wire.publish import Publisher
from field_io.drivers.opc_ua.wire.trouble import TROUBLE, plain_cancellation, refusal
from field_io.drivers.opc_ua.wire.values import node_id, sample_of, type_of
from field_io.opc_ua.certificates import Certificates
from field_io.opc_ua.messages import NodeInfo, UaSample
from field_io.opc_ua.nodes import CORE, parse_node
from field_io.opc_ua.refusals import ServiceRefused, SessionRefused
from field_io.opc_ua.status import CODES, code_name, is_bad
from field_io.specs import DeviceSpec, OpcUaAccess

# asyncua logs what our reports say in one line, and tracebacks of the rest.
logging.getLogger("asyncua").setLevel(logging.CRITICAL)

MODES = {
    "none": ua.MessageSecurityMode.None_,
    "sign": ua.MessageSecurityMode.Sign,
    "sign_and_encrypt": ua.MessageSecurityMode.SignAndEncrypt,
}
PATIENCE_S = 4.0
"""A session may take this long to begin: small devices need seconds for their cryptography."""

BATCH = 500  # nodes a request, unless the server takes fewer
_SESSION_GONE = ("BadSessionIdInvalid", "BadSessionClosed", "BadSessionNotActivated", "BadSecureChannelIdInvalid")


class WireUaSession:
    """See ``UaSession``; a new asyncua client per connection, so no state survives a loss."""

    def __init__(
        self, spec: DeviceSpec, certificates: Path, name: str = "dcs", faults: LinkFaults | None = None
    ) -> None:
        """``certificates``: folder for our own certificate and for those of servers that we met before."""
        self.faults = faults or LinkFaults()
        self._spec = spec
        self._access = spec.opc_ua or OpcUaAccess()
        self._name = name
        self._certificates = Certificates(certificates, name, self._access.certificate, self._access.key)
        self._timeout_s = spec.timeout_ns / NS_PER_S
        self._client: Client | None = None
        self._alive = False  # the session of ``_client`` is open
        self._nodes: list[ua.NodeId] = [ua.NodeId()] * len(spec.points)
        self._epoch_node = ua.NodeId()
        self._types: list[str] = [""] * len(spec.points)
        self._batch = BATCH
        self._writing = 0  # writes without an answer: the system may still be sending them
        self._renewal: asyncio.Task[None] | None = None
        self._publisher: Publisher | None = None

    @property
    def connected(self) -> bool:
        return self._alive and self._protocol() is not None

    def _protocol(self) -> Any:
        """asyncua's end of the open socket; None when there is none."""
        protocol = self._client.uaclient.protocol if self._client else None
        return protocol if protocol is not None and protocol.transport is not None else None

    # --- connecting -------------------------------------------------------------------------------------------
    async def connect(self) -> None:
        self.abort()
        if self.faults.cut:  # a cut cable refuses nothing: the attempt runs into its timeout
            await asyncio.sleep(self._timeout_s)
            raise LinkDown(f"{self._where} does not answer")
        client = self._new_client()
        try:
            with plain_cancellation():
                await self._open(client)
                client.uaclient.protocol.timeout = self._timeout_s
                await self._limits()
        except BaseException as exc:
            _hang_up(client)  # somebody may have dropped it meanwhile, so that it is no longer ours to abort
            self.abort()
            if isinstance(exc, TROUBLE):
                raise refusal(
                    exc, self._certificates.own_file, self._access.user, max(self._timeout_s, PATIENCE_S)
                ) from exc
            raise
        self._alive = True
        self._renewal = asyncio.create_task(self._renew(client))

    @property
    def _where(self) -> str:
        return f"{self._spec.host}:{self._spec.port}"

    def _new_client(self) -> Client:
        client = Client(self._spec.url, timeout=self._timeout_s)
        client.uaclient.pre_request_hook = None  # it would wait between the gate and the send
        client.name = client.description = f"dcs {self._name}"
        client.application_uri = self._certificates.application_uri
        client.product_uri = "urn:dcs-emulator"
        client.session_timeout = max(30_000, 3 * self._spec.poll_ns // 1_000_000)
        return client

    async def _open(self, client: Client) -> None:
        access = self._access
        password: str | None = None
        if access.user:
            password = os.environ.get(access.password_env, "") if access.password_env else ""
            if access.password_env and access.password_env not in os.environ:
                raise SessionRefused(f"the password is missing: environment variable {access.password_env} is not set")
        shown = b""
        if access.security != "none":
            shown = await self._server_certificate()
            certificate, key = await asyncio.to_thread(self._certificates.own)
            client.security_policy = _policy(access)(*_loaded(shown, certificate, key), MODES[access.security])
            client.uaclient.set_security(client.security_policy)
        self._client = client
        await self._greet(client)
        client.uaclient.protocol.timeout = max(self._timeout_s, PATIENCE_S)
        await client.open_secure_channel()
        await client.create_session()
        await client.activate_session(username=access.user or None, password=password)
        if shown:
            self._certificates.remember(self._spec.name, shown)  # it has proven that it holds the key

    async def _greet(self, client: Client) -> None:
        """Socket and handshake, within the time-out of one answer: whoever lives does that quickly."""
        try:
            await client.connect_socket()
        except OSError as exc:  # TimeoutError is one
            raise LinkDown(f"{self._where} accepts no connection") from exc
        if self._spec.epoch is None and any(point.direction == "out" for point in self._spec.points):
            give_up_early(client.uaclient.protocol.transport)
        try:
            await client.send_hello()
        except TimeoutError as exc:
            raise LinkDown(f"no answer within {self._timeout_s * 1000:g} ms") from exc

    async def knock(self) -> bool:
        if self.faults.cut:
            return False
        client = self._new_client()
        try:
            with plain_cancellation():
                await self._greet(client)
        except (DcsError, *TROUBLE):
            return False
        finally:
            _hang_up(client)
        return True

    async def _server_certificate(self) -> bytes:
        """The certificate that the server shows, if it is the one that we may trust."""
        access, client = self._access, self._new_client()
        self._client = client
        try:
            await self._greet(client)
            client.uaclient.protocol.timeout = max(self._timeout_s, PATIENCE_S)
            await client.open_secure_channel()
            endpoints = await client.get_endpoints()
            await client.close_secure_channel()
        finally:
            _hang_up(client)
        policy = _policy(access).URI
        fitting = [e for e in endpoints if e.SecurityMode == MODES[access.security] and e.SecurityPolicyUri == policy]
        if not fitting:
            offers = sorted({f"{e.SecurityMode.name}/{e.SecurityPolicyUri.rpartition('#')[2]}" for e in endpoints})
            raise SessionRefused(
                f"the server offers no {access.security} with {access.policy}; it offers {', '.join(offers)}"
            )
        shown = _first(fitting[0].ServerCertificate or b"")
        self._certificates.check(self._spec.name, shown, self._access.server_certificate)
        return shown

    async def _limits(self) -> None:
        """How many nodes the server takes in one request."""
        limits = ua.ObjectIds
        wanted = (
            limits.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
            limits.Server_ServerCapabilities_OperationLimits_MaxNodesPerWrite,
            limits.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
        )
        values = await self._read_values([ua.NodeId(one) for one in wanted])
        sizes = [value.Value.Value for value in values if value.Value is not None]
        self._batch = min([BATCH, *(size for size in sizes if isinstance(size, int) and size > 0)])

    async def find(self) -> Sequence[NodeInfo]:
        (array,) = await self._read_values([ua.NodeId(ua.ObjectIds.Server_NamespaceArray)])
        namespaces = (array.Value.Value if array.Value is not None else None) or [CORE]
        found = [node_id(parse_node(point.node), namespaces) for point in self._spec.points]
        if self._spec.epoch is not None:
            self._epoch_node = node_id(parse_node(self._spec.epoch.node), namespaces) or ua.NodeId()
        self._nodes = [node or ua.NodeId() for node in found]
        values = await self._read_values(self._nodes)
        types = await self._read_values(self._nodes, ua.AttributeIds.DataType)
        infos = [
            type_of(value, kind) if node is not None else NodeInfo(CODES["BadNodeIdUnknown"])
            for node, value, kind in zip(found, values, types, strict=True)
        ]
        self._types = [info.type for info in infos]
        return infos

    async def _renew(self, client: Any) -> None:
        """A secure channel lives for an hour or less; a new token is due after three quarters of it."""
        with contextlib.suppress(*TROUBLE), plain_cancellation():
            while True:  # until ``abort`` cancels it
                await asyncio.sleep(0.75 * client.secure_channel_timeout / 1000)
                await client.open_secure_channel(renew=True)
                client.uaclient.revolve_security_token()

    # --- requests ---------------------------------------------------------------------------------------------
    async def ask(self) -> str:
        (value,) = await self._read_values([ua.NodeId(ua.ObjectIds.Server_ServerStatus_State)])
        state = value.Value.Value if value.Value is not None else None
        if state in (None, 0):
            return ""
        return f"the server is in state {ua.ServerState(state).name}"

    async def read(self, points: Sequence[int]) -> list[UaSample]:
        return [sample_of(value) for value in await self._read_values([self._nodes[at] for at in points])]

    async def _read_values(self, nodes: Sequence[ua.NodeId], attribute: int = ua.AttributeIds.Value) -> list[Any]:
        found: list[Any] = []
        for first in range(0, len(nodes), self._batch):
            request = ua.ReadRequest()
            request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Source
            request.Parameters.NodesToRead = [
                ua.ReadValueId(NodeId=node, AttributeId=attribute) for node in nodes[first : first + self._batch]
            ]
            response = await self.call(request, ua.ReadResponse, "reading")
            if len(response.Results) != len(request.Parameters.NodesToRead):
                self.abort()
                raise LinkDown(f"asked for {len(nodes)} values, the server sent {len(response.Results)}")
            found += response.Results
        return found

    async def write(self, values: Mapping[int, Value], may_write: Gate, epoch: int = 0) -> dict[int, int]:
        codes: dict[int, int] = {}
        points = list(values)
        head = [] if self._spec.epoch is None else [_write_of(self._epoch_node, epoch, "UInt32")]
        most = max(1, self._batch - len(head))
        for first in range(0, len(points), most):
            batch = points[first : first + most]
            request = ua.WriteRequest()
            request.Parameters.NodesToWrite = [
                *head, *(_write_of(self._nodes[at], values[at], self._types[at]) for at in batch)
            ]  # fmt: skip
            response = await self.call(request, ua.WriteResponse, "writing", may_write)
            found = [code.value for code in response.Results]
            if head and found and is_bad(found[0]):
                raise ServiceRefused(found[0], "writing with its epoch")
            codes |= dict(zip(batch, found[len(head) :], strict=True))
        return codes

    async def read_epoch(self) -> int:
        (value,) = await self._read_values([self._epoch_node])
        return int(sample_of(value).value or 0)

    async def call(
        self, request: Any, answer: Any, doing: str, may_write: Gate | None = None, wait: bool = True
    ) -> Any:
        """A request and its answer. ``wait`` = False: for as long as it takes (publishing).

        Raises ``LinkDown``, ``ServiceRefused`` or, when ``may_write`` says no at the moment of sending, ``GateClosed``.
        """
        delay_s, copies = self.faults.passage() if wait else (self.faults.latency_s, 1)
        if delay_s > 0.0:
            await asyncio.sleep(delay_s)
        if not copies:
            await asyncio.sleep(self._timeout_s)
            self.abort()
            raise LinkDown(f"no answer within {self._timeout_s * 1000:g} ms")
        protocol = self._protocol()
        if protocol is None:
            raise LinkDown("not connected")
        if may_write is not None:
            if protocol.transport.get_write_buffer_size():
                self.abort()
                raise LinkDown("the device takes no more requests")
            if not may_write():
                raise GateClosed(CLOSED)
            # It is with the system when the request is waited for, or else it must not leave any more.
            asyncio.get_running_loop().call_soon(self._nothing_queued, protocol)
        self._writing += may_write is not None
        try:
            with plain_cancellation():
                data = await protocol.send_request(request, None if wait else 0)
            response = struct_from_binary(answer, data)
            response.ResponseHeader.ServiceResult.check()
        except ua.UaStatusCodeError as exc:
            if code_name(exc.code) in _SESSION_GONE:
                self.abort()
                raise LinkDown(f"the server has ended the session ({code_name(exc.code)})") from exc
            raise ServiceRefused(exc.code, doing) from exc
        except TimeoutError as exc:
            self.abort()  # a late answer must never be taken for a fresh one
            raise LinkDown(f"no answer within {self._timeout_s * 1000:g} ms") from exc
        except TROUBLE as exc:
            self.abort()
            raise LinkDown("connection closed by the device") from exc
        self._writing -= may_write is not None
        return response

    def _nothing_queued(self, protocol: Any) -> None:
        if protocol is self._protocol() and protocol.transport.get_write_buffer_size():
            self.abort()

    # --- subscription -----------------------------------------------------------------------------------------
    async def subscribe(
        self, watched: Sequence[Watched], publishing_ns: int, keep_alive_ns: int, sink: UaSink
    ) -> Subscribed:
        await self.unsubscribe()
        publisher = Publisher(self, sink)
        subscribed = await publisher.start(
            [(one.at, self._nodes[one.at], one.sampling_ns) for one in watched],
            publishing_ns,
            keep_alive_ns,
            self._batch,
        )
        self._publisher = publisher
        return subscribed

    async def unsubscribe(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            await publisher.stop()

    # --- the end ----------------------------------------------------------------------------------------------
    def abort(self) -> None:
        client, self._client, self._alive = self._client, None, False
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.drop()
        if self._renewal is not None:
            self._renewal.cancel()
            self._renewal = None
        if client is None:
            return
        _hang_up(client, reset=bool(self._writing))
        self._writing = 0

    async def close(self) -> None:
        if self.connected and not self.faults.cut:
            request = ua.CloseSessionRequest()
            request.DeleteSubscriptions = True
            with contextlib.suppress(DcsError):
                await self.call(request, ua.CloseSessionResponse, "closing the session")
        self.abort()


def _write_of(node: ua.NodeId, value: Value, kind: str) -> ua.WriteValue:
    data = ua.DataValue(ua.Variant(value, ua.VariantType[kind]), StatusCode=None)  # many servers refuse more
    return ua.WriteValue(NodeId=node, AttributeId=ua.AttributeIds.Value, Value=data)


def _policy(access: OpcUaAccess) -> Any:
    return getattr(security_policies, f"SecurityPolicy{access.policy}")


def _hang_up(client: Client, reset: bool = False) -> None:
    protocol = client.uaclient.protocol
    if protocol is not None and protocol.transport is not None:
        if reset:
            reset_when_closed(protocol.transport)
        protocol.transport.abort()  # close() would first send what is still buffered
    client.disconnect_socket()


def _first(chain: bytes) -> bytes:
    """The server's own certificate out of a chain (DER)."""
    return chain[: int.from_bytes(chain[2:4], "big") + 4] if len(chain) > 4 else chain


def _loaded(server: bytes, own: bytes, key: bytes) -> tuple[Any, Any, Any]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return x509.load_der_x509_certificate(server), x509.load_der_x509_certificate(own), load_pem_private_key(key, None)
