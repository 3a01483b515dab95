"""All plants; importing this module fills ``plant_models.model.PLANTS`` and its readers of files.

Called by   ``dcs.node.assembly``, the configuration checker's catalogue, the manual.
"""

from plant_models import (
    column_a,
    cstr,
    drum_boiler,
    loop_bank,
    ph_neutralisation,
    quadruple_tank,
    shell_fractionator,
    wood_berry,
)
from plant_models.flowsheet import plant as flowsheet
from plant_models.fmu.plant import read_fmu
from plant_models.model import PLANTS
from plant_models.no_plant import NO_PLANT
from plant_models.tennessee_eastman import plant as tennessee_eastman

PLANTS.readers["fmu"] = read_fmu
PLANTS.readers["flowsheet"] = flowsheet.read_file
PLANTS.text_readers["flowsheet"] = flowsheet.read_text
PLANTS.stand_ins[NO_PLANT.name] = NO_PLANT

__all__ = [
    "PLANTS",
    "column_a",
    "cstr",
    "drum_boiler",
    "flowsheet",
    "loop_bank",
    "ph_neutralisation",
    "quadruple_tank",
    "shell_fractionator",
    "tennessee_eastman",
    "wood_berry",
]
