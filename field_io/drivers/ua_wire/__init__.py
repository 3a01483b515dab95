"""OPC UA over TCP: the only package of the driver side that knows asyncua.

``session``   connecting, requests, the end
``publish``   the subscription's loop
``values``    asyncua's values and nodes <-> ours
"""
