"""``dcs init``: a new plant folder that runs, as a copy of a shipped plant or from an I/O list."""

from pathlib import Path

from dcs.config.counts import counts_of
from dcs.config.find import find_config, shipped_configs
from dcs.config.new_folder import check_new, copy_folder, plant_name, write_folder
from dcs.config.problems import did_you_mean
from dcs.core.errors import ConfigError
from dcs.node.assembly import load_configuration

DEFAULT_TEMPLATE = "quadruple_tank"


def init_plant(folder: Path, template: str | None, io_list: Path | None) -> int:
    """Make the folder and say what to do with it."""
    check_new(folder)
    if template is not None and io_list is not None:
        raise ConfigError("--template and --from-io-list exclude each other. Give one of them.")
    if io_list is not None:
        notes = _from_io_list(folder, io_list)
    else:
        notes = []
        _from_template(folder, template or DEFAULT_TEMPLATE)
    for note in notes:
        print(f"note: {note}.")
    config = load_configuration(folder)
    counts = counts_of(config)
    print(f"{folder}: " + ", ".join(f"{counts[what]} {what}" for what in ("modules", "blocks", "alarms")) + ".")
    print(f"Check it with `dcs check {folder}`, run it with `dcs run {folder}` or `dcs simulate {folder}`.")
    return 0


def _from_template(folder: Path, template: str) -> None:
    shipped = shipped_configs()
    if template not in shipped:
        hint = did_you_mean(template, shipped, "There are")
        raise ConfigError(f"--template {template}: no plant of that name comes with the product. {hint}")
    copy_folder(find_config(template), folder, True, load_configuration)


def _from_io_list(folder: Path, path: Path) -> list[str]:
    from dcs.config.io_list import read_io_list
    from dcs.config.io_plant import plant_from

    name = plant_name(folder)
    text = plant_from(read_io_list(path), name, name.replace("_", " "))
    write_folder(text.files, folder, load_configuration)
    return text.notes
