"""The Modbus protocol without any input or output: bytes in, bytes out.

``pdu``      requests and answers of the function codes that we speak, from the client's side
``service``  the same from the server's side: a request served from the registers of a unit
``framing``  how a PDU travels: MBAP (TCP, TLS) and RTU (serial lines, and RTU over TCP)

Source: Modbus application protocol V1.1b3, Modbus messaging on TCP/IP V1.0b, Modbus over serial line V1.02.
"""
