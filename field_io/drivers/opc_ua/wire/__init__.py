"""OPC UA over TCP: the only package of the driver side that knows asyncua.

``session``   connecting, requests, the end
``publish``   the subscription's loop
``trouble``   what it raises, in words
``values``    asyncua's values and nodes <-> ours
"""
