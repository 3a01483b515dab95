"""What both sides of OPC UA know, without any input or output and without a library.

``nodes``      how a node is named in configuration files
``status``     status codes, and what they are on our status byte
``variants``   the types of values and what fits into them
``messages``   samples, and the order of the notifications of a subscription
``refusals``   what a server refuses
``certificates``  our own, and those of servers that we have met
``network``    the cables of the box: which simulated device answers at which address

Source: OPC 10000-3, -4, -6 and -8 (OPC UA core), OPC 30081 (process automation devices, PA-DIM).
"""
