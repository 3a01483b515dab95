"""``dcs device …``: get to know a field device, watch it, check a loop.

Called by   ``dcs.cli.main``, which takes the commands into the command line. Work is done elsewhere, imported when asked for.
"""

from pathlib import Path
from typing import Annotated

import typer

device_app = typer.Typer(no_args_is_help=True, help="Field devices: probe an unknown one, watch values, check a loop.")

Url = Annotated[
    str,
    typer.Argument(
        metavar="URL",
        help="modbus://host:port?unit=1, modbus-rtu-over-tcp://, modbus-tls://, modbus-rtu:///dev/ttyUSB0?baud=9600&unit=1 "
        "or opc.tcp://host:port/path. Several units: ?unit=1-20.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
User = Annotated[str, typer.Option("--user", metavar="NAME", help="OPC UA: user name (default: anonymous).")]
PasswordEnv = Annotated[
    str, typer.Option("--password-env", metavar="VARIABLE", help="OPC UA: environment variable with the password.")
]
Security = Annotated[
    str, typer.Option("--security", metavar="MODE", help="OPC UA: none, sign or sign_and_encrypt.")
]
Policy = Annotated[str, typer.Option("--policy", metavar="NAME", help="OPC UA: security policy.")]
OwnCertificate = Annotated[
    str, typer.Option("--certificate", metavar="FILE", help="OPC UA: our certificate; made when not given.")
]
OwnKey = Annotated[str, typer.Option("--key", metavar="FILE", help="OPC UA: our private key.")]


@device_app.command("probe")
def probe_device(
    url: Url,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write what was found: a map file, or a list of points.")
    ] = None,
    ranges: Annotated[
        list[str] | None,
        typer.Option("--range", metavar="TABLE:FIRST-LAST", help="Look only there: holding:0-999. May be repeated."),
    ] = None,
    thorough: Annotated[bool, typer.Option("--thorough", help="Try every address, not every eighth.")] = False,
    samples: Annotated[int, typer.Option("--samples", metavar="N", min=1, max=100, help="Times that all is read.")] = 5,
    every: Annotated[str, typer.Option("--every", metavar="DURATION", help="Time from sample to sample.")] = "1s",
    spacing: Annotated[
        str, typer.Option("--spacing", metavar="DURATION", help="Least time between an answer and the next request.")
    ] = "20ms",
    requests: Annotated[int, typer.Option("--requests", metavar="N", min=1, help="Most requests.")] = 2000,
    duration: Annotated[str, typer.Option("--for", metavar="DURATION", help="Longest time.")] = "2min",
    user: User = "",
    password_env: PasswordEnv = "",
    security: Security = "none",
    policy: Policy = "Basic256Sha256",
    certificate: OwnCertificate = "",
    key: OwnKey = "",
    as_json: AsJson = False,
) -> None:
    """Find out what a device is and what stands in it. Never writes to it; Ctrl-C keeps what was found."""
    from dcs.cli.device_probe import ProbeRequest, probe_url

    request = ProbeRequest(
        url, out, tuple(ranges or ()), thorough, samples, every, spacing, requests, duration, as_json,
        user, password_env, security, policy, certificate, key,
    )  # fmt: skip
    raise typer.Exit(probe_url(request))


@device_app.command("watch")
def watch_device(
    target: Annotated[str, typer.Argument(metavar="CONFIG|URL", help="A plant, or the URL of a device with --map.")],
    device: Annotated[str, typer.Argument(metavar="[DEVICE]", help="A device of the plant.")] = "",
    map_name: Annotated[
        str, typer.Option("--map", metavar="FILE|NAME", help="A map file, or a map of the library (with a URL).")
    ] = "",
    points: Annotated[str, typer.Option("--points", metavar="PATTERN", help="Only these points: 'FT-*'.")] = "*",
    every: Annotated[
        str, typer.Option("--every", metavar="DURATION", help="Time from look to look (default: the device's poll).")
    ] = "",
    once: Annotated[bool, typer.Option("--once", help="Print one table and leave.")] = False,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Override one value of the configuration.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a device's values with their raw registers; a wrong byte order is visible at a glance. Never writes."""
    from dcs.cli.device_watch import WatchRequest, watch

    raise typer.Exit(watch(WatchRequest(target, device, map_name, points, every, once, as_json, tuple(sets or ()))))
