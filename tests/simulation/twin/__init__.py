"""The same plant, seed and commands twice, once with a fault: what it changed at devices and in memory."""
