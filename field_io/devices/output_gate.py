"""The registers of a Modbus device that checks epochs, as its clients write them.

Called by   ``modbus.service`` in place of the bare registers; ``devices.simulated`` hears what was refused.
Knows       the output window (``field_io.output_window``) and the registers that its outputs have besides.
Promise     the epoch never falls. A window with a lower one, or one that is not whole, changes nothing; nor does a
            plain write of an output, unless the device lets those pass. All of them get exception 3. The epoch stands
            in a register that a reboot leaves as it is, as a retentive register of a controller does: a device that
            forgot it would take the next stale writer for the right one.
"""

from collections.abc import Callable

from field_io.devices.register_bank import RegisterBank
from field_io.modbus.pdu import BIT_TABLES, ILLEGAL_VALUE, Refused
from field_io.output_window import OutputWindow
from field_io.specs import DeviceSpec


class OutputGate:
    """``modbus.service.Registers`` of one device. ``peer`` is whose request is being served."""

    def __init__(self, spec: DeviceSpec, bank: RegisterBank) -> None:
        assert spec.epoch is not None
        self.window = OutputWindow(spec)
        self.peer = ""
        self.writer = ""  # who was accepted last
        self.refused = 0  # requests so far
        self.driven: tuple[str, ...] = ()  # outputs of the window that was accepted last
        self.on_refused: Callable[[tuple[str, ...], int], None] = lambda outputs, epoch: None
        self._bank = bank
        self._takes_plain = spec.epoch.plain_writes == "accept"

    @property
    def epoch(self) -> int:
        """The highest that was accepted; 0 = none yet."""
        window = self.window
        return window.epoch_of(self._bank.read("holding", window.address, window.epoch_count))

    def keep_epoch(self, epoch: int) -> None:
        """Put it back after the registers were set to something else."""
        self._bank.write("holding", self.window.address, self.window.epoch_bytes(epoch))

    def read(self, table: str, address: int, count: int) -> bytes:
        """Anybody may read everything."""
        return self._bank.read(table, address, count)

    def write(self, table: str, address: int, data: bytes) -> None:
        """Raises ``Refused``, and changes nothing."""
        count = len(data) // (1 if table in BIT_TABLES else 2)
        window = self.window
        if table == "holding" and address < window.address + window.count and window.address < address + count:
            self._take(address, data)
            return
        outputs = tuple(
            point.name
            for point in window.points
            if point.table == table and point.address < address + count and address < point.end
        )
        if outputs and not self._takes_plain:
            self._refuse(outputs, 0)
        self._bank.write(table, address, data)
        if outputs:
            self.writer = self.peer

    def _take(self, address: int, data: bytes) -> None:
        window = self.window
        if address != window.address or len(data) != 2 * window.count:
            self._refuse((), 0)
        epoch, places = window.head(data)
        outputs = tuple(window.names[at] for at in places)
        if epoch < max(1, self.epoch):
            self._refuse(outputs, epoch)
        self._bank.write("holding", address, data)
        for at in places:
            self._set(at, window.words_of(data, at))
        self.driven, self.writer = outputs, self.peer

    def _set(self, at: int, words: bytes) -> None:
        point, bank = self.window.points[at], self._bank
        if point.is_bit:
            bank.write(point.table, point.address, b"\x01" if any(words) else b"\x00")
        elif point.bit >= 0:
            (register,) = bank.get_words(point.table, point.address, 1)
            mask = 1 << point.bit
            bank.set_words(point.table, point.address, [register | mask if any(words) else register & ~mask])
        else:
            bank.write(point.table, point.address, words)

    def _refuse(self, outputs: tuple[str, ...], epoch: int) -> None:
        self.refused += 1
        self.on_refused(outputs, epoch)
        raise Refused(ILLEGAL_VALUE)
