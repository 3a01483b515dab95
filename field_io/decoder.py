"""pymodbus' PDU decoder without its debug text, which costs more than the decoding.

Called by   both sides' adapters (``drivers.modbus_client``, ``devices.modbus_server``).
Knows       the PDU classes pymodbus has registered; everything else is left to pymodbus' own ``decode``.
"""

import struct

from pymodbus.exceptions import ModbusException
from pymodbus.pdu import DecodePDU, ModbusPDU

_PLAIN = (1, 2, 3, 4, 5, 6, 15, 16, 22, 23)
"""Function codes without a sub-function."""


class QuietDecoder(DecodePDU):
    """Decodes the common requests and answers straight; None for a malformed one, as pymodbus does."""

    def __init__(self, is_server: bool) -> None:
        super().__init__(is_server)
        self._classes = {code: self.pdu_table[code][self.pdu_inx] for code in _PLAIN}

    def decode(self, frame: bytes) -> ModbusPDU | None:
        pdu_class = self._classes.get(frame[0]) if len(frame) >= 5 else None
        if pdu_class is None:
            return super().decode(frame)
        pdu = pdu_class()
        try:
            pdu.decode(frame[1:])
        except (ModbusException, ValueError, IndexError, struct.error):
            return None
        return pdu
