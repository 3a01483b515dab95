"""Modbus/TCP Security from the client's side: who gets in, and one clear sentence for who does not."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from dcs.core.errors import LinkDown
from field_io.devices.modbus_server import ModbusServer, free_port
from field_io.drivers.links.choice import wire_link
from field_io.specs import DeviceSpec, TlsFiles
from tests.support.certificates import Authority, Signed
from tests.support.modbus_links import unit_on

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "stranger")


def shows(authority: Authority, trusts: Authority, signed: Signed, server_name: str = "") -> TlsFiles:
    return TlsFiles(trusts.file, signed.certificate, signed.key, server_name)


def asked(ours: TlsFiles, theirs: TlsFiles) -> str:
    """What the link says of the first request; "" when it is answered."""

    async def main() -> str:
        spec = DeviceSpec("DEV", protocol="modbus-tls", port=await free_port(), unit=3, timeout_ns=2_000_000_000)
        server = ModbusServer.of(replace(spec, tls=theirs), None)
        unit_on(server, 3)
        await server.start()
        link = wire_link(replace(spec, tls=ours))
        try:
            await link.connect()
            await link.read("holding", 0, 1)
        except LinkDown as exc:
            return str(exc)
        finally:
            link.abort()
            server.stop()
            await asyncio.sleep(0.02)
        return ""

    return asyncio.run(main())


Case = Callable[[Authority, Authority], tuple[TlsFiles, TlsFiles]]


def _ours(plant: Authority) -> TlsFiles:
    return shows(plant, plant, plant.sign("controller"))


@pytest.mark.parametrize(
    ("case", "says"),
    [
        (lambda p, s: (_ours(p), shows(p, p, p.sign("device"))), ""),
        (lambda p, s: (_ours(p), shows(p, p, p.sign("old", (-30, -1)))), "certificate is not accepted: it has expired"),
        (lambda p, s: (_ours(p), shows(p, p, p.sign("early", (2, 30)))), "it is not valid yet (is the clock right?)"),
        (lambda p, s: (_ours(p), shows(s, p, s.sign("device"))), "by an authority that is not in `tls.ca`"),
        (
            lambda p, s: (_ours(p), shows(p, p, p.sign("other", host="other.plant"))),
            "it is not for 127.0.0.1. Write the name that stands in it as `tls.server_name`",
        ),
        (
            lambda p, s: (
                shows(p, p, p.sign("controller"), "other.plant"),
                shows(p, p, p.sign("other", host="other.plant")),
            ),
            "",
        ),
        (
            lambda p, s: (shows(s, p, s.sign("controller")), shows(p, p, p.sign("device"))),
            "before its first answer: it may not accept our certificate",
        ),
        (lambda p, s: (TlsFiles(p.file), shows(p, p, p.sign("device"))), "it may not accept our certificate"),
        (lambda p, s: (TlsFiles("/nowhere/ca.pem"), shows(p, p, p.sign("device"))), "(`tls.ca`) is not there"),
        (
            lambda p, s: (
                TlsFiles(p.file, p.sign("one").certificate, p.sign("two").key),
                shows(p, p, p.sign("device")),
            ),
            "do not belong together",
        ),
    ],
    ids=[
        "trusted", "expired", "not valid yet", "untrusted", "another name", "name given", "we are not trusted",
        "we show none", "missing file", "wrong key",
    ],
)  # fmt: skip
def test_one_sentence_says_what_is_wrong_with_which_certificate(
    case: Case, says: str, plant: Authority, stranger: Authority
) -> None:
    found = asked(*case(plant, stranger))
    assert says in found
    assert bool(says) == bool(found)
    assert "\n" not in found


def test_what_the_device_says_of_our_certificate_is_passed_on(plant: Authority, stranger: Authority) -> None:
    """Promise: the alert of a server that is not asyncio's (which sends none) reaches the link report."""
    theirs = plant.sign("device")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(theirs.certificate, theirs.key)
    context.load_verify_locations(plant.file)
    context.verify_mode = ssl.CERT_REQUIRED

    def refuse(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer, contextlib.suppress(ssl.SSLError):
            context.wrap_socket(peer, server_side=True)
            peer.recv(64)

    async def main(port: int) -> str:
        link = wire_link(DeviceSpec("DEV", protocol="modbus-tls", port=port, timeout_ns=2_000_000_000, tls=ours))
        try:
            await link.connect()
            await asyncio.sleep(0.05)  # the alert is on its way; a request would only meet a closed port
            await link.read("holding", 0, 1)
        except LinkDown as exc:
            return str(exc)
        finally:
            link.abort()
            await asyncio.sleep(0.02)
        return ""

    ours = shows(stranger, plant, stranger.sign("controller"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        device = threading.Thread(target=refuse, args=(listener,))
        device.start()
        said = asyncio.run(main(listener.getsockname()[1]))
        device.join()
    assert said == "the device ended the TLS connection: tlsv1 alert unknown ca"


def test_a_device_that_speaks_no_tls_is_told_from_one_that_is_not_there(plant: Authority) -> None:
    async def main() -> tuple[str, str]:
        spec = DeviceSpec("DEV", port=await free_port(), unit=3, timeout_ns=500_000_000)
        server = ModbusServer.of(spec, None)
        await server.start()
        link = wire_link(replace(spec, protocol="modbus-tls", tls=_ours(plant)))
        said = []
        for _ in range(2):
            with pytest.raises(LinkDown) as down:
                await link.connect()
            said.append(str(down.value))
            server.stop()
        return said[0], said[1]

    plain, gone = asyncio.run(main())
    assert "before TLS stands" in plain or "no TLS connection" in plain or "does not answer" in plain
    assert "accepts no connection" in gone
