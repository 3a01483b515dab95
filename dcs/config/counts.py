"""How much a plant holds of everything, as its author counts: what is made for devices and pairs is not in it.

Called by   ``dcs check``, ``dcs init``.
Knows       the checked configuration.
"""

from dcs.config.plant_config import PlantConfig

_MADE = ("FIELD_DEVICE", "DEVICE_REDUNDANCY", "CONTROLLER_PAIR")


def counts_of(config: PlantConfig) -> dict[str, int]:
    """Devices, points, modules, blocks, alarms."""
    strategies = [controller.strategy for controller in config.controllers]
    made = {spec.name.partition(".")[0] for one in strategies for spec in one.blocks if spec.type in _MADE}
    return {
        "devices": len(config.devices),
        "points": sum(len(device.points) for device in config.devices),
        "modules": sum(module.name not in made for one in strategies for module in one.modules),
        "blocks": sum(spec.type not in _MADE for one in strategies for spec in one.blocks),
        "alarms": sum(alarm.module not in made for one in strategies for alarm in one.alarms),
    }
