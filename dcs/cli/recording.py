"""``--record DIR`` of ``dcs run`` and ``dcs simulate``: the traffic of every Modbus device, one file a controller.

Called by   ``dcs.cli.main``, ``dcs.cli.starts``.
Knows       that it is the key `record` of each device, given as an override.
"""

from pathlib import Path
from typing import Annotated

import typer

Record = Annotated[
    Path | None,
    typer.Option("--record", metavar="DIR", help="Record the traffic with every Modbus device, to be replayed."),
]


def with_recording(config: str, sets: tuple[str, ...], folder: Path | None) -> tuple[str, ...]:
    """The overrides, and those that make every Modbus device recorded. Raises ``ConfigError``."""
    if folder is None:
        return sets
    from dcs.config.find import find_config
    from dcs.node.assembly import load_configuration

    devices = load_configuration(find_config(config), sets).devices
    folder = folder.resolve()
    return (*sets, *(f"field.devices.{device.name}.record={folder}" for device in devices if device.is_modbus))
