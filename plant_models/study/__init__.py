"""A plant model alone: run it, look at it where it stands, see how it answers a step.

Called by   ``dcs.node.assembly`` for ``dcs plant``, and studies in Python.
Knows       ``PlantModel``; no field, no control system.
"""
