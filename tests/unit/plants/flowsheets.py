"""Small flowsheets for tests, as texts."""

from pathlib import Path

from plant_models.library import PLANTS
from plant_models.model import PlantModel, PlantType

ATMOSPHERE_PA = 101325.0
WATER_KG_M3 = 998.2
C_J_KGK = 4182.0
G_M_S2 = 9.81


def plant_type(text: str, name: str = "plant.yaml") -> PlantType:
    """The plant that a text describes."""
    return PLANTS.open("flowsheet", Path(name), text)


def plant(text: str, integrator: str = "") -> PlantModel:
    """The same, at its beginning."""
    return plant_type(text).create(integrator=integrator)


def between_boundaries(units: str, path: str, initial: str = "{}", upstream: str = "2 bar") -> str:
    """``path`` (``V -> P``) between a source at ``upstream`` and a sink at 1 bar."""
    return f"""
units:
  feed: {{type: source, pressure: {upstream}}}
  out: {{type: sink, pressure: 1 bar}}
  {units}
connections: [feed -> {path} -> out]
initial: {initial}
"""
