"""The OPC UA server of a simulated device: asyncua showing the nodes of a ``UaSpace`` over TCP.

Called by   ``devices.opc_ua_device``.
Behaviour   asyncua knows no sampling, every write of a node is a sample; so a task of ours shows what has changed,
            twice per poll of the device, and a read brings the nodes up to date first. asyncua's default user
            manager lets everybody write and takes any password for ``admin``: users and rights are ours. The standard
            address space takes over a second to build; a process builds it once, and each server copies what it
            touches.
"""

import asyncio
import contextlib
import contextvars
import logging
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asyncua import Server, ua
from asyncua.common.callback import CallbackType
from asyncua.crypto.permission_rules import USER_TYPES, PermissionRuleset, User, UserRole
from asyncua.server.address_space import AttributeService
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.server.internal_server import InternalServer

from dcs.core.clock import NS_PER_S
from field_io.devices.opc_ua_standard import SharedSpaceServer
from field_io.devices.ua_space import Range, UaObject, UaVariable, Unit
from field_io.opc_ua.certificates import Certificates
from field_io.opc_ua.nodes import CORE, NodeName

if TYPE_CHECKING:
    from field_io.devices.opc_ua_device import SimulatedUaDevice

logging.getLogger("asyncua").setLevel(logging.CRITICAL)

CONNECTIONS_MAX, SUBSCRIPTIONS_MAX = 50, 200
_SHOW_MIN_S = 0.02
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SUFFIX = {"sign": "Sign", "sign_and_encrypt": "SignAndEncrypt"}
_WRITES = ua.NodeId(ua.ObjectIds.WriteRequest_Encoding_DefaultBinary)
_CALLS = ua.NodeId(ua.ObjectIds.CallRequest_Encoding_DefaultBinary)
_PEER: contextvars.ContextVar[str] = contextvars.ContextVar("opc_ua_peer", default="")
_CURRENT_TIME = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)


