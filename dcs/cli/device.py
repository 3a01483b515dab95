"""``dcs device …``: get to know a field device, watch it, check a loop.

Called by   ``dcs.cli.main``, which takes the commands into the command line. Work is done elsewhere,
            imported when asked for.
"""

from pathlib import Path
from typing import Annotated

import typer

device_app = typer.Typer(no_args_is_help=True, help="Field devices: probe an unknown one, watch values, check a loop.")

Url = Annotated[
    str,
    typer.Argument(
        metavar="URL",
        help="modbus://host:port?unit=1, modbus-rtu-over-tcp://, modbus-tls://, "
        "modbus-rtu:///dev/ttyUSB0?baud=9600&unit=1 or opc.tcp://host:port/path. Several units: ?unit=1-20.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
User = Annotated[str, typer.Option("--user", metavar="NAME", help="OPC UA: user name (default: anonymous).")]
PasswordEnv = Annotated[
    str, typer.Option("--password-env", metavar="VARIABLE", help="OPC UA: environment variable with the password.")
]
Security = Annotated[str, typer.Option("--security", metavar="MODE", help="OPC UA: none, sign or sign_and_encrypt.")]
Policy = Annotated[str, typer.Option("--policy", metavar="NAME", help="OPC UA: security policy.")]
OwnCertificate = Annotated[
    str, typer.Option("--certificate", metavar="FILE", help="OPC UA: our certificate; made when not given.")
]
OwnKey = Annotated[str, typer.Option("--key", metavar="FILE", help="OPC UA: our private key.")]


@device_app.command("probe")
def probe_device(
    url: Url,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write what was found: a map file, or a list of points."),
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


@device_app.command("loop-check")
def check_loop(
    run: Annotated[
        str, typer.Argument(metavar="CONFIG|RUN", help="A plant that is running, or the directory of its run.")
    ],
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help="A module with an output: FIC-101, V-101.")],
    readbacks: Annotated[
        list[str] | None,
        typer.Option("--readback", metavar="TAG", help="A tag that must follow the output, besides those found."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the record goes.")] = Path("loop-checks"),
    man: Annotated[
        bool, typer.Option("--man", help="Put the loop in Man for the check and give its mode back afterwards.")
    ] = False,
    up_only: Annotated[bool, typer.Option("--up", help="0 to 100 only, not back down.")] = False,
    tolerance: Annotated[
        float, typer.Option("--tolerance", metavar="PERCENT", min=0.01, help="Between demand and position, of span.")
    ] = 2.0,
    hold: Annotated[
        float, typer.Option("--hold", metavar="SECONDS", min=0.5, help="Settled: nothing moves so long.")
    ] = 5.0,
    wait: Annotated[float, typer.Option("--wait", metavar="SECONDS", min=1.0, help="Longest time of one step.")] = 60.0,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Who signs off.")] = "",
    verdict: Annotated[str, typer.Option("--sign", metavar="pass|fail", help="Sign off without being asked.")] = "",
    remark: Annotated[str, typer.Option("--remark", metavar="TEXT", help="Goes into the record.")] = "",
    as_json: AsJson = False,
) -> None:
    """Stroke an output 0-25-50-75-100-75-50-25-0, record what follows, give everything back, sign off."""
    from dcs.cli.device_loop_check import LoopCheckRequest, loop_check
    from dcs.core.errors import ConfigError

    if verdict not in ("", "pass", "fail"):
        raise ConfigError(f"--sign {verdict}: write pass or fail.")
    request = LoopCheckRequest(
        run, output, tuple(readbacks or ()), out, man, up_only, tolerance, hold, wait, name, verdict, remark, as_json
    )
    raise typer.Exit(loop_check(request))


@device_app.command("link")
def change_device_link(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="A device with two links: NODE-2.")],
    link: Annotated[str, typer.Argument(metavar="A|B", help="The link to use from now on.")],
    run_dir: Annotated[
        Path | None, typer.Option("--run-dir", metavar="DIR", help="The run (default: the one that runs).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change the link over which the active controller reaches a device."""
    from dcs.cli.device_link import change_link

    raise typer.Exit(change_link(run_dir, device, link, as_json))


@device_app.command("maps")
def maps(as_json: AsJson = False) -> None:
    """List the maps of device types that come with the product."""
    from dcs.cli.device_maps import list_maps

    raise typer.Exit(list_maps(as_json))
