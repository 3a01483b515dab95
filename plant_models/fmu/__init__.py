"""Plants from FMUs: other people's models behind the Functional Mock-up Interface, 2 and 3, co-simulation.

Called by   ``plant_models.library`` (``read_fmu`` as the reader of the kind ``fmu``).
Knows       FMPy, which is loaded only when an FMU is opened (extra ``fmu``).
"""