class UaServer:
    """One server; its address space outlives ``stop``."""

    def __init__(self, device: "SimulatedUaDevice", certificates: Path | None) -> None:
        self.device = device
        self._certificates = certificates
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._server: Server | None = None
        self._listener: _Listener | None = None
        self._ids: dict[str, ua.NodeId] = {}
        self._names: dict[ua.NodeId, UaVariable] = {}
        self._showing: asyncio.Task[None] | None = None
        self._forgetting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises ``OSError`` when the port is taken."""
        if self._server is None:
            self._server = await self._build()
        spec = self.device.spec
        listener = _Listener(self._server, self.device, spec.host, spec.port)
        await listener.start()
        self._listener = listener
        self._showing = asyncio.create_task(self._show())

    def stop(self) -> None:
        """Close every connection at once and stop listening; sessions and their subscriptions are forgotten."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close_now()
        if self._showing is not None:
            self._showing.cancel()
        server = self._server
        with contextlib.suppress(RuntimeError):  # without a running loop all tasks have ended already
            if server is not None and asyncio.get_running_loop().is_running():
                self._forgetting = asyncio.create_task(_forget_sessions(server.iserver))

    # --- the address space ------------------------------------------------------------------------------------
    async def _build(self) -> Server:
        spec, access = self.device.spec, self.device.access
        iserver = SharedSpaceServer(user_manager=_Users(self.device))
        iserver.attribute_service = _Attributes(iserver.aspace, self)
        server = Server(iserver)
        await server.init()
        server.name = server.manufacturer_name = spec.name
        await server.set_application_uri(f"urn:dcs-emulator:device:{spec.name}")
        server.set_endpoint(spec.url)
        server.set_identity_tokens([ua.AnonymousIdentityToken, ua.UserNameIdentityToken])
        server.disable_clock()  # it would write every second by a task that ends late; ``_show`` does it
        iserver.max_connections, iserver.max_subscriptions = CONNECTIONS_MAX, SUBSCRIPTIONS_MAX
        policies = [ua.SecurityPolicyType.NoSecurity]
        if access.security != "none":
            policies = [ua.SecurityPolicyType[f"{access.policy}_{_SUFFIX[access.security]}"]]
            await self._load_certificate(server)
        server.set_security_policy(policies, _Rights(self.device))
        await self._add_nodes(server)
        server.subscribe_server_callback(CallbackType.PreRead, self._before_read)
        server.subscribe_server_callback(CallbackType.PostWrite, self._after_write)
        await server._setup_server_nodes()
        await iserver.start()
        return server

    async def _load_certificate(self, server: Server) -> None:
        folder = self._certificates
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="dcs-device-")
            folder = Path(self._temporary.name)
        own = Certificates(folder / self.device.spec.name, self.device.spec.name)
        certificate, key = await asyncio.to_thread(own.own)
        await server.load_certificate(certificate)
        await server.load_private_key(key, None, "pem")
        await server.set_application_uri(own.application_uri)

    async def _add_nodes(self, server: Server) -> None:
        space = self.device.space
        indexes = {CORE: 0, "": 0}
        nodes: list[UaObject | UaVariable] = [*space.objects.values(), *space.variables.values()]
        for uri in (space.uri, *(part for one in nodes for part in (one.browse[0], one.name.uri))):
            if uri not in indexes:
                indexes[uri] = await server.register_namespace(uri)

        def identifier(name: NodeName) -> ua.NodeId:
            text = int(name.name) if name.kind == "i" else name.name
            return ua.NodeId(text, indexes[name.uri])

        parents: dict[str, Any] = {"": server.nodes.objects}
        pending: list[Any] = [*space.objects.items(), *space.variables.items()]
        while pending:
            later = []
            for text, one in pending:
                parent = parents.get(one.parent)
                if parent is None:
                    later.append((text, one))
                    continue
                browse = ua.QualifiedName(one.browse[1], indexes[one.browse[0]])
                node_id = identifier(one.name)
                if not isinstance(one, UaVariable):
                    parents[text] = await parent.add_object(node_id, browse)
                    continue
                add = parent.add_property if one.is_property else parent.add_variable
                node = await add(node_id, browse, _variant(one), datatype=_data_type(one))
                parents[text] = node
                if one.writable:
                    await node.set_writable()
                if one.description:
                    await node.write_attribute(
                        ua.AttributeIds.Description, ua.DataValue(ua.LocalizedText(one.description))
                    )
                self._ids[text], self._names[node_id] = node_id, one
            assert len(later) < len(pending), "every node's parent is a node of the space"
            pending = later
        space.changed |= set(space.variables)
        await self._write_changes(server)

    # --- values -----------------------------------------------------------------------------------------------
    async def _show(self) -> None:
        """Twice a poll: what has changed is a sample for whoever watches."""
        spec = self.device.spec
        publishing_ns = self.device.access.publishing_ns or min((spec.poll_ns, *(p.period_ns for p in spec.polls)))
        period_s = max(_SHOW_MIN_S, publishing_ns / 2 / NS_PER_S)
        while True:
            await self.show_changes()
            await asyncio.sleep(period_s)

    async def show_changes(self) -> None:
        """Bring the nodes up to date."""
        server = self._server
        if server is None:
            return
        self.device.refresh()
        await self._write_changes(server)
        now = ua.DataValue(ua.Variant(_time(self.device.now_ns), ua.VariantType.DateTime))
        await server.iserver.write_attribute_value(_CURRENT_TIME, now)

    async def _write_changes(self, server: Server) -> None:
        space = self.device.space
        changed, space.changed = space.changed, set()
        for text in sorted(changed):
            variable = space.variables[text]
            value = ua.DataValue(
                _variant(variable), StatusCode=ua.StatusCode(variable.code), SourceTimestamp=_time(variable.source_ns)
            )
            await server.iserver.write_attribute_value(self._ids[text], value)

    async def _before_read(self, event: Any, _: Any) -> None:
        if event.is_external and any(one.NodeId in self._names for one in event.request_params.NodesToRead):
            await self.show_changes()

    def refusal(self, params: ua.WriteParameters) -> int:
        """Status code with which a write request is refused as a whole; 0 = it is not."""
        return self.device.refusal(self._items(params), _PEER.get())

    def _items(self, params: ua.WriteParameters) -> list[tuple[UaVariable | None, Any]]:
        return [
            (self._names.get(one.NodeId) if one.AttributeId == ua.AttributeIds.Value else None, _value_of(one))
            for one in params.NodesToWrite
        ]

    async def _after_write(self, event: Any, _: Any) -> None:
        if not event.is_external:
            return
        gate = self.device.gate
        epoch = gate.carried(self._items(event.request_params)) if gate is not None else 0
        for one, code in zip(event.request_params.NodesToWrite, event.response_params, strict=True):
            variable = self._names.get(one.NodeId)
            if variable is not None and one.AttributeId == ua.AttributeIds.Value and code.is_good():
                variable.value = None  # type: ignore[assignment]  # what the node holds now; shown anew with our time
                self.device.accept(variable, one.Value.Value.Value, _PEER.get(), epoch)
        await self.show_changes()


