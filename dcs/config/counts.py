"""How much a plant holds of everything, as its author counts: what is made by itself for every device is not in it.

Called by   ``dcs check``, ``dcs init``.
Knows       the checked configuration.
"""

from dcs.config.plant_config import PlantConfig


def counts_of(config: PlantConfig) -> dict[str, int]:
    """Devices, points, modules, blocks, alarms."""
    strategies = [controller.strategy for controller in config.controllers]
    made = {spec.name.partition(".")[0] for one in strategies for spec in one.blocks if spec.type == "FIELD_DEVICE"}
    return {
        "devices": len(config.devices),
        "points": sum(len(device.points) for device in config.devices),
        "modules": sum(module.name not in made for one in strategies for module in one.modules),
        "blocks": sum(spec.type != "FIELD_DEVICE" for one in strategies for spec in one.blocks),
        "alarms": sum(alarm.module not in made for one in strategies for alarm in one.alarms),
    }
