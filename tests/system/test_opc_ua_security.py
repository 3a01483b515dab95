"""OPC UA over TCP with every security mode: certificates made, remembered, refused when they change."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from dcs.core.clock import NS_PER_MS
from dcs.core.status import STATUS_GOOD
from field_io.opc_ua.certificates import Certificates
from field_io.opc_ua.refusals import SessionRefused
from field_io.specs import OpcUaAccess
from tests.support.ua_bench import LT, LV, UaBench, always, spec_of, ua_bench

pytestmark = pytest.mark.system

MODES = [
    ("none", "Basic256Sha256"),
    ("sign", "Basic256Sha256"),
    ("sign_and_encrypt", "Basic256Sha256"),
    ("sign", "Aes128Sha256RsaOaep"),
    ("sign_and_encrypt", "Aes128Sha256RsaOaep"),
    ("sign_and_encrypt", "Aes256Sha256RsaPss"),
]
SIGNED = OpcUaAccess(security="sign_and_encrypt")


def spec(access: OpcUaAccess) -> object:
    return spec_of(100 * NS_PER_MS, 500 * NS_PER_MS, opc_ua=access)


@pytest.mark.parametrize(("security", "policy"), MODES)
def test_a_driver_reads_subscribes_and_writes(
    security: str, policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With user and password, which only travel encrypted unless there is no security at all."""
    monkeypatch.setenv("RIG_PASSWORD", "süß & geheim")
    access = OpcUaAccess(security=security, policy=policy, user="dcs", password_env="RIG_PASSWORD")

    async def main() -> None:
        async with ua_bench(spec_of(100 * NS_PER_MS, 500 * NS_PER_MS, opc_ua=access), tmp_path) as bench:
            bench.device.record_writes()
            async with bench.driver() as driver:
                await bench.until(lambda: bench.status(driver) == STATUS_GOOD, 5.0, "first value")
                bench.device.set_value("LT-1", 1.75)
                await bench.until(lambda: driver.readback("LT-1").value == 1.75, 1.0, "the change")
                outcome = await driver.write({"LV-1": 42.5, "P-1": 1.0}, always)
                assert outcome.ok, outcome.text
                await bench.until(lambda: driver.readback("LV-1").value == 42.5, 1.0, "the output reads back")
                assert driver.report().detail == ""
                assert driver.losses == 0

    asyncio.run(main())


def run_signed(tmp_path: Path, scenario: object, access: OpcUaAccess = SIGNED) -> None:
    async def main() -> None:
        async with ua_bench(spec_of(100 * NS_PER_MS, 500 * NS_PER_MS, opc_ua=access), tmp_path) as bench:
            await scenario(bench)  # type: ignore[operator]

    asyncio.run(main())


def renewed(bench: UaBench) -> None:
    """The device gets another certificate at its next start."""
    assert bench.folder is not None
    for file in (bench.folder / "device" / "RIG").iterdir():
        file.unlink()
    bench.device.stop()
    assert bench.device._server is not None
    bench.device._server._server = None
    bench.device._server._names.clear()


def test_a_server_that_shows_another_certificate_is_refused_until_the_old_one_is_removed(tmp_path: Path) -> None:
    async def scenario(bench: UaBench) -> None:
        session = await bench.connected()
        remembered = tmp_path / "C1A" / "servers" / "RIG.der"
        assert remembered.exists()
        session.abort()
        await session.connect()  # the same server again
        session.abort()

        renewed(bench)
        await bench.device.start()
        with pytest.raises(SessionRefused) as refused:
            await session.connect()
        text = str(refused.value)
        assert "the server shows the certificate" in text
        assert f"delete {remembered}" in text
        assert "\n" not in text
        async with bench.driver(session) as driver:
            await bench.until(lambda: driver.report().state == "backing off", 3.0, "it gives up")
            assert driver.report().detail == text
            assert driver.requests == 0, "not one word to a server that may be somebody else"
            remembered.unlink()
            await bench.until(lambda: bench.status(driver) == STATUS_GOOD, 5.0, "the new one is trusted")
        assert remembered.exists()

    run_signed(tmp_path, scenario)


