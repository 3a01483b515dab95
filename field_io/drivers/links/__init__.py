"""What carries the requests of a Modbus driver: a connection of its own, a share in one, two, or none at all."""
