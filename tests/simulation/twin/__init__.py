"""The same plant, seed and commands twice, once with a fault: what the takeover changed at the devices and in memory."""