# --- who may do what ------------------------------------------------------------------------------------------
class _Users:
    """Anonymous clients, and the one user of the configuration."""

    def __init__(self, device: "SimulatedUaDevice") -> None:
        self._device = device

    def get_user(
        self, iserver: Any, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> User | None:
        if not username:
            return User(role=UserRole.Anonymous)
        known = self._device.access.user and self._device.users.knows(username, password or "")
        return User(role=UserRole.User, name=username) if known else None


class _Attributes(AttributeService):  # type: ignore[misc]
    """Writes pass the check of epochs first."""

    def __init__(self, space: Any, server: UaServer) -> None:
        super().__init__(space)
        self._server = server

    async def write(self, params: ua.WriteParameters, *args: Any, **kwargs: Any) -> list[ua.StatusCode]:
        code = self._server.refusal(params)
        if code:
            return [ua.StatusCode(code) for _ in params.NodesToWrite]
        return list(await super().write(params, *args, **kwargs))


class _Rights(PermissionRuleset):  # type: ignore[misc]
    """Everybody reads; writes are for whom the device lets. Nobody calls methods or changes the address space."""

    def __init__(self, device: "SimulatedUaDevice") -> None:
        self._device = device
        self._services = {ua.NodeId(service) for service in USER_TYPES} - {_CALLS}

    def check_validity(self, user: User, action_type_id: ua.NodeId, body: Any) -> bool:
        if action_type_id == _WRITES:
            return not self._device.refuse_writes_with and self._device.users.may_write(user.name or "")
        return action_type_id in self._services


# --- connections ----------------------------------------------------------------------------------------------
class _Listener(BinaryServer):  # type: ignore[misc]
    """asyncua's listener with connections that a fault can silence or slow down, and that can be closed at once."""

    def __init__(self, server: Server, device: "SimulatedUaDevice", host: str, port: int) -> None:
        super().__init__(server.iserver, host, port, server.limits)
        self.set_policies(server._policies)
        self._device = device

    def _make_protocol(self) -> OPCUAProtocol:
        made = _Connection(self.iserver, self._policies, self.clients, self.closing_tasks, self.limits)
        made.device = self._device
        return made

    def close_now(self) -> None:
        if self._server is not None:
            self._server.close()
        if self.cleanup_task is not None:
            self.cleanup_task.cancel()
        for client in list(self.clients):
            if client.transport is not None:
                client.transport.abort()


class _Connection(OPCUAProtocol):  # type: ignore[misc]
    device: "SimulatedUaDevice"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(_FaultyTransport(transport, self.device))

    def data_received(self, data: bytes) -> None:
        if not self.device.silent:
            super().data_received(data)

    async def _process_one_msg(self, header: Any, buf: Any) -> bool:
        name = self.peer_name
        _PEER.set(f"{name[0]}:{name[1]}" if name else "")
        return bool(await super()._process_one_msg(header, buf))


class _FaultyTransport(asyncio.Transport):
    """A transport whose writes are late, or lost, when the device is told so."""

    def __init__(self, transport: Any, device: "SimulatedUaDevice") -> None:
        super().__init__()
        self._transport = transport
        self._device = device

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._device.silent:
            return
        if self._device.latency_s > 0.0:
            asyncio.get_running_loop().call_later(self._device.latency_s, self._write_late, bytes(data))
        else:
            self._transport.write(data)

    def _write_late(self, data: bytes) -> None:
        if not self._transport.is_closing() and not self._device.silent:
            self._transport.write(data)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return bool(self._transport.is_closing())

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


async def _forget_sessions(iserver: InternalServer) -> None:
    for session in list(iserver._external_sessions.values()):
        await session.close_session(True)


# --- values of asyncua ----------------------------------------------------------------------------------------
def _variant(variable: UaVariable) -> ua.Variant:
    value = variable.value
    if isinstance(value, Unit):
        namespace = "http://www.opcfoundation.org/UA/units/un/cefact"
        text = ua.LocalizedText(value.text)
        return ua.Variant(ua.EUInformation(namespace, value.number, text, text), ua.VariantType.ExtensionObject)
    if isinstance(value, Range):
        return ua.Variant(ua.Range(value.low, value.high), ua.VariantType.ExtensionObject)
    if variable.type == "LocalizedText":
        return ua.Variant(ua.LocalizedText(str(value)), ua.VariantType.LocalizedText)
    kind = ua.VariantType[variable.type]
    return ua.Variant(float(value) if variable.type in ("Float", "Double") else value, kind)


def _value_of(one: ua.WriteValue) -> Any:
    return one.Value.Value.Value if one.Value is not None and one.Value.Value is not None else None


def _data_type(variable: UaVariable) -> ua.NodeId:
    if isinstance(variable.value, Unit):
        return ua.NodeId(ua.ObjectIds.EUInformation)
    if isinstance(variable.value, Range):
        return ua.NodeId(ua.ObjectIds.Range)
    return ua.NodeId(ua.VariantType[variable.type].value)


def _time(utc_ns: int) -> datetime | None:
    return _EPOCH + timedelta(microseconds=utc_ns // 1000) if utc_ns else None
