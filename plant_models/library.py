"""All plants; importing this module fills ``plant_models.model.PLANTS``.

Called by   ``dcs.node.assembly``, the configuration checker's catalogue, the manual.
"""

from plant_models import loop_bank, quadruple_tank
from plant_models.model import PLANTS

__all__ = ["PLANTS", "loop_bank", "quadruple_tank"]
