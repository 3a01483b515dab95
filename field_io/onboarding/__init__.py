"""Getting to know a device that nobody has described: find, identify, scan, guess, and look at it live. Reads only."""
