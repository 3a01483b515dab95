"""The first questions to an address: does anybody listen, is it Modbus, is the unit there?

Called by   ``onboarding.probe``, ``dcs device watch``.
Promise     whatever is wrong is one sentence that says what was seen and what to try next.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace

from dcs.core.clock import Clock
from dcs.core.errors import LinkDown, Missing
from field_io.drivers.links.link import DeviceRefused, ModbusLink
from field_io.modbus.pdu import NO_ANSWER, NO_PATH
from field_io.onboarding.asker import Asker, Limits
from field_io.onboarding.identify import Identity, identify
from field_io.onboarding.target import Target
from field_io.specs import DeviceSpec

LinkMaker = Callable[[DeviceSpec], ModbusLink]
Diagnosis = Callable[[DeviceSpec], Awaitable[bool]]
_TLS_TIMEOUT_S = 3.0


class UnitMissing(Missing):
    """Somebody answers at the address, but not this unit."""


async def contact(asker: Asker, target: Target, unit: int, speaks_tls: Diagnosis | None = None) -> Identity:
    """What the unit says of itself. Raises ``Missing`` (``UnitMissing``) with the reason."""
    where = address_of(target.spec)
    try:
        return await identify(asker)
    except DeviceRefused as refused:
        raise _no_unit(where, unit, str(refused)) from None
    except LinkDown as exc:
        first = exc
    if asker.figures.requests == 0:
        raise Missing(_nobody(target.spec, str(first))) from None
    try:
        await asker.read("holding", 0, 1)
    except DeviceRefused as refused:
        if refused.code in (NO_PATH, NO_ANSWER):
            raise _no_unit(where, unit, str(refused)) from None
    except LinkDown as exc:
        is_tls = speaks_tls is not None and target.spec.protocol == "modbus-tcp" and await speaks_tls(target.spec)
        raise _silent(target, unit, exc if "not Modbus" in str(exc) else first, is_tls) from None
    return Identity()


def address_of(spec: DeviceSpec) -> str:
    """``host:port`` or the serial port."""
    return spec.serial.port if spec.serial else f"{spec.host}:{spec.port}"


def _nobody(spec: DeviceSpec, seen: str) -> str:
    if spec.serial:
        return f"The serial port {spec.serial.port} cannot be used: {seen}."
    return (
        f"Nobody listens on {address_of(spec)}: {seen}. Is the device on, the address right, the port "
        "another than 502, a firewall between?"
    )


def _no_unit(where: str, unit: int, seen: str) -> UnitMissing:
    return UnitMissing(
        f"{where} answers, but not as unit {unit}: {seen}. A gateway has other units behind it: try ?unit=1-20; a "
        "device that is none often answers to 255, 1 or 0."
    )


def _silent(target: Target, unit: int, seen: LinkDown, is_tls: bool) -> Missing:
    where, text = address_of(target.spec), str(seen)
    if is_tls:
        tls = target.url.replace(target.url.partition("://")[0], "modbus-tls", 1)
        return Missing(f"{where} wants TLS (Modbus/TCP Security). Try {tls} with ca=, certificate= and key=.")
    if "not Modbus" in text:
        return Missing(
            f"{where} answers, but not in Modbus TCP. If it is a converter to a serial line, try "
            "modbus-rtu-over-tcp://; else another service has this port."
        )
    if target.spec.protocol == "modbus-rtu":
        return UnitMissing(
            f"No answer from unit {unit} on {where}: {text}. Try other units (?unit=1-20), and compare baud rate, "
            "parity and wiring with those of the device."
        )
    return UnitMissing(
        f"{where} accepts the connection, but unit {unit} does not answer: {text}. Try other units (?unit=1-20), "
        "modbus-rtu-over-tcp:// for a converter to a serial line, or modbus-tls:// for a secured device."
    )


async def speaks_tls(spec: DeviceSpec) -> bool:
    """Does the other side begin a TLS handshake? Asked only when it does not answer in the clear."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(_TLS_TIMEOUT_S):
            _, writer = await asyncio.open_connection(spec.host, spec.port, ssl=context)
    except ssl.SSLError as exc:
        return "WRONG_VERSION_NUMBER" not in str(exc).upper().replace(" ", "_")
    except OSError:
        return False
    writer.close()
    return True


async def units_that_answer(
    target: Target, make_link: LinkMaker, clock: Clock, limits: Limits, tell: Callable[[int], None]
) -> dict[int, Identity]:
    """Units of the URL that answer, each asked for its identification only.

    Raises ``Missing`` when nobody is at the address at all.
    """
    found: dict[int, Identity] = {}
    trouble: Missing | None = None
    began_ns = clock.monotonic_ns()
    for unit in target.units:
        tell(unit)
        left = Limits(limits.requests, limits.time_ns - (clock.monotonic_ns() - began_ns), limits.spacing_ns)
        if left.time_ns <= 0:
            break
        asker = Asker(make_link(replace(target.spec, unit=unit)), clock, left)
        try:
            found[unit] = await contact(asker, target, unit)
        except UnitMissing as exc:
            trouble = exc
        except Missing:
            raise
        finally:
            asker.close()
        await clock.sleep_until(clock.monotonic_ns() + limits.spacing_ns)
    if not found and trouble is not None and len(target.units) == 1:
        raise trouble
    return found
