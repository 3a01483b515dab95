"""Plants as equations: what the controllers control when there is no real plant.

Called by   ``dcs.node.assembly`` (through ``PLANTS``), the field node that steps a plant, tests and studies.
Knows       NumPy, SciPy and Numba; nothing of the control system.

``plant_models.library`` imports every plant and so fills ``PLANTS``.
"""
