"""Plants that a file wires from units: ``model: {type: flowsheet, file: flowsheet.yaml}`` in plant.yaml.

Called by   ``plant_models.library`` (registers the reader).
Knows       the file's text, its checks, and the tables that come out of it; units are in ``plant_models.units``.
"""
