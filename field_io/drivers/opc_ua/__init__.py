"""OPC UA: the driver of a device, over sessions on a wire or in memory."""
