"""Units of process plants, from which a file wires a flowsheet: tank, valve, pump, pipe, exchanger and others.

Called by   ``plant_models.flowsheet`` (through ``UNIT_TYPES`` of ``plant_models.units.library``).
Knows       one file per unit type: what it declares, and its equations as kernels over a table. How a table of units is
            run is in ``plant_models.units.run``, flows and pressures are found in ``plant_models.units.network``.
"""
