"""Maps of device types: what a device of one maker and model has, where, and what that means."""
