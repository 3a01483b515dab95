"""Modbus: the driver of a device, what it reads and writes; its requests travel over ``drivers.links``."""
