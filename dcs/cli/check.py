"""``dcs check``: is a plant folder fit to start?"""

import json

from dcs.config.counts import counts_of
from dcs.config.find import find_config
from dcs.config.plant_config import PlantConfig
from dcs.core.errors import ConfigError, ConfigErrors
from dcs.node.assembly import FIELD_NODE, disturbances, load_configuration, node_kind
from field_io.specs import part_names

NOTES_SHOWN = 100
"""A list of ten thousand points that nothing uses yet is said once and not line by line."""


def check_plant(name: str, overrides: tuple[str, ...], as_json: bool) -> int:
    """Check and tell; 0 when it may start, 2 when not."""
    try:
        config = load_configuration(find_config(name), overrides)
        check_pictures(config)
        compile_user_blocks()
    except ConfigError as error:
        errors = error.errors if isinstance(error, ConfigErrors) else [error]
        if as_json:
            print(json.dumps({"ok": False, "errors": [_error_dict(one) for one in errors]}, indent=1))
        else:
            for one in errors:
                print(one)
            print(f"{len(errors)} error{'s' if len(errors) > 1 else ''}. Nothing was started.")
        return ConfigError.exit_code
    counts = counts_of(config)
    if as_json:
        notes = [_error_dict(note) for note in config.notes]
        print(json.dumps({"ok": True, "plant": config.name, "notes": notes, **counts}, indent=1))
    else:
        for note in config.notes[:NOTES_SHOWN]:
            print(f"note: {note}")
        if len(config.notes) > NOTES_SHOWN:
            print(f"note: {len(config.notes) - NOTES_SHOWN} more such notes; `--json` lists them all.")
        print(f"{config.name} is fit to start: " + ", ".join(f"{count} {what}" for what, count in counts.items()) + ".")
    return 0


def compile_user_blocks() -> None:
    """Raises ``ConfigError`` for a block type of the user that does not compile; others have been compiled before."""
    from dcs.blocks.declare import BLOCK_TYPES
    from dcs.config.user_blocks import is_user_block

    own = [kind for kind in BLOCK_TYPES.values() if is_user_block(kind)]
    if own:
        from dcs.engine.kernels import jit_enabled, kernel_address

        for kind in own if jit_enabled() else ():
            kernel_address(kind)


def check_pictures(config: PlantConfig) -> None:
    """Raises ``ConfigErrors`` for displays or a story that the operator station could not show."""
    check_displays(config)
    check_acts(config)


def check_acts(config: PlantConfig) -> None:
    """Raises ``ConfigErrors`` for a story that names what this plant does not have."""
    from field_io.fault_kinds import subjects_of
    from hmi.story_file import FILE_NAME, Known, check_story, load_story

    path = config.folder / FILE_NAME
    if not path.is_file():
        return
    strategies = [controller.strategy for controller in config.controllers]
    tags = [tag for strategy in strategies for tag in strategy.tags]
    kinds = {name: node_kind(config, name) for name in config.nodes}
    simulated = [device for device in config.devices if device.simulate] if FIELD_NODE in config.nodes else []
    members = [member for controller in config.controllers for member in controller.members]
    known = Known(
        tags={tag.name for tag in tags},
        writable={tag.name for tag in tags if tag.writable},
        modules={module.name for strategy in strategies for module in strategy.modules},
        displays={display.stem for display in config.displays},
        points={point.name for device in simulated for point in device.points if point.signal is not None},
        devices={name for device in simulated for name in (device.name, *part_names(device))},
        disturbances=disturbances(config),
        nodes={name for name, kind in kinds.items() if kind in ("controller", "witness")},
        pairs={controller.name for controller in config.controllers},
        subjects={subject.name: subject for subject in subjects_of(simulated, members)},
    )
    errors = check_story(load_story(path), known)
    if errors:
        raise ConfigErrors(errors)


def check_displays(config: PlantConfig) -> None:
    """Raises ``ConfigErrors`` for a drawing that does not load or shows a tag that nobody publishes."""
    from hmi.model.displays import load_displays

    folder = config.folder / "displays"
    if not folder.is_dir():
        return
    strategies = [controller.strategy for controller in config.controllers]
    tags = {tag.name for strategy in strategies for tag in strategy.tags}
    modules = {module.name for strategy in strategies for module in strategy.modules}
    errors = [error for display in load_displays(folder) for error in display.missing_tags(tags, modules)]
    if errors:
        raise ConfigErrors(errors)


def _error_dict(error: ConfigError) -> dict[str, object]:
    return {"file": error.place.file, "line": error.place.line, "message": error.message}