def test_a_pinned_certificate_is_the_only_one_that_is_trusted(tmp_path: Path) -> None:
    async def scenario(bench: UaBench) -> None:
        theirs = tmp_path / "device" / "RIG" / "own.der"
        pinned = replace(bench.spec, opc_ua=replace(SIGNED, server_certificate=str(theirs)))
        session = await bench.connected(spec=pinned)
        assert (await session.read([LT]))[0].value == 1.25
        foreign, _ = Certificates(tmp_path / "foreign", "foreign").own()
        (tmp_path / "foreign.der").write_bytes(foreign)
        wrong = replace(bench.spec, opc_ua=replace(SIGNED, server_certificate=str(tmp_path / "foreign.der")))
        with pytest.raises(SessionRefused, match=r"not .*, which we trust.* put that into .*foreign\.der"):
            await bench.session(spec=wrong).connect()

    run_signed(tmp_path, scenario)


def test_our_own_certificate_is_made_once_and_its_key_is_for_nobody_else(tmp_path: Path) -> None:
    async def scenario(bench: UaBench) -> None:
        await bench.connected()
        own, key = tmp_path / "C1A" / "own.der", tmp_path / "C1A" / "own.key.pem"
        made = own.read_bytes()
        assert key.stat().st_mode & 0o077 == 0
        other = bench.session()
        await other.connect()
        assert own.read_bytes() == made

    run_signed(tmp_path, scenario)


def test_a_given_certificate_is_used(tmp_path: Path) -> None:
    Certificates(tmp_path / "given", "somebody").own()
    files = {"certificate": str(tmp_path / "given" / "own.der"), "key": str(tmp_path / "given" / "own.key.pem")}

    async def scenario(bench: UaBench) -> None:
        session = await bench.connected(spec=replace(bench.spec, opc_ua=replace(SIGNED, **files)))
        assert await session.write({LV: 1.0}, always) == {LV: 0}
        assert not (tmp_path / "C1A" / "own.der").exists()

    run_signed(tmp_path, scenario)


def test_the_secure_channel_is_renewed_before_it_ends(tmp_path: Path) -> None:
    """A channel of half a second: whoever does not renew it in time is cut off."""

    async def scenario(bench: UaBench) -> None:
        from field_io.drivers.opc_ua.wire.session import WireUaSession

        session = bench.session()
        assert isinstance(session, WireUaSession)
        make = session._new_client

        def short_lived() -> object:
            client = make()
            client.secure_channel_timeout = 400
            return client

        session._new_client = short_lived  # type: ignore[method-assign, assignment]
        await session.connect()
        await session.find()
        assert session._client is not None
        first = session._client.uaclient.protocol._connection.security_token.TokenId
        for _ in range(10):
            await asyncio.sleep(0.1)
            assert (await session.read([LT]))[0].value == 1.25
        assert session._client.uaclient.protocol._connection.security_token.TokenId > first

    run_signed(tmp_path, scenario)


def test_messages_that_are_lost_on_the_wire_are_noticed(tmp_path: Path) -> None:
    """A server that skips a number has sent a message that did not come."""

    async def scenario(bench: UaBench) -> None:
        async with bench.driver() as driver:
            await bench.until(lambda: driver._subscribed and driver.readback("LT-1").value == 1.25, 5.0)
            assert bench.device._server is not None
            assert bench.device._server._server is not None
            service = bench.device._server._server.iserver.subscription_service
            (subscription,) = service.subscriptions.values()
            subscription._notification_seq += 1
            bench.device.set_value("LT-1", 0.5)
            await bench.until(lambda: driver.losses == 1, 1.0, "the gap")
            assert driver.readback("LT-1").value == 0.5
            await service.delete_subscriptions([subscription.data.SubscriptionId])
            bench.device.set_value("LT-1", 0.75)
            await bench.until(lambda: driver.readback("LT-1").value == 0.75, 3.0, "values without it, or a new one")
            assert bench.status(driver) == STATUS_GOOD

    run_signed(tmp_path, scenario, OpcUaAccess())
