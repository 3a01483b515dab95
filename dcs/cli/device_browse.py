"""``dcs device probe opc.tcp://…``: browse a server, show its variables, write them as points.

Called by   ``dcs.cli.device_probe``.
Knows       how what was found is shown. Exit codes as for Modbus.
"""

import asyncio
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from dcs.cli.client import print_json
from dcs.cli.device_probe import ProbeRequest, Terminal, write_out
from dcs.cli.options import duration_option
from dcs.cli.table import table
from dcs.core.clock import NS_PER_S, WallClock, utc_text
from dcs.core.errors import ConfigError, DcsError, LinkDown, Missing
from dcs.node.run_dirs import state_dir
from field_io.onboarding.contact import address_of
from field_io.onboarding.target import Target
from field_io.onboarding.ua_points import FoundNode, point_names, points_text
from field_io.opc_ua.refusals import SessionRefused
from field_io.specs import OpcUaAccess

if TYPE_CHECKING:
    from field_io.drivers.opc_ua.wire.session import WireUaSession

ROWS_SHOWN = 60
SECURITIES = ("none", "sign", "sign_and_encrypt")


async def browse_url(request: ProbeRequest, target: Target) -> int:
    """Browse; the exit code. Raises ``ConfigError``, ``Missing``."""
    from field_io.drivers.opc_ua.wire.browse import Browsed, Browser
    from field_io.drivers.opc_ua.wire.session import WireUaSession

    if request.security not in SECURITIES:
        raise ConfigError(f"--security {request.security}: write one of {', '.join(SECURITIES)}.")
    access = replace(
        target.spec.opc_ua or OpcUaAccess(),
        security=request.security,
        policy=request.policy,
        user=request.user,
        password_env=request.password_env,
        certificate=request.certificate,
        key=request.key,
    )
    spec = replace(target.spec, opc_ua=access)
    session = WireUaSession(spec, state_dir() / "certificates" / "probe", "probe")
    terminal = Terminal()
    seconds = duration_option("--for", request.duration) / NS_PER_S
    spacing_s = duration_option("--spacing", request.spacing) / NS_PER_S
    browser = Browser(session, request.requests, spacing_s, terminal.browsed)
    found: Browsed = browser.found
    try:
        await _connect(session, address_of(spec))
        async with asyncio.timeout(seconds):
            found = await browser.run()
    except TimeoutError:
        found.ended = f"{seconds:g} s are spent: there may be more"
    except asyncio.CancelledError:
        found.ended = "stopped by hand"
    except LinkDown as exc:
        if not found.nodes:
            raise Missing(f"{address_of(spec)} was lost while browsing: {exc}.") from None
        found.ended = str(exc)
    finally:
        terminal.clear()
        session.abort()
    text = points_text(found.nodes, spec, utc_text(WallClock().time_ns())[:10], found.ended)
    if request.out is not None and found.nodes:
        write_out(request.out, text)
    if request.as_json:
        nodes = [asdict(node) for node in found.nodes]
        print_json({"url": target.url, "server": found.server, "nodes": nodes, "ended": found.ended})
    else:
        _print(target, found.server, found.nodes, found.ended, request)
    return 0 if found.nodes else 1


async def _connect(session: "WireUaSession", where: str) -> None:
    try:
        await session.connect()
    except SessionRefused as exc:
        raise Missing(
            f"{where} speaks OPC UA, but does not let us in: {exc}. Options: --user and --password-env, --security "
            "sign_and_encrypt, --certificate and --key."
        ) from None
    except LinkDown as exc:
        if "accepts no connection" in str(exc):
            raise Missing(
                f"Nobody listens on {where}. Is the server on, the address right, a firewall between?"
            ) from None
        raise Missing(f"{where} does not speak OPC UA as it should: {exc}. Is it another service?") from None
    except DcsError as exc:
        raise Missing(str(exc)) from None


def _print(target: Target, server: str, nodes: list[FoundNode], ended: str, request: ProbeRequest) -> None:
    print(f"{target.url}  {server or 'it does not say what it is'}")
    if not nodes:
        print("It shows no variables to this user. Try --user and --password-env.")
        return
    print(f"{len(nodes)} variables" + (f"; not whole: {ended}" if ended else "") + "\n")
    rows = [
        [name, node.type or "—", node.value_text[:14], node.unit, node.range_text, "yes" if node.writable else ""]
        for name, node in zip(point_names(nodes), nodes, strict=True)
    ]
    print(table(["name", "type", ">value", "unit", "range", "writable"], rows[:ROWS_SHOWN]))
    if len(rows) > ROWS_SHOWN:
        print(f"… {len(rows) - ROWS_SHOWN} more")
    if request.out is not None:
        print(f"\nWritten to {request.out}, as a device for field.yaml with node identifiers by namespace URI.")
    else:
        print("\nWrite them to a file with --out points.yaml.")
