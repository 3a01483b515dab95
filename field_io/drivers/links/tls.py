"""Modbus/TCP Security: the client's side of TLS, and one clear sentence when it fails.

Called by   ``links.openers`` for `protocol: modbus-tls`.
Knows       certificates as files in PEM (``TlsFiles``). TLS 1.2 or later; both sides show a certificate. Roles (an
            extension of the client's certificate by which a device decides what it may do) are the device's matter.
Source      MODBUS/TCP Security protocol specification V36 (MB-TCP-Security), sections 7 and 8.
"""

import asyncio
import ssl
from pathlib import Path

from dcs.core.errors import LinkDown
from field_io.drivers.links.connection import ModbusConnection
from field_io.drivers.links.sockets import give_up_early
from field_io.specs import DeviceSpec, TlsFiles

_EXPIRED, _NOT_YET = 10, 9
_NAME_DIFFERS, _ADDRESS_DIFFERS = 62, 64
_REASON = {
    _EXPIRED: "it has expired",
    _NOT_YET: "it is not valid yet (is the clock right?)",
    18: "it is self-signed and not in `tls.ca`",
    19: "it is signed by an authority that is not in `tls.ca`",
    20: "it is signed by an authority that is not in `tls.ca`",
    21: "it is signed by an authority that is not in `tls.ca`",
    23: "it was revoked",
}
"""Verification errors of OpenSSL (x509_vfy.h) in words."""


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """What we show and whom we trust. Raises ``LinkDown`` with a sentence about the file that does not do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.ca:
        try:
            context.load_verify_locations(_there(files.ca, "tls.ca"))
        except ssl.SSLError as exc:
            raise LinkDown(f"{files.ca} (`tls.ca`) holds no certificate in PEM") from exc
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if files.certificate:
        certificate, key = _there(files.certificate, "tls.certificate"), None
        if files.key:
            key = _there(files.key, "tls.key")
        try:
            context.load_cert_chain(certificate, key)
        except ssl.SSLError as exc:
            which = "do not belong together, or are no PEM" if files.key else "holds no private key beside it"
            raise LinkDown(f"{files.certificate} and {files.key or '`tls.key`'} {which}") from exc
    return context


class TlsOpener:
    """Opens connections to one device; files are read at every attempt, so that a renewed certificate is found."""

    def __init__(self, spec: DeviceSpec) -> None:
        self._spec = spec
        self._files = spec.tls or TlsFiles()

    async def __call__(self, connection: ModbusConnection) -> None:
        spec = self._spec
        name = self._files.server_name or spec.host
        context = client_context(self._files)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(asyncio.Protocol, spec.host, spec.port)
        try:
            secured = await loop.start_tls(transport, connection, context, server_hostname=name)
            assert secured is not None
            connection.secured(secured, transport)
            give_up_early(transport)
        except asyncio.CancelledError:
            transport.abort()
            raise
        except ssl.SSLCertVerificationError as exc:
            raise LinkDown(f"the device's certificate is not accepted: {_why(exc, name)}") from exc
        except ssl.SSLError as exc:
            reason = (exc.reason or str(exc)).replace("_", " ").lower()
            raise LinkDown(f"{spec.host}:{spec.port}: no TLS connection ({reason})") from exc
        except ConnectionResetError as exc:
            raise LinkDown(f"{spec.host}:{spec.port} ends the connection before TLS stands") from exc


def _why(exc: ssl.SSLCertVerificationError, name: str) -> str:
    if exc.verify_code in (_NAME_DIFFERS, _ADDRESS_DIFFERS):
        return f"it is not for {name}. Write the name that stands in it as `tls.server_name`"
    return _REASON.get(exc.verify_code, exc.verify_message)


def _there(file: str, key: str) -> str:
    if not Path(file).is_file():
        raise LinkDown(f"{file} (`{key}`) is not there")
    return file
